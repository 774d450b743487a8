"""The pages of devices in a real browser: the list with its filters, and one device with its history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PHONE, visiting
from tests.integration.device_place import add_devices
from tests.integration.history_place import PASSWORD, add_places, serving
from tests.integration.kpi_data import Connection
from tests.servers import Servers


@dataclass(frozen=True)
class Room:
    url: str
    connection: Connection


@pytest.fixture(scope="module")
def room(servers: Servers) -> Iterator[Room]:
    url = servers.new_database()
    settings = servers.new_settings(database=url, with_topics=False, topic_prefix="")
    with psycopg.connect(url, autocommit=True) as connection:
        add_places(connection)
        add_devices(connection, spares=50)
        with serving(url, settings.state_dir) as (address, _):
            yield Room(address, connection)
    servers.drop_database(url)


def _codes(page: Page) -> list[str]:
    return [
        link.split("/")[-1] for link in page.locator("tbody th a").evaluate_all("a => a.map(e => e.href)")
    ]


def _row(page: Page, name: str) -> Locator:
    return page.locator("tbody tr", has=page.get_by_role("link", name=name, exact=True))


def test_the_list_shows_first_what_needs_somebody_and_keeps_itself(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url, color_scheme="light") as visitor:
        page, keys = visitor.page, visitor.page.keyboard
        visitor.log_in("chief", PASSWORD, "/ops/devices")
        expect(page.locator("tbody tr")).to_have_count(50)
        assert _codes(page)[:5] == [
            "ap-cam-giang-01",
            "cam-bau-don-01",
            "cam-cam-giang-02",
            "kiosk-01",
            "cam-cam-giang-01",
        ]
        down = _row(page, "Camera sảnh Bàu Đồn")
        expect(down).to_contain_text("thiết bị từ chối kết nối")
        expect(_row(page, "Camera cổng Cẩm Giang")).to_contain_text(
            re.compile("hình cuối 1 giờ 3[0-9] phút trước")
        )
        expect(_row(page, "Wifi Bàu Đồn")).to_contain_text("17 máy")
        expect(_row(page, "Máy lấy số")).to_contain_text("chưa từng có tin")
        visitor.judge()
        # a page of it, and back by the browser
        page.get_by_role("link", name="Trang sau").click()
        expect(page.locator("tbody tr")).to_have_count(7)
        expect(page.get_by_role("link", name="Trang đầu")).to_be_visible()
        page.go_back()
        expect(page.locator("tbody tr")).to_have_count(50)
        # filtered by keyboard alone; the address is the view
        page.locator("select[name=kind]").focus()
        keys.press("ArrowDown")
        keys.press("Tab")
        keys.press("ArrowDown")
        keys.press("Tab")
        keys.type("bàu đồn")
        keys.press("Enter")
        expect(page).to_have_url(re.compile("kind=camera&state=down&text="))
        expect(page.locator("tbody tr")).to_have_count(1)
        assert _codes(page) == ["cam-bau-don-01"]
        page.get_by_label("Số thiết bị theo trạng thái").get_by_role("link", name=re.compile("Tốt")).click()
        expect(page.locator("tbody tr")).to_have_count(1)
        assert _codes(page) == ["cam-bau-don-02"]
        # what changes shows by itself
        cell = page.locator("tbody .ops-state")
        expect(cell).to_have_text("Tốt")
        page.get_by_label("Số thiết bị theo trạng thái").get_by_role(
            "link", name=re.compile("Tất cả")
        ).click()
        expect(page.locator("tbody tr")).to_have_count(2)
        room.connection.execute(
            "UPDATE ioc.device_state SET state = 2, reason = 'black: every picture is dark' WHERE device_id ="
            " (SELECT device_id FROM ioc.device WHERE code = 'cam-bau-don-02')"
        )
        changed = _row(page, "Camera cổng Bàu Đồn")
        expect(changed.locator(".ops-state")).to_have_text("Kém")
        expect(changed).to_contain_text("hình tối đen")
        room.connection.execute(
            "UPDATE ioc.device_state SET state = 1, reason = NULL WHERE device_id ="
            " (SELECT device_id FROM ioc.device WHERE code = 'cam-bau-don-02')"
        )
        visitor.go("/ops/devices?text=nowhere&kind=toaster&after=x")
        expect(page.get_by_text("Không có thiết bị nào khớp bộ lọc.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_device_with_its_history(room: Room, chromium: Browser, scheme: Literal["light", "dark"]) -> None:
    with visiting(chromium, room.url, color_scheme=scheme) as visitor:
        page = visitor.page
        visitor.log_in("chief", PASSWORD, "/ops/devices/cam-bau-don-01")
        expect(page.get_by_role("heading", level=2)).to_have_text("Camera sảnh Bàu Đồn")
        drawing = page.get_by_role("img", name=re.compile("Trạng thái của Camera sảnh Bàu Đồn từ"))
        expect(drawing.locator(".ops-bar-down")).to_have_count(1)
        expect(drawing.locator("[fill='url(#p-maintenance)'] title")).to_have_text(re.compile("^Bảo trì: "))
        # silence, beside the ground, which is unknown too
        expect(drawing.locator("rect[fill='url(#p-unknown)']")).to_have_count(2)
        runs = page.get_by_role("region", name="Trạng thái và lý do")
        expect(runs.locator("tbody tr")).to_have_count(7)
        expect(runs.locator("tbody tr").first).to_contain_text(re.compile("2 giờ.*, đang diễn ra"))
        expect(page.locator(".ops-ladder li[data-how=failed]")).to_contain_text("Kết nối mạng")
        # the figures are those of the API
        figures = page.locator("tr", has=page.get_by_role("rowheader", name="Tỷ lệ camera hoạt động"))
        answer = httpx.get(
            f"{room.url}/api/v1/kpis/camera.availability/series",
            params={"unit": "go-1", "where": "device=cam-bau-don-01", "bucket": "1mo"},
            auth=("chief", PASSWORD),
        ).json()
        value = answer["points"][-1]["value"]
        expect(figures.locator("td").nth(1)).to_have_text(f"{value * 100:.1f} %".replace(".", ","))
        visitor.judge()
        page.get_by_role("link", name="7 ngày").click()
        expect(drawing.locator(".ops-bar-down")).to_have_count(2)
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("region", name="States and reasons")).to_contain_text("frozen: packets flow")
        expect(page.locator(".ops-one-head")).to_contain_text("ECONNREFUSED")
        if scheme == "dark":
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            visitor.judge()
            visitor.go("/ops/devices")
            page.locator("tbody tr").first.wait_for()
            visitor.judge()
            wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            assert not wide


def test_maintenance_is_planned_where_the_device_is(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url) as visitor:
        page, keys = visitor.page, visitor.page.keyboard
        visitor.log_in("chief", PASSWORD, "/ops/devices/ap-bau-don-01")
        page.get_by_role("button", name="Đặt lịch bảo trì").press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        visitor.judge()
        dialog.get_by_label("Việc gì").fill("Thay <b>bộ phát</b>")
        dialog.get_by_label("Kéo dài (giờ)").fill("nhiều")
        keys.press("Enter")
        expect(dialog.get_by_role("alert")).to_have_text("Số giờ phải là một số lớn hơn 0.")
        # nothing that was typed is lost
        expect(dialog.get_by_label("Việc gì")).to_have_value("Thay <b>bộ phát</b>")
        dialog.get_by_label("Kéo dài (giờ)").fill("1,5")
        keys.press("Enter")
        expect(page.get_by_role("status").filter(has_text="Đã đặt lịch bảo trì")).to_be_visible()
        part = page.locator("section", has=page.get_by_role("heading", name="Lịch bảo trì"))
        expect(part).to_contain_text("Thay <b>bộ phát</b>")
        expect(part).to_contain_text("do chief đặt")
        kept = room.connection.execute(
            "SELECT subjects, units, length_s, made_by FROM ioc.maintenance WHERE withdrawn_at IS NULL"
        ).fetchall()
        assert kept == [(["device:ap-bau-don-01"], ["go-1"], 5400, "chief")]
        # of another device, it is no window
        visitor.go("/ops/devices/cam-bau-don-01")
        expect(page.get_by_text("Không có lịch bảo trì nào sắp tới.")).to_be_visible()
        visitor.go("/ops/devices/ap-bau-don-01")
        # a role that was taken away meanwhile is refused, and said
        room.connection.execute("UPDATE ioc.reader SET role = 'viewer' WHERE name = 'chief'")
        page.get_by_role("button", name="Rút lại lịch").click()
        expect(page.get_by_role("status").filter(has_text="chỉ được xem")).to_be_visible()
        room.connection.execute("UPDATE ioc.reader SET role = 'leader' WHERE name = 'chief'")
        page.get_by_role("button", name="Rút lại lịch").click()
        expect(page.get_by_text("Không có lịch bảo trì nào sắp tới.")).to_be_visible()


def test_who_may_not_act_or_see_is_shown_less(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url) as visitor:
        page = visitor.page
        visitor.go("/ops/devices/ap-bau-don-01")
        expect(page.get_by_text("Đăng nhập để xem phần này.")).to_have_count(2)
        expect(page.get_by_role("button", name="Đặt lịch bảo trì")).to_have_count(0)
        # of another commune: as if there were none
        visitor.log_in("clerk", PASSWORD, "/ops/devices/cam-cam-giang-01")
        expect(page.get_by_role("alert")).to_contain_text("Không có thiết bị cam-cam-giang-01")
        visitor.go("/ops/devices")
        page.locator("tbody tr").first.wait_for()
        assert set(_codes(page)) == {"cam-bau-don-01", "cam-bau-don-02", "ap-bau-don-01", "kiosk-01"}
