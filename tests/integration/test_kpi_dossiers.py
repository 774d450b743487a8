"""Dossier indicators against a plain computation: flows, gauges, corrections, time zones, dimensions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.dossiers.ledger import Measure
from ioc.kpi import find
from ioc.kpi.errors import BadQuestionError, TooManyPointsError
from ioc.kpi.query import Point, answer, series
from ioc.kpi.question import Question
from ioc.platform import dossier_sums
from tests.integration.kpi_data import (
    DOSSIER_KPIS,
    Connection,
    LedgerEntry,
    add_district,
    add_entries,
    add_unit,
    buckets,
    empty,
    naive_series,
    take_entries,
)

# The clocks of Amsterdam go back on 30 October 2011 at 3 o'clock, and forward on 27 March.
_AUTUMN = datetime(2011, 10, 29, 12, tzinfo=UTC)
_SPRING = datetime(2011, 3, 26, 12, tzinfo=UTC)
_ZONES = ("Asia/Ho_Chi_Minh", "Europe/Amsterdam", "Asia/Kolkata")


def ask(connection: Connection, kpi: str, **more: object) -> tuple[Point, ...]:
    return answer(connection, series("system", Question(kpi=find(kpi), **more)))  # type: ignore[arg-type]


@st.composite
def _moments(draw: st.DrawFn, around: datetime) -> datetime:
    """Minutes around a change of clocks, often exactly on the edge of a bucket."""
    quarters = draw(st.integers(-48, 8 * 24 * 4))
    shift = draw(
        st.sampled_from((timedelta(), timedelta(), timedelta(seconds=1), -timedelta(microseconds=1)))
    )
    return around + quarters * timedelta(minutes=15) + shift


@st.composite
def _entries(draw: st.DrawFn, moments: st.SearchStrategy[datetime]) -> list[LedgerEntry]:
    return draw(
        st.lists(
            st.builds(
                LedgerEntry,
                unit=st.sampled_from(("a", "b")),
                measure=st.sampled_from([int(measure) for measure in Measure]),
                effective_at=moments,
                recorded_at=moments,
                delta=st.sampled_from((1, 1, 1, -1)),
                channel=st.sampled_from((None, "online", "counter")),
                field=st.sampled_from((None, "x")),
                amount=st.sampled_from((0, 500, 1250, 4000)),
            ),
            max_size=30,
        )
    )


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_series_equals_a_plain_computation(connection: Connection, data: st.DataObject) -> None:
    around = data.draw(st.sampled_from((_AUTUMN, _SPRING)))
    zone = ZoneInfo(data.draw(st.sampled_from(_ZONES)))
    # few moments, used again and again: things happen exactly at the range's ends and when something was asked
    moments = st.sampled_from(data.draw(st.lists(_moments(around), min_size=2, max_size=6)))
    entries = data.draw(_entries(moments))
    start, end = sorted(data.draw(st.tuples(moments, moments)))
    end = end if end > start else end + timedelta(hours=1)
    bucket = data.draw(st.sampled_from(("15min", "1h", "1d", "1mo")))
    as_of = data.draw(st.none() | moments)
    by = data.draw(st.sampled_from((None, "unit", "channel", "field")))
    online_only = data.draw(st.booleans())

    empty(connection)
    add_unit(connection, "root", zone.key)
    add_unit(connection, "a", zone.key, "root")
    add_unit(connection, "b", zone.key, "root")
    add_unit(connection, "elsewhere", zone.key)
    outside = [LedgerEntry("elsewhere", int(measure), start, start) for measure in Measure]
    # some of it is in the sums by day and month, some waits to be, some was taken away again by the source
    gone = data.draw(st.lists(st.sampled_from(entries), max_size=3)) if entries else []
    place = data.draw(st.integers(0, len(entries)))
    add_entries(connection, [*gone, *entries[:place], *outside])
    dossier_sums.fold(connection, turns=data.draw(st.integers(0, 1)))
    take_entries(connection, gone)
    add_entries(connection, entries[place:])
    dossier_sums.fold(connection, turns=data.draw(st.integers(0, 1)))

    spans = buckets(start, end, bucket, zone)
    through = [entry for entry in entries if not online_only or entry.channel == "online"]
    for kpi in DOSSIER_KPIS:
        points = ask(
            connection,
            kpi,
            unit="root",
            start=start,
            end=end,
            bucket=bucket,
            by=by,
            where={"channel": ("online",)} if online_only else {},
            as_of=as_of,
        )
        if by is None:
            shown = [(p.time, p.value, p.numerator, p.denominator) for p in points]
            assert shown == naive_series(kpi, entries, spans, as_of, through), kpi
            continue
        values = {point.dim for point in points}
        for value in values:
            part = [entry for entry in through if getattr(entry, by) == value]
            shown = [(p.time, p.value, p.numerator, p.denominator) for p in points if p.dim == value]
            assert shown == naive_series(kpi, entries, spans, as_of, part), (kpi, value)
        left_out = [entry for entry in through if getattr(entry, by) not in values]
        assert all(not figure[1] for figure in naive_series(kpi, entries, spans, as_of, left_out)), kpi


@pytest.fixture
def district(connection: Connection) -> Connection:
    empty(connection)
    add_unit(connection, "go")
    add_unit(connection, "go-1", parent="go")
    add_unit(connection, "far", "Europe/Amsterdam")
    add_district(connection, "go")
    return connection


def test_the_hour_that_comes_twice_is_two_points_and_the_long_day_is_one(district: Connection) -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    start = datetime(2011, 10, 30, tzinfo=zone)
    end = datetime(2011, 10, 31, tzinfo=zone)
    twice = [datetime(2011, 10, 30, 0, 30, tzinfo=UTC), datetime(2011, 10, 30, 1, 30, tzinfo=UTC)]
    add_entries(district, [LedgerEntry("far", Measure.RECEIVED, at, at) for at in twice])

    hours = ask(district, "dossier.received", unit="far", start=start, end=end, bucket="1h")
    assert len(hours) == 25
    local = [(point.time.astimezone(zone).isoformat(), point.value) for point in hours if point.value]
    assert local == [("2011-10-30T02:00:00+02:00", 1), ("2011-10-30T02:00:00+01:00", 1)]

    days = ask(district, "dossier.received", unit="far", start=start, end=end, bucket="1d")
    assert [point.value for point in days] == [2]


def test_before_the_first_fact_figures_are_unknown_and_afterwards_zero(district: Connection) -> None:
    first = datetime(2026, 3, 2, 3, tzinfo=UTC)
    add_entries(
        district,
        [
            LedgerEntry("go-1", Measure.RECEIVED, first, first),
            LedgerEntry("go-1", Measure.OPEN, first, first),
        ],
    )
    asked = {
        "start": datetime(2026, 3, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
        "end": datetime(2026, 3, 5, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
        "bucket": "1d",
    }
    assert [p.value for p in ask(district, "dossier.received", **asked)] == [None, 1, 0, 0]
    assert [p.value for p in ask(district, "dossier.open", **asked)] == [None, 1, 1, 1]
    assert [p.value for p in ask(district, "dossier.on_time_rate", **asked)] == [None] * 4
    assert [p.denominator for p in ask(district, "dossier.on_time_rate", **asked)] == [None, 0, 0, 0]


def test_what_happens_exactly_at_an_end_belongs_to_the_next_bucket(district: Connection) -> None:
    at = datetime(2026, 3, 2, 3, tzinfo=UTC)
    early = at - timedelta(days=1)
    add_entries(
        district,
        [
            LedgerEntry("go-1", Measure.RECEIVED, early, early),
            LedgerEntry("go-1", Measure.RECEIVED, at, at),
            LedgerEntry("go-1", Measure.OPEN, at, at),
        ],
    )
    for end, seen in ((at, [0]), (at + timedelta(hours=1), [0, 1])):
        asked = {"start": at - timedelta(hours=1), "end": end, "bucket": "1h"}
        assert [p.value for p in ask(district, "dossier.open", **asked)] == seen
        assert [p.value for p in ask(district, "dossier.received", **asked)] == seen
    # learned at that very moment is known at it, and not a moment before
    for as_of, count in ((at, 1), (at - timedelta(microseconds=1), 0)):
        (point,) = ask(
            district,
            "dossier.open",
            start=at - timedelta(hours=1),
            end=at + timedelta(hours=1),
            bucket="1d",
            as_of=as_of,
        )
        assert point.value == count


def test_the_future_has_no_points_and_the_current_bucket_is_read_now(district: Connection) -> None:
    now = datetime.now(UTC)
    past = now - timedelta(hours=30)
    add_entries(
        district,
        [
            LedgerEntry("go-1", Measure.RECEIVED, past, past),
            LedgerEntry("go-1", Measure.OPEN, past, past),
            LedgerEntry("go-1", Measure.OVERDUE, now + timedelta(minutes=10), past),
        ],
    )
    asked = {"start": now - timedelta(days=2), "end": now + timedelta(days=400), "bucket": "1d"}
    for kpi, last in (("dossier.open", 1), ("dossier.overdue", 0)):
        points = ask(district, kpi, **asked)
        assert points[-1].time <= now
        assert len(points) == 3
        assert points[-1].value == last
    assert (
        ask(district, "dossier.open", start=now + timedelta(days=1), end=now + timedelta(days=2), bucket="1d")
        == ()
    )


def test_a_filter_by_null_and_by_several_values(district: Connection) -> None:
    at = datetime(2026, 3, 2, 3, tzinfo=UTC)
    add_entries(
        district,
        [
            LedgerEntry("go-1", Measure.RECEIVED, at, at, channel=channel)
            for channel in (None, None, None, "online", "post", "post", "counter")
        ],
    )
    asked = {"start": at, "end": at + timedelta(hours=1), "bucket": "1h"}
    for values, count in (
        ((None,), 3),
        (("post",), 2),
        (("post", "online"), 3),
        ((None, "counter"), 4),
        (("x",), 0),
    ):
        (point,) = ask(district, "dossier.received", where={"channel": values}, **asked)
        assert point.value == count, values
    by = ask(district, "dossier.received", by="channel", **asked)
    assert {point.dim: point.value for point in by} == {None: 3, "online": 1, "post": 2, "counter": 1}


def test_a_value_that_was_taken_back_altogether_is_not_shown(district: Connection) -> None:
    """A dossier's first step comes before its record: for a moment it has no channel."""
    at = datetime(2026, 3, 2, 3, tzinfo=UTC)
    later = at + timedelta(seconds=1)
    add_entries(
        district,
        [
            LedgerEntry("go-1", Measure.RECEIVED, at, at),
            LedgerEntry("go-1", Measure.RECEIVED, at, later, delta=-1),
            LedgerEntry("go-1", Measure.RECEIVED, at, later, channel="online"),
        ],
    )
    asked = {"start": at, "end": at + timedelta(hours=1), "bucket": "1h", "by": "channel"}
    assert {p.dim: p.value for p in ask(district, "dossier.received", **asked)} == {"online": 1}
    between = later - timedelta(microseconds=1)
    assert {p.dim: p.value for p in ask(district, "dossier.received", as_of=between, **asked)} == {None: 1}


def test_too_many_points_are_refused_before_they_are_built(district: Connection) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(TooManyPointsError, match="50000"):
        ask(district, "dossier.open", start=start, end=start + timedelta(days=60), bucket="1min")
    add_entries(
        district,
        [LedgerEntry("go-1", Measure.RECEIVED, start, start, field=f"f{i}") for i in range(100)],
    )
    with pytest.raises(TooManyPointsError, match="100"):
        ask(
            district, "dossier.received", start=start, end=start + timedelta(days=30), bucket="1h", by="field"
        )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"bucket": "2d"}, "bucket"),
        ({"by": "colour"}, "dimension"),
        ({"where": {"colour": ("red",)}}, "dimension"),
        ({"end": datetime(2025, 1, 1, tzinfo=UTC)}, "not after its start"),
        ({"as_of": datetime.now(UTC) + timedelta(days=1)}, "future"),
        ({"start": datetime(1, 1, 2, tzinfo=UTC)}, "1900"),
        ({"end": datetime(9999, 1, 1, tzinfo=UTC)}, "2200"),
    ],
)
def test_the_database_itself_refuses_what_makes_no_sense(
    district: Connection, more: dict[str, object], words: str
) -> None:
    asked = {
        "start": datetime(2026, 1, 1, tzinfo=UTC),
        "end": datetime(2026, 1, 3, tzinfo=UTC),
        "bucket": "1d",
    }
    with pytest.raises(BadQuestionError, match=words):
        ask(district, "dossier.open", **{**asked, **more})
