"""What conditions say of devices, dossiers, figures, readings, silence and reception points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts import conditions, machine
from ioc.alerts.conditions import DeviceRow, Figure, Found, Heard, ReadingRow
from ioc.alerts.model import (
    AbsenceCondition,
    DeviceCondition,
    DossierCondition,
    Kind,
    KpiCondition,
    Phase,
    ReadingCondition,
    Rule,
    Severity,
    Signal,
    SiteCondition,
)
from ioc.district.worktime import WorkCalendar
from ioc.dossiers.ledger import Measure, periods
from ioc.dossiers.reducer import Fact, reduce
from ioc.events import DossierApology, DossierProgress, DossierRecord
from ioc.kpi.catalogue import find
from ioc.kpi.targets import Target

NOW = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DOWN = DeviceCondition(device="camera", states=("down",))


def a_device(state: str, **changes: Any) -> DeviceRow:
    given: dict[str, Any] = {
        "code": "CAM-1",
        "kind": "camera",
        "since": NOW - MINUTE,
        "valid_until": NOW + MINUTE,
    }
    return DeviceRow(state=state, **(given | changes))


# -- devices ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "holds"),
    [("down", True), ("ok", False), ("degraded", False), ("maintenance", False), ("unknown", None)],
)
def test_a_state_is_asked_for_and_a_silent_device_is_unknown(state: str, holds: bool | None) -> None:
    found = conditions.device(DOWN, a_device(state), NOW)

    assert found.holds is holds
    assert found.since == (None if holds is None else NOW - MINUTE)


def test_a_sample_older_than_its_validity_says_nothing() -> None:
    assert conditions.device(DOWN, a_device("down", valid_until=NOW - MINUTE), NOW).holds is None


def test_a_rule_about_one_kind_of_device_never_holds_for_another() -> None:
    assert conditions.device(DOWN, a_device("down", kind="wifi"), NOW).holds is False


def test_flags_and_reasons_are_parts_of_a_condition() -> None:
    frozen = DeviceCondition(device="camera", flag="frozen")
    clock = DeviceCondition(device="camera", states=("degraded",), reason="clock")

    assert conditions.device(frozen, a_device("degraded", flags=frozenset({"frozen"})), NOW).holds
    assert conditions.device(frozen, a_device("degraded"), NOW).holds is False
    assert conditions.device(clock, a_device("degraded", reason="clock is 25 s ahead"), NOW).holds
    assert conditions.device(clock, a_device("degraded", reason="the picture is black"), NOW).holds is False
    assert conditions.device(clock, a_device("ok", reason="clock"), NOW).holds is False


def test_no_clients_is_not_the_same_as_clients_unknown() -> None:
    nobody = DeviceCondition(device="wifi", states=("ok", "degraded"), clients_at_most=0)

    assert conditions.device(nobody, a_device("ok", kind="wifi", clients=0), NOW).holds
    assert conditions.device(nobody, a_device("ok", kind="wifi", clients=1), NOW).holds is False
    assert conditions.device(nobody, a_device("ok", kind="wifi"), NOW).holds is None
    assert conditions.device(nobody, a_device("down", kind="wifi", clients=0), NOW).holds is False


parts = st.builds(
    DeviceCondition,
    device=st.just("wifi"),
    states=st.sets(st.sampled_from(("ok", "degraded", "down"))).map(tuple),
    flag=st.none() | st.just("saturated"),
    reason=st.none() | st.just("ping"),
    clients_at_most=st.none() | st.integers(0, 3),
)
rows = st.builds(
    DeviceRow,
    code=st.just("AP-1"),
    kind=st.just("wifi"),
    state=st.sampled_from(conditions.DEVICE_STATES),
    since=st.just(NOW - HOUR),
    valid_until=st.sampled_from((NOW - MINUTE, NOW, NOW + MINUTE)),
    flags=st.sampled_from((frozenset(), frozenset({"saturated"}))),
    clients=st.none() | st.integers(0, 5),
    reason=st.none() | st.sampled_from(("ping lost", "no answer")),
)


@given(condition=parts, row=rows)
def test_what_is_unknown_never_holds_and_is_never_over(condition: DeviceCondition, row: DeviceRow) -> None:
    found = conditions.device(condition, row, NOW)

    if not row.known_at(NOW):
        assert found.holds is None
    if found.holds:
        assert not condition.states or row.state in condition.states
        assert condition.clients_at_most is None or row.clients is not None
    if found.holds is not None and condition.clients_at_most is not None and row.clients is None:
        # known to be no for another part's sake
        assert found.holds is False


# -- dossiers --------------------------------------------------------------------------------------------


def of(*facts: tuple[datetime, Any]) -> dict[Measure, list[Any]]:
    known = [Fact(at, "", str(place), at, data) for place, (at, data) in enumerate(facts)]
    return periods(reduce(known), lambda _: WorkCalendar())


RECEIVED = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
DUE = datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
#: Midnight in Vietnam after the due day.
LATE_FROM = datetime(2026, 3, 9, 17, 0, tzinfo=UTC)
OPEN = (RECEIVED, DossierRecord(unit="HO-SO", status=2, received_at=RECEIVED, due_at=DUE))

SOON = DossierCondition("due_soon")
UNDER_48 = DossierCondition("overdue", before=48 * HOUR)
BEYOND = DossierCondition("overdue", after=48 * HOUR)
UNSAID = DossierCondition("late_without_apology")


def held(condition: DossierCondition, known: dict[Measure, list[Any]], now: datetime) -> Found:
    return conditions.dossier(condition, known.get(conditions.SITUATIONS[condition.situation], []), now)


def test_an_open_dossier_goes_through_three_levels_known_ahead() -> None:
    known = of(OPEN)
    early = RECEIVED + HOUR

    assert held(SOON, known, early) == Found(True, DUE - DAY, LATE_FROM)
    assert held(UNDER_48, known, early) == Found(True, LATE_FROM, LATE_FROM + 48 * HOUR)
    assert held(BEYOND, known, early) == Found(True, LATE_FROM + 48 * HOUR)
    later = LATE_FROM + 50 * HOUR
    assert held(SOON, known, later) == Found(False, LATE_FROM)
    assert held(UNDER_48, known, later) == Found(False, LATE_FROM + 48 * HOUR)
    assert held(BEYOND, known, later).holds


def test_waiting_for_a_supplement_takes_the_lateness_away() -> None:
    asked = LATE_FROM + HOUR
    known = of(OPEN, (asked, DossierProgress(unit="HO-SO", status=5)))

    assert held(UNDER_48, known, asked + MINUTE) == Found(False, asked)
    assert held(BEYOND, known, LATE_FROM + 50 * HOUR).holds is False


def test_an_apology_ends_what_was_late_without_one_until_its_promise_is_broken() -> None:
    said, promised = LATE_FROM + HOUR, DUE + 3 * DAY
    known = of(OPEN, (said, DossierApology(unit="HO-SO", new_due_at=promised)))

    assert held(UNSAID, known, said - MINUTE) == Found(True, LATE_FROM, said)
    assert held(UNSAID, known, said + MINUTE) == Found(True, LATE_FROM + 3 * DAY)
    assert held(UNDER_48, known, said + MINUTE).holds


def test_a_dossier_that_ended_long_ago_holds_nothing() -> None:
    done = LATE_FROM + 3 * DAY
    known = of(OPEN, (done, DossierProgress(unit="HO-SO", status=9)))

    for condition in (SOON, UNDER_48, BEYOND, UNSAID):
        assert held(condition, known, done + 365 * DAY).holds is False


moments = st.integers(0, 400).map(lambda hours: RECEIVED + hours * HOUR)


@given(
    edges=st.lists(moments, unique=True, max_size=6),
    after=st.integers(0, 60),
    length=st.none() | st.integers(1, 60),
    now=moments,
)
def test_what_holds_is_the_running_stretch_or_the_next(
    edges: list[datetime], after: int, length: int | None, now: datetime
) -> None:
    edges.sort()
    known: list[Any] = list(zip(edges[::2], [*edges[1::2], None], strict=False))
    condition = DossierCondition("overdue", after * HOUR, None if length is None else (after + length) * HOUR)

    found = conditions.dossier(condition, known, now)

    running = any(
        begins + condition.after <= now
        and (ends is None or now < ends)
        and (condition.before is None or now < begins + condition.before)
        for begins, ends in known
    )
    assert found.since is not None or not known
    assert running == bool(found.holds and found.since is not None and found.since <= now)
    assert not found.holds or found.until is None or found.until > now


# -- indicators and readings -----------------------------------------------------------------------------


def test_a_fired_limit_is_left_only_beyond_its_clearing_value() -> None:
    condition = KpiCondition("queue.waiting", above=20, clear=10)
    waiting = find("queue.waiting")

    def holds(value: float | None, fired: bool) -> bool | None:
        return conditions.kpi(condition, waiting, Figure(value), fired=fired).holds

    assert [holds(20, False), holds(21, False), holds(15, False)] == [False, True, False]
    assert [holds(15, True), holds(10, True), holds(9, True)] == [True, True, False]
    assert holds(None, True) is None


@given(
    value=st.floats(-100, 100), limit=st.integers(-50, 50), room=st.integers(0, 20), is_above=st.booleans()
)
def test_hysteresis_only_ever_keeps_what_held(value: float, limit: int, room: int, is_above: bool) -> None:
    sides = {"above": limit, "below": None} if is_above else {"above": None, "below": limit}
    clear = limit - room if is_above else limit + room

    fresh = conditions.beyond(value, **sides, clear=clear, fired=False)
    fired = conditions.beyond(value, **sides, clear=clear, fired=True)

    assert fired or not fresh


def test_a_share_of_few_and_an_empty_one_are_unknown() -> None:
    condition = KpiCondition("dossier.satisfaction", below=0.9, least=10)
    satisfaction = find("dossier.satisfaction")

    assert conditions.kpi(condition, satisfaction, Figure(0.5, 2, 4), fired=False).holds is None
    assert conditions.kpi(condition, satisfaction, Figure(None, 0, 0), fired=True).holds is None
    assert conditions.kpi(condition, satisfaction, Figure(0.5, 5, 10), fired=False).holds


def test_a_target_is_missed_by_the_judgement_that_pages_show() -> None:
    condition = KpiCondition("dossier.on_time_rate", target=True)
    on_time = find("dossier.on_time_rate")
    target = Target(None, None, 0.98, 0.95, True, None, None, "V")

    def holds(value: float, fired: bool = False, clear: float | None = None) -> bool | None:
        asked = KpiCondition(condition.kpi, target=True, clear=clear)
        return conditions.kpi(asked, on_time, Figure(value, 1, 1, target), fired=fired).holds

    assert [holds(0.99), holds(0.96), holds(0.94)] == [False, False, True]
    assert holds(0.97, fired=True, clear=0.975)
    assert holds(0.99, fired=True, clear=0.975) is False
    assert conditions.kpi(condition, on_time, Figure(0.5, 1, 2), fired=False).holds is False


def test_a_reading_past_its_validity_is_unknown() -> None:
    full = ReadingCondition("disk.used", above=0.9)
    row = ReadingRow("disk.used", "/", NOW, NOW + MINUTE, 0.95)

    assert conditions.reading(full, row, NOW, fired=False).holds
    assert conditions.reading(full, row, NOW + HOUR, fired=True).holds is None
    assert (
        conditions.reading(full, ReadingRow("disk.used", "/", NOW, NOW + HOUR, None), NOW, fired=True).holds
        is None
    )


# -- silence and reception points ------------------------------------------------------------------------


def test_silence_is_only_known_where_all_that_came_was_read() -> None:
    silent = AbsenceCondition("connector", longer=10 * MINUTE)
    last = NOW - HOUR

    assert conditions.absence(silent, Heard(last, MINUTE, NOW), NOW).since == last + 10 * MINUTE
    assert conditions.absence(silent, Heard(last, MINUTE, last + MINUTE), NOW).holds is None
    assert conditions.absence(silent, Heard(last, MINUTE, None), NOW).holds is None
    assert conditions.absence(silent, Heard(NOW - MINUTE, MINUTE, None), NOW).holds is False
    assert conditions.absence(silent, Heard(last, MINUTE, NOW, stopped=True), NOW).holds is False
    assert conditions.absence(silent, Heard(None, MINUTE, NOW), NOW).holds
    own = AbsenceCondition("connector")
    assert conditions.absence(own, Heard(last, 2 * HOUR, NOW), NOW).holds is False


def test_a_site_is_out_when_nothing_of_it_is_up_and_something_is_down() -> None:
    camera = a_device("down", since=NOW - 5 * MINUTE)
    wifi = a_device("unknown", code="AP-1", kind="wifi", since=NOW - 2 * MINUTE, valid_until=NOW - 2 * MINUTE)
    out = SiteCondition(kinds=2)

    assert conditions.site(out, [camera, wifi], NOW).since == NOW - 2 * MINUTE
    assert conditions.site(out, [camera], NOW).holds is False
    assert conditions.site(out, [camera, a_device("ok", kind="wifi")], NOW).holds is False
    # all silent: who asks them may be the one that is away
    assert conditions.site(out, [wifi], NOW).holds is None
    # not read yet, and not known to be silent
    unread = a_device("ok", kind="wifi", valid_until=NOW - MINUTE)
    assert conditions.site(out, [camera, unread], NOW).holds is None
    assert conditions.site(out, [camera, wifi, a_device("maintenance", code="CAM-2")], NOW).holds
    assert conditions.site(out, [a_device("maintenance")], NOW).holds is False


# -- together with the life of a signal ------------------------------------------------------------------


@given(
    states=st.lists(
        st.tuples(st.sampled_from(conditions.DEVICE_STATES), st.integers(1, 300)), min_size=1, max_size=20
    )
)
def test_nothing_fires_or_clears_on_a_moment_of_which_nothing_is_known(
    states: list[tuple[str, int]],
) -> None:
    rule = Rule(
        "camera-down", "", "", Severity.MAJOR, Kind.DEVICE, DOWN, "", holds_for=2 * MINUTE, clear_for=MINUTE
    )
    signal: Signal | None = None
    now = NOW
    for state, seconds in states:
        row = a_device(state, since=now, valid_until=now + DAY)
        before = signal
        found = conditions.device(DOWN, row, now)
        signal, _ = machine.observe(signal, found.observed(rule.code, "device:CAM-1"), rule, now)
        if found.holds is None:
            assert (signal and signal.phase) == (before and before.phase)
        now += timedelta(seconds=seconds)
        if signal is not None:
            phase = signal.phase
            signal, turn = machine.ripen(signal, rule, now)
            if state == "unknown" and phase is Phase.PENDING:
                assert turn is machine.Turn.NONE
