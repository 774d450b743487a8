"""What delivery decides, without a server or a clock: steps, what waits, what goes together, what is tried again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts.model import Channel, Policy, QuietHours, Severity, Step, Target
from ioc.delivery import standing
from ioc.delivery.bundling import Candidate, Fate, Line, admitted, groups, judge, quiet_until
from ioc.delivery.escalation import PAUSE, next_step, targets_of
from ioc.delivery.outbox import key_of
from ioc.delivery.reach import call, ways
from ioc.delivery.settling import delay
from ioc.delivery.standing import Standing
from ioc.duty.calling import Called

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
AN, LAN = Target(person="an"), Target(person="lan")
FREE = Standing()


def policy(*after: timedelta, repeat: int = 0) -> Policy:
    return Policy("p", "P", "P", tuple(Step(one, (AN,)) for one in after), repeat)


@given(st.lists(st.integers(0, 3600), min_size=1, max_size=6), st.integers(0, 4))
def test_every_step_of_every_round_is_done_once_and_in_order(delays: list[int], repeat: int) -> None:
    found = policy(*(timedelta(seconds=s) for s in delays), repeat=repeat)
    seen, place = [(0, 0)], (0, 0)
    while (after := next_step(found, *place)) is not None:
        place = (after.round, after.step)
        seen.append(place)
        assert after.after > timedelta(0) or after.step > 0
    assert seen == [(round_, step) for round_ in range(repeat + 1) for step in range(len(delays))]


def test_a_new_round_leaves_those_who_were_called_last_their_time() -> None:
    assert next_step(policy(timedelta(0), 10 * MINUTE, repeat=1), 0, 1) == (1, 0, 10 * MINUTE)
    assert next_step(policy(15 * MINUTE, 10 * MINUTE, repeat=1), 0, 1) == (1, 0, 15 * MINUTE)
    assert next_step(policy(timedelta(0), repeat=1), 0, 0) == (1, 0, PAUSE)


def test_a_reminder_calls_everybody_of_the_policy_once() -> None:
    found = Policy("p", "P", "P", (Step(HOUR, (AN,)), Step(HOUR, (LAN, AN))))
    assert targets_of(found, "remind", 0) == (AN, LAN)
    assert targets_of(found, "escalate", 1) == (LAN, AN)
    assert targets_of(found, "escalate", 7) == ()


def test_people_are_told_over_every_channel_of_theirs_that_takes_the_severity() -> None:
    channels = {
        one.code: one
        for one in (
            Channel("email", "apprise"),
            Channel("sms", "apprise", least=Severity.MAJOR),
            Channel("zalo", "apprise"),
        )
    }
    assert ways({"sms", "email", "fax"}, channels, Severity.MINOR) == ("email",)
    assert ways({"sms", "email", "fax"}, channels, Severity.MAJOR) == ("email", "sms")
    assert ways({"fax"}, channels, Severity.CRITICAL) == ()


class Broken:
    """A roll of which one roster can't be computed."""

    def whom(self, targets: Iterable[Target], at: datetime) -> Called:
        (target,) = targets
        if target.roster == "broken":
            raise ValueError("no such zone")
        return Called(("an",), (), ()) if target.person else Called((), (), ())


def test_a_roster_that_cannot_be_computed_is_nobody_there_and_keeps_nobody_else_from_being_called() -> None:
    found = call(Broken(), (Target(roster="broken"), AN), NOW)
    assert (found.people, found.empty) == (("an",), True)
    assert found.absent == ("broken: can't be told (ValueError)",)
    assert call(Broken(), (AN,), NOW).empty is False
    assert call(Broken(), (), NOW).empty is True


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((False, False, False, False, None), Standing()),
        ((True, False, True, True, NOW + HOUR), Standing(over="acknowledged")),
        ((True, True, False, False, None), Standing(over="cleared")),
        (
            (False, False, True, False, NOW + HOUR),
            Standing(held="inhibited", until=NOW + standing.LOOK_AGAIN),
        ),
        ((False, False, False, True, None), Standing(held="maintenance", until=NOW + standing.LOOK_AGAIN)),
        ((False, False, False, False, NOW + HOUR), Standing(held="snoozed", until=NOW + HOUR)),
        ((False, False, False, False, NOW), Standing()),
    ],
)
def test_how_an_alert_stands(columns: tuple[object, ...], expected: Standing) -> None:
    assert standing.read(columns, NOW) == expected


def test_a_window_that_covers_an_alert_holds_it_until_the_window_ends() -> None:
    found = standing.read((False, False, False, False, None), NOW, (7, NOW + 3 * HOUR))
    assert found == Standing(held="maintenance", until=NOW + 3 * HOUR)


# -- what is due ----------------------------------------------------------------------------------------


def a_message(number: int = 1, **given_: object) -> Candidate:
    told: dict[str, object] = {
        "message_id": number,
        "key": str(number),
        "kind": "alert",
        "severity": Severity.MAJOR,
        "person": "an",
        "alerts": {number: FREE},
    }
    return Candidate(**(told | given_))  # type: ignore[arg-type]


BUNDLING = Channel("c", "webhook", bundle=30 * SECOND, most_per_hour=2, attempts=3)


def fate(
    candidate: Candidate, channel: Channel = BUNDLING, line: Line | None = None
) -> tuple[Fate, str | None]:
    found = judge(candidate, channel, line or Line(), NOW, ZONE)
    return found.fate, found.why


def test_what_is_over_is_dropped_and_what_is_held_waits_for_the_first_that_is_free() -> None:
    acknowledged, cleared = Standing(over="acknowledged"), Standing(over="cleared")
    assert fate(a_message(alerts={1: acknowledged})) == (Fate.DROP, "acknowledged")
    assert fate(a_message(alerts={1: cleared})) == (Fate.DROP, "cleared")
    assert fate(a_message(alerts={1: acknowledged, 2: FREE})) == (Fate.GO, None)
    soon, later = (Standing(held="snoozed", until=NOW + n * HOUR) for n in (1, 2))
    found = judge(a_message(alerts={1: later, 2: soon, 3: cleared}), BUNDLING, Line(), NOW, ZONE)
    assert (found.fate, found.why, found.until) == (Fate.WAIT, "snoozed", NOW + HOUR)
    assert fate(a_message(alerts={1: FREE, 2: None})) == (Fate.LEAVE, None)


def test_a_line_that_was_used_just_now_waits_unless_this_is_worse() -> None:
    line = Line(last=NOW - 10 * SECOND, worst=Severity.MAJOR)
    assert fate(a_message(), line=line) == (Fate.WAIT, "bundle")
    assert fate(a_message(severity=Severity.CRITICAL), line=line) == (Fate.GO, None)
    assert fate(a_message(kind="resolved", severity=Severity.CRITICAL), line=line) == (Fate.WAIT, "bundle")
    assert fate(a_message(attempts=1), line=line) == (Fate.GO, None)
    assert fate(a_message(kind="hand_over", alerts={}), line=line) == (Fate.GO, None)
    assert fate(a_message(), line=Line(last=NOW - 30 * SECOND)) == (Fate.GO, None)


def test_a_full_hour_holds_all_but_what_is_critical_or_begun() -> None:
    line = Line(room=0, full_until=NOW + 50 * MINUTE)
    found = judge(a_message(), BUNDLING, line, NOW, ZONE)
    assert (found.why, found.until) == ("hourly", NOW + 50 * MINUTE)
    assert fate(a_message(severity=Severity.CRITICAL), line=line) == (Fate.GO, None)
    assert fate(a_message(attempts=1), line=line) == (Fate.GO, None)
    assert fate(a_message(), line=Line(room=0, full_until=NOW)) == (Fate.GO, None)


def test_a_sender_that_died_too_often_ends_it() -> None:
    assert fate(a_message(attempts=2, expired=True))[0] is Fate.GO
    assert fate(a_message(attempts=3, expired=True))[0] is Fate.FAIL


def test_the_end_is_told_after_the_beginning_and_only_to_who_heard_of_that() -> None:
    assert fate(a_message(kind="resolved", answers=True))[0] is Fate.WAIT
    assert fate(a_message(kind="resolved", told=False)) == (Fate.DROP, "was never told of it")
    assert fate(a_message(kind="resolved", alerts={1: Standing(over="cleared")})) == (Fate.GO, None)


@given(st.integers(0, 24 * 60 - 1), st.integers(0, 24 * 60 - 1), st.integers(0, 24 * 60 - 1))
def test_quiet_hours_hold_to_their_end_also_over_midnight(start: int, end: int, at: int) -> None:
    begins, ends = (time(minute // 60, minute % 60) for minute in (start, end))
    now = datetime(2026, 3, 2, at // 60, at % 60, tzinfo=ZONE)
    found = quiet_until(QuietHours(begins, ends, Severity.MAJOR), now, ZONE)
    length = (end - start) % (24 * 60) or 24 * 60
    inside = (at - start) % (24 * 60) < length
    assert (found is not None) is inside
    if found is not None:
        assert now < found <= now + timedelta(days=1)
        assert found.astimezone(ZONE).time() == ends


def test_quiet_hours_keep_the_clock_on_the_wall_when_that_is_turned() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    quiet = QuietHours(time(21), time(6), Severity.MAJOR)
    for evening, hours in (
        (datetime(2026, 3, 28, 21, tzinfo=zone), 8),
        (datetime(2026, 10, 24, 21, tzinfo=zone), 10),
    ):
        begin = evening.astimezone(UTC)
        end = begin + timedelta(hours=hours)
        assert quiet_until(quiet, begin - timedelta(seconds=1), zone) is None
        assert quiet_until(quiet, begin, zone) == end
        assert quiet_until(quiet, end - timedelta(seconds=1), zone) == end
        assert quiet_until(quiet, end, zone) is None


def test_the_quiet_of_a_channel_does_not_hold_what_is_bad_enough_nor_a_trial() -> None:
    quiet = Channel("c", "webhook", quiet=QuietHours(time(7), time(9), Severity.MAJOR))
    assert fate(a_message(severity=Severity.MINOR), quiet) == (Fate.WAIT, "quiet")
    assert fate(a_message(), quiet) == (Fate.GO, None)
    assert fate(a_message(kind="synthetic", severity=Severity.INFO), quiet) == (Fate.GO, None)


def test_what_goes_together_is_of_one_person_and_one_kind_and_was_not_begun() -> None:
    going = [
        a_message(1),
        a_message(2, severity=Severity.CRITICAL),
        a_message(3, person="lan"),
        a_message(4, kind="reminder"),
        a_message(5, attempts=1),
        a_message(6, kind="gap", alerts={}),
        a_message(7, kind="gap", alerts={}),
    ]
    found = [tuple(one.message_id for one in group) for group in groups(going, BUNDLING)]
    assert found == [(1, 2), (3,), (4,), (5,), (6,), (7,)]
    alone = Channel("c", "webhook", bundle=timedelta(0))
    assert [group[0].message_id for group in groups(going, alone)] == [2, 1, 3, 4, 5, 6, 7]


def test_what_waited_for_a_full_hour_goes_together_and_no_more_goes_than_it_has_room_for() -> None:
    alone = Channel("c", "webhook", bundle=timedelta(0), most_per_hour=2)
    waited = [a_message(number, held="hourly") for number in (1, 2)]
    fresh = [a_message(number) for number in (3, 4, 5)]
    worst = a_message(6, severity=Severity.CRITICAL)
    found = groups([*waited, *fresh, worst], alone)
    assert [len(group) for group in found] == [1, 2, 1, 1, 1]
    going = admitted(found, {"an": Line(room=2)})
    assert [group[0].message_id for group in going] == [6, 1]
    assert admitted(found, {"an": Line()}) == found
    assert [group[0].message_id for group in admitted(found, {"an": Line(room=0)})] == [6]


@given(st.integers(1, 40), st.floats(0, 1), st.one_of(st.none(), st.integers(0, 10_000)))
def test_delays_grow_up_to_a_limit_and_heed_the_channel(
    attempt: int, chance: float, asked: int | None
) -> None:
    found = delay(attempt, asked, chance).total_seconds()
    assert 0.75 <= found <= 3600.0
    assert found >= min(asked or 0.0, 3600.0)
    if asked is None:
        assert found <= 375.0
        assert delay(attempt + 1, None, chance).total_seconds() >= found


def test_keys_are_of_what_they_are_for_and_tell_nothing_of_it() -> None:
    assert key_of(1, "escalate", 0, "an", "sms") == key_of(1, "escalate", 0, "an", "sms")
    assert key_of("a", "bc") != key_of("ab", "c")
    assert len(key_of("a" * 500)) == 32
