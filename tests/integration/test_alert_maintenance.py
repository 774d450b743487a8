"""Maintenance windows on a real database: made, withdrawn, covering what opens in them and what is open already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from ioc.alerts import maintenance, windows
from ioc.alerts.errors import AlertError, UnknownMaintenanceError
from ioc.alerts.maintenance import Marked
from ioc.alerts.windows import Known, Wanted
from ioc.kpi.errors import KpiError
from ioc.kpi.query import SYSTEM_READER, answer, change
from ioc.settings import Settings
from tests.integration.alert_place import Place
from tests.integration.alerting import MINUTE, down

HOUR = timedelta(hours=1)
#: T0 is 8:00 of this day in Vietnam.
TODAY = "2026-03-02"


@pytest.fixture(scope="module")
def ready(ready: Settings) -> Settings:
    with psycopg.connect(ready.database_dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ioc.point (code, unit_code, name_vi, name_en) VALUES"
            " ('p1', 'go-1', 'Điểm 1', 'Point 1'), ('p2', 'go-2', 'Điểm 2', 'Point 2')"
        )
    return ready


def make(desk: Place, reader: str = SYSTEM_READER, **given: object) -> Known:
    wanted = {"name": "Bảo trì", "start": f"{TODAY}T08:00", "hours": 1.0} | given
    return change(desk.connection, windows.create(reader, Wanted(**wanted), reader, desk.now))  # type: ignore[arg-type]


def mark(desk: Place, passed: timedelta = timedelta(0)) -> Marked:
    desk.now += passed
    return change(desk.connection, maintenance.mark(desk.now))


def covered(desk: Place, *alerts: int) -> dict[int, tuple[int, datetime]]:
    return answer(desk.connection, maintenance.covered(alerts, desk.now))


def test_an_alert_that_opens_in_a_window_is_kept_and_shown_as_such_until_the_window_ends(desk: Place) -> None:
    made = make(desk, rules=("camera.down",), units=("go-1",))
    number, other = desk.open("camera.down", "device:c1"), desk.open("camera.down", "device:c2", "go-2")
    # who is about to call knows before the clock marked it
    assert covered(desk, number, other) == {number: (made.window.id, desk.now + HOUR)}
    assert mark(desk) == Marked(began=(number,))
    assert mark(desk) == Marked()
    assert desk.alert(number)["maintenance_id"] == made.window.id
    desk.connection.execute(
        'UPDATE ioc.alert_step SET due_at = %s, detail = \'{"held": "maintenance"}\' WHERE alert_id = %s',
        (desk.now + 3 * HOUR, number),
    )
    assert mark(desk, HOUR) == Marked(ended=(number,))
    assert covered(desk, number, other) == {}
    assert desk.alert(number)["maintenance_id"] is None
    assert desk.steps(number) == [("escalate", "waiting", desk.now)]
    assert desk.told(number)[1:] == [
        (
            "maintenance_began",
            "system",
            {"maintenance": made.window.id, "until": desk.now.astimezone(UTC).isoformat()},
        ),
        ("maintenance_ended", "system", {"maintenance": made.window.id}),
    ]


def test_a_window_that_begins_holds_what_is_open_and_one_that_is_withdrawn_lets_it_go(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1", point="p1")
    desk.now += MINUTE
    made = make(desk, points=("p1",), reason="thay nguồn")
    assert (made.holds, made.window.made_by) == (True, SYSTEM_READER)
    assert desk.events(number) == ["opened", "maintenance_began"]
    known, was = change(
        desk.connection, windows.withdraw("chief", made.window.id, "chief", desk.now + MINUTE)
    )
    assert (was, known.holds, known.next, known.window.withdrawn_by) == (True, False, None, "chief")
    assert desk.events(number) == ["opened", "maintenance_began", "maintenance_ended"]
    again = change(desk.connection, windows.withdraw("head", made.window.id, "head", desk.now + HOUR))
    assert (again[1], again[0].window.withdrawn_by) == (False, "chief")


def test_a_window_of_every_night_covers_each_night_anew(desk: Place) -> None:
    make(desk, start=f"{TODAY}T22:00", hours=2.0, recurs="FREQ=DAILY")
    number = desk.open("camera.down", "device:c1")
    assert mark(desk) == Marked()
    for _ in range(3):
        assert mark(desk, 14 * HOUR) == Marked(began=(number,))
        assert mark(desk, 2 * HOUR) == Marked(ended=(number,))
        desk.now += 8 * HOUR
    assert desk.events(number).count("maintenance_began") == 3


def test_a_window_of_a_subject_does_not_silence_what_shares_its_alert(desk: Place) -> None:
    make(desk, subjects=("device:c1",))
    number = desk.open("site.power", "device:c1", point="p1")
    assert mark(desk) == Marked(began=(number,))
    desk.settle(down("site.power", "device:c2", unit_id=desk.unit("go-1"), point="p1"))
    assert mark(desk) == Marked(ended=(number,))


def test_units_with_those_below_and_nothing_of_no_unit(desk: Place) -> None:
    make(desk, units=("go",))
    mine, outside, own = (
        desk.open("camera.down", "device:c1"),
        desk.open("camera.down", "device:c2", "outside"),
        desk.open("disk.full", "reading:disk@a", None),
    )
    assert list(covered(desk, mine, outside, own)) == [mine]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": " "}, "The name has 0 characters"),
        ({"name": "a\x00"}, r"U\+0000"),
        ({"start": "soon"}, "neither a date nor a time"),
        ({"start": "1800-01-01"}, "more than ten years"),
        ({"hours": None}, "no end, or two"),
        ({"end": f"{TODAY}T07:00", "hours": None}, "The window lasts"),
        ({"hours": float("nan")}, "can't last nan hours"),
        ({"hours": -1.0}, "can't last -1 hours"),
        ({"hours": 1e9}, "can't last"),
        ({"start": "2026-03-01T08:00"}, "over already"),
        ({"recurs": "FREQ=SECONDLY"}, "FREQ is one of DAILY"),
        ({"rules": ("camera.donw",)}, "no rule 'camera.donw'"),
        ({"units": ("nowhere",)}, "no unit 'nowhere'"),
        ({"points": ("p9",)}, "no point 'p9'"),
        ({"subjects": ("c1",)}, "'c1' is no subject"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(desk: Place, given: dict[str, object], said: str) -> None:
    with pytest.raises(KpiError, match=said):
        make(desk, **given)
    assert desk.connection.execute("SELECT count(*) FROM ioc.maintenance").fetchone() == (0,)


def test_a_reader_of_one_unit_makes_and_sees_windows_of_that_unit_alone(desk: Place) -> None:
    mine = make(desk, "clerk", units=("go-1",), points=("p1",)).window.id
    theirs = make(desk, units=("go-1", "go-2")).window.id
    whole = make(desk).window.id
    for given, said in (
        ({}, "of the whole district"),
        ({"units": ("go-2",)}, "no unit 'go-2'"),
        ({"units": ("go-1",), "points": ("p2",)}, "no point 'p2'"),
    ):
        with pytest.raises(AlertError, match=said):
            make(desk, "clerk", **given)

    def seen(reader: str) -> list[int]:
        found, _ = answer(desk.connection, windows.listed(reader, desk.now))
        return [known.window.id for known in found]

    assert (seen("clerk"), seen("head")) == ([mine], [whole, theirs, mine])
    for number in (theirs, whole, -1, 2**63, 4711):
        with pytest.raises(UnknownMaintenanceError, match=f"no maintenance window {number}"):
            change(desk.connection, windows.withdraw("clerk", number, "clerk", desk.now))


def test_the_list_goes_on_and_keeps_what_is_over_for_those_who_ask(desk: Place) -> None:
    made = [make(desk, name=f"w{n}").window.id for n in range(5)]
    first, place = answer(desk.connection, windows.listed(SYSTEM_READER, desk.now, limit=3))
    rest, end = answer(desk.connection, windows.listed(SYSTEM_READER, desk.now, after=place, limit=3))
    assert [known.window.id for known in (*first, *rest)] == made[::-1]
    assert end is None
    desk.now += HOUR
    assert answer(desk.connection, windows.listed(SYSTEM_READER, desk.now))[0] == []
    assert len(answer(desk.connection, windows.listed(SYSTEM_READER, desk.now, ended=True))[0]) == 5


def test_windows_are_withdrawn_and_not_changed(desk: Place) -> None:
    make(desk)
    for statement in ("UPDATE ioc.maintenance SET name = 'x'", "DELETE FROM ioc.maintenance"):
        with pytest.raises(errors.RestrictViolation):
            desk.connection.execute(statement.encode())
