"""The page of alerts in a real browser: what is shown, what is done, by whom, and by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ioc.alerts import actions
from ioc.alerts.model import Severity
from ioc.kpi.query import SYSTEM_READER
from ioc.kpi.steps import run
from tests.browser.away import away
from tests.browser.conftest import PHONE, visiting
from tests.integration.alert_place import HANDED, OWN, SITES, SLOW, Place, begin, prepare
from tests.integration.alerting import POLICY, bring_in
from tests.integration.history_place import PASSWORD, serving
from tests.servers import Servers

#: Its text is markup on purpose: it has to arrive as text.
MARKUP = "<img src=x onerror=alert(1)> đang đến điểm 4"


@dataclass(frozen=True)
class Room:
    url: str
    database: str
    connection: psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def room(servers: Servers) -> Iterator[Room]:
    url = servers.new_database()
    settings = servers.new_settings(database=url, with_topics=False, topic_prefix="")
    with psycopg.connect(url, autocommit=True) as connection:
        prepare(connection)
        connection.execute("UPDATE ioc.reader SET role = 'operator' WHERE name IN ('chief', 'head')")
        with serving(url, settings.state_dir) as (address, _):
            yield Room(address, url, connection)
    servers.drop_database(url)


@pytest.fixture
def desk(room: Room) -> Place:
    found = begin(room.connection)
    found.now = datetime.now(UTC) - timedelta(minutes=40)
    rules = (
        replace(HANDED, name_vi="Camera mất tín hiệu", name_en="Camera away", severity=Severity.CRITICAL),
        replace(SITES, name_vi="Điểm mất điện", name_en="Site without power"),
        replace(SLOW, name_vi="Wifi mất", name_en="Wifi away", severity=Severity.WARNING),
        OWN,
    )
    handed = type(POLICY)("handed", "Bàn giao", "Handed", POLICY.steps, ack_for=timedelta(hours=2))
    found.book = bring_in(room.connection, rules, (POLICY, handed))
    return found


def _row(page: Page, number: int) -> Locator:
    return page.locator(f"#alerts [data-alert='{number}']")


def _acknowledged(room: Room, number: int) -> object:
    row = room.connection.execute(
        "SELECT acknowledged_by FROM ioc.alert WHERE alert_id = %s", (number,)
    ).fetchone()
    assert row is not None
    return row[0]


def test_everything_is_done_by_keyboard(room: Room, desk: Place, chromium: Browser) -> None:
    first = desk.open("camera.down", "device:cam-01")
    desk.now += timedelta(minutes=1)
    second = desk.open("camera.down", "device:cam-02")
    third = desk.open("wifi.down", "device:ap-01")
    with visiting(chromium, room.url, color_scheme="light") as visitor:
        visitor.log_in("chief", PASSWORD, "/ops/alerts")
        page, keys = visitor.page, visitor.page.keyboard
        expect(page.locator("#alerts li")).to_have_count(3)
        expect(page.locator("#counts")).to_have_text("3 đang mở · 3 chưa ai nhận")
        visitor.judge()

        keys.press("j")
        expect(_row(page, second).locator("a")).to_be_focused()
        keys.press("ArrowDown")
        expect(_row(page, first).locator("a")).to_be_focused()
        keys.press("k")
        keys.press("Enter")
        expect(page.locator("#details h2")).to_have_text("Camera mất tín hiệu")
        expect(page).to_have_url(f"{room.url}/ops/alerts?alert={second}")
        expect(page.locator("#details")).to_contain_text("Gọi người trực.")
        visitor.judge()
        keys.press("a")
        expect(page.get_by_role("status")).to_have_text("Đã xác nhận 1 cảnh báo.")
        expect(_row(page, second)).to_contain_text("chief nhận")
        assert _acknowledged(room, second) == "chief"
        expect(_row(page, second).locator("a")).to_be_focused()

        keys.press("c")
        box = page.get_by_role("textbox", name="Ghi chú")
        expect(box).to_be_focused()
        visitor.judge()
        keys.type(MARKUP)
        keys.press("Tab")
        keys.press("Tab")
        keys.press("Enter")
        expect(page.locator(".ops-said")).to_have_text(MARKUP)
        expect(page.locator("dialog[open]")).to_have_count(0)
        assert page.locator("#details img").count() == 0

        keys.press("j")
        keys.press("x")
        keys.press("j")
        keys.press("x")
        expect(page.locator("#on")).to_have_text("2 cảnh báo đã chọn")
        keys.press("s")
        expect(page.get_by_label("1 giờ")).to_be_focused()
        keys.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Đã hoãn 2 cảnh báo.")
        expect(_row(page, third)).to_contain_text("Hoãn đến")
        keys.press("?")
        expect(page.get_by_role("dialog", name="Phím tắt")).to_be_visible()
        visitor.judge()
        keys.press("Escape")
        keys.press("/")
        expect(page.locator("#find")).to_be_focused()
        keys.type("ap-01")
        expect(page.locator("#alerts li")).to_have_count(1)
        expect(page).to_have_url(f"{room.url}/ops/alerts?text=ap-01&alert={second}")
        assert _acknowledged(room, third) is None
        page.reload()
        expect(page.locator("#find")).to_have_value("ap-01")
        expect(page.locator("#alerts li")).to_have_count(1)


def test_an_alert_is_given_to_somebody_and_what_was_done_is_taken_back(
    room: Room, desk: Place, chromium: Browser
) -> None:
    number = desk.open("camera.down", "device:cam-01")
    with visiting(chromium, room.url) as visitor:
        visitor.log_in("chief", PASSWORD, f"/ops/alerts?alert={number}")
        page, keys = visitor.page, visitor.page.keyboard
        expect(page.locator("#details h2")).to_be_visible()
        row = _row(page, number)
        row.locator("a").focus()
        keys.press("g")
        expect(page.get_by_label("Giao cho")).to_be_focused()
        visitor.judge()
        for _ in range(8):
            keys.press("Tab")
            if page.evaluate("document.activeElement.type") == "submit":
                break
        keys.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Đã giao 1 cảnh báo.")
        expect(row).to_contain_text("Giao: chief")
        assert desk.alert(number)["assigned_to"] == "chief"

        row.locator("a").focus()
        keys.press("a")
        expect(page.get_by_role("status")).to_have_text("Đã xác nhận 1 cảnh báo.")
        assert _acknowledged(room, number) == "chief"
        keys.press("u")
        expect(page.get_by_role("status")).to_have_text("Đã bỏ xác nhận 1 cảnh báo.")
        assert _acknowledged(room, number) is None


def test_new_alerts_appear_by_themselves_and_nothing_is_lost(
    room: Room, desk: Place, chromium: Browser
) -> None:
    old = [desk.open("wifi.down", f"device:ap-{n:02}") for n in range(30)]
    with visiting(chromium, room.url, color_scheme="dark") as visitor:
        visitor.log_in("head", PASSWORD, "/ops/alerts")
        page = visitor.page
        expect(page.locator("#alerts li")).to_have_count(30)
        _row(page, old[3]).locator("input").check()
        _row(page, old[1]).locator("a").focus()
        page.mouse.wheel(0, 10_000)
        place = _row(page, old[1]).bounding_box()
        new = desk.open("camera.down", "device:cam-09")
        expect(page.locator("#alerts li").first).to_have_attribute("data-alert", str(new))
        expect(page.get_by_role("status")).to_have_text("Có 1 cảnh báo mới.")
        expect(_row(page, old[1]).locator("a")).to_be_focused()
        expect(_row(page, old[3]).locator("input")).to_be_checked()
        now = _row(page, old[1]).bounding_box()
        assert place is not None
        assert now is not None
        assert abs(now["y"] - place["y"]) < 2
        visitor.judge()

        # one that leaves the list while it has the focus gives it to the one in its place
        page.locator("#filters select[name=state]").select_option("waiting")
        expect(page.locator("#alerts li")).to_have_count(31)
        _row(page, new).locator("a").focus()
        page.keyboard.press("a")
        expect(page.locator("#alerts li")).to_have_count(30)
        expect(page.locator("#alerts li").first.locator("a")).to_be_focused()


def test_who_was_first_is_said_and_what_is_not_allowed_is_refused(
    room: Room, desk: Place, chromium: Browser
) -> None:
    number = desk.open("camera.down", "device:cam-01")
    with visiting(chromium, room.url) as visitor:
        visitor.log_in("chief", PASSWORD, f"/ops/alerts?alert={number}")
        page = visitor.page
        expect(page.locator("#details h2")).to_be_visible()
        # the list may be a second older than the details, and says so when it has the alert, too
        expect(_row(page, number)).to_be_visible()
        # somebody else, in the same moment: the page can't know of it yet
        with room.connection.transaction():
            run(
                room.connection,
                actions.acknowledge(SYSTEM_READER, [number], "truc-1", datetime.now(UTC), via="telegram"),
            )
            page.get_by_role("button", name="Xác nhận", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text(f"Cảnh báo {number}: truc-1 đã nhận trước")
        assert _acknowledged(room, number) == "truc-1"

        page.get_by_role("button", name="Đóng", exact=True).click()
        page.get_by_label("Lý do đóng").fill("x")
        room.connection.execute("UPDATE ioc.reader SET role = 'viewer' WHERE name = 'chief'")
        page.locator("dialog[open] button[type=submit]").click()
        expect(page.locator("dialog[open] [role=alert]")).to_contain_text("chỉ được xem")
        expect(page.get_by_label("Lý do đóng")).to_have_value("x")
        assert desk.alert(number)["cleared_at"] is None
        page.reload()
        expect(page.locator("#details h2")).to_be_visible()
        assert page.locator("[data-act], #alerts input").count() == 0
        page.evaluate("emitEvent('alerts_act', {action: 'close', near: ''})")
        page.keyboard.press("d")
        page.get_by_role("link", name="English").click()
        expect(page.locator("#counts")).to_have_text("1 open · 0 nobody is on")
        expect(page.locator(".ops-aim")).to_contain_text("look only")
        assert desk.alert(number)["cleared_at"] is None
        room.connection.execute("UPDATE ioc.reader SET role = 'operator' WHERE name = 'chief'")


def test_a_phone_shows_a_unit_s_own_and_ten_thousand_can_be_paged(
    room: Room, desk: Place, chromium: Browser
) -> None:
    mine = desk.open("camera.down", "device:cam-01", unit="go-1")
    hidden = desk.open("camera.down", "device:cam-02", unit="go-2")
    site = desk.open("site.power", "point:p1", unit="go-1", point="p1")
    room.connection.execute(
        "INSERT INTO ioc.alert (rule_id, key, severity, unit_id, subject, since, opened_at, changed_at, members,"
        " joined, detail) SELECT a.rule_id, 'many-' || n, 2, a.unit_id, 'device:many-' || n, a.since,"
        " a.opened_at - n * interval '1 second', a.changed_at, 1, 1, '{}' FROM ioc.alert a,"
        " generate_series(1, 10000) n WHERE a.alert_id = %s",
        (mine,),
    )
    with visiting(chromium, room.url, is_mobile=True, has_touch=True) as visitor:
        page = visitor.page
        page.set_viewport_size(PHONE)
        visitor.log_in("clerk", PASSWORD, "/ops/alerts")
        expect(page.locator("#counts")).to_contain_text("10.002 đang mở")
        expect(page.locator("#alerts li")).to_have_count(50)
        assert "cam-02" not in page.locator("#alerts").inner_text()
        visitor.judge()
        page.get_by_role("button", name="Trang sau").click()
        expect(page.locator(".ops-pages")).to_contain_text("51–100, còn nữa")
        page.get_by_role("button", name="Trang trước").click()
        _row(page, site).locator("a").click()
        expect(page.locator("#details h2")).to_be_visible()
        expect(page.get_by_role("button", name="Đóng chi tiết")).to_be_focused()
        visitor.judge()
        # back by the browser, or by the button: to the list either way
        page.go_back()
        expect(page).to_have_url(f"{room.url}/ops/alerts")
        expect(page.locator("#details")).to_be_hidden()
        _row(page, site).locator("a").click()
        expect(page.locator("#details h2")).to_be_visible()
        page.locator("[data-shut]").click()
        expect(page.locator("#details")).to_be_hidden()
        page.locator("#filters select[name=severity]").select_option("critical")
        expect(page.locator("#alerts li")).to_have_count(1)
        page.goto(f"{room.url}/ops/alerts?alert={hidden}&severity=major")
        expect(page.locator("#details")).to_contain_text("Không có cảnh báo này")
        page.locator("[data-shut]").click()
        page.locator("#find").fill("nothing like this")
        expect(page.locator("#alertpage")).to_contain_text("Không có cảnh báo nào khớp bộ lọc")


def test_a_database_that_is_away_is_said_and_what_is_known_stays(
    room: Room, desk: Place, chromium: Browser
) -> None:
    number = desk.open("camera.down", "device:cam-01")
    with visiting(chromium, room.url) as visitor:
        visitor.log_in("chief", PASSWORD, f"/ops/alerts?alert={number}")
        page = visitor.page
        expect(page.locator("#details h2")).to_be_visible()
        expect(_row(page, number)).to_be_visible()
        with away(room.database, room.connection):
            expect(page.locator(".ops-stale")).to_contain_text("Số liệu đã cũ: lần cập nhật cuối lúc")
            expect(page.locator(".ops-stale")).to_contain_text("Cơ sở dữ liệu không trả lời.")
            expect(_row(page, number)).to_be_visible()
            visitor.judge()
        expect(page.locator(".ops-stale")).to_be_hidden()
        page.get_by_role("button", name="Đóng", exact=True).click()
        page.get_by_label("Lý do đóng").fill("đã sửa")
        page.locator("dialog[open] button[type=submit]").click()
        expect(page.get_by_role("status")).to_have_text("Đã đóng 1 cảnh báo.")
        expect(page.locator("#alertpage")).to_contain_text("Không có cảnh báo nào đang mở")
        assert desk.alert(number)["cleared_at"] is not None
