"""The roster's page in a real browser: who is on duty when, what is lacking, and what people change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ioc.access import readers
from ioc.alerts.actions import acknowledge
from ioc.district import apply_pack
from ioc.duty import Person, Roster
from ioc.duty.asking import ask
from ioc.duty.model import Cover
from ioc.kpi.query import SYSTEM_READER
from ioc.kpi.steps import run
from tests.browser.conftest import PHONE, visiting
from tests.integration.alerting import Desk, a_rule, bring_in, down
from tests.integration.duty_pack import VIETNAM, daily, duty_pack
from tests.integration.history_place import PASSWORD, serving
from tests.servers import Servers

PHONE_NUMBER = "0900111222"
ZONE = ZoneInfo(VIETNAM)


@dataclass(frozen=True)
class Room:
    url: str
    connection: psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def room(servers: Servers) -> Iterator[Room]:
    """``truc`` has officers who take turns by the day and a leader by the week; ``xa`` lacks people by night."""
    url = servers.new_database()
    settings = servers.new_settings(database=url, with_topics=False, topic_prefix="")
    pack = duty_pack()
    people = (
        Person("an", "Nguyễn Văn An", "Cán bộ", contacts={"sms": PHONE_NUMBER}),
        Person("binh", "Trần Thị Bình", "Cán bộ"),
        Person("chi", "Lê Chi", "Cán bộ"),
        Person("dung", "Phạm Dũng", "Lãnh đạo"),
        Person("em", "Võ Em", "Lãnh đạo"),
    )
    truc = Roster(
        "truc",
        "Trực điều hành",
        "Operations duty",
        VIETNAM,
        Cover.ALWAYS,
        (daily("truc-ban", "an binh chi"), daily("lanh-dao", "dung em", turn=7)),
    )
    day = replace(daily("truc-ban", "an"), starts=time(7), ends=time(17))
    xa = Roster("xa", "Trực xã", "Commune duty", VIETNAM, Cover.ALWAYS, (day,), unit="25663")
    with psycopg.connect(url, autocommit=True) as connection:
        apply_pack(connection, replace(pack, people=people, rosters=(truc, xa)))
        readers.add(connection, "operator", PASSWORD, role="operator")
        readers.add(connection, "viewer", PASSWORD, role="viewer")
        with serving(url, settings.state_dir) as (address, _):
            yield Room(address, connection)
    servers.drop_database(url)


@pytest.fixture(autouse=True)
def _unchanged(room: Room) -> None:
    room.connection.execute("TRUNCATE ioc.duty_change")


def _at(days: int, clock: str) -> str:
    """A moment of a day from now, as the browser's field takes it."""
    return f"{(datetime.now(ZONE) + timedelta(days=days)).date().isoformat()}T{clock}"


def _day(page: Page, roster: int, days: int) -> Locator:
    """The cell of a day from now."""
    day = (datetime.now(ZONE) + timedelta(days=days)).date()
    calendar = page.locator(".ops-calendar").nth(roster)
    return calendar.locator("td").filter(has=page.get_by_text(f"{day.day}/{day.month}", exact=True))


def test_who_is_on_duty_what_is_lacking_and_that_contacts_stay_hidden(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url, color_scheme="light") as visitor:
        visitor.log_in("viewer", PASSWORD, "/ops/duty")
        page = visitor.page
        expect(page.locator(".ops-now-roster").first).to_contain_text("Đang trực: Trực điều hành")
        expect(page.locator(".ops-now-roster").first).to_contain_text("Tiếp theo:")
        expect(page.locator(".ops-calendar").first).to_contain_text("Không thiếu ca nào")
        gaps = page.locator(".ops-calendar").last
        expect(gaps).to_contain_text("Thiếu người")
        expect(_day(page, 1, 0)).to_contain_text("Không có ai trực 00:00–07:00, 17:00–24:00")
        visitor.judge()
        assert page.get_by_role("button", name="Thay đổi lịch").count() == 0
        page.get_by_role("link", name="Tháng").click()
        expect(page.locator(".ops-days-month td").nth(27)).to_be_visible()
        page.get_by_role("link", name="Trực xã").click()
        expect(page.locator(".ops-calendar")).to_have_count(1)
        page.goto(f"{room.url}/ops/duty?view=month&day=2026-04-30&roster=truc")
        holiday = page.locator("td.ops-day-holiday")
        expect(holiday.first).to_contain_text("Ngày lễ")
        assert PHONE_NUMBER not in page.content()
        with page.expect_download() as loading:
            page.get_by_role("link", name="Lịch iCal").click()
        assert loading.value.suggested_filename == "lich-truc.ics"
        page.set_viewport_size(PHONE)
        page.emulate_media(color_scheme="dark")
        visitor.judge()
        page.get_by_role("link", name="English").click()
        expect(page.locator(".ops-calendar").first).to_contain_text("Holiday")


def test_a_change_is_seen_before_it_is_made_and_can_be_taken_back(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url, color_scheme="dark") as visitor:
        visitor.log_in("operator", PASSWORD, "/ops/duty")
        page = visitor.page
        now = page.locator(".ops-now-roster").first.locator("li").first
        before = now.locator("strong").inner_text()
        page.get_by_role("button", name="Thay đổi lịch").click()
        dialog = page.get_by_role("dialog", name="Thay đổi lịch")
        person = next(name for name in ("Nguyễn Văn An", "Trần Thị Bình", "Lê Chi") if name == before)
        dialog.get_by_label("Tuyến").select_option("truc-ban")
        dialog.locator("[name=person]").select_option(label=next(_labels(dialog, person)))
        dialog.locator("[name=other]").select_option("dung")
        dialog.locator("[name=from]").fill(_at(-1, "07:00"))
        dialog.get_by_role("button", name="Xem trước").click()
        expect(dialog.get_by_role("alert")).to_have_text("Còn thiếu: Đến.")
        dialog.locator("[name=to]").fill(_at(1, "07:00"))
        dialog.locator("[name=reason]").fill("<b>ốm</b>")
        dialog.get_by_role("button", name="Xem trước").click()
        expect(dialog.locator(".ops-would")).to_contain_text(f"{person} → Phạm Dũng")
        visitor.judge()
        assert _changes(room) == 0
        dialog.get_by_role("button", name="Ghi thay đổi").click()
        expect(dialog).to_be_hidden()
        expect(page.get_by_role("status")).to_contain_text("Đã ghi thay đổi")
        expect(now.locator("strong")).to_have_text("Phạm Dũng")
        expect(page.locator(".ops-changes")).to_contain_text("<b>ốm</b>")

        # the same once more contradicts the first, and the form keeps what was written
        page.get_by_role("button", name="Thay đổi lịch").click()
        dialog.locator("[name=kind]").select_option("add")
        dialog.locator("[name=person]").select_option("dung")
        dialog.get_by_label("Tuyến").select_option("truc-ban")
        dialog.locator("[name=from]").fill(_at(0, "00:00"))
        dialog.locator("[name=to]").fill(_at(1, "07:00"))
        dialog.get_by_role("button", name="Ghi thay đổi").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Trùng với thay đổi đang có hiệu lực.")
        expect(dialog.locator("[name=person]")).to_have_value("dung")
        page.keyboard.press("Escape")

        page.get_by_role("button", name="Rút lại").click()
        page.get_by_label("Coi như chưa từng có").check()
        page.get_by_role("dialog").get_by_role("button", name="Rút lại").click()
        expect(page.get_by_role("status")).to_contain_text("Đã rút lại")
        expect(now.locator("strong")).to_have_text(before)


def test_two_swap_their_shifts_by_keyboard_alone(room: Room, chromium: Browser) -> None:
    tomorrow, after = (_moment(days, "07:00") for days in (1, 2))
    with visiting(chromium, room.url, locale="en-US") as visitor:
        visitor.log_in("operator", PASSWORD, "/ops/duty?view=month")
        page = visitor.page
        officers = {"Nguyễn Văn An": "an", "Trần Thị Bình": "binh", "Lê Chi": "chi"}

        def on_duty(moment: datetime) -> str:
            found = run(room.connection, ask(SYSTEM_READER, roster="truc", at=moment.isoformat()))
            return found.rosters[0].now.at(moment).of("truc-ban")[0]

        one, other = on_duty(tomorrow), on_duty(after)
        assert one != other
        names = {code: name for name, code in officers.items()}
        change = page.get_by_role("button", name="Thay đổi lịch")
        change.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Thay đổi lịch")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(change).to_be_focused()

        page.keyboard.press("Enter")
        _choose(page, dialog.locator("[name=kind]"), "swap")
        _choose(page, dialog.locator("[name=roster]"), "truc")
        _choose(page, dialog.locator("[name=layer]"), "truc-ban")
        _choose(page, dialog.locator("[name=person]"), one)
        _choose(page, dialog.locator("[name=other]"), other)
        _type(page, dialog.locator("[name=from]"), tomorrow)
        _type(page, dialog.locator("[name=other_from]"), after)
        dialog.get_by_role("button", name="Xem trước").focus()
        page.keyboard.press("Enter")
        would = dialog.locator(".ops-would")
        expect(would).to_contain_text(f"{names[one]} → {names[other]}")
        expect(would).to_contain_text(f"{names[other]} → {names[one]}")
        dialog.get_by_role("button", name="Ghi thay đổi").focus()
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        expect(page.get_by_role("status")).to_contain_text("Đã ghi thay đổi")
        assert (on_duty(tomorrow), on_duty(after)) == (other, one)


def _moment(days: int, clock: str) -> datetime:
    return datetime.fromisoformat(_at(days, clock)).replace(tzinfo=ZONE)


def _choose(page: Page, chosen: Locator, value: str) -> None:
    """Go through a list by its arrows until the value is reached."""
    chosen.focus()
    for _ in range(chosen.locator("option").count()):
        if chosen.input_value() == value:
            return
        page.keyboard.press("ArrowDown")
    expect(chosen).to_have_value(value)


def _type(page: Page, field: Locator, moment: datetime) -> None:
    """Type a moment into its field, as an American keyboard does."""
    field.focus()
    page.keyboard.type(f"{moment:%m%d%Y}")
    page.keyboard.press("ArrowRight")
    page.keyboard.type(f"{moment:%I%M%p}")
    expect(field).to_have_value(f"{moment:%Y-%m-%dT%H:%M}")


def test_a_temporary_schedule_and_a_role_that_was_taken_away(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url) as visitor:
        visitor.log_in("operator", PASSWORD, "/ops/duty")
        page = visitor.page
        dialog = page.get_by_role("dialog", name="Thay đổi lịch")
        page.get_by_role("button", name="Thay đổi lịch").click()
        dialog.locator("[name=kind]").select_option("temporary")
        dialog.locator("[name=roster]").select_option("xa")
        dialog.get_by_role("button", name="Thêm ca").click()
        for place, (start, end) in enumerate((("17:00", "22:00"), ("22:00", "23:00"), ("23:00", "23:59")), 1):
            dialog.locator(f"[name=p{place}]").select_option("binh")
            dialog.locator(f"[name=s{place}]").fill(_at(0, start))
            dialog.locator(f"[name=e{place}]").fill(_at(0, end))
        dialog.locator("[name=q2]").select_option("chi")
        dialog.get_by_role("button", name="Xem trước").click()
        expect(dialog.locator(".ops-would")).to_contain_text("không có ai → Trần Thị Bình, Lê Chi")
        room.connection.execute("UPDATE ioc.reader SET role = 'viewer' WHERE name = 'operator'")
        dialog.get_by_role("button", name="Ghi thay đổi").click()
        expect(dialog.get_by_role("alert")).to_contain_text("chỉ được xem")
        assert _changes(room) == 0
        room.connection.execute("UPDATE ioc.reader SET role = 'operator' WHERE name = 'operator'")
        dialog.get_by_role("button", name="Ghi thay đổi").click()
        expect(_day(page, 1, 0)).to_contain_text("Trần Thị Bình, Lê Chi")


def test_a_shift_is_written_down_handed_over_and_taken_over(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url, color_scheme="light") as visitor:
        visitor.log_in("operator", PASSWORD, "/ops/shifts")
        page = visitor.page
        expect(page.locator(".ops-shift-head h2")).to_contain_text("Trực điều hành · Ca 07:00")
        expect(page.locator(".ops-shift-head")).to_contain_text("đang diễn ra")
        expect(page.locator(".ops-shifts")).to_contain_text("Ca này chưa có dòng nào.")
        expect(page.locator(".ops-counted")).to_contain_text("mới")
        visitor.judge()
        page.get_by_label("Ghi vào sổ").fill("<i>Mất điện</i> ở điểm 4 lúc 2 giờ")
        page.get_by_role("button", name="Ghi", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Đã ghi vào sổ.")
        expect(page.locator(".ops-entries")).to_contain_text("<i>Mất điện</i> ở điểm 4 lúc 2 giờ")
        expect(page.get_by_label("Ghi vào sổ")).to_have_value("")

        page.get_by_role("button", name="Bàn giao ca").click()
        dialog = page.get_by_role("dialog", name="Bàn giao ca")
        expect(dialog).to_contain_text("Trong ca: ")
        dialog.get_by_label("Điều ca sau cần biết").fill("Điện lực hẹn 8 giờ")
        visitor.judge()
        dialog.get_by_role("button", name="Bàn giao ca").click()
        expect(page.locator(".ops-entries li").first).to_contain_text("Điện lực hẹn 8 giờ")
        expect(page.locator(".ops-entries li").first).to_contain_text("Bàn giao ca. Trong ca:")
        page.get_by_role("button", name="Nhận ca").click()
        page.get_by_role("dialog", name="Nhận ca").get_by_role("button", name="Nhận ca").click()
        expect(page.locator(".ops-entries li").first).to_contain_text("operator")
        expect(page.locator(".ops-entries li")).to_have_count(3)

        # what happens to alerts meanwhile appears by itself
        desk = Desk(room.connection, bring_in(room.connection, (a_rule("camera.down", policy=None),), ()))
        desk.now = datetime.now(UTC)
        one, other = (desk.settle(down("camera.down", f"device:cam-{n}", desk.now)).opened[0] for n in (1, 2))
        with room.connection.transaction():
            run(room.connection, acknowledge(SYSTEM_READER, [one], "operator", desk.now, "<u>đi</u>"))
        counted = page.locator(".ops-counted li")
        for place, count in enumerate(("2", "0", "1", "2", "1")):
            expect(counted.nth(place).locator("strong")).to_have_text(count)
        expect(page.get_by_role("link", name="Luật camera.down")).to_have_count(2)
        expect(page.locator(".ops-shifts")).to_contain_text("<u>đi</u>")
        link = page.get_by_role("link", name="Xác nhận · device:cam-1")
        expect(link).to_have_attribute("href", f"/ops/alerts?alert={one}")
        assert other != one

        page.emulate_media(media="print")
        expect(page.get_by_role("button", name="Ghi", exact=True)).to_be_hidden()
        expect(page.locator(".ops-entries li").first).to_be_visible()
        page.emulate_media(media="screen", color_scheme="dark")
        page.set_viewport_size(PHONE)
        visitor.judge()
        page.get_by_role("link", name="Ca trước").click()
        expect(page.locator(".ops-shift-head")).to_contain_text("đã kết thúc")
        expect(page.get_by_label("Ghi vào sổ")).to_have_count(0)
        page.get_by_role("link", name="English").click()
        expect(page.locator(".ops-shift-head")).to_contain_text("over")
    with visiting(chromium, room.url) as visitor:
        visitor.log_in("viewer", PASSWORD, "/ops/shifts?roster=truc")
        expect(visitor.page.locator(".ops-entries li")).to_have_count(3)
        assert visitor.page.locator("textarea").count() == 0


def _labels(dialog: Locator, name: str) -> Iterator[str]:
    return (
        text for text in dialog.locator("[name=person] option").all_inner_texts() if text.startswith(name)
    )


def _changes(room: Room) -> int:
    row = room.connection.execute(
        "SELECT count(*) FROM ioc.duty_change WHERE withdrawn_at IS NULL"
    ).fetchone()
    assert row is not None
    return int(str(row[0]))
