"""What a leader woken at night does with a phone: two taps from the message, on a poor connection, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from ioc.alerts import actions
from ioc.alerts.model import Severity
from ioc.delivery.links import LIFE, Claim, Links
from ioc.kpi.query import SYSTEM_READER
from ioc.kpi.steps import run
from tests.browser.conftest import PHONE, visiting
from tests.integration.delivering import POLICY, RULES, ZONE, Post, begin, prepare, rotation
from tests.integration.history_place import serving
from tests.integration.messages import message
from tests.servers import Servers

RUNBOOK = "Gọi điện lực xã, rồi báo người trông điểm."


@dataclass(frozen=True)
class Room:
    url: str
    connection: psycopg.Connection[tuple[object, ...]]
    links: Links


@pytest.fixture(scope="module")
def room(servers: Servers) -> Iterator[Room]:
    url = servers.new_database()
    settings = servers.new_settings(database=url, with_topics=False, topic_prefix="")
    with psycopg.connect(url, autocommit=True) as connection:
        prepare(connection)
        with serving(url, settings.state_dir) as (address, _):
            yield Room(address, connection, Links(address, Path(settings.state_dir) / "secrets" / "links"))
    servers.drop_database(url)


@pytest.fixture
def post(room: Room) -> Post:
    """Lan is on duty for another hour, then Chi comes."""
    found = begin(room.connection)
    now = datetime.now(ZONE)
    clocks = [(now + timedelta(hours=hours)).time().replace(second=0, microsecond=0) for hours in (-2, 1, 6)]
    found.rosters(
        rotation("lanh-dao", "lan", starts=clocks[0], ends=clocks[1]),
        replace(rotation("lanh-dao", "chi", starts=clocks[1], ends=clocks[2]), code="sau"),
    )
    rules = (
        replace(RULES[0], severity=Severity.CRITICAL, name_vi="Mất điện", runbook_vi=RUNBOOK),
        *RULES[1:],
    )
    found.rules(*rules, policies=(POLICY,))
    found.now = datetime.now(UTC) - timedelta(minutes=25)
    return found


def _message(room: Room, post: Post, alerts: list[int]) -> str:
    """What somebody's phone shows: a message with its link."""
    number = message(post, alerts, "lan", "sms")
    url = room.links.url(number, "lan", datetime.now(UTC))
    assert url is not None
    return "data:text/html;charset=utf-8," + quote(
        f'<meta name=viewport content="width=device-width"><a href="{url}">Mở</a>'
    )


def _by(room: Room, alert: int) -> object:
    row = room.connection.execute(
        "SELECT acknowledged_by FROM ioc.alert WHERE alert_id = %s", (alert,)
    ).fetchone()
    assert row is not None
    return row[0]


@dataclass
class Taps:
    """Counts how often somebody touches the screen."""

    page: Page
    count: int = 0

    def tap(self, role: str, name: str) -> None:
        target = self.page.get_by_role(role, name=name)  # type: ignore[arg-type]
        box = target.bounding_box()
        assert box is not None
        # nobody scrolls: it is on the first screen, and large enough for a thumb
        assert box["y"] + box["height"] <= PHONE["height"]
        target.tap()
        self.count += 1


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no_scripts"])
def test_an_alert_is_acknowledged_in_two_taps(
    room: Room, post: Post, chromium: Browser, scripts: bool
) -> None:
    alert = post.open("camera.down", "device:cam-04")
    options = {"java_script_enabled": scripts, "is_mobile": True, "has_touch": True}
    with visiting(chromium, room.url, **options) as visitor:
        page = visitor.page
        page.set_viewport_size(PHONE)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
        page.goto(_message(room, post, [alert]))
        taps = Taps(page)
        taps.tap("link", "Mở")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Mất điện, từ ")
        expect(page.locator(".sev")).to_have_text("◆ KHẨN CẤP")
        expect(page.locator(".do")).to_contain_text(RUNBOOK)
        assert _by(room, alert) is None
        taps.tap("button", "Xác nhận")
        expect(page.get_by_role("status")).to_contain_text("Đã xác nhận: lan.")
        assert taps.count == 2
        assert _by(room, alert) == "lan"
        here = [line for line in asked if room.url in line]
        assert [line.partition(" ")[0] for line in here] == ["GET", "POST"]
        assert len(page.content().encode()) < 50_000


def test_all_that_somebody_woken_needs(room: Room, post: Post, chromium: Browser) -> None:
    alert, other = post.open("camera.down", "device:cam-04"), post.open("site.down", "point:p9")
    message(post, [other], "lan", "email")
    number = message(post, [alert], "an", "sms")
    room.connection.execute(
        "UPDATE ioc.alert_message SET ended_at = created_at WHERE message_id = %s", (number,)
    )
    with visiting(chromium, room.url, is_mobile=True, has_touch=True, color_scheme="light") as visitor:
        page = visitor.page
        page.set_viewport_size(PHONE)
        page.goto(_message(room, post, [alert]))
        page.get_by_role("link", name="Mở").tap()
        main = page.locator("main")
        for words in ("Đã báo an,", "p9", "(lanh-dao): đến", "Tiếp theo: chi"):
            expect(main).to_contain_text(words)
        visitor.judge()
        page.emulate_media(color_scheme="dark")
        visitor.judge()

        page.get_by_label("Ghi chú").fill("<img src=x onerror=alert(1)> đã gọi điện lực")
        page.get_by_role("button", name="Gửi ghi chú").tap()
        expect(main).to_contain_text("<img src=x onerror=alert(1)> đã gọi điện lực")
        assert page.locator("img").count() == 0
        page.get_by_role("link", name="English").tap()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(main).to_contain_text("Told an,")
        expect(main).to_contain_text("Then: chi")
        visitor.judge()

        # somebody else was faster, while this page was looked at
        run_as(room, alert, "an")
        page.get_by_role("button", name="Acknowledge").tap()
        expect(page.get_by_role("status")).to_contain_text("an acknowledged at")
        assert _by(room, alert) == "an"
        page.get_by_role("button", name="Snooze 1 hour").tap()
        expect(page.get_by_role("status")).to_contain_text("Snoozed for 1 hour.")
        room.connection.execute("UPDATE ioc.alert SET cleared_at = now() WHERE alert_id = %s", (alert,))
        page.reload()
        expect(main).to_contain_text("cleared at")
        assert page.get_by_role("button").count() == 1


def run_as(room: Room, alert: int, person: str) -> None:
    """Acknowledge as somebody else."""
    with room.connection.transaction():
        run(room.connection, actions.acknowledge(SYSTEM_READER, [alert], person, datetime.now(UTC)))


def test_an_old_or_broken_link_says_what_to_do(room: Room, post: Post, chromium: Browser) -> None:
    alert = post.open("camera.down", "device:cam-04")
    number = message(post, [alert], "lan", "sms")
    old = room.links.sign(Claim(number, "lan", datetime.now(UTC) - timedelta(minutes=2)))
    good = room.links.sign(Claim(number, "lan", datetime.now(UTC) + LIFE))
    with visiting(chromium, room.url, is_mobile=True) as visitor:
        visitor.expected += ["410", "404"]
        for token, words in ((old, "đã hết hạn"), (good[:-3], "bị cắt")):
            visitor.page.goto(f"{room.url}/a/{token}")
            expect(visitor.page.get_by_role("alert")).to_contain_text(words)
            visitor.judge()
        assert _by(room, alert) is None
