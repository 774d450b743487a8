"""What the evaluator looks at, on a real database with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ioc.alerts.book import RuleBook
from ioc.alerts.loading import load_book
from ioc.alerts.looking import forgetting, kept, measured, points, silence, sweep
from ioc.alerts.looking.kept import Signals
from ioc.alerts.model import (
    AbsenceCondition,
    DeviceCondition,
    DossierCondition,
    Grouping,
    Hours,
    Kind,
    Observation,
    ReadingCondition,
    Rule,
    SiteCondition,
)
from ioc.kpi.query import Steps
from ioc.kpi.steps import run
from tests.integration import kpi_data
from tests.integration.alerting import Desk, a_rule, bring_in, down

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: A Tuesday in Tây Ninh, 09:00.
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)

CAMERA = a_rule("camera.down", inhibited_by=("site.outage",))
WIFI = a_rule("wifi.down", condition=DeviceCondition("wifi", ("down",)), inhibited_by=("site.outage",))
SITE = a_rule("site.outage", kind=Kind.SITE, condition=SiteCondition(), group_by=Grouping.POINT)
KIOSK = a_rule(
    "kiosk.silent",
    kind=Kind.ABSENCE,
    condition=AbsenceCondition("tickets", longer=HOUR),
    hours=Hours.WORKING,
    inhibited_by=("site.outage",),
    group_by=Grouping.POINT,
)


class Place:
    """A district of one point, in a database of its own."""

    def __init__(self, connection: kpi_data.Connection) -> None:
        self.connection = connection
        self.unit = kpi_data.add_unit(connection, "go-dau")
        self.other = kpi_data.add_unit(connection, "bau-don", parent="go-dau")
        kpi_data.add_district(connection, "go-dau")
        self.at = Desk(connection, RuleBook(), NOW)

    def rules(self, *rules: Rule) -> None:
        bring_in(self.connection, rules)
        self.at.book = run(self.connection, load_book())

    def device(self, code: str, kind: int, *, point: str | None = "P-1", unit: str = "bau-don") -> int:
        number = kpi_data.add_device(self.connection, code, kind, unit)
        self.connection.execute("UPDATE ioc.device SET point_code = %s WHERE device_id = %s", (point, number))
        return number

    def state(self, code: str, state: int, since: datetime, **given: Any) -> None:
        """Newest state of a device: 0 unknown (it fell silent), 1 ok, 2 degraded, 3 down, 4 maintenance."""
        told: dict[str, Any] = {
            "valid_until": since if state == 0 else self.at.now + HOUR,
            "last_time": since - MINUTE if state == 0 else self.at.now,
            "flags": 0,
            "clients": None,
            "reason": None,
        }
        self.connection.execute(
            "INSERT INTO ioc.device_state AS s (device_id, kind, unit_id, state, flags, since, last_time, valid_until,"
            " clients, reason) SELECT device_id, kind, unit_id, %(state)s, %(flags)s, %(since)s, %(last_time)s,"
            " %(valid_until)s, %(clients)s, %(reason)s FROM ioc.device WHERE code = %(code)s"
            " ON CONFLICT (device_id) DO UPDATE SET state = excluded.state, flags = excluded.flags,"
            " since = excluded.since, last_time = excluded.last_time, valid_until = excluded.valid_until,"
            " clients = excluded.clients, reason = excluded.reason",
            told | given | {"code": code, "state": state, "since": since},
        )

    def look(
        self,
        rules: Callable[[RuleBook], Sequence[Rule]],
        look: Callable[[RuleBook, Signals, datetime], Steps[list[Observation]]],
    ) -> None:
        """What a task of the evaluator does each second."""
        at = self.at
        signals = run(self.connection, kept.of_rules(at.book, rules(at.book)))
        at.settle(*kept.news(signals, run(self.connection, look(at.book, signals, at.now))))

    def points(self) -> None:
        self.look(points.rules, points.look)

    def silence(self) -> None:
        self.look(silence.rules, lambda book, _, now: silence.look(book, now, "gd."))

    def readings(self) -> None:
        self.look(measured.rules, measured.look)

    def heard_until(self, topic: str, moment: datetime | None, newest: datetime | None = None) -> None:
        """How far a topic is read."""
        self.connection.execute(
            "INSERT INTO ioc.partition_offset AS p (cluster_id, topic, topic_id, partition, next_offset, newest_fact,"
            " watermark) VALUES ('c', %s, %s, 0, 0, %s, %s) ON CONFLICT (cluster_id, topic_id, partition)"
            " DO UPDATE SET watermark = excluded.watermark, newest_fact = excluded.newest_fact",
            (topic, topic, newest or moment, moment),
        )

    def ticket(self, kiosk: str, issued_at: datetime) -> None:
        self.connection.execute(
            "INSERT INTO ioc.ticket (kiosk, date, number, unit_id, issued_at) VALUES (%s, %s, %s, %s, %s)",
            (kiosk, issued_at.date(), issued_at.isoformat(), self.other, issued_at),
        )

    def sweep(self, area: sweep.Area) -> int:
        """What the sweep does: look over all, then lock, look again and tell."""
        at, moved = self.at, 0
        if area is sweep.DEVICES:
            codes, _ = run(self.connection, sweep.suspect_devices(at.book, 0))
        else:
            codes, _ = run(self.connection, sweep.near_dossiers(sweep.Place(), at.now))
        pages = [codes]
        for rule in at.book.of(area.kind):
            found, _ = run(self.connection, sweep.signalled(area, at.book, rule, "", at.now))
            pages.append(found)
        for page in pages:
            wrong = run(self.connection, sweep.compare(area, at.book, page, at.now))
            with self.connection.transaction():
                moved += run(self.connection, sweep.put_right(area, at.book, wrong, at.now))
        return moved

    def open(self) -> list[str]:
        """Open alerts: rule and key, in brackets where another one explains it."""
        rows = self.connection.execute(
            "SELECT r.code || ' ' || a.key, a.inhibited_by FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id)"
            " WHERE a.cleared_at IS NULL ORDER BY alert_id"
        ).fetchall()
        return [name if by is None else f"({name})" for name, by in rows]

    def phases(self) -> dict[str, int]:
        return dict(self.connection.execute("SELECT subject, phase FROM ioc.alert_signal").fetchall())


@pytest.fixture
def place(database: str) -> Iterator[Place]:
    with psycopg.connect(database, autocommit=True, options="-c timezone=UTC") as connection:
        yield Place(connection)


# -- points ----------------------------------------------------------------------------------------------


def test_a_site_that_is_out_is_one_alert_and_explains_those_of_its_devices(place: Place) -> None:
    place.rules(SITE, CAMERA, WIFI, KIOSK)
    for code, kind in (("C-1", 1), ("A-1", 2), ("K-1", 3)):
        place.device(code, kind)
    place.heard_until("gd.ioc.queues", NOW + DAY)
    place.ticket("K-1", NOW - 2 * HOUR)
    for code in ("C-1", "A-1"):
        place.state(code, 1, NOW - DAY)
    place.points()
    assert place.open() == []
    # the camera is told of first, by its partition; then the access point falls silent
    place.state("C-1", 3, NOW)
    place.at.settle(down("camera.down", "device:C-1", NOW, point="P-1", unit_id=place.other))
    place.points()
    assert place.open() == ["camera.down device:C-1"]
    place.state("A-1", 0, NOW + MINUTE)
    place.at.now = NOW + 2 * MINUTE
    place.silence()
    place.points()
    place.at.link()
    assert place.open() == [
        "(camera.down device:C-1)",
        "(kiosk.silent point:P-1)",
        "site.outage point:P-1",
    ]
    # the site is back and the camera is not: it is released, the others are over
    place.at.now = NOW + 10 * MINUTE
    place.state("A-1", 1, place.at.now)
    place.ticket("K-1", place.at.now)
    place.points()
    place.silence()
    place.at.link()
    assert place.open() == ["camera.down device:C-1"]


def test_a_point_of_which_nothing_is_known_is_not_out_and_does_not_come_back(place: Place) -> None:
    place.rules(SITE)
    for code, kind in (("C-1", 1), ("A-1", 2)):
        place.device(code, kind)
        place.state(code, 0, NOW - HOUR)
    place.points()
    assert place.open() == []
    place.state("C-1", 3, NOW - HOUR)
    place.points()
    assert place.open() == ["site.outage point:P-1"]
    place.state("C-1", 0, NOW)
    place.points()
    assert place.open() == ["site.outage point:P-1"]
    # both are taken out of the pack: there is no such place any more
    place.connection.execute("UPDATE ioc.device SET valid_to = %s", (NOW.date(),))
    place.points()
    assert place.open() == []


# -- silence ---------------------------------------------------------------------------------------------


def test_silent_devices_are_those_whose_silence_was_written_down_and_those_never_heard(place: Place) -> None:
    place.rules(a_rule("silent", kind=Kind.ABSENCE, condition=AbsenceCondition("device", "camera")))
    for code, kind in (("C-1", 1), ("C-2", 1), ("C-3", 1), ("A-1", 2)):
        place.device(code, kind)
    place.state("C-1", 0, NOW - HOUR)
    # not heard for long, and nobody wrote that down: its worker may be away
    place.state("C-2", 1, NOW - DAY, valid_until=NOW - HOUR)
    place.state("A-1", 0, NOW - HOUR)
    place.silence()
    assert place.open() == ["silent device:C-1", "silent device:C-3"]
    place.state("C-1", 3, NOW)  # down is not silent
    place.state("C-3", 1, NOW)
    place.silence()
    assert place.open() == []


def test_connectors_and_topics_are_silent_only_where_all_that_came_was_read(place: Place) -> None:
    place.rules(
        a_rule("connector", kind=Kind.ABSENCE, condition=AbsenceCondition("connector", longer=10 * MINUTE)),
        a_rule(
            "topic", kind=Kind.ABSENCE, condition=AbsenceCondition("topic", "ioc.dossiers", longer=2 * HOUR)
        ),
    )
    place.connection.execute("INSERT INTO ioc.source (name) VALUES ('//one'), ('//other')")
    for name, source, time, state in (
        ("onestop", 1, NOW - HOUR, "ok"),
        ("camera", 1, NOW - HOUR, "stopped"),
        ("wifi", 1, NOW - HOUR, "ok"),
        ("wifi", 2, NOW - MINUTE, "ok"),  # it moved
    ):
        place.connection.execute(
            "INSERT INTO ioc.connector (name, source_id, time, report_id, recorded_at, state, since, sources, failing,"
            " failing_sources, spooled_events, spooled_bytes, interval_s)"
            " SELECT %s, source_id, %s, 'r', %s, %s, %s, 1, 0, '[]', 0, 0, 30 FROM ioc.source ORDER BY source_id"
            " LIMIT 1 OFFSET %s",
            (name, time, time, state, time, source - 1),
        )
    # the worker is behind: nobody knows
    place.heard_until("gd.ioc.connectors", NOW - HOUR)
    place.heard_until("gd.ioc.dossiers", NOW - 3 * HOUR)
    place.silence()
    assert place.open() == []
    place.heard_until("gd.ioc.connectors", NOW)
    place.heard_until("gd.ioc.dossiers", NOW, NOW - 3 * HOUR)
    place.silence()
    assert place.open() == ["connector connector:onestop", "topic topic:ioc.dossiers"]
    place.heard_until("gd.ioc.dossiers", NOW)
    place.silence()
    assert place.open() == ["connector connector:onestop"]


def test_processes_that_stopped_on_purpose_are_not_missed(place: Place) -> None:
    place.rules(
        a_rule("process", kind=Kind.ABSENCE, condition=AbsenceCondition("process")),
        a_rule("deliver", kind=Kind.ABSENCE, condition=AbsenceCondition("process", "deliver")),
    )
    for name, at, stopped in (
        ("evaluate@a", NOW - MINUTE, False),
        ("serve@a", NOW - MINUTE, True),
        ("stream@a", NOW - timedelta(seconds=9), False),
    ):
        place.connection.execute(
            "INSERT INTO ioc.heartbeat (name, kind, host, at, interval_s, stopped) VALUES (%s, %s, 'a', %s, 5, %s)",
            (name, name.partition("@")[0], at, stopped),
        )
    place.silence()
    assert place.open() == ["process process:evaluate@a", "deliver process:deliver"]


def test_a_kiosk_that_draws_no_tickets_is_missed_by_working_time(place: Place) -> None:
    place.rules(KIOSK)
    place.device("K-1", 3)
    place.device("K-2", 3)  # never drew one
    place.heard_until("gd.ioc.queues", NOW + 30 * DAY)
    monday_evening = datetime(2026, 3, 9, 9, 50, tzinfo=UTC)  # 16:50
    place.ticket("K-1", monday_evening)
    place.at.now = datetime(2026, 3, 10, 0, 45, tzinfo=UTC)  # 07:45: 55 minutes of working time
    place.silence()
    assert place.open() == []
    place.at.now = datetime(2026, 3, 10, 0, 50, tzinfo=UTC)
    place.silence()
    assert place.open() == ["kiosk.silent point:P-1"]


# -- readings --------------------------------------------------------------------------------------------


def test_readings_have_hysteresis_and_an_end_of_validity(place: Place) -> None:
    place.rules(
        a_rule("disk", kind=Kind.READING, condition=ReadingCondition("disk.used", above=0.9, clear=0.85))
    )

    def read(value: float | None, valid_for: timedelta = HOUR) -> list[str]:
        place.connection.execute(
            "INSERT INTO ioc.reading (name, instance, at, valid_until, value, unit)"
            " VALUES ('disk.used', '/data', %s, %s, %s, '1') ON CONFLICT (name, instance)"
            " DO UPDATE SET at = excluded.at, valid_until = excluded.valid_until, value = excluded.value",
            (place.at.now, place.at.now + valid_for, value),
        )
        place.readings()
        return place.open()

    alert = ["disk reading:disk.used@/data"]
    assert read(0.89) == []
    assert read(0.95, -MINUTE) == []
    assert read(0.95) == alert
    assert [read(0.87), read(None), read(0.1, -MINUTE)] == [alert, alert, alert]
    assert read(0.84) == []
    assert read(0.87) == []


# -- the sweep -------------------------------------------------------------------------------------------


def test_the_sweep_finds_what_rules_that_changed_make_of_devices(place: Place) -> None:
    place.rules(CAMERA)
    for code in ("C-1", "C-2", "C-3", "C-4"):
        place.device(code, 1, unit="bau-don" if code < "C-4" else "go-dau")
    place.state("C-1", 3, NOW - HOUR, reason="no answer")
    place.state("C-2", 1, NOW - HOUR)
    place.state("C-3", 2, NOW - HOUR, flags=1, reason="frozen")
    place.state("C-4", 3, NOW - 2 * HOUR)
    assert place.sweep(sweep.DEVICES) == 2
    assert place.open() == ["camera.down device:C-1", "camera.down device:C-4"]
    assert place.sweep(sweep.DEVICES) == 0
    # another condition, and only in one commune
    frozen = a_rule("camera.down", condition=DeviceCondition("camera", flag="frozen"))
    place.rules(frozen)
    place.sweep(sweep.DEVICES)
    assert place.open() == ["camera.down device:C-3"]
    place.rules(a_rule("camera.down", units=("bau-don",)))
    place.sweep(sweep.DEVICES)
    assert place.open() == ["camera.down device:C-1"]
    # gone from the pack
    place.connection.execute("UPDATE ioc.device SET valid_to = %s WHERE code = 'C-1'", (NOW.date(),))
    place.sweep(sweep.DEVICES)
    assert place.open() == []


def test_the_sweep_leaves_alone_what_a_partition_has_under_its_hands(place: Place, database: str) -> None:
    place.rules(CAMERA)
    place.device("C-1", 1)
    place.state("C-1", 3, NOW - HOUR)
    with psycopg.connect(database) as other:
        other.execute("SELECT FROM ioc.device_state FOR UPDATE")
        assert place.sweep(sweep.DEVICES) == 0
    assert place.sweep(sweep.DEVICES) == 1


def test_the_sweep_counts_no_clients_from_when_it_saw_none(place: Place) -> None:
    place.rules(
        a_rule("nobody", condition=DeviceCondition("wifi", ("ok",), clients_at_most=0), holds_for=HOUR)
    )
    place.device("A-1", 2)
    place.state("A-1", 1, NOW - 9 * DAY, clients=0)
    place.sweep(sweep.DEVICES)
    assert (place.phases(), place.open()) == ({"device:A-1": 1}, [])
    place.state("A-1", 1, NOW - 9 * DAY, clients=4)
    place.sweep(sweep.DEVICES)
    assert place.phases() == {}


LEVELS = (
    a_rule("soon", kind=Kind.DOSSIER, condition=DossierCondition("due_soon")),
    a_rule("late", kind=Kind.DOSSIER, condition=DossierCondition("overdue", before=48 * HOUR)),
    a_rule("very-late", kind=Kind.DOSSIER, condition=DossierCondition("overdue", after=48 * HOUR)),
)


def a_dossier(place: Place, code: str, due: datetime, late_from: datetime, unit: int | None = None) -> int:
    """An open dossier, with what its ledger says of its due date."""
    connection = place.connection
    row = connection.execute(
        "INSERT INTO ioc.dossier (code, unit_id, due_at, status) VALUES (%s, %s, %s, 2) RETURNING dossier_id",
        (code, unit or place.other, due),
    ).fetchone()
    assert row is not None
    series = connection.execute(
        "INSERT INTO ioc.dossier_series (unit_id) VALUES (%s) ON CONFLICT (unit_id, channel, field, procedure)"
        " DO UPDATE SET unit_id = excluded.unit_id RETURNING series_id",
        (place.other,),
    ).fetchone()
    assert series is not None
    for measure, moment, delta in ((13, due - DAY, 1), (13, late_from, -1), (11, late_from, 1)):
        connection.execute(
            "INSERT INTO ioc.dossier_ledger (dossier_id, series_id, measure, amount, delta, effective_at, recorded_at)"
            " VALUES (%s, %s, %s, 0, %s, %s, %s)",
            (row[0], series[0], measure, delta, moment, NOW - 30 * DAY),
        )
    return int(row[0])


def test_a_dossier_that_nobody_touches_goes_through_its_levels_by_the_sweep_and_the_clock(
    place: Place,
) -> None:
    place.rules(*LEVELS)
    due = NOW + 3 * DAY
    late_from = due + 15 * HOUR
    a_dossier(place, "D-1", due, late_from)
    place.sweep(sweep.DOSSIERS)
    assert place.phases() == {}  # far ahead

    def pass_to(moment: datetime) -> list[str]:
        place.at.now = moment - 30 * MINUTE
        place.sweep(sweep.DOSSIERS)
        place.at.now = moment
        place.at.ripen()
        assert place.sweep(sweep.DOSSIERS) == 0
        return place.open()

    assert pass_to(due - DAY) == ["soon dossier:D-1"]
    assert pass_to(late_from) == ["late dossier:D-1"]
    assert pass_to(late_from + 48 * HOUR) == ["very-late dossier:D-1"]
    # it is done, and the partition's transaction did not tell
    place.connection.execute("UPDATE ioc.dossier SET completed_at = %s", (place.at.now,))
    place.connection.execute(
        "INSERT INTO ioc.dossier_ledger (dossier_id, series_id, measure, amount, delta, effective_at, recorded_at)"
        " SELECT dossier_id, series_id, 11, 0, -1, %s, %s FROM ioc.dossier_ledger LIMIT 1",
        (place.at.now, place.at.now),
    )
    place.sweep(sweep.DOSSIERS)
    assert place.open() == []


def test_rules_of_units_and_dossiers_that_are_gone(place: Place) -> None:
    place.rules(LEVELS[1])
    a_dossier(place, "D-1", NOW - DAY, NOW - 10 * HOUR)
    a_dossier(place, "D-2", NOW - DAY, NOW - 10 * HOUR, place.unit)
    place.sweep(sweep.DOSSIERS)
    assert sorted(place.open()) == ["late dossier:D-1", "late dossier:D-2"]
    place.rules(a_rule("late", kind=Kind.DOSSIER, condition=LEVELS[1].condition, units=("bau-don",)))
    place.sweep(sweep.DOSSIERS)
    assert place.open() == ["late dossier:D-1"]


# -- clearing up -----------------------------------------------------------------------------------------


def test_old_alerts_go_with_their_trail_and_open_ones_stay(place: Place) -> None:
    place.rules(CAMERA)
    place.at.settle(down("camera.down", "device:C-1"), down("camera.down", "device:C-2"))
    place.at.settle(Observation("camera.down", "device:C-1", False))
    with pytest.raises(psycopg.Error, match="audit trail"):
        place.connection.execute("DELETE FROM ioc.alert_event")

    def forget(keep: timedelta | None) -> int:
        with place.connection.transaction():
            return run(place.connection, forgetting.forget(place.at.now, keep))

    place.at.now = NOW + 100 * DAY
    assert forget(None) == 2  # decayed counts of comings and goings
    assert forget(101 * DAY) == 0
    assert forget(99 * DAY) == 1
    assert place.open() == ["camera.down device:C-2"]
    rows = place.connection.execute("SELECT count(DISTINCT alert_id) FROM ioc.alert_event").fetchone()
    assert rows == (1,)
