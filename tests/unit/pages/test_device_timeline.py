"""A device's states as a drawing: what is where, what is told of it, and the marks below."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from ioc.history.device_now import Place
from ioc.pages.devices.timeline import Stretch, draw, ticks
from ioc.pages.devices.view import View
from ioc.pages.devices.words import reason_in_vietnamese

START = datetime(2026, 3, 1, 17, 20, tzinfo=UTC)
END = START + timedelta(hours=24)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def _bars(*stretches: Stretch) -> list[tuple[float, float, str]]:
    svg = ElementTree.fromstring(  # noqa: S314 - our own text
        draw(stretches, START, END, label="a < b", said=lambda one: f"<i>{one.reason}</i> & more")
    )
    assert svg.get("aria-label") == "a < b"
    return [
        (float(bar.get("x", 0)), float(bar.get("width", 0)), bar.get("class") or bar.get("fill") or "")
        for bar in svg.findall("rect")
    ]


def _at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def test_bars_stand_where_the_states_were_and_the_rest_is_unknown() -> None:
    ground, ok, down = _bars(Stretch(_at(12), None, "down", "a < b"), Stretch(_at(-5), _at(12), "ok", None))
    assert ground == (0.0, 1000.0, "url(#p-unknown)")
    assert ok == (0.0, 500.0, "ops-bar-ok")
    assert down == (500.0, 500.0, "ops-bar-down")


def test_what_is_short_is_still_seen_and_never_covered() -> None:
    bars = _bars(
        Stretch(_at(6), _at(6) + timedelta(seconds=2), "down", None),
        Stretch(_at(0), _at(24), "ok", None),
        Stretch(_at(24) - timedelta(seconds=1), None, "degraded", None),
        Stretch(_at(-9), _at(-8), "down", None),
    )
    assert [look for _, _, look in bars] == [
        "url(#p-unknown)",
        "ops-bar-ok",
        "ops-bar-degraded",
        "ops-bar-down",
    ]
    assert all(width >= 1.5 and left + width <= 1000.01 for left, width, _ in bars)


def test_marks_stand_at_round_hours_and_midnights_of_the_district() -> None:
    assert [tick.label for tick in ticks(START, END, ZONE, day_first=True)] == [
        "04:00",
        "08:00",
        "12:00",
        "16:00",
        "20:00",
        "03/03",
    ]
    week = ticks(START, START + timedelta(days=7), ZONE, day_first=False)
    assert [tick.label for tick in week][:2] == ["03-03", "03-04"]
    assert all(0 <= tick.share <= 1 for tick in week)
    # a night on which the clock changes keeps its midnights
    paris = ZoneInfo("Europe/Paris")
    spring = datetime(2026, 3, 27, 12, tzinfo=UTC)
    found = ticks(spring, spring + timedelta(days=5), paris, day_first=True)
    assert [tick.label for tick in found] == ["28/03", "29/03", "30/03", "31/03", "01/04"]


def test_a_view_is_its_address_and_nonsense_is_left_out() -> None:
    view = View.read(
        {"kind": "wifi", "text": " a%b\x00 ", "state": "on fire", "after": "3.ap-1", "unit": "go"}
    )
    assert (view.kind, view.text, view.state, view.after) == ("wifi", "a%b", None, Place(3, "ap-1"))
    assert view.address(state="down") == "/ops/devices?unit=go&kind=wifi&state=down&text=a%25b"
    for bad in ("", "x.y", "99.a", "1.", "²."):
        assert View.read({"after": bad}).after is None


def test_reasons_are_told_in_vietnamese_where_they_are_known() -> None:
    assert (
        reason_in_vietnamese("no decoded picture within 10 s (timeout)")
        == "không giải mã được hình trong 10 giây"
    )
    assert reason_in_vietnamese("clock: 7 h behind, a time-zone fault") == "đồng hồ lệch 7 giờ: sai múi giờ"
    assert reason_in_vietnamese("SNMP timed out, ping fails too") is not None
    assert reason_in_vietnamese("something new") is None
