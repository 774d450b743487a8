"""Arrivals against expectation: by hand, against a plain computation, over holidays and changed clocks."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import fmean, median
from zoneinfo import ZoneInfo

import psycopg
import pytest

from ioc.district import read_pack
from ioc.district.apply import apply_pack
from ioc.district.worktime import WorkCalendar
from ioc.dossiers.ledger import Measure
from ioc.forecast.query import Surge, ask_surges
from ioc.kpi import find
from ioc.kpi.errors import BadQuestionError, UnknownUnitError
from ioc.kpi.query import Point, answer, series
from ioc.kpi.question import Question
from tests.integration.kpi_data import Connection, LedgerEntry, add_entries, add_unit
from tests.servers import Servers

_SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
_VN = ZoneInfo("Asia/Ho_Chi_Minh")
_CALENDAR = WorkCalendar()
#: A Wednesday without holidays in the twelve weeks before.
_DAY = date(2026, 8, 19)


@pytest.fixture(scope="module")
def _database(servers: Servers) -> Iterator[Connection]:
    url = servers.new_database()
    with psycopg.connect(url, autocommit=True) as found:
        pack = read_pack(_SHIPPED)
        apply_pack(found, pack)
        add_unit(found, "here", parent=pack.root)
        add_unit(found, "there", parent=pack.root)
        add_unit(found, "far", "Europe/Amsterdam")
        yield found
    servers.drop_database(url)


@pytest.fixture
def connection(_database: Connection) -> Connection:
    for table in ("dossier_ledger", "dossier_pending", "dossier_series", "ticket"):
        _database.execute(f"DELETE FROM ioc.{table}".encode())  # noqa: S608 - named above
    return _database


def _at(day: date, clock: time = time(8), zone: ZoneInfo = _VN) -> datetime:
    return datetime.combine(day, clock, zone)


def _arrivals(
    days: Sequence[date],
    count: int,
    *,
    unit: str = "here",
    zone: ZoneInfo = _VN,
    clock: time = time(8),
    learned: datetime | None = None,
) -> list[LedgerEntry]:
    """So many a day, one minute apart."""
    return [
        LedgerEntry(unit, Measure.RECEIVED, at, learned or at)
        for day in days
        for n in range(count)
        for at in (_at(day, clock, zone) + timedelta(minutes=n),)
    ]


def _add(connection: Connection, entries: Sequence[LedgerEntry]) -> None:
    """Further entries, of a channel of their own."""
    add_entries(connection, [replace(entry, channel="post") for entry in entries])


def _worked(last: date, days: int, calendar: WorkCalendar = _CALENDAR) -> list[date]:
    """Worked days among the calendar days before ``last``."""
    return [day for n in range(days, 0, -1) if calendar.is_working_day(day := last - timedelta(days=n))]


def surge(
    connection: Connection, at: datetime, *, unit: str = "here", as_of: datetime | None = None
) -> Surge:
    row = connection.execute(
        "SELECT unit, subject, moment, state, since, observed, expected, held_back, chance, today_observed,"
        " today_expected, memory, memory_from FROM ioc.surge_now('system', %s, %s, %s) WHERE subject = 'dossiers'",
        ([unit], at, as_of),
    ).fetchone()
    assert row is not None
    return Surge(*row)


def ratio(
    connection: Connection,
    first: date,
    days: int = 1,
    *,
    bucket: str = "1d",
    unit: str = "here",
    **more: object,
) -> list[Point]:
    zone = ZoneInfo("Europe/Amsterdam") if unit == "far" else _VN
    asked = {
        "start": _at(first, time(), zone),
        "end": _at(first + timedelta(days=days), time(), zone),
        "bucket": bucket,
        **more,
    }
    return list(answer(connection, series("system", Question(kpi=find("dossier.surge"), unit=unit, **asked))))  # type: ignore[arg-type]


def test_sql_knows_the_districts_calendar(connection: Connection) -> None:
    rows = connection.execute(
        "SELECT day, worked FROM ioc.office_days("
        "ARRAY(SELECT unit_id FROM ioc.unit WHERE code = 'here'), '2000-01-01', '2050-12-31')"
    ).fetchall()
    calendar = read_pack(_SHIPPED).calendar
    assert len(rows) > 18_000
    assert [day for day, worked in rows if worked != calendar.is_working_day(day)] == []


def test_units_outside_the_district_have_weekdays(connection: Connection) -> None:
    tet = connection.execute(
        "SELECT worked FROM ioc.office_days("
        "ARRAY(SELECT unit_id FROM ioc.unit WHERE code = 'far'), '2026-02-17', '2026-02-22')"
    ).fetchall()
    assert [worked for (worked,) in tet] == [True, True, True, True, False, False]


def test_an_even_stream_is_expected_as_it_is(connection: Connection) -> None:
    add_entries(connection, _arrivals([*_worked(_DAY, 120), _DAY], 10))
    (point,) = ratio(connection, _DAY)
    assert (point.value, point.numerator, point.denominator) == (pytest.approx(1), 10, pytest.approx(10))
    found = surge(connection, _at(_DAY, time(17)))
    assert (found.state, found.since, found.observed, found.today_expected) == (
        "none",
        None,
        10,
        pytest.approx(10),
    )
    assert found.memory == len(_worked(_DAY, 84))
    assert found.memory_from == _worked(_DAY, 84)[0]


def test_a_surge_by_hand(connection: Connection) -> None:
    """Ten a day for twelve weeks, all at eight; then thirty: chance of 30 or more where 10 are expected."""
    add_entries(connection, [*_arrivals(_worked(_DAY, 120), 10), *_arrivals([_DAY], 30)])
    (point,) = ratio(connection, _DAY)
    assert (point.numerator, point.denominator, point.value) == (30, pytest.approx(10), pytest.approx(3))
    found = surge(connection, _at(_DAY, time(9)))
    assert found.state == "surge"
    assert found.since == _at(_DAY, time(8))
    assert (found.observed, found.expected, found.held_back) == (30, pytest.approx(10), 0)
    # the days are all alike: what is left is the count's own spread, and that of the level, 10/60 of a count each
    days = len(_worked(_DAY, 84))
    variance = 10 + 10 * 10 / (10 * days)
    by_hand = _tail(30, 10, variance)
    # looked at: today from eight on, and the beginnings of four days before
    assert found.chance == pytest.approx(5 * by_hand, rel=0.02)
    assert surge(connection, _at(_DAY, time(7, 30))).state == "none"


def _tail(count: int, mean: float, variance: float) -> float:
    """Negative binomial upper tail by its definition, in logarithms of gamma."""
    size = mean**2 / (variance - mean)
    q = 1 - mean / variance

    def log_chance(k: int) -> float:
        return (
            math.lgamma(size + k)
            - math.lgamma(size)
            - math.lgamma(k + 1)
            + size * math.log1p(-q)
            + k * math.log(q)
        )

    return math.fsum(math.exp(log_chance(k)) for k in range(count, count + 2000))


@pytest.mark.parametrize(
    ("count", "mean", "variance"),
    [(1, 0.2, 0.3), (12, 4, 9), (30, 10, 10.5), (300, 200, 700), (3000, 2500, 40_000)],
)
def test_chances_are_those_of_the_distribution(
    connection: Connection, count: int, mean: float, variance: float
) -> None:
    row = connection.execute("SELECT ioc.chance_of(%s, %s, %s)", (count, mean, variance)).fetchone()
    assert row is not None
    assert row[0] == pytest.approx(_tail(count, mean, variance), rel=1e-6)


def test_chances_of_plain_counts_and_of_huge_ones(connection: Connection) -> None:
    def chance(*given: float) -> float:
        row = connection.execute("SELECT ioc.chance_of(%s, %s, %s)", given).fetchone()
        assert row is not None
        return float(row[0])

    poisson = 1 - math.fsum(math.exp(-4) * 4**k / math.factorial(k) for k in range(9))
    assert chance(9, 4, 4) == pytest.approx(poisson)
    assert chance(3, 4, 9) == 1
    assert chance(5, 0, 0) == 0
    assert chance(1e9, 10, 12) == 0
    assert 1e-4 < chance(1_020_000, 1_000_000, 1e8 / 2) < 0.02  # 2.8 standard deviations


def test_fewer_than_twenty_worked_days_are_unknown_and_never_none(connection: Connection) -> None:
    known = _worked(_DAY, 84)[-20:]
    add_entries(connection, _arrivals([*known, _DAY], 50))
    found = surge(connection, _at(_DAY, time(17)))
    # the day of the first fact may be a part of one: nineteen whole days
    assert (found.state, found.memory, found.expected, found.chance) == ("unknown", 19, None, None)
    assert ratio(connection, _DAY)[0].value is None
    _add(connection, _arrivals([_worked(_DAY, 84)[-21]], 1))
    assert surge(connection, _at(_DAY, time(17))).state == "none"


def test_nothing_known_at_all_is_unknown(connection: Connection) -> None:
    assert surge(connection, _at(_DAY)).state == "unknown"
    assert ratio(connection, _DAY, 3)[0][2:5] == (None, None, None)


def test_a_past_surge_counts_up_to_its_limit_only(connection: Connection) -> None:
    days = _worked(_DAY, 84)
    add_entries(
        connection,
        [*_arrivals(days, 10), *_arrivals(days[30:32], 400, clock=time(14)), *_arrivals([_DAY], 10)],
    )
    (point,) = ratio(connection, _DAY)
    assert point.denominator == pytest.approx(10, rel=0.1)
    # nor do its hours pull the day's profile into the afternoon
    morning, afternoon = (
        p.denominator or 0
        for p in ratio(connection, _DAY, bucket="1h")
        if p.time.astimezone(_VN).hour in (8, 14)
    )
    assert morning > 9
    assert afternoon < 1


def test_weekdays_and_hours_have_their_own_share(connection: Connection) -> None:
    entries = []
    for day in [*_worked(_DAY, 84), _DAY]:
        entries += _arrivals([day], 30 if day.weekday() == 0 else 10, clock=time(8))
        entries += _arrivals([day], 10, clock=time(14))
    add_entries(connection, entries)
    hours = {p.time.astimezone(_VN).hour: p.denominator for p in ratio(connection, _DAY, bucket="1h")}
    assert sum(n or 0 for hour, n in hours.items() if hour not in (8, 14)) == 0
    (whole,) = ratio(connection, _DAY)
    assert whole.denominator == pytest.approx((hours[8] or 0) + (hours[14] or 0))
    monday = _DAY - timedelta(days=2)
    (busy,) = ratio(connection, monday)
    assert 32 < (busy.denominator or 0) <= 40
    assert 20 <= (whole.denominator or 0) < 23


def test_closed_days_expect_nothing_and_are_no_surge(connection: Connection) -> None:
    saturday = date(2026, 8, 22)
    add_entries(connection, [*_arrivals(_worked(saturday, 84), 10), *_arrivals([saturday], 40)])
    found = surge(connection, _at(saturday, time(12)))
    assert (found.state, found.expected, found.observed) == ("closed", 0, 0)
    (point,) = ratio(connection, saturday)
    assert (point.value, point.numerator, point.denominator) == (None, 0, 0)
    hours = ratio(connection, _DAY, bucket="1h")
    assert {p.value for p in hours if p.time.astimezone(_VN).hour in (0, 5, 22)} == {None}
    assert {p.denominator for p in hours if p.time.astimezone(_VN).hour in (0, 5, 22)} == {0}


def test_a_make_up_saturday_is_expected_like_other_days(connection: Connection) -> None:
    saturday = date(2026, 8, 22)
    connection.execute("INSERT INTO ioc.exceptional_day VALUES (%s, true)", (saturday,))
    try:
        add_entries(connection, _arrivals([*_worked(saturday, 84), saturday], 10))
        found = surge(connection, _at(saturday, time(12)))
        assert (found.state, found.expected) == ("none", pytest.approx(10))
    finally:
        connection.execute("DELETE FROM ioc.exceptional_day WHERE day = %s", (saturday,))


def test_tet_raises_nothing_before_in_it_nor_after(connection: Connection) -> None:
    """Ten a day; nothing over Tết; then what was held back comes in four days. Only far more than that is a surge."""
    first_day = date(2026, 2, 23)
    assert not any(_CALENDAR.is_working_day(date(2026, 2, day)) for day in range(16, 23))
    rebound = {0: 32, 1: 22, 2: 16, 3: 13}
    entries = _arrivals(_worked(first_day, 84), 10)
    after = [
        day for day in (first_day + timedelta(days=n) for n in range(5)) if _CALENDAR.is_working_day(day)
    ]
    for n, day in enumerate(after):
        entries += _arrivals([day], rebound.get(n, 10))
    add_entries(connection, entries)
    moments = [
        _at(date(2026, 2, 9) + timedelta(days=n), time(hour)) for n in range(19) for hour in (9, 12, 17)
    ]
    states = {moment: surge(connection, moment).state for moment in moments}
    assert set(states.values()) == {"none", "closed"}
    assert {
        state
        for moment, state in states.items()
        if moment.date() in {date(2026, 2, day) for day in range(16, 23)}
    } == {"closed"}
    found = surge(connection, _at(first_day, time(17)))
    # five weekdays were missed, half of that on the first day
    assert found.held_back == pytest.approx(25, rel=0.05)
    assert found.expected == pytest.approx(35, rel=0.05)
    add_entries(connection, _arrivals([first_day], 70, unit="there", clock=time(9)))
    both = connection.execute(
        "SELECT state FROM ioc.surge_now('system', NULL, %s) WHERE subject = 'dossiers'",
        (_at(first_day, time(17)),),
    ).fetchone()
    assert both == ("surge",)


def test_clocks_that_change_move_no_expectation(connection: Connection) -> None:
    """Amsterdam, around 25 October 2026: ten at eight, local time, every weekday."""
    zone = ZoneInfo("Europe/Amsterdam")
    plain = WorkCalendar(time_zone=zone.key, holidays_of=None)
    days = [
        day
        for day in (date(2026, 7, 20) + timedelta(days=n) for n in range(110))
        if plain.is_working_day(day)
    ]
    past = [day for day in days if _at(day, time(9), zone) < datetime.now(UTC)]
    add_entries(connection, _arrivals(past, 10, unit="far", zone=zone))
    for day in [day for day in past if date(2026, 10, 20) <= day <= date(2026, 10, 30)]:
        hours = ratio(connection, day, bucket="1h", unit="far")
        assert {p.time.astimezone(zone).hour: p.value for p in hours if p.denominator} == {
            8: pytest.approx(1)
        }
        assert surge(connection, _at(day, time(9), zone), unit="far").state == "none"


def test_half_an_hour_expects_half(connection: Connection) -> None:
    add_entries(connection, _arrivals([*_worked(_DAY, 84), _DAY], 10))
    quarters = {
        p.time.astimezone(_VN).strftime("%H:%M"): p
        for p in ratio(connection, _DAY, bucket="15min")
        if p.denominator
    }
    assert {at: p.denominator for at, p in quarters.items()} == {
        f"08:{m:02}": pytest.approx(2.5) for m in (0, 15, 30, 45)
    }
    # ten in ten minutes
    assert quarters["08:00"].numerator == 10
    assert surge(connection, _at(_DAY, time(8, 30))).today_expected == pytest.approx(5)


def test_what_was_learned_later_was_not_known_then(connection: Connection) -> None:
    days = _worked(_DAY, 84)
    later = _at(_DAY, time(18))
    add_entries(
        connection,
        [*_arrivals(days, 10), *_arrivals([_DAY], 10), *_arrivals([_DAY], 40, clock=time(9), learned=later)],
    )
    noon = _at(_DAY, time(12))
    assert surge(connection, noon).state == "surge"
    assert surge(connection, noon, as_of=noon).state == "none"
    assert surge(connection, noon, as_of=later).state == "surge"
    (then,) = ratio(connection, _DAY, as_of=noon)
    assert (then.numerator, then.denominator) == (10, pytest.approx(10))


def test_what_comes_after_a_moment_changes_no_answer_for_it(connection: Connection) -> None:
    rng = random.Random(5)
    add_entries(connection, [e for day in _worked(_DAY, 84) for e in _arrivals([day], rng.randrange(5, 15))])
    _add(connection, _arrivals([_DAY], 9))
    noon = _at(_DAY, time(12))
    before, series_before = surge(connection, noon), ratio(connection, _DAY - timedelta(days=20), 20)
    connection.execute("UPDATE ioc.dossier_series SET channel = 'counter' WHERE channel = 'post'")
    _add(
        connection,
        [
            *_arrivals([_DAY], 90, clock=time(14)),
            *_arrivals(_worked(_DAY + timedelta(days=8), 7), 99),
        ],
    )
    assert surge(connection, noon) == before
    assert ratio(connection, _DAY - timedelta(days=20), 20) == series_before


def _limit(counts: list[int]) -> float:
    middle = median(counts)
    return middle + 3 * max(1.4826 * median(abs(n - middle) for n in counts), math.sqrt(max(middle, 1)))


def test_expectations_equal_a_plain_computation(connection: Connection) -> None:
    """Levels, weekdays, hours and limits once more in Python, over noisy days."""
    rng = random.Random(11)
    days = _worked(_DAY + timedelta(days=1), 120)
    counts: dict[date, dict[int, int]] = {}
    entries = []
    for day in days:
        counts[day] = {
            hour: rng.randrange(0, 9) * (6 if rng.random() < 0.03 else 1) for hour in (7, 8, 9, 10, 14, 15)
        }
        for hour, count in counts[day].items():
            entries += _arrivals([day], count, clock=time(hour))
    add_entries(connection, entries)
    asked = days[-15:]
    found = {
        (p.time.astimezone(_VN).date(), p.time.astimezone(_VN).hour): p
        for p in ratio(connection, asked[0], (asked[-1] - asked[0]).days + 1, bucket="1h")
    }
    for day in asked:
        memory = [d for d in days if day - timedelta(days=84) <= d < day]
        totals = {d: sum(counts[d].values()) for d in memory}
        most = {
            d: max(
                _limit(list(totals.values())),
                _limit([n for e, n in totals.items() if e.weekday() == d.weekday()]),
            )
            for d in memory
        }
        level = fmean(min(n, most[d]) for d, n in totals.items())
        like = [min(n, most[d]) for d, n in totals.items() if d.weekday() == day.weekday()]
        expected = (sum(like) + 4 * level) / (len(like) + 4)
        share = {
            h: sum(counts[d][h] * min(1, most[d] / totals[d]) for d in memory if totals[d])
            for h in counts[day]
        }
        for hour, weight in share.items():
            point = found[day, hour]
            assert point.numerator == counts[day][hour]
            assert point.denominator == pytest.approx(expected * weight / sum(share.values())), (day, hour)


def test_dimensions_have_expectations_of_their_own(connection: Connection) -> None:
    entries = []
    for day in [*_worked(_DAY, 84), _DAY]:
        entries += _arrivals([day], 10)
        entries += _arrivals([day], 4, unit="there", clock=time(9))
    entries += _arrivals([_DAY], 8, unit="there", clock=time(14))
    add_entries(connection, entries)
    root = read_pack(_SHIPPED).root
    by = {p.dim: p for p in ratio(connection, _DAY, unit=root, by="unit")}
    assert by.keys() == {"here", "there"}
    assert by["here"].value == pytest.approx(1)
    assert by["there"].value == pytest.approx(3)
    (both,) = ratio(connection, _DAY, unit=root)
    assert (both.numerator, both.denominator) == (22, pytest.approx(14))
    (only,) = ratio(connection, _DAY, unit=root, where={"unit": ("there",)})
    assert only.value == pytest.approx(3)


def test_tickets_are_looked_at_too(connection: Connection) -> None:
    rows = [
        (f"{day}-{n}", day, _at(day) + timedelta(minutes=n), "land" if n % 2 else "civil")
        for day in [*_worked(_DAY, 84), _DAY]
        for n in range(60 if day == _DAY else 12)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ioc.ticket (kiosk, date, number, unit_id, issued_at, service)"
            " SELECT 'k', %(day)s, %(number)s, unit_id, %(at)s, %(service)s FROM ioc.unit WHERE code = 'here'",
            [
                {"number": number, "day": day, "at": at, "service": service}
                for number, day, at, service in rows
            ],
        )
    found = {
        row[1]: row[3]
        for row in connection.execute(
            "SELECT * FROM ioc.surge_now('system', ARRAY['here'], %s)", (_at(_DAY, time(10)),)
        ).fetchall()
    }
    assert found == {"dossiers": "unknown", "tickets": "surge"}
    asked = {"start": _at(_DAY, time()), "end": _at(_DAY, time(23)), "bucket": "1d", "unit": "here"}
    points = answer(connection, series("system", Question(kpi=find("queue.surge"), by="service", **asked)))  # type: ignore[arg-type]
    assert {p.dim: (p.numerator, p.denominator) for p in points} == {
        "civil": (30, pytest.approx(6)),
        "land": (30, pytest.approx(6)),
    }


def test_the_wall_shows_the_same_figure_for_today(connection: Connection) -> None:
    today = datetime.now(_VN).date()
    add_entries(connection, _arrivals([*_worked(today, 84), today], 1, clock=time(0)))
    row = connection.execute(
        "SELECT value, numerator, denominator FROM ioc.kpi_current('system', '{dossier.surge}', '{here}')"
    ).fetchone()
    (point,) = ratio(connection, today)
    assert row is not None
    assert row[1] == point.numerator
    assert row[2] == pytest.approx(point.denominator, abs=0.05)


@pytest.mark.parametrize(
    ("units", "as_of", "error", "words"),
    [
        (["nowhere"], None, UnknownUnitError, "no unit"),
        (None, "tomorrow", BadQuestionError, "neither a date nor a time"),
        (None, "2199-01-01", BadQuestionError, "future"),
        (None, "0800-01-01", BadQuestionError, "1900"),
    ],
)
def test_what_makes_no_sense_is_refused(
    connection: Connection, units: list[str] | None, as_of: str | None, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        answer(connection, ask_surges("system", units, as_of))


def test_the_database_itself_refuses_the_future(connection: Connection) -> None:
    with pytest.raises(psycopg.Error, match="can't be asked for the moment"):
        connection.execute("SELECT * FROM ioc.surge_now('system', NULL, now() + interval '1 day')")
