"""The administration in a real browser: accounts, keys, pack, sources, unreadable records; for administrators alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ioc.access import keys, readers
from tests.browser.conftest import PHONE, visiting
from tests.integration.history_place import PASSWORD, add_places, serving
from tests.integration.kpi_data import Connection
from tests.servers import Servers

PARTS = ("", "/keys", "/pack", "/names", "/sources", "/unreadable", "/processes", "/log")
SECRET = '{"phone": "0900 000 000", "name": "<b>A</b>"'


@dataclass(frozen=True)
class Room:
    url: str
    connection: Connection
    state: Path
    prefix: str


@pytest.fixture(scope="module")
def room(servers: Servers) -> Iterator[Room]:
    url = servers.new_database()
    settings = servers.new_settings(database=url)
    with psycopg.connect(url, autocommit=True) as connection:
        add_places(connection)
        readers.add(connection, "root", PASSWORD, role="admin")
        readers.add(connection, "looker", PASSWORD, role="viewer")
        _seed(connection, settings.topic_prefix)
        with (
            (settings.state_dir / "serve.log").open("wb") as log,
            serving(url, settings.state_dir, IOC_KAFKA=settings.kafka_servers, output=log) as (address, _),
        ):
            yield Room(address, connection, settings.state_dir, settings.topic_prefix)
    servers.drop_database(url)


def _seed(connection: Connection, prefix: str) -> None:
    connection.execute(
        "INSERT INTO ioc.agency_unmapped VALUES"
        " ('ubnd xã x', 'UBND xã X, \"mới\"', 41, now() - interval '9 days', now()),"
        " ('', '(further names)', 3, now(), now())"
    )
    connection.execute(
        "INSERT INTO ioc.source_halt (topic, source, partition, records, bad, reason) VALUES"
        " ('ioc.wifi', '//phường 1/wifi', 0, 40, 31, 'invalid')"
    )
    connection.execute(
        'INSERT INTO ioc.unreadable (topic, topic_id, partition, "offset", reason, detail, bytes, size, source) VALUES'
        " (%(dossiers)s, 'x', 0, 1, 'not-json', 'line 1', %(bytes)s, length(%(bytes)s), '//one-stop'),"
        " (%(dossiers)s, 'x', 0, 2, 'too-large', '', 'abc', 70000, '//one-stop'),"
        " ('ioc.wifi', 'x', 0, 3, 'source-halted', '', 'abc', 3, '//phường 1/wifi')",
        {"dossiers": f"{prefix}ioc.dossiers", "bytes": SECRET.encode()},
    )
    connection.execute("INSERT INTO ioc.source (name) VALUES ('//machine-1') ON CONFLICT DO NOTHING")
    connection.execute(
        "INSERT INTO ioc.connector (name, source_id, time, report_id, recorded_at, state, since, reason, sources,"
        " failing, failing_sources, spooled_events, spooled_bytes, interval_s)"
        " SELECT 'cameras', source_id, now(), 'r', now(), 'failing', now() - interval '2 hours',"
        " '1 of 4 can''t be read', 4, 1, '[\"cam-01\"]', 0, 0, 600 FROM ioc.source WHERE name = '//machine-1'"
    )
    connection.execute(
        "INSERT INTO ioc.reading (name, instance, at, valid_until, value, unit) VALUES"
        " ('disk.free_share', 'm/data', now(), now() + interval '1 hour', 0.42, 'share'),"
        " ('disk.free_share', 'm/old', now() - interval '2 hours', now() - interval '1 hour', 0.1, 'share')"
    )
    connection.execute(
        "INSERT INTO ioc.access_log (reader, what, filters, rows, outcome, took_ms) VALUES"
        " ('chief', 'export.dossiers', '{\"format\": \"csv\"}', 120, 'given', 90),"
        " ('clerk', 'dossier', '{}', 1, 'given', 3)"
    )


def _open(page: Page, button: str) -> Locator:
    page.get_by_role("button", name=button, exact=True).press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def _shown_once(page: Page) -> str:
    """The secret that is shown now; it is gone when its dialog is closed, by Escape as well."""
    secret = page.locator("[data-secret]")
    expect(secret).to_be_visible()
    text = secret.input_value()
    page.keyboard.press("Escape")
    expect(secret).to_have_count(0)
    page.reload()
    page.locator(".ops-part-body > *").first.wait_for()
    assert text not in page.content()
    return text


def _nowhere(room: Room, secret: str) -> None:
    """Neither in what was written of changes, nor in the log, nor in any file of the platform's."""
    changes = room.connection.execute(
        "SELECT string_agg(to_jsonb(c)::text, ' ') FROM ioc.access_change c"
    ).fetchone()
    assert changes is not None
    assert secret not in str(changes[0])
    for file in room.state.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_it_is_for_administrators_alone(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url) as visitor:
        page = visitor.page
        page.goto(f"{room.url}/ops/admin/keys")
        expect(page).to_have_url(re.compile("/login"))
        visitor.log_in("looker", PASSWORD, "/ops/devices")
        expect(page.get_by_role("link", name="Thiết bị")).to_be_visible()
        expect(page.get_by_role("link", name="Quản trị")).to_have_count(0)
        for part in PARTS:
            visitor.go(f"/ops/admin{part}")
            expect(page.get_by_role("alert")).to_have_text("Tài khoản này không có quyền xem trang này.")
            expect(page.locator(".ops-part, .ops-tabs")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_part_says_what_it_knows(
    room: Room, chromium: Browser, scheme: Literal["light", "dark"]
) -> None:
    told = {
        "": ("looker", "Người xem"),
        "/keys": ("Chưa có khóa nào.",) if scheme == "light" else ("Khóa",),
        "/pack": ("units.csv", "Khác gói đang dùng", "agencies.csv"),
        "/names": ("UBND xã X", "agencies.csv"),
        "/sources": ("31 trên 40 bản ghi lỗi", "Có nguồn lỗi", "cam-01"),
        "/unreadable": ("không phải JSON", "chờ lệnh sửa nguồn"),
        "/processes": ("ioc deliver", "Phần đĩa còn trống", "42,0 %", "không rõ"),
        "/log": ("export.dossiers", "format: csv"),
    }
    with visiting(chromium, room.url, color_scheme=scheme) as visitor:
        page = visitor.page
        visitor.log_in("root", PASSWORD, "/ops/admin")
        for part in PARTS:
            visitor.go(f"/ops/admin{part}")
            for text in told[part]:
                expect(page.locator("#main")).to_contain_text(text)
            visitor.judge()
            if part == "/names":
                expect(page.get_by_label("Dòng cho UBND xã X")).to_have_value('"UBND xã X, ""mới""",,,,,C')
            if part == "/pack":
                expect(page.get_by_label("ioc district apply")).to_have_value(
                    re.compile("^ioc district apply /")
                )
            if part == "/sources":
                command = page.get_by_label("Lệnh sửa cho //phường 1/wifi")
                expect(command).to_have_value("ioc repair source ioc.wifi '//phường 1/wifi'")
        if scheme == "dark":
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            for part in ("", "/sources", "/unreadable"):
                visitor.go(f"/ops/admin{part}")
                page.locator(".ops-part-body > *").first.wait_for()
                visitor.judge()
                assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth"), part
        else:
            page.get_by_role("link", name="English").click()
            expect(page.get_by_role("heading", name="Access log")).to_be_visible()
            page.get_by_label("Account").select_option("clerk")
            page.get_by_role("button", name="Filter").press("Enter")
            expect(page).to_have_url(re.compile("reader=clerk"))
            expect(page.locator("tbody tr")).to_have_count(1)


def test_an_account_is_made_changed_and_closed(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url) as visitor:
        page, board = visitor.page, visitor.page.keyboard
        visitor.log_in("root", PASSWORD, "/ops/admin")
        dialog = _open(page, "Thêm tài khoản")
        visitor.judge()
        board.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.get_by_role("button", name="Thêm tài khoản")).to_be_focused()
        dialog = _open(page, "Thêm tài khoản")
        dialog.get_by_label("Tên đăng nhập").fill("chief")
        dialog.get_by_label("Được xem").select_option("go-1")
        board.press("Enter")
        dialog.get_by_role("button", name="Lưu").press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("already")
        # nothing else of the form is lost
        expect(dialog.get_by_label("Được xem")).to_have_value("go-1")
        dialog.get_by_label("Tên đăng nhập").fill("lan")
        dialog.get_by_role("button", name="Lưu").press("Enter")
        expect(page.get_by_role("status").filter(has_text="Đã thêm tài khoản lan.")).to_be_visible()
        password = _shown_once(page)
        assert len(password) == 20
        _nowhere(room, password)
        auth = ("lan", password)
        devices = f"{room.url}/api/v1/alerts"
        assert httpx.get(devices, auth=auth).status_code == 200
        acting = f"{room.url}/api/v1/alerts/1/ack"
        assert httpx.post(acting, json={}, auth=auth).status_code == 403

        row = page.locator("[data-account=lan]")
        expect(row).to_contain_text("Người xem")
        dialog = _open(page, "Sửa tài khoản lan")
        dialog.get_by_label("Vai trò").select_option("operator")
        dialog.get_by_role("button", name="Lưu").press("Enter")
        expect(row).to_contain_text("Trực ban")
        assert httpx.post(acting, json={}, auth=auth).status_code == 404

        _open(page, "Sửa tài khoản lan").get_by_role("button", name="Tạo mật khẩu mới").press("Enter")
        fresh = _shown_once(page)
        _nowhere(room, fresh)
        assert httpx.get(devices, auth=auth).status_code == 401
        assert httpx.get(devices, auth=("lan", fresh)).status_code == 200

        # wrong passwords make the name wait, which is seen here and can be ended
        for _ in range(5):
            httpx.get(devices, auth=("lan", "wrong"))
        expect(row).to_contain_text("sai mật khẩu 5 lần")
        _open(page, "Sửa tài khoản lan").get_by_role("button", name="Bỏ thời gian chờ").press("Enter")
        expect(page.get_by_role("status").filter(has_text="lan có thể đăng nhập ngay.")).to_be_visible()
        assert httpx.get(devices, auth=("lan", fresh)).status_code == 200

        _open(page, "Sửa tài khoản lan").get_by_role("button", name="Đóng tài khoản").press("Enter")
        expect(row).to_contain_text("đã đóng")
        assert httpx.get(devices, auth=("lan", fresh)).status_code == 401
        # the last one who administers is kept, and said so in the dialog
        dialog = _open(page, "Sửa tài khoản root")
        dialog.get_by_label("Vai trò").select_option("viewer")
        dialog.get_by_role("button", name="Lưu").press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("the last one who administers")
        board.press("Escape")
        expect(
            page.locator("section", has=page.get_by_role("heading", name="Thay đổi gần đây"))
        ).to_contain_text("root (page)")


def test_a_key_is_shown_once_and_revoked(room: Room, chromium: Browser) -> None:
    with visiting(chromium, room.url) as visitor:
        page = visitor.page
        visitor.log_in("root", PASSWORD, "/ops/admin/keys")
        dialog = _open(page, "Tạo khóa")
        visitor.judge()
        dialog.get_by_label("Cấp cho hệ thống nào").fill("kiosk <i>1</i>")
        dialog.get_by_label("Tối đa mỗi phút").fill("sáu")
        dialog.get_by_role("button", name="Lưu").press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("số nguyên")
        dialog.get_by_label("Tối đa mỗi phút").fill("600")
        dialog.get_by_label("ioc.queues").check()
        dialog.get_by_role("button", name="Lưu").press("Enter")
        expect(page.get_by_role("status").filter(has_text="Đã tạo khóa cho kiosk")).to_be_visible()
        text = _shown_once(page)
        _nowhere(room, text)
        parts = keys.split(text)
        assert parts is not None
        (key,) = keys.list_keys(room.connection)
        assert key.fits(parts[1])
        assert (key.topics, key.quota_per_minute) == (("ioc.queues",), 600)
        row = page.locator(f"[data-key='{key.id}']")
        expect(row).to_contain_text("kiosk <i>1</i>")
        dialog = _open(page, "Thu hồi khóa kiosk <i>1</i>")
        dialog.get_by_role("button", name="Thu hồi").press("Enter")
        expect(row).to_contain_text("đã thu hồi")
        (key,) = keys.list_keys(room.connection)
        assert key.revoked_at is not None


def test_looking_at_a_record_is_confirmed_and_leaves_a_trace(room: Room, chromium: Browser) -> None:
    looked = "SELECT reader, what, filters->>'record' FROM ioc.access_log WHERE what = 'unreadable'"
    with visiting(chromium, room.url) as visitor:
        page = visitor.page
        visitor.log_in("root", PASSWORD, "/ops/admin/unreadable")
        dialog = _open(page, "Xem bản ghi 1")
        expect(dialog).to_contain_text("có thể chứa dữ liệu cá nhân")
        assert room.connection.execute(looked).fetchall() == []
        assert "0900" not in page.content()
        dialog.get_by_role("button", name="Vẫn xem").press("Enter")
        expect(dialog.locator("pre")).to_have_text(SECRET)
        visitor.judge()
        assert room.connection.execute(looked).fetchall() == [("root", "unreadable", "1")]
        dialog.get_by_role("button", name="Đóng").press("Enter")
        expect(page.locator("pre")).to_have_count(0)
        assert "0900" not in page.content()

        topic = f"{room.prefix}ioc.dossiers"
        dialog = _open(page, f"Gửi lại: {topic}, không phải JSON")
        dialog.get_by_role("button", name="Gửi lại").press("Enter")
        expect(page.get_by_role("status").filter(has_text="Đã gửi lại 1 bản ghi; 0 ở lại")).to_be_visible()
        expect(page.get_by_text("không phải JSON")).to_have_count(0)
        dialog = _open(page, f"Gửi lại: {topic}, quá lớn")
        dialog.get_by_role("button", name="Gửi lại").press("Enter")
        expect(page.get_by_role("status").filter(has_text="Đã gửi lại 0 bản ghi; 1 ở lại")).to_be_visible()
        # whoever lost the role meanwhile is refused, and told so
        room.connection.execute("UPDATE ioc.reader SET role = 'leader' WHERE name = 'root'")
        dialog = _open(page, "Xem bản ghi 2")
        dialog.get_by_role("button", name="Vẫn xem").press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("chỉ được xem")
        room.connection.execute("UPDATE ioc.reader SET role = 'admin' WHERE name = 'root'")
