"""What messages say, from facts that are as awkward as names in the field can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts.model import Severity
from ioc.delivery import fitting, texts
from ioc.delivery.channels.interface import Outgoing
from ioc.delivery.facts import Facts

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CAMERA = Facts(
    alert_id=7,
    rule="camera-down",
    severity=Severity.MAJOR,
    name_vi="Camera mất kết nối",
    name_en="Camera down",
    runbook_vi="Kiểm tra nguồn và dây mạng của camera.",
    runbook_en="Check the camera's power and cable.",
    subject="device:CAM-01",
    device="Camera cổng",
    unit="25663",
    unit_vi="Xã Phước Thạnh",
    unit_en="Phuoc Thanh commune",
    point="bpmc-phuoc-thanh",
    point_vi="Bộ phận Một cửa Phước Thạnh",
    point_en="Phuoc Thanh one-stop shop",
    since=datetime(2026, 11, 25, 0, 15, tzinfo=UTC),
    opened_at=datetime(2026, 11, 25, 0, 16, tzinfo=UTC),
)


def going(text: texts.Text, ack_url: str | None = None) -> Outgoing:
    return Outgoing(
        key="k",
        kind="alert",
        severity=Severity.MAJOR,
        subject=text.subject,
        body=text.body,
        short=text.short,
        ack_url=ack_url,
    )


def test_one_alert_says_what_where_since_when_and_what_to_do_in_vietnamese_then_english() -> None:
    said = texts.alert_text("alert", [CAMERA], zone=ZONE, told=["lanh-dao-2"])
    vi, en = said.body.split("— English —")
    assert said.subject == ("[NGHIÊM TRỌNG] Camera mất kết nối – Bộ phận Một cửa Phước Thạnh, Xã Phước Thạnh")
    for part in (
        "Đối tượng: thiết bị CAM-01 (Camera cổng)",
        "Từ lúc: 07:15 25/11/2026",
        "Cần làm: Kiểm tra nguồn và dây mạng của camera.",
        "Cũng đã báo: lanh-dao-2",
    ):
        assert part in vi
    for part in (
        "[MAJOR] Camera down",
        "Since: 07:15 2026-11-25",
        "What to do: Check the camera's power and cable.",
        "Also told: lanh-dao-2",
    ):
        assert part in en


@pytest.mark.parametrize(
    ("value", "measure", "vi", "en"),
    [
        (0.979, "share", "97,9 %", "97.9 %"),
        (5400.0, "s", "90 phút", "90 min"),
        (45.0, "s", "45 giây", "45 s"),
        (1234.0, "dossiers", "1.234 hồ sơ", "1,234 dossiers"),
        (0.0, None, "0", "0"),
    ],
)
def test_a_value_has_its_unit_of_measure(value: float, measure: str | None, vi: str, en: str) -> None:
    found = replace(CAMERA, value=value, measure=measure)
    assert texts.value_of(found, texts.VI) == vi
    assert texts.value_of(found, texts.EN) == en


def test_an_unknown_value_is_not_shown_at_all() -> None:
    assert texts.value_of(CAMERA, texts.VI) is None
    assert "Giá trị" not in texts.alert_text("alert", [CAMERA], zone=ZONE).body


def test_reminders_and_resolved_ones_say_so_and_a_resolved_one_asks_for_nothing() -> None:
    assert texts.alert_text("reminder", [CAMERA], zone=ZONE).subject.startswith("[NHẮC LẠI: NGHIÊM TRỌNG]")
    over = replace(CAMERA, cleared_at=datetime(2026, 11, 25, 1, 0, tzinfo=UTC))
    said = texts.alert_text("resolved", [over], zone=ZONE)
    assert said.subject.startswith("[ĐÃ HẾT: NGHIÊM TRỌNG]")
    assert "Hết lúc: 08:00 25/11/2026" in said.body
    assert "Cần làm" not in said.body


def test_five_thousand_alerts_are_listed_in_part_and_all_are_counted() -> None:
    many = [replace(CAMERA, alert_id=n, severity=Severity(5 - n % 2)) for n in range(5000)]
    said = texts.alert_text("alert", many, zone=ZONE)
    assert said.subject == "[KHẨN CẤP] 5.000 cảnh báo"
    assert "khẩn cấp: 2500 · nghiêm trọng: 2500" in said.body
    assert "… và 4.970 cảnh báo nữa" in said.body
    assert "… and 4,970 more alerts" in said.body
    assert texts.alert_text("alert", many[:30], zone=ZONE, total=5000).subject == said.subject
    cut = fitting.long_text(going(said, "https://ioc.example/a/t"), 4096)
    assert fitting.units(cut) <= 4096
    assert "ký tự nữa" in cut
    assert cut.endswith("https://ioc.example/a/t")


def test_a_short_one_keeps_its_link_whole() -> None:
    long = replace(CAMERA, name_vi="Điểm phát wifi quá tải " * 20)
    said = texts.alert_text("alert", [long], zone=ZONE)
    url = "https://ioc.example/a/" + "x" * 48
    short = fitting.short_text(going(said, url))
    assert short.endswith(url)
    assert fitting.units(short) <= 134
    assert fitting.short_text(going(said, "https://ioc.example/a/" + "x" * 200)).endswith("…")


AWKWARD = st.text(st.characters(), max_size=400)


@given(AWKWARD, AWKWARD, AWKWARD)
def test_names_of_any_kind_leave_subjects_one_line_and_short_ones_short(a: str, b: str, c: str) -> None:
    odd = replace(CAMERA, name_vi=a, name_en=b, runbook_vi=c, unit_vi=b, point_vi=c, device=a)
    for facts in ([odd], [odd, odd, odd]):
        said = texts.alert_text("alert", facts, zone=ZONE)
        assert said == texts.alert_text("alert", facts, zone=ZONE)
        assert fitting.units(said.short) <= 134
        for line in (said.subject, said.short, *said.body.split("\n")):
            assert all(ord(sign) >= 32 and sign not in "\x7f\u2028\u2029\u202e" for sign in line)
        said.body.encode()
        for most in (80, 200, 4096):
            assert fitting.units(fitting.long_text(going(said), most)) <= most


def test_a_line_end_in_a_name_is_no_line_end_in_a_subject() -> None:
    odd = replace(CAMERA, name_vi="Camera\r\nBcc: somebody@example.org\u202e\x00")
    assert "Camera Bcc: somebody@example.org – " in texts.alert_text("alert", [odd], zone=ZONE).subject


def test_notices_are_kept_as_documents_and_read_in_both_languages() -> None:
    found = texts.digest(
        date(2026, 11, 25), ZONE, opened=1200, cleared=3, still_open=[CAMERA] * 40, total=1197
    )
    kept = msgspec.json.encode(found)
    said = texts.notice_text(msgspec.json.decode(kept, type=texts.Notice))
    assert said.subject == "IOC: tổng hợp cảnh báo 25/11/2026"
    assert "24 giờ qua: 1.200 cảnh báo mới, 3 đã hết, 1.197 đang mở." in said.body
    assert "… and 1,167 more alerts" in said.body
    over = msgspec.convert(
        {"subject_vi": "Giao ca", "subject_en": "x", "lines_vi": ["Nhận ca: a."], "lines_en": [], "at": 1},
        type=texts.Notice,
    )
    assert texts.notice_text(over).short == "Giao ca. Nhận ca: a."
