"""Stories that rules are tried with: what they tell of a rule is what it does in production."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ioc.alerts.model import (
    AbsenceCondition,
    Condition,
    DeviceCondition,
    DossierCondition,
    Hours,
    Kind,
    KpiCondition,
    ReadingCondition,
    Rule,
    Severity,
    SiteCondition,
    SyntheticCondition,
)
from ioc.alerts.trial import Seen, Trial
from ioc.alerts.trying import Tried, try_rule
from ioc.district.worktime import WorkCalendar

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CALENDAR = WorkCalendar(time_zone="Asia/Ho_Chi_Minh")
MONDAY = datetime(2026, 3, 2, 8)  # noqa: DTZ001 - local
KINDS: dict[type, Kind] = {
    DeviceCondition: Kind.DEVICE,
    DossierCondition: Kind.DOSSIER,
    KpiCondition: Kind.KPI,
    AbsenceCondition: Kind.ABSENCE,
    SiteCondition: Kind.SITE,
    ReadingCondition: Kind.READING,
    SyntheticCondition: Kind.SYNTHETIC,
}


def _told(
    condition: Condition,
    seen: Sequence[Seen],
    *,
    until: timedelta = timedelta(days=1),
    begins: datetime = MONDAY,
    **rule: Any,
) -> tuple[tuple[timedelta, ...], tuple[timedelta, ...]]:
    made = Rule("r", "R", "R", Severity.INFO, KINDS[type(condition)], condition, "Làm gì đó.", **rule)
    tried = try_rule(Trial(made, "t", begins, tuple(seen), (), (), until), CALENDAR)
    return tried.fired, tried.cleared


def _at(minutes: float, **seen: Any) -> Seen:
    return Seen(timedelta(minutes=minutes), **seen)


def test_a_condition_has_to_hold_and_to_be_away_for_as_long_as_the_rule_asks() -> None:
    down = DeviceCondition("camera", states=("down",))
    seen = [_at(0, state="down"), _at(2, state="ok"), _at(3, state="down"), _at(20, state="ok")]
    assert _told(down, seen, holds_for=5 * MINUTE, clear_for=2 * MINUTE) == ((8 * MINUTE,), (22 * MINUTE,))


def test_a_run_of_one_state_goes_on_while_it_is_reported_again() -> None:
    down = DeviceCondition("camera", states=("down",))
    seen = [_at(minute, state="down") for minute in range(6)]
    assert _told(down, seen, holds_for=5 * MINUTE) == ((5 * MINUTE,), ())


def test_it_fires_each_time_anew() -> None:
    down = DeviceCondition("wifi", states=("down",))
    seen = [_at(0, state="down"), _at(10, state="ok"), _at(20, state="down"), _at(30, state="ok")]
    assert _told(down, seen) == ((timedelta(0), 20 * MINUTE), (10 * MINUTE, 30 * MINUTE))


def test_silence_neither_fires_nor_clears() -> None:
    down = DeviceCondition("camera", states=("down",))
    seen = [_at(0, state="down"), _at(10, state="unknown"), _at(60, state="ok")]
    assert _told(down, seen, holds_for=MINUTE) == ((MINUTE,), (60 * MINUTE,))


def test_a_flag_and_a_reason_are_held_against_the_condition() -> None:
    frozen = DeviceCondition("camera", flag="frozen")
    assert _told(
        frozen, [_at(0, state="degraded", flags=("stalled",)), _at(1, state="degraded", flags=("frozen",))]
    ) == (
        (MINUTE,),
        (),
    )
    clock = DeviceCondition("camera", reason="clock:")
    assert _told(
        clock, [_at(0, state="degraded", reason="blurred"), _at(5, state="degraded", reason="clock: 3 h")]
    )[0]


def test_hysteresis_holds_an_indicator_between_the_limits() -> None:
    low = KpiCondition("dossier.on_time_rate", below=0.98, clear=0.985, least=10)
    seen = [
        _at(0, value=0.97, of=20),
        _at(10, value=0.983, of=20),
        _at(20, value=0.99, of=20),
        _at(30, value=0.983, of=20),
    ]
    assert _told(low, seen) == ((timedelta(0),), (20 * MINUTE,))
    assert _told(low, [_at(0, value=0.9, of=3)]) == ((), ())


def test_a_target_is_the_storys_own() -> None:
    missed = KpiCondition("dossier.on_time_rate", target=True)
    assert _told(missed, [_at(0, value=0.97, target=0.98)])[0]
    assert _told(missed, [_at(0, value=0.97, target=0.95)]) == ((), ())
    assert _told(missed, [_at(0, value=0.97)]) == ((), ())


def test_a_reading_is_unknown_without_a_value() -> None:
    full = ReadingCondition("disk.free_share", below=0.1)
    assert _told(full, [_at(0, value=0.05), _at(10), _at(20, value=0.5)]) == ((timedelta(0),), (20 * MINUTE,))


def test_what_is_not_heard_from_is_missed_after_the_rules_or_its_own_limit() -> None:
    hour = AbsenceCondition("topic", "ioc.cameras", longer=HOUR)
    assert _told(
        hour, [_at(0, heard=True), _at(30, heard=True), _at(100, heard=True)], until=150 * MINUTE
    ) == (
        (90 * MINUTE,),
        (100 * MINUTE,),
    )
    own = AbsenceCondition("connector")
    assert _told(own, [_at(0, heard=True)])[0] == (3 * MINUTE,)
    assert _told(own, [_at(0, heard=True), _at(1, stopped=True)]) == ((), ())


def test_of_tickets_only_working_time_counts_for_a_rule_of_working_hours() -> None:
    kiosk = AbsenceCondition("tickets", longer=2 * HOUR)
    evening = datetime(2026, 3, 2, 16, 30)  # noqa: DTZ001 - local
    seen, ahead = [_at(0, heard=True)], timedelta(days=2)
    assert _told(kiosk, seen, begins=evening, until=ahead)[0] == (2 * HOUR,)
    # half an hour until 17:00, and one and a half from 7:00 on
    assert _told(kiosk, seen, begins=evening, until=ahead, hours=Hours.WORKING)[0] == (16 * HOUR,)


def test_a_site_is_out_when_all_is_away_and_one_is_known_to_be_down() -> None:
    site = SiteCondition(kinds=2)
    assert _told(site, [_at(0, devices={"camera": "down", "wifi": "unknown"})])[0] == (timedelta(0),)
    assert _told(site, [_at(0, devices={"camera": "unknown", "wifi": "unknown"})]) == ((), ())
    assert _told(site, [_at(0, devices={"camera": "down"})]) == ((), ())


def test_a_dossier_is_late_by_date_less_the_time_for_which_it_waits_for_others() -> None:
    late = DossierCondition("overdue")
    due = timedelta(hours=2)
    assert _told(late, [_at(0, due=due)])[0] == (16 * HOUR,)
    seen = [_at(0, due=due), _at(60, paused=True), _at(60 * 40, paused=False)]
    assert _told(late, seen, until=timedelta(days=3))[0] == (40 * HOUR,)
    moved = [_at(0, due=due), _at(30, due=timedelta(days=10))]
    assert _told(late, moved, until=timedelta(days=3)) == ((), ())


def test_an_apology_covers_lateness() -> None:
    silent = DossierCondition("late_without_apology")
    seen = [_at(0, due=2 * HOUR), _at(60 * 20, apologised=True)]
    assert _told(silent, seen, until=timedelta(days=3)) == ((16 * HOUR,), (20 * HOUR,))


def test_working_hours_count_from_their_begin() -> None:
    down = DeviceCondition("camera", states=("down",))
    friday = datetime(2026, 3, 6, 19)  # noqa: DTZ001 - local
    fired, _ = _told(
        down,
        [_at(0, state="down")],
        begins=friday,
        until=timedelta(days=4),
        hours=Hours.WORKING,
        holds_for=HOUR,
    )
    assert fired == (timedelta(days=2, hours=13),)


def test_what_was_raised_on_purpose_ends_on_purpose() -> None:
    assert _told(SyntheticCondition(), [_at(0, raised=True), _at(1, raised=False)]) == (
        (timedelta(0),),
        (MINUTE,),
    )


def test_a_test_that_expects_something_else_fails_and_says_what_differs() -> None:
    rule = Rule(
        "r",
        "R",
        "R",
        Severity.INFO,
        Kind.DEVICE,
        DeviceCondition("camera", states=("down",)),
        "…",
        holds_for=MINUTE,
    )
    trial = Trial(rule, "t", MONDAY, (_at(0, state="down"),), (2 * MINUTE,), (HOUR,), 2 * HOUR)
    tried = try_rule(trial, CALENDAR)
    assert not tried.passed
    assert tried.told() == "fires at +1m, not at +2m; clears never, not at +1h"
    right: Tried = try_rule(replace(trial, fires_at=(MINUTE,), clears_at=()), CALENDAR)
    assert (right.passed, right.told()) == (True, "")
