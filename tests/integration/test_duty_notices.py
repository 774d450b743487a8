"""What people are told of duty by itself, on a real database with a clock that the test moves."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest

from ioc.alerts.model import Severity
from ioc.district import apply_pack
from ioc.duty import Change, ChangeKind, compute, hand_overs, log, store
from ioc.duty.errors import DutyError
from ioc.duty.model import Cover
from ioc.duty.notices import Notice, Notices
from ioc.duty.wording import ShiftWording, Wording
from ioc.kpi.query import SYSTEM_READER, answer, change
from ioc.kpi.steps import run
from ioc.settings import Settings
from tests.integration.duty_pack import PHONE, duty_pack
from tests.servers import Servers

MON = datetime(2026, 3, 2, 0, tzinfo=UTC)  # 7:00 in Vietnam
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(place: Settings) -> Iterator[Connection]:
    """The one roster ``truc``; nothing has been told yet."""
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        found.execute(
            "TRUNCATE ioc.duty_person, ioc.duty_change, ioc.duty_log, ioc.duty_edition, ioc.duty_notice"
            " RESTART IDENTITY"
        )
        _apply(found, "an binh chi")
        yield found


def _apply(connection: Connection, turns: str, at: datetime = MON - 90 * DAY) -> None:
    pack = duty_pack(turns)
    apply_pack(connection, replace(pack, rosters=pack.rosters[:1]), at=at)


def _due(connection: Connection, now: datetime, notices: Notices | None = None) -> list[Notice]:
    with connection.transaction():
        return list(run(connection, (notices or Notices()).due(now)))


def _short(found: list[Notice]) -> list[tuple[str, ...]]:
    return sorted((one.kind, str(one.content.get("role", "")), *one.people) for one in found)


def _make(connection: Connection, *wanted: Change) -> list[store.Made]:
    return change(connection, store.make_all(SYSTEM_READER, wanted, "lan"))


def _replace(person: str, other: str, start: datetime, end: datetime) -> Change:
    return Change(ChangeKind.REPLACE, person, start, end, roster="truc", other=other)


def _log(connection: Connection) -> list[tuple[datetime, str, str]]:
    entries = answer(connection, log.log_of(SYSTEM_READER, "truc"))
    return [(entry.at, entry.author, entry.text) for entry in reversed(entries)]


# -- hand-overs -----------------------------------------------------------------------------------------


def test_whoever_comes_and_goes_is_told_once_ahead_and_the_log_has_a_line_at_the_instant(
    connection: Connection,
) -> None:
    tue = MON + DAY
    assert _due(connection, tue - 16 * MINUTE) == []
    told = _due(connection, tue - 15 * MINUTE)
    assert _short(told) == [("hand_over", "arrives", "binh"), ("hand_over", "leaves", "an")]
    assert {one.at for one in told} == {tue}
    assert all(one.severity is Severity.INFO for one in told)
    arrives = next(one.content for one in told if one.people == ("binh",))
    assert arrives["subject_vi"] == "Nhận ca trực: Trực, 07:00 03/03/2026"
    assert arrives["lines_vi"] == [
        "Trực, main: 07:00 03/03/2026.", "Giao ca: an.", "Nhận ca: binh.", "Ca trực đến 07:00 04/03/2026.",
    ]  # fmt: skip
    for text in (str(told), *(str(one.content) for one in told)):
        assert PHONE not in text
        assert "Binh" not in text, "people appear by their codes"
    for minutes in (-14, -1, 0, 1, 60):
        assert _due(connection, tue + minutes * MINUTE) == []
    assert _log(connection) == [
        (tue, "system", "Giao ca / hand-over main: an → binh, đến / until 07:00 04/03/2026")
    ]


def test_after_an_outage_only_those_who_are_still_on_duty_are_told_and_the_log_is_whole(
    connection: Connection,
) -> None:
    assert _due(connection, MON + DAY) != []
    late = _due(connection, MON + 4 * DAY + 5 * HOUR)  # an is on duty again since five hours
    assert _short(late) == [("hand_over", "arrives", "binh")]
    assert [at for at, *_ in _log(connection)] == [MON + day * DAY for day in (1, 2, 3, 4)]
    assert _due(connection, MON + 4 * DAY + 7 * HOUR) == []


def test_a_change_within_the_lead_stands_down_who_was_told_and_calls_the_other_and_back_again(
    connection: Connection,
) -> None:
    tue = MON + DAY
    _due(connection, tue - 15 * MINUTE)
    (made,) = _make(connection, _replace("binh", "chi", tue, tue + DAY))
    assert _short(_due(connection, tue - 10 * MINUTE)) == [
        ("hand_over", "arrives", "chi"),
        ("hand_over", "stands_down", "binh"),
    ]
    assert _due(connection, tue - 9 * MINUTE) == []
    number = made.change.id or 0
    change(connection, store.withdraw(SYSTEM_READER, number, "lan", now=tue - 8 * MINUTE))
    again = _due(connection, tue - 7 * MINUTE)
    assert _short(again) == [("hand_over", "arrives", "binh"), ("hand_over", "stands_down", "chi")]
    assert _due(connection, tue) == []
    (line,) = _log(connection)
    assert "main: an → binh" in line[2]


def test_whoever_was_told_to_go_and_stays_is_told_so(connection: Connection) -> None:
    tue = MON + DAY
    _due(connection, tue - 15 * MINUTE)
    _make(connection, _replace("binh", "an", tue, tue + DAY))
    assert _short(_due(connection, tue - 5 * MINUTE)) == [
        ("hand_over", "stands_down", "binh"),
        ("hand_over", "stays_on", "an"),
    ]
    assert _due(connection, tue) == []
    assert _log(connection) == [], "nobody came or went"


def test_a_pack_applied_while_somebody_is_on_duty_is_a_hand_over_at_once(connection: Connection) -> None:
    noon = MON + 5 * HOUR
    _due(connection, noon - HOUR)
    _apply(connection, "chi binh", at=noon)
    assert _short(_due(connection, noon + MINUTE)) == [
        ("hand_over", "arrives", "chi"),
        ("hand_over", "leaves", "an"),
    ]
    assert _log(connection)[-1][0] == noon


# -- what is lacking ------------------------------------------------------------------------------------


def test_a_gap_is_told_at_each_level_once_and_again_when_it_changed(connection: Connection) -> None:
    gap = MON + 21 * DAY  # an's day
    _make(connection, Change(ChangeKind.LEAVE, "an", gap, gap + DAY))
    _due(connection, MON)
    assert _gaps(connection, gap - 14 * DAY - MINUTE) == []
    (first,) = _gaps(connection, gap - 14 * DAY)
    assert first.severity is Severity.WARNING
    assert first.people == ("binh",), "those who are on duty at that moment"
    assert first.content["lines_en"] == ["07:00 23/03/2026 – 07:00 24/03/2026: truc: Nobody is on duty."]
    assert first.content["subject_vi"] == "Lịch trực thiếu người: Trực, từ 07:00 23/03/2026"
    for days in (13, 8, 4):
        assert _gaps(connection, gap - days * DAY) == []
    assert len(_gaps(connection, gap - 3 * DAY)) == 1
    (made,) = _make(connection, Change(ChangeKind.ADD, "chi", gap, gap + 8 * HOUR, roster="truc"))
    (changed,) = _gaps(connection, gap - 2 * DAY)
    assert changed.content["gaps"][0]["from"] == (gap + 8 * HOUR).isoformat()
    assert _gaps(connection, gap - 2 * DAY + HOUR) == []
    (last,) = _gaps(connection, gap - DAY + 8 * HOUR)
    assert last.severity is Severity.MAJOR
    assert _gaps(connection, gap + 9 * HOUR) == [], "while it lasts it is not told again"
    change(connection, store.withdraw(SYSTEM_READER, made.change.id or 0, "lan", from_start=True))
    assert len(_gaps(connection, gap + 10 * HOUR)) == 1


def test_a_gap_without_an_end_is_told_once_although_the_clock_goes_on(servers: Servers) -> None:
    with servers.place() as place, psycopg.connect(place.database_dsn, autocommit=True) as connection:
        pack = duty_pack()
        (roster, _) = pack.rosters
        ends = replace(roster.rotations[0], valid_to=(MON + 20 * DAY).date())
        closed = replace(pack, rosters=(replace(roster, rotations=(ends,), cover=Cover.ALWAYS),))
        apply_pack(connection, closed, at=MON - 90 * DAY)
        told = [len(_gaps(connection, MON + day * DAY)) for day in range(70)]
        assert [day for day, count in enumerate(told) if count] == [6, 17, 19]
        assert sum(told) == 3


def test_a_roster_in_which_nobody_ever_was_is_told_once_for_whoever_stands_in(servers: Servers) -> None:
    with servers.place() as place, psycopg.connect(place.database_dsn, autocommit=True) as connection:
        pack = duty_pack("")
        apply_pack(connection, replace(pack, rosters=pack.rosters[:1]), at=MON - 90 * DAY)
        with connection.transaction():
            (told,) = run(connection, Notices().due(MON + 40 * DAY))
        assert (told.people, told.severity) == ((), Severity.MAJOR)
        assert [_due(connection, MON + day * DAY) for day in range(41, 80)] == [[]] * 39


def test_several_lacks_are_one_notice_and_a_shift_within_a_gap_is_not_told_twice(
    connection: Connection,
) -> None:
    _make(connection, Change(ChangeKind.LEAVE, "an", MON + DAY, MON + 12 * DAY))
    (one,) = _gaps(connection, MON + HOUR)
    assert one.content["total"] == 3
    assert {gap["kind"] for gap in one.content["gaps"]} == {"gap"}
    assert _gaps(connection, MON + 2 * HOUR) == []


def _gaps(connection: Connection, now: datetime) -> list[Notice]:
    return [one for one in _due(connection, now) if one.kind == "gap"]


# -- once, whatever happens -----------------------------------------------------------------------------


def test_what_was_rolled_back_is_told_again_and_what_was_committed_is_not(connection: Connection) -> None:
    notices, tue = Notices(), MON + DAY
    with connection.transaction(force_rollback=True):
        assert len(run(connection, notices.due(tue))) == 2
    assert connection.execute("SELECT count(*) FROM ioc.duty_notice").fetchone() == (0,)
    assert len(_due(connection, tue, notices)) == 2
    assert _due(connection, tue, notices) == []
    assert _due(connection, tue, Notices()) == [], "a process that was started anew"


def test_two_processes_at_once_tell_everything_once(place: Settings, connection: Connection) -> None:
    moments = [MON + quarter * 15 * MINUTE for quarter in range(4 * 24 * 3)]
    found: list[str] = []
    lock = threading.Lock()

    def process() -> None:
        notices = Notices()
        with psycopg.connect(place.database_dsn, autocommit=True) as own:
            for now in moments:
                told = [one.key for one in _due(own, now, notices)]
                with lock:
                    found.extend(told)

    threads = [threading.Thread(target=process) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == len(set(found))
    pairs = {(key.split(":")[3][:8], key.split(":")[4].split("#")[0]) for key in found}
    assert {("20260303", "arrives"), ("20260304", "leaves"), ("20260305", "arrives")} <= pairs
    lines = [at for at, *_ in _log(connection)]
    assert len(lines) == len(set(lines))


def test_while_nothing_can_be_due_one_small_question_is_all(connection: Connection) -> None:
    notices = Notices()
    _due(connection, MON + HOUR, notices)
    _due(connection, MON + HOUR, notices)
    asked = list(_statements(connection, notices, MON + 2 * HOUR))
    assert asked == ["SELECT version FROM ioc.duty_version"]
    _make(connection, _replace("an", "chi", MON + 2 * HOUR, MON + 3 * HOUR))
    assert len(list(_statements(connection, notices, MON + 2 * HOUR))) > 3, "something changed"


def _statements(connection: Connection, notices: Notices, now: datetime) -> Iterator[str]:
    with connection.transaction():
        steps = notices.due(now)
        try:
            statement, parameters = next(steps)
            while True:
                yield statement
                statement, parameters = steps.send(
                    connection.execute(statement.encode(), parameters).fetchall()
                )
        except StopIteration:
            return


def test_a_change_at_the_very_instant_stands_down_who_was_told(connection: Connection) -> None:
    tue = MON + DAY
    _due(connection, tue - 15 * MINUTE)
    _make(connection, _replace("binh", "chi", tue, tue + DAY))
    assert _short(_due(connection, tue + 10 * MINUTE)) == [
        ("hand_over", "arrives", "chi"),
        ("hand_over", "stands_down", "binh"),
    ]
    _make(connection, _replace("chi", "an", tue + DAY, tue + 2 * DAY))
    assert _due(connection, tue + 20 * MINUTE) == [], "who came and is there was told rightly"


@pytest.mark.parametrize("seed", [3, 15])
def test_whatever_is_changed_whoever_comes_was_told_so_and_nobody_else(
    connection: Connection, seed: int
) -> None:
    """Changes at random moments, transactions that are lost, processes that begin anew: for four days."""
    random, notices, told, came = Random(seed), Notices(), Counter[tuple[datetime, str]](), set()
    now = before = MON + HOUR
    _due(connection, now)
    while (now := now + 10 * MINUTE) < MON + 4 * DAY:
        if random.random() < 0.1:
            _change_at_random(connection, random, now)
        notices = notices if random.random() < 0.8 else Notices()
        is_lost = random.random() < 0.1
        with connection.transaction(force_rollback=is_lost):
            found = run(connection, notices.due(now))
        for one in () if is_lost else found:
            turn = {"arrives": 1, "stands_down": -1}.get(one.content.get("role", ""), 0)
            told[one.at, one.people[0] if turn else ""] += turn
        plan = answer(connection, store.plan_of(SYSTEM_READER, now - DAY, now + HOUR))
        overs = hand_overs(compute(plan, plan.rosters[0], now - DAY, now + HOUR))
        came |= {(o.at, person) for o in overs if before < o.at <= now for person in o.arriving}
        before = now
    for one in _due(connection, now):  # what the last lost transaction left
        told[one.at, one.people[0]] += one.content.get("role") == "arrives"
    assert set(told.values()) <= {0, 1}
    assert {key for key, count in told.items() if count and key[0] <= before} == came


def _change_at_random(connection: Connection, random: Random, now: datetime) -> None:
    first, second = random.sample(["an", "binh", "chi"], 2)
    start = now + random.choice([0, 5, 600, 1200]) * MINUTE
    end = start + random.choice([30, 300, 1500]) * MINUTE
    kind = random.choice(["add", "remove", "replace", "leave", "temporary", "withdraw"])
    try:
        if kind == "withdraw":
            made = answer(connection, store.changes_of(SYSTEM_READER, None))
            if made:
                number = random.choice(made).id or 0
                change(connection, store.withdraw(SYSTEM_READER, number, "lan", now=now))
            return
        shift = ShiftWording((first, second), start.isoformat(), end.isoformat())
        wanted = Wording(
            kind,
            None if kind == "temporary" else first,
            start.isoformat(),
            end.isoformat(),
            None if kind == "leave" else "truc",
            other=second if kind == "replace" else None,
            shifts=(shift,) if kind == "temporary" else (),
        )
        change(connection, store.make_worded(SYSTEM_READER, (wanted,), "lan"))
    except DutyError:  # it contradicts another
        return
