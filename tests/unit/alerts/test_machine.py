"""How a signal moves on, by example and by the thousand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts import flapping
from ioc.alerts.book import RuleBook
from ioc.alerts.machine import Turn, observe, ripen
from ioc.alerts.model import (
    DeviceCondition,
    Hours,
    Kind,
    Observation,
    Phase,
    Rule,
    Schedule,
    Severity,
    Signal,
)
from ioc.district.worktime import WorkCalendar

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, 08:00 in Tây Ninh
MINUTE = timedelta(minutes=1)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

RULE = Rule(
    code="camera.down",
    name_vi="Camera mất tín hiệu",
    name_en="Camera down",
    severity=Severity.MAJOR,
    kind=Kind.DEVICE,
    condition=DeviceCondition("camera", ("down",)),
    runbook_vi="Kiểm tra nguồn.",
    holds_for=3 * MINUTE,
    clear_for=2 * MINUTE,
)


def _seen(holds: bool | None, since: datetime | None, until: datetime | None = None) -> Observation:
    return Observation("camera.down", "device:c1", holds, since, until)


def _firing() -> Signal:
    signal, _ = observe(None, _seen(True, T0), RULE, T0)
    assert signal is not None
    signal, turn = ripen(signal, RULE, T0 + 3 * MINUTE)
    assert turn is Turn.FIRED
    assert signal is not None
    return signal


def test_a_condition_fires_once_it_held_for_as_long_as_the_rule_asks() -> None:
    signal, turn = observe(None, _seen(True, T0), RULE, T0)
    assert signal is not None
    assert (signal.phase, signal.due_at, turn) == (Phase.PENDING, T0 + 3 * MINUTE, Turn.NONE)
    assert ripen(signal, RULE, T0 + 3 * MINUTE - timedelta(microseconds=1)) == (signal, Turn.NONE)
    signal, turn = ripen(signal, RULE, T0 + 3 * MINUTE)
    assert signal is not None
    assert (signal.phase, turn) == (Phase.FIRING, Turn.FIRED)


def test_what_held_long_enough_before_it_was_seen_fires_at_once() -> None:
    _, turn = observe(None, _seen(True, T0 - 3 * MINUTE), RULE, T0)
    assert turn is Turn.FIRED


def test_a_short_one_leaves_nothing() -> None:
    signal, _ = observe(None, _seen(True, T0), RULE, T0)
    assert observe(signal, _seen(False, T0 + MINUTE), RULE, T0 + MINUTE) == (None, Turn.NONE)


def test_it_clears_once_it_was_away_long_enough_and_not_when_it_comes_back_before() -> None:
    firing = _firing()
    clearing, turn = observe(firing, _seen(False, T0 + 5 * MINUTE), RULE, T0 + 5 * MINUTE)
    assert clearing is not None
    assert (clearing.phase, clearing.due_at, turn) == (Phase.CLEARING, T0 + 7 * MINUTE, Turn.NONE)
    back, turn = observe(clearing, _seen(True, T0 + 6 * MINUTE), RULE, T0 + 6 * MINUTE)
    assert back is not None
    assert (back.phase, back.since, turn) == (Phase.FIRING, T0, Turn.NONE)
    assert ripen(clearing, RULE, T0 + 7 * MINUTE) == (None, Turn.CLEARED)


def test_that_it_is_still_away_does_not_put_the_clearing_off() -> None:
    clearing, _ = observe(_firing(), _seen(False, T0 + 5 * MINUTE), RULE, T0 + 5 * MINUTE)
    again, _ = observe(clearing, _seen(False, T0 + 5.5 * MINUTE), RULE, T0 + 6 * MINUTE)
    assert again == clearing


def test_unknown_changes_nothing() -> None:
    firing = _firing()
    assert observe(firing, _seen(None, None), RULE, T0 + timedelta(days=9)) == (firing, Turn.NONE)
    assert observe(None, _seen(None, None), RULE, T0) == (None, Turn.NONE)


def test_no_time_passes_while_a_condition_is_unknown() -> None:
    pending, _ = observe(None, _seen(True, None), RULE, T0)
    waits, _ = observe(pending, _seen(None, None), RULE, T0 + MINUTE)
    assert waits is not None
    assert ripen(waits, RULE, T0 + timedelta(days=1)) == (waits, Turn.NONE)
    again, turn = observe(waits, _seen(True, None), RULE, T0 + timedelta(days=1))
    assert again is not None
    assert (again.since, turn) == (T0 + timedelta(days=1), Turn.NONE)
    firing = _firing()
    clearing, _ = observe(firing, _seen(False, T0 + 5 * MINUTE), RULE, T0 + 5 * MINUTE)
    unclear, _ = observe(clearing, _seen(None, None), RULE, T0 + 6 * MINUTE)
    assert unclear is not None
    assert ripen(unclear, RULE, T0 + timedelta(days=1))[1] is Turn.NONE
    assert observe(unclear, _seen(False, T0 + 5 * MINUTE), RULE, T0 + timedelta(days=1))[1] is Turn.CLEARED


def test_a_condition_whose_begin_is_not_known_counts_from_when_it_was_first_seen() -> None:
    first, _ = observe(None, _seen(True, None), RULE, T0)
    then, turn = observe(first, _seen(True, None), RULE, T0 + 2 * MINUTE)
    assert then is not None
    assert (then.since, turn) == (T0, Turn.NONE)
    assert observe(then, _seen(True, None), RULE, T0 + 3 * MINUTE)[1] is Turn.FIRED


def test_a_condition_ahead_waits_and_ends_by_the_clock() -> None:
    rule = replace(RULE, holds_for=timedelta(0), clear_for=timedelta(0))
    due, later = T0 + timedelta(days=1), T0 + timedelta(days=3)
    signal, turn = observe(None, _seen(True, due, later), rule, T0)
    assert signal is not None
    assert (signal.phase, signal.due_at, turn) == (Phase.PENDING, due, Turn.NONE)
    signal, turn = ripen(signal, rule, due)
    assert signal is not None
    assert (signal.phase, signal.due_at, turn) == (Phase.FIRING, later, Turn.FIRED)
    assert ripen(signal, rule, later) == (None, Turn.CLEARED)


def test_what_began_and_ended_while_nobody_looked_leaves_nothing() -> None:
    rule = replace(RULE, holds_for=timedelta(0), clear_for=timedelta(0))
    signal, _ = observe(None, _seen(True, T0 + MINUTE, T0 + 2 * MINUTE), rule, T0)
    assert signal is not None
    assert ripen(signal, rule, T0 + timedelta(days=1)) == (None, Turn.NONE)


def test_a_due_date_that_moves_on_clears_at_once_and_waits_anew() -> None:
    later = T0 + timedelta(days=5)
    moved, turn = observe(_firing(), _seen(True, later), RULE, T0 + 4 * MINUTE)
    assert moved is not None
    assert (moved.phase, moved.due_at, turn) == (Phase.PENDING, later + 3 * MINUTE, Turn.CLEARED)


def test_a_rule_of_working_hours_waits_for_them() -> None:
    rule = replace(RULE, hours=Hours.WORKING)
    opens = RuleBook().opens(rule)
    evening = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)  # Friday, 19:00
    signal, turn = observe(None, _seen(True, evening), rule, evening, opens)
    assert signal is not None
    assert signal.due_at is not None
    assert turn is Turn.NONE
    # Monday, 07:00, and what the rule asks for after that: what held all weekend did so in no open office
    assert signal.due_at == datetime(2026, 3, 9, 0, 0, tzinfo=UTC) + rule.holds_for


@pytest.mark.parametrize(
    ("days", "seen", "opens"),
    [
        (("daily",), "2026-03-06 12:00", "2026-03-06 22:00"),
        (("daily",), "2026-03-06 23:00", "2026-03-06 23:00"),
        (("daily",), "2026-03-07 05:59", "2026-03-07 05:59"),
        (("daily",), "2026-03-07 06:00", "2026-03-07 22:00"),
        # Friday's night lasts into Saturday; Saturday's own is none of a working day's
        (("working",), "2026-03-07 05:00", "2026-03-07 05:00"),
        (("working",), "2026-03-07 07:00", "2026-03-09 22:00"),
        (("sat", "sun"), "2026-03-06 23:00", "2026-03-07 22:00"),
        (("holidays",), "2026-03-06 23:00", "2026-04-27 22:00"),
    ],
)
def test_a_rule_s_own_hours_may_last_over_midnight(days: tuple[str, ...], seen: str, opens: str) -> None:
    rule = replace(RULE, during=Schedule(time(22), time(6), days))
    local = [datetime.fromisoformat(text).replace(tzinfo=ZONE) for text in (seen, opens)]
    calendar = WorkCalendar(holidays_of="VN")
    assert RuleBook(calendar=calendar).opens(rule)(local[0].astimezone(UTC)) == local[1]


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.integers(1, 400)), max_size=40))
def test_firing_and_clearing_alternate_and_what_fires_held_long_enough(
    news: list[tuple[bool | None, int]],
) -> None:
    now, signal, known_since = T0, None, None
    turns: list[Turn] = []
    for holds, seconds in news:
        now += timedelta(seconds=seconds)
        if signal is not None:
            signal, turn = ripen(signal, RULE, now)
            turns.append(turn)
        signal, turn = observe(signal, _seen(holds, None), RULE, now)
        turns.append(turn)
        if holds is False:
            known_since = None
        elif holds and known_since is None:
            known_since = now
        if signal is not None and signal.phase is Phase.PENDING:
            assert known_since is not None
            assert signal.due_at is None or now - signal.since < RULE.holds_for
        if signal is not None and signal.due_at is not None:
            assert signal.due_at > now
    seen = [turn for turn in turns if turn is not Turn.NONE]
    assert all(before is not after for before, after in pairwise(seen))
    assert not seen or seen[0] is Turn.FIRED


def test_the_opening_that_makes_a_key_flap_is_told_and_the_next_is_held() -> None:
    assert flapping.held_until(1.0, T0) is None
    assert flapping.held_until(flapping.FLAPS_FROM + 0.5, T0) is None
    held = flapping.held_until(flapping.FLAPS_FROM + 1.2, T0)
    assert held is not None
    assert flapping.decayed(flapping.FLAPS_FROM + 1.2, held - T0) == pytest.approx(flapping.STEADY_BELOW)


@given(st.lists(st.integers(0, 100_000), max_size=200))
def test_a_score_stays_small_however_often_a_key_opens(pauses: list[int]) -> None:
    score = 0.0
    for pause in pauses:
        score = flapping.decayed(score, timedelta(seconds=pause)) + 1.0
        assert 1.0 <= score <= 1.0 + len(pauses)
    held = flapping.held_until(score, T0)
    assert held is None or held <= T0 + flapping.HALF_LIFE * 8
