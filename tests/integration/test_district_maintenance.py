"""Standing maintenance windows of a pack in a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ioc.alerts import windows
from ioc.alerts.window import Window
from ioc.district.apply_maintenance import apply_maintenance
from ioc.district.maintenance import MADE_BY
from ioc.kpi.query import SYSTEM_READER, answer, change
from tests.integration.kpi_data import Connection

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
NIGHTLY = Window(
    name="Sao lưu",
    starts_at=NOW,
    length=timedelta(hours=1),
    recurs="FREQ=DAILY",
    rules=("disk.full",),
    made_by=MADE_BY,
)
SUNDAYS = replace(NIGHTLY, name="Chủ nhật", recurs="FREQ=WEEKLY;BYDAY=SU", units=("25663",), rules=())


def _apply(connection: Connection, *wanted: Window) -> int:
    with connection.transaction(), connection.cursor() as cursor:
        return apply_maintenance(cursor, wanted)


def _names(connection: Connection) -> list[str]:
    found, _ = answer(connection, windows.listed(SYSTEM_READER, NOW))
    return sorted(known.window.name for known in found)


def test_the_pack_s_windows_stand_and_those_of_people_are_left_alone(connection: Connection) -> None:
    wanted = windows.Wanted(name="Của người", start=NOW.isoformat(), hours=9.0)
    change(connection, windows.create(SYSTEM_READER, wanted, "chief", NOW))
    assert _apply(connection, NIGHTLY, SUNDAYS) == 2
    assert _apply(connection, NIGHTLY, SUNDAYS) == 0
    assert _names(connection) == ["Chủ nhật", "Của người", "Sao lưu"]
    # one line changed, one is gone
    assert _apply(connection, replace(NIGHTLY, length=timedelta(hours=2))) == 3
    assert _names(connection) == ["Của người", "Sao lưu"]
    assert _apply(connection, NIGHTLY) == 2
    # ended by hand: it does not come back with the same line
    found, _ = answer(connection, windows.listed(SYSTEM_READER, NOW))
    (number,) = [known.window.id for known in found if known.window.name == "Sao lưu"]
    change(connection, windows.withdraw(SYSTEM_READER, number, "chief", NOW))
    assert _apply(connection, NIGHTLY) == 0
    assert _names(connection) == ["Của người"]
    assert _apply(connection, replace(NIGHTLY, reason="mới")) == 1
    assert _names(connection) == ["Của người", "Sao lưu"]
