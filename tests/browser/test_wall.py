"""The wall as an operator sees it: an outage, old figures, a lost server, its modes, its sound, by keyboard."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.stack import EmbeddedPostgres
from ioc import topics
from ioc.access import readers
from ioc.alerts.model import Severity
from ioc.district import apply_pack, read_pack
from ioc.events import CameraProbed, CameraSample, Status, encode
from ioc.settings import Settings
from ioc.storage.migrate import upgrade
from tests.browser.conftest import PHONE, Visitor, visiting
from tests.integration.alerting import a_rule, bring_in
from tests.integration.history_place import PASSWORD
from tests.integration.streaming import IocProcess, producer, started, wait_until, worker
from tests.servers import Servers, free_ports

_PACK = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
_SCREEN = {"width": 1920, "height": 1080}
#: An outage has to be seen within five seconds of its fact; a loaded machine is given so many times more.
_SEEN_MS = 4 * 5_000
_TICKETS = """
INSERT INTO ioc.ticket (kiosk, date, number, unit_id, service, issued_at)
SELECT 'k1', (now() AT TIME ZONE u.time_zone)::date, n::text, u.unit_id, s.service, now() - n * interval '1 second'
FROM ioc.unit u, (VALUES (1, 'DAT-DAI'), (2, 'DAT-DAI'), (3, '<b>HO TICH</b>')) AS s (n, service)
WHERE u.code = 'go-dau.phuong'
"""


class _Serve(IocProcess):
    """``ioc serve`` on a port of its own."""

    def __init__(self, settings: Settings) -> None:
        self.port = free_ports(1)
        super().__init__(settings, "serve", "serve", "--port", str(self.port), stop_s=30)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/health/live", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def start(self) -> None:
        super().start()
        wait_until(self.answers, within_s=30, what="ioc serve answers")


_ALERTS = """
INSERT INTO ioc.alert (rule_id, key, severity, unit_id, point, subject, since, opened_at, changed_at, members)
SELECT rule_id, 'n' || n, n, u.unit_id, 'point.thi-tran', 'device:cam-thi-tran-01', now(), now(), now(), 1
FROM ioc.alert_rule r, ioc.unit u, generate_series(1, 5) n WHERE r.code = 'camera.down' AND u.code = 'go-dau.phuong'
"""


def _prepare(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        apply_pack(connection, read_pack(_PACK))
        bring_in(connection, [a_rule("camera.down", severity=Severity.CRITICAL)])
        readers.add(connection, "chief", PASSWORD)
        connection.execute(_TICKETS.encode())


@pytest.fixture(scope="module")
def settings(servers: Servers) -> Iterator[Settings]:
    url = servers.new_database()
    _prepare(url)
    yield servers.new_settings(database=url)
    servers.drop_database(url)


@pytest.fixture(scope="module")
def serve(settings: Settings) -> Iterator[_Serve]:
    with started(_Serve(settings)) as found:
        yield found


def _open(visitor: Visitor, query: str = "") -> Page:
    visitor.page.goto(f"{visitor.url}/login?next=/ops/wall")
    visitor.page.locator("#name").fill("chief")
    visitor.page.locator("#password").fill(PASSWORD)
    visitor.page.locator("#password").press("Enter")
    visitor.page.wait_for_url("**/ops/wall")
    visitor.go(f"/ops/wall{query}")
    expect(visitor.page.locator(".plan-point")).to_have_count(10)
    expect(visitor.page.locator("#wall-clock")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    return visitor.page


def _camera(code: str, status: Status) -> bytes:
    now = datetime.now(UTC)
    return encode(
        CameraProbed(
            specversion="1.0",
            id=f"{code}-{now.isoformat()}",
            source="//test",
            subject=code,
            time=now,
            data=CameraSample(unit="25663", verdict=status, interval_s=60),
        )
    )


def _report(settings: Settings, code: str, status: Status) -> float:
    """Send what a probe found, through Kafka; gives the moment at which it was acknowledged."""
    with producer(settings) as send:
        send(topics.CAMERAS, code, _camera(code, status))
    return time.monotonic()


def _chimes(page: Page) -> int:
    return int(page.evaluate("document.body.dataset.chimed || '0'"))


def test_an_outage_appears_and_sounds_where_somebody_switched_the_sound_on(
    settings: Settings, serve: _Serve, chromium: Browser
) -> None:
    with worker(settings), visiting(chromium, serve.address) as visitor:
        page = _open(visitor)
        point = page.locator('.plan-point[data-key="point.hiep-thanh"]')
        expect(page.locator(".alerts-none")).to_contain_text("Không có cảnh báo nào đang mở")
        sound = page.locator("#wall-sound")
        expect(sound).to_have_text("Bật âm thanh")
        assert _chimes(page) == 0

        _report(settings, "cam-hiep-thanh-01", Status.OK)
        expect(point).to_have_attribute("aria-label", re.compile("Camera 1 không rõ, 1 tốt"))
        sent = _report(settings, "cam-hiep-thanh-01", Status.DOWN)
        expect(point).to_have_class(re.compile("state-down"), timeout=_SEEN_MS)
        took = time.monotonic() - sent
        alert = page.locator(".alert.severity-critical")
        expect(alert).to_contain_text("Khẩn cấp: Luật camera.down", timeout=_SEEN_MS)
        print(f"fact acknowledged until seen: {took:.2f} s")  # noqa: T201 - a measurement
        expect(alert).to_contain_text("Hiệp Thạnh")
        expect(alert).to_contain_text("chưa ai nhận")
        expect(alert.locator("a")).to_have_attribute("href", re.compile(r"^/ops/alerts\?alert=\d+$"))
        assert _chimes(page) == 0  # nobody switched it on

        sound.click()
        expect(sound).to_have_attribute("aria-pressed", "true")
        expect(sound).to_have_text("Tắt âm thanh")
        page.wait_for_function("document.body.dataset.chimed === '1'")  # to hear that it works
        _report(settings, "cam-phuoc-thanh-01", Status.DOWN)
        expect(page.locator(".alert.severity-critical")).to_have_count(2, timeout=_SEEN_MS)
        page.wait_for_function("document.body.dataset.chimed === '2'")

        page.reload()
        # kept in this browser; whether it may sound without a press is the browser's to say, and the button says it
        expect(sound).to_have_text(re.compile("Tắt âm thanh|đang chờ"))
        if "đang chờ" in str(sound.text_content()):
            sound.click()
        expect(sound).to_have_attribute("aria-pressed", "true")
        sound.click()
        expect(sound).to_have_text("Bật âm thanh")
        heard = _chimes(page)
        _report(settings, "cam-phuoc-trach-01", Status.DOWN)
        expect(page.locator(".alert.severity-critical")).to_have_count(3, timeout=_SEEN_MS)
        page.wait_for_function(
            "JSON.parse(localStorage.getItem('ioc.wall.heard')).length >= 3"  # it was heard of, and kept silent
        )
        assert _chimes(page) == heard


def test_it_looks_right_at_a_desk_on_a_screen_and_on_a_phone(
    settings: Settings, serve: _Serve, chromium: Browser
) -> None:
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        connection.execute(_ALERTS.encode())
    with visiting(chromium, serve.address, color_scheme="light") as visitor:
        page = _open(visitor)
        queues = page.locator(".queues")
        expect(queues).to_contain_text("DAT-DAI")
        expect(queues).to_contain_text("<b>HO TICH</b>")  # as text
        assert queues.locator("b", has_text="HO TICH").count() == 0
        expect(page.locator('[id="tile-queue.waiting"]')).to_contain_text("3")
        served = page.locator('[id="tile-queue.served_within_15m"]')
        expect(served).to_contain_text("mục tiêu ≥ 85,0 %")
        expect(served).to_have_attribute(
            "href", "/ops/history?ids=queue.served_within_15m&period=last-7-days"
        )
        expect(page.locator(".alerts-more")).to_contain_text("cảnh báo nữa")
        expect(page.locator(".plan-legend")).to_contain_text("Vị trí mang tính sơ đồ")
        expect(served.locator("svg")).to_have_attribute("aria-label", re.compile("^Diễn biến 8 giờ"))
        visitor.judge()

        page.set_viewport_size(_SCREEN)
        visitor.go("/ops/wall?mode=wall")
        expect(page.locator("body")).to_have_class(re.compile("ops-wall"))
        expect(page.locator("body")).to_have_class(re.compile("body--dark"))
        expect(page.locator(".queues")).to_contain_text("DAT-DAI")
        assert page.evaluate(
            "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"
        )
        assert page.evaluate(_CUT) == []
        assert page.evaluate(_SMALLEST) >= 22
        visitor.judge()

        visitor.go("/ops/wall?mode=wall&lang=en&theme=light")
        expect(page.get_by_role("heading", level=1)).to_have_text("Wall")
        expect(page.locator("body")).to_have_class(re.compile("body--light"))
        # what is chosen now wins over the address
        page.get_by_role("link", name="Tiếng Việt").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Toàn cảnh")
        page.wait_for_url("**/ops/wall?mode=wall&theme=light")
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Wall")
        expect(page.locator(".plan-legend")).to_contain_text("maintenance")
        expect(page.locator(".alert")).to_have_count(4)
        expect(page.locator(".alert.severity-critical").first).to_contain_text("Critical · Gò Dầu town · ")
        assert page.evaluate(_CUT) == []
        visitor.judge()

        page.set_viewport_size(PHONE)
        visitor.go("/ops/wall?theme=dark")
        expect(page.locator(".plan-list li")).to_have_count(10)
        expect(page.locator(".plan")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visitor.judge()


#: Parts of the large screen that are cut off at its bottom, or at the bottom of their part.
_CUT = """() => [...document.querySelectorAll('.wall-tile, .wall-part')].filter((one) =>
  one.getBoundingClientRect().bottom > innerHeight + 1 || one.scrollHeight > one.clientHeight + 2)
  .map((one) => `${one.className} ${one.scrollHeight}/${one.clientHeight}`)"""
#: Size of the smallest letters on it, in CSS pixels.
_SMALLEST = """() => Math.min(...[...document.querySelectorAll('.wall *, .ops-head *')].filter((one) =>
  one.getClientRects().length && [...one.childNodes].some((text) => text.nodeType === 3 && text.data.trim())
  && !one.closest('.wall-hidden, svg, h3')).map((one) => parseFloat(getComputedStyle(one).fontSize)))"""


def test_it_can_be_used_by_keyboard_alone(serve: _Serve, chromium: Browser) -> None:
    with visiting(chromium, serve.address) as visitor:
        page = _open(visitor, "?lang=en")
        reached: list[str] = []
        for _ in range(80):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate(
                    "document.activeElement.getAttribute('href') || document.activeElement.id || ''"
                )
            )
            if reached[-1] == "/ops/devices?point=point.thi-tran":
                break
        assert "wall-sound" in reached
        assert "/ops/history?ids=dossier.open&period=last-7-days" in reached
        assert "/ops/devices?point=point.hiep-thanh" in reached
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert re.match(r"Gò Dầu town: .*Camera.*Wifi", label)
        # in and out again, and what was chosen stays
        page.keyboard.press("Alt+w")
        page.wait_for_url("**/ops/wall?lang=en&mode=wall")
        expect(page.locator("body")).to_have_class(re.compile("ops-wall"))
        page.locator("#wall-mode").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/ops/wall?lang=en")
        expect(page.locator("body")).to_have_class(re.compile("ops-desk"))


def test_it_says_what_is_old_and_why_and_recovers_by_itself(
    private_postgres: EmbeddedPostgres, chromium: Browser
) -> None:
    settings = private_postgres.settings
    url = private_postgres.ensure_database("ioc")
    upgrade(url)
    _prepare(url)
    settings = settings.model_copy(update={"database_url": None})
    with started(_Serve(settings)) as serve, visiting(chromium, serve.address) as visitor:
        # a browser says itself that it reaches nobody
        visitor.expected += ["ERR_CONNECTION_REFUSED", "WebSocket", "Failed to load resource", "503"]
        visitor.page.set_viewport_size(_SCREEN)
        page = _open(visitor, "?mode=wall")
        banner = page.locator(".wall-state")
        popup = page.locator("#popup")
        expect(banner).not_to_contain_text("KHÔNG ĐỌC ĐƯỢC")

        # a source that is silent
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, newest_fact)"
                " VALUES ('c', 'ioc.wifi', 't', 0, 5, %s)",
                (datetime.now(UTC) - timedelta(minutes=20),),
            )
            expect(banner).to_contain_text("NGUỒN IM LẶNG: wifi không có sự kiện mới")
            # two things at a time, and still nothing is cut off
            connection.execute(
                "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, newest_fact)"
                " VALUES ('c', 'ioc.cameras', 'u', 0, 5, %s)",
                (datetime.now(UTC) - timedelta(minutes=20),),
            )
            connection.execute(_ALERTS.encode())
            expect(banner.locator(".wall-banner")).to_have_count(2)
            expect(page.locator(".alert")).to_have_count(4)
            assert page.evaluate(_CUT) == []
            connection.execute("DELETE FROM ioc.partition_offset WHERE topic = 'ioc.cameras'")
            # a worker that is
            connection.execute("UPDATE ioc.partition_offset SET log_end = 1205")
            expect(banner).to_contain_text("XỬ LÝ CHẬM: wifi còn 1200 bản ghi chưa tính")
            visitor.judge()
            connection.execute("UPDATE ioc.partition_offset SET newest_fact = now(), log_end = next_offset")
            expect(banner).not_to_contain_text("XỬ LÝ CHẬM")

        # the database
        private_postgres.stop()
        expect(banner).to_contain_text("KHÔNG ĐỌC ĐƯỢC SỐ LIỆU từ")
        expect(page.locator('[id="tile-queue.waiting"]')).to_contain_text("3")  # what is known stays
        visitor.judge()
        private_postgres.start()
        private_postgres.wait_ready()
        expect(banner).not_to_contain_text("KHÔNG ĐỌC ĐƯỢC")

        # the server
        expect(popup).to_have_attribute("aria-hidden", "true")
        serve.stop()
        expect(popup).to_have_attribute("aria-hidden", "false")
        expect(popup).to_contain_text("Mất kết nối với máy chủ")
        expect(popup).to_contain_text(re.compile(r"Từ \d\d:\d\d:\d\d"))
        # it is started before the database is there: the page is loaded anew by itself, and again until it can be shown
        private_postgres.stop()
        serve.start()
        expect(page.locator(".ops-problem")).to_contain_text("Không hiển thị được trang này")
        private_postgres.start()
        private_postgres.wait_ready()
        expect(page.locator(".plan-point")).to_have_count(10)
        expect(popup).to_have_attribute("aria-hidden", "true")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE ioc.ticket SET started_at = now() WHERE number = '1'")
        expect(page.locator('[id="tile-queue.waiting"] b')).to_have_text("2")
