"""Units: the tree of a day with the indicators' figures, and one unit through the reform, with whom to call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.called import PHONE_NUMBER, UNIT, called
from tests.browser.conftest import PHONE, visiting
from tests.browser.explored import Place
from tests.integration.history_place import PASSWORD
from tests.servers import Servers

_LISTED = (
    "dossier.open,dossier.overdue,dossier.due_24h,dossier.late_without_apology,queue.waiting,camera.down"
)


@pytest.fixture(scope="module")
def place(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with called(servers, tmp_path_factory.mktemp("pack")) as found:
        yield found


def _figures(place: Place, query: str) -> list[float | None]:
    found: Any = place.api(f"kpis/current?{query}")["figures"]
    return [figure["value"] for figure in found]


def _shown(page: Page, unit: str) -> list[float | None]:
    row = page.locator("#main tbody tr").filter(has=page.get_by_role("link", name=unit, exact=True))
    expect(row.locator("[data-value]").first).to_be_attached()
    values = [cell.get_attribute("data-value") for cell in row.locator("[data-value]").all()]
    return [float(value) if value else None for value in values]


def test_the_tree_of_today_has_the_indicators_figures(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url, color_scheme="light") as visitor:
        page = visitor.page
        visitor.log_in("planner", PASSWORD, then="/ops/units")
        for unit, name in (
            (UNIT, "Xã Phước Thạnh"),
            ("go-dau", "Khu vực Gò Dầu"),
            ("go-dau.phuong", "Phường Gò Dầu"),
        ):
            assert _shown(page, name) == _figures(place, f"ids={_LISTED}&units={unit}"), unit
        row = page.locator("#main tbody tr").filter(has_text="Xã Phước Thạnh")
        expect(row.get_by_role("link", name=PHONE_NUMBER)).to_have_attribute("href", "tel:02760000001")
        expect(row.get_by_role("link", name="1", exact=True)).to_have_attribute(
            "href", f"/ops/alerts?unit={UNIT}"
        )
        visitor.judge()

        # what changes is shown, without loading the page again
        with psycopg.connect(place.database, autocommit=True) as connection:
            connection.execute("UPDATE ioc.alert SET cleared_at = now() WHERE key = 'k'")
            try:
                expect(row.locator("td").nth(6)).to_have_text("0")
            finally:
                connection.execute("UPDATE ioc.alert SET cleared_at = NULL WHERE key = 'k'")

        page.locator("input[name=at]").fill("2025-06-30")
        page.get_by_role("button", name="Xem").click()
        expect(page.get_by_role("link", name="Xã Hiệp Thạnh (đến 30/06/2025)")).to_be_visible()
        expect(page.get_by_role("link", name="Xã Phước Thạnh", exact=True)).to_have_count(0)
        visitor.go("/ops/units?at=yesterday")
        expect(page.get_by_role("alert")).to_contain_text("Write it as 2025-06-30")
        expect(page.get_by_role("link", name="Xã Phước Thạnh", exact=True)).to_be_visible()


def test_one_unit_tells_whom_to_call_what_it_came_from_and_how_it_stands(
    place: Place, chromium: Browser
) -> None:
    with visiting(chromium, place.url, color_scheme="dark") as visitor:
        page = visitor.page
        visitor.log_in("planner", PASSWORD, then="/ops/units")
        page.get_by_role("link", name="Xã Phước Thạnh", exact=True).focus()
        page.keyboard.press("Enter")
        phone = page.get_by_role("link", name=f"Gọi {PHONE_NUMBER}")
        expect(phone).to_have_attribute("href", "tel:02760000001")
        expect(page.get_by_text("Trực lãnh đạo").first).to_be_visible()

        # figures by indicator, as the API has them, and the way to their history
        overdue = page.get_by_role("link", name="Hồ sơ quá hạn đang giải quyết")
        expect(overdue).to_have_attribute(
            "href", f"/ops/history?ids=dossier.overdue&units={UNIT}&period=last-30-days"
        )
        row = page.locator("tr").filter(has=overdue)
        expect(row.locator("[data-value]")).to_have_attribute("data-value", "2.0")
        assert _figures(place, f"ids=dossier.overdue&units={UNIT}") == [2]
        # devices with their states, told by sign and word
        expect(page.locator("tr").filter(has_text="cam-phuoc-thanh-01").first).to_contain_text("✕ hỏng")
        expect(page.locator("tr").filter(has_text="ap-phuoc-thanh-01")).to_contain_text("✓ tốt")
        expect(page.locator("tr").filter(has_text="cam-phuoc-thanh-02")).to_contain_text("? không rõ")
        expect(page.get_by_role("link", name="Bộ phận Một cửa Hiệp Thạnh")).to_have_attribute(
            "href", "tel:02760000002"
        )
        # open alerts, and who is on duty for it
        expect(page.get_by_role("link", name="Camera mất tín hiệu")).to_be_visible()
        expect(page.locator("tr").filter(has_text="Trực điều hành").first).to_contain_text("rực ban")
        visitor.judge()

        page.get_by_role("link", name="Xã Hiệp Thạnh", exact=True).click()
        expect(page.get_by_text("không còn từ 01/07/2025")).to_be_visible()
        expect(page.get_by_text("Chưa có số gọi")).to_contain_text("go-dau.hiep-thanh")
        page.get_by_role("link", name="Xã Phước Thạnh", exact=True).click()
        expect(phone).to_be_visible()
        page.get_by_role("link", name="Quá hạn", exact=True).click()
        expect(page.locator("#list tbody tr")).to_have_count(2)
        visitor.go("/ops/units/nowhere")
        expect(page.get_by_role("alert")).to_contain_text("nowhere")


def test_a_guest_sees_figures_and_nobody_to_call(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        visitor.go("/ops/units?lang=en")
        assert _shown(page, "Phước Thạnh commune")[1] == 2
        visitor.judge()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        visitor.go(f"/ops/units/{UNIT}?lang=en")
        expect(page.get_by_role("link", name="Overdue dossiers", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Log in to see numbers")).to_be_visible()
        expect(page.locator("body")).not_to_contain_text("0276")
        expect(page.get_by_role("heading", name="On duty")).to_have_count(0)
        visitor.judge()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_api_tells_readers_by_name_whom_to_call(place: Place) -> None:
    def told(auth: tuple[str, str] | None) -> list[tuple[str | None, str | None]]:
        answer = httpx.get(f"{place.url}/api/v1/units", auth=auth, timeout=30)
        assert answer.status_code == 200
        return [(unit["phone"], unit["contact"]) for unit in answer.json()["units"] if unit["code"] == UNIT]

    assert told(("planner", PASSWORD)) == [(PHONE_NUMBER, "Trực lãnh đạo")]
    assert told(None) == [(None, None)]


def test_figures_that_are_old_say_so(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        page = visitor.page
        visitor.go(f"/ops/units/{UNIT}")
        stands = page.locator("[data-value='2.0']").first
        expect(stands).to_be_attached()
        with psycopg.connect(place.database, autocommit=True) as connection:
            connection.execute("ALTER TABLE ioc.kpi_target RENAME TO kpi_target_away")
            try:
                expect(page.locator(".ops-stale")).to_contain_text("Số liệu đã cũ")
                expect(stands).to_be_attached()
            finally:
                connection.execute("ALTER TABLE ioc.kpi_target_away RENAME TO kpi_target")
        expect(page.locator(".ops-stale")).to_be_empty()
