"""Figures of today's areas: continued backwards through predecessors, by dated shares, at query time."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ioc.dossiers.ledger import Measure
from ioc.kpi import find, ids
from ioc.kpi.errors import BadQuestionError, UnknownUnitError
from ioc.kpi.query import Answer, answer, ask, current
from ioc.kpi.question import Areas, Asked
from tests.integration.areas import ZONE, DatedUnit, Edge, add_units, at, owners
from tests.integration.kpi_data import Connection, LedgerEntry, add_district, add_entries, empty

REFORM = date(2025, 7, 1)
SPLIT = date(2025, 9, 15)
LATER = date(2026, 1, 1)


def _entry(unit: str, day: str, measure: int = Measure.RECEIVED, **more: int | str) -> LedgerEntry:
    return LedgerEntry(unit, measure, at(day), at(day), **more)  # type: ignore[arg-type]


@pytest.fixture
def area(connection: Connection) -> Connection:
    """``go`` was ``old`` with a, b, c; a and b became n, c was divided among m and ``out`` beyond the border.

    s gave a quarter to m later on and goes on; n became z after that; of ``far`` nobody has said which share m took in.
    """
    empty(connection)
    add_units(
        connection,
        [
            DatedUnit("go"),
            DatedUnit("old", "go", end=REFORM),
            *(DatedUnit(code, "old", end=REFORM) for code in "abc"),
            DatedUnit("n", "go", REFORM, LATER),
            DatedUnit("m", "go", REFORM),
            DatedUnit("s", "go"),
            DatedUnit("z", "go", LATER),
            DatedUnit("out", None, REFORM),
            DatedUnit("far"),
        ],
        [
            Edge("a", "n", 1, REFORM),
            Edge("b", "n", 1, REFORM),
            Edge("c", "m", 0.6, REFORM),
            Edge("c", "out", 0.4, REFORM),
            Edge("s", "m", 0.25, SPLIT),
            Edge("n", "z", 1, LATER),
            Edge("far", "m", None, REFORM),
        ],
    )
    add_district(connection, "go")
    return connection


def _ask(
    connection: Connection,
    kpi: str,
    unit: str | None,
    *,
    start: str = "2025-06-01",
    end: str = "2025-08-01",
    bucket: str = "1mo",
    areas: str | None = "remapped",
    by: str | None = None,
    where: tuple[str, ...] = (),
    as_of: str | None = None,
    reader: str = "system",
) -> Answer:
    asked = Asked(
        unit=unit, start=start, end=end, bucket=bucket, by=by, where=where, areas=areas, as_of=as_of
    )
    return answer(connection, ask(reader, kpi, asked))


def _values(found: Answer) -> list[float | None]:
    return [point.value for point in found.points]


def test_without_the_option_figures_stay_with_the_unit_of_their_time(area: Connection) -> None:
    add_entries(area, [_entry("a", "2025-06-02"), _entry("b", "2025-06-03"), _entry("n", "2025-07-02")])
    assert _values(_ask(area, "dossier.received", "n", areas=None)) == [None, 1]
    assert _values(_ask(area, "dossier.received", "n", areas="as_was")) == [None, 1]
    assert _values(_ask(area, "dossier.received", "a", areas=None)) == [1, 0]


def test_a_merged_unit_goes_on_backwards_exactly_through_a_chain(area: Connection) -> None:
    add_entries(
        area,
        [
            _entry("a", "2025-06-02"),
            _entry("b", "2025-06-03"),
            _entry("b", "2025-06-04"),
            _entry("n", "2025-07-02"),
            _entry("a", "2025-07-03"),  # what an ended unit still does is its area's
        ],
    )
    found = _ask(area, "dossier.received", "z")
    assert _values(found) == [3, 2]
    assert not any(point.estimated for point in found.points)
    assert found.areas is not None
    assert found.areas["estimated"] is False
    assert found.areas["left_out"] == []
    assert {part["unit"]: part["share"] for part in found.areas["shares"]} == {"a": 1, "b": 1, "n": 1}


def test_a_share_of_a_unit_is_an_estimate_in_each_point_and_in_provenance(area: Connection) -> None:
    add_entries(
        area,
        [*(_entry("c", f"2025-06-{day:02}") for day in range(1, 11)), _entry("m", "2025-07-02")],
    )
    found = _ask(area, "dossier.received", "m")
    assert _values(found) == pytest.approx([6, 1])
    assert [point.estimated for point in found.points] == [True, False]
    assert found.areas is not None
    assert found.areas["estimated"] is True
    assert [(part["unit"], part["share"]) for part in found.areas["shares"]] == [("c", 0.6), ("s", 0.25)]
    assert found.areas["shares"][1]["to"] == "2025-09-14T17:00:00+00:00"
    assert found.areas["left_out"] == [{"unit": "far", "into": "m", "since": "2025-07-01"}]
    # nothing of the rest is lost: it is beyond the border
    assert _values(_ask(area, "dossier.received", "out")) == pytest.approx([4, 0])


def test_a_unit_that_gives_a_part_away_keeps_what_it_does_from_then_on(area: Connection) -> None:
    add_entries(area, [_entry("s", "2025-09-01"), _entry("s", "2025-09-14"), _entry("s", "2025-09-15")])
    days = {"start": "2025-09-14", "end": "2025-09-16", "bucket": "1d"}
    assert _values(_ask(area, "dossier.received", "s", **days)) == [0.75, 1]
    assert _values(_ask(area, "dossier.received", "m", **days)) == [0.25, None]
    month = {"start": "2025-09-01", "end": "2025-10-01"}
    assert _values(_ask(area, "dossier.received", "s", **month)) == [2.5]
    assert _values(_ask(area, "dossier.received", "m", **month)) == [0.5]


def test_ratios_are_made_of_remapped_sums_and_not_of_ratios(area: Connection) -> None:
    add_entries(
        area,
        [
            _entry("c", "2025-06-01"),
            _entry("s", "2025-06-01"),
            *(_entry("c", "2025-06-02", Measure.COMPLETED) for _ in range(10)),
            _entry("c", "2025-06-02", Measure.ON_TIME),
            _entry("s", "2025-06-03", Measure.COMPLETED),
            _entry("s", "2025-06-03", Measure.ON_TIME),
        ],
    )
    (june, _) = _ask(area, "dossier.on_time_rate", "m").points
    assert (june.numerator, june.denominator) == pytest.approx((0.6 + 0.25, 6 + 0.25))
    assert june.value == pytest.approx((0.6 + 0.25) / (6 + 0.25))
    assert june.estimated


def test_quantiles_are_told_where_every_unit_is_whole_and_are_null_with_the_reason_elsewhere(
    area: Connection,
) -> None:
    amounts = {"a": (1000, 9000), "b": (2000,), "c": (5000,), "m": (3000,)}
    days = {"a": "2025-06-05", "b": "2025-06-06", "c": "2025-06-07", "m": "2025-07-07"}
    add_entries(
        area,
        [
            *(_entry(unit, "2025-06-01") for unit in amounts),
            *(
                _entry(unit, days[unit], Measure.PROCESSING, amount=amount)
                for unit, found in amounts.items()
                for amount in found
            ),
        ],
    )
    whole = _ask(area, "dossier.processing_days_p50", "z").points
    assert [(point.value, point.denominator, point.reason) for point in whole] == [
        (2, 3, None),
        (None, 0, None),
    ]
    parts = _ask(area, "dossier.processing_days_p50", "m").points
    assert [(point.value, point.reason) for point in parts] == [(None, "share"), (3, None)]
    assert not any(point.estimated for point in parts)


def test_a_quantile_over_a_bucket_in_which_the_area_changes_is_null(area: Connection) -> None:
    amounts = [("s", "2025-09-20", 1000)]
    add_entries(
        area,
        [
            _entry("s", "2025-06-01"),
            *(_entry(unit, day, Measure.PROCESSING, amount=amount) for unit, day, amount in amounts),
        ],
    )
    month = {"start": "2025-09-01", "end": "2025-10-01"}
    # before the 15th a quarter of s is m's; nothing of it was completed then, so the rest tells all
    (point,) = _ask(area, "dossier.processing_days_p50", "s", **month).points
    assert (point.value, point.reason) == (1, None)
    add_entries(area, [_entry("s", "2025-09-02", Measure.PROCESSING, amount=4000, channel="online")])
    (point,) = _ask(area, "dossier.processing_days_p50", "s", **month).points
    assert (point.value, point.reason) == (None, "share")
    # the formula with what was carried over reads both ends of a bucket: whole days are answered, this month is not
    carried = (
        ("2025-06-01", Measure.OPEN),
        ("2025-09-02", Measure.RECEIVED),
        ("2025-09-20", Measure.RECEIVED),
    )
    add_entries(area, [_entry("s", day, measure, channel="post") for day, measure in carried])
    (point,) = _ask(area, "dossier.late_rate_gialai", "s", **month).points
    assert (point.value, point.reason) == (None, "composition")
    assert all(
        point.reason is None
        for point in _ask(area, "dossier.late_rate_gialai", "s", **{**month, "bucket": "1d"}).points
    )


def test_gauges_are_those_of_the_areas_at_the_moment(area: Connection) -> None:
    add_entries(
        area,
        [
            *(_entry("a", "2025-06-02", measure) for measure in (Measure.RECEIVED, Measure.OPEN)),
            *(_entry("s", "2025-06-02", measure) for measure in (Measure.RECEIVED, Measure.OPEN)),
            _entry("a", "2025-07-20", Measure.OPEN, delta=-1),
        ],
    )
    assert _values(_ask(area, "dossier.open", "z")) == [1, 0]
    # one that was open before the split stays where it is handled after it
    days = {"start": "2025-09-13", "end": "2025-09-16", "bucket": "1d"}
    assert _values(_ask(area, "dossier.open", "s", **days)) == [0.75, 0.75, 1]
    assert _values(_ask(area, "dossier.open", "m", **days))[:2] == [0.25, 0.25]
    figures = {
        (figure.unit, figure.kpi): figure
        for figure in answer(area, current("system", ["dossier.open"], ["z", "s"], Areas.REMAPPED))
    }
    assert figures["s", "dossier.open"].value == 1
    assert figures["z", "dossier.open"].value == 0
    assert not figures["s", "dossier.open"].estimated


def test_by_unit_it_is_the_units_of_today(area: Connection) -> None:
    add_entries(
        area,
        [
            _entry("a", "2025-06-02"),
            _entry("c", "2025-06-02"),
            _entry("old", "2025-06-02"),
            _entry("n", "2025-07-02"),
            _entry("z", "2026-01-02"),
        ],
    )
    found = _ask(area, "dossier.received", "go", by="unit", end="2026-02-01")
    by_unit: dict[str | None, list[float | None]] = defaultdict(list)
    for point in found.points:
        by_unit[point.dim].append(point.value)
    assert by_unit["z"] == [1, 1, 0, 0, 0, 0, 0, 1]
    assert by_unit["m"][0] == pytest.approx(0.6)
    # what nobody has taken over stays where it was
    assert by_unit["old"][0] == 1
    assert set(by_unit) == {"z", "m", "old"}
    as_was = _ask(area, "dossier.received", "go", by="unit", end="2026-02-01", areas=None)
    assert {point.dim for point in as_was.points} == {"a", "c", "old", "n", "z"}
    only = _ask(area, "dossier.received", "go", where=("unit=z",))
    assert _values(only) == [1, 1]


def test_other_dimensions_filters_and_as_of_work_alike(area: Connection) -> None:
    add_entries(
        area,
        [
            _entry("a", "2025-06-02", channel="online"),
            _entry("b", "2025-06-02", channel="post"),
            _entry("n", "2025-07-02", channel="online"),
            LedgerEntry("a", Measure.RECEIVED, at("2025-06-04"), at("2026-03-01"), channel="online"),
        ],
    )
    found = _ask(area, "dossier.received", "z", by="channel")
    assert {(point.time.astimezone(ZONE).month, point.dim): point.value for point in found.points} == {
        (6, "online"): 2,
        (6, "post"): 1,
        (7, "online"): 1,
        (7, "post"): 0,
    }
    assert _values(_ask(area, "dossier.received", "z", where=("channel=online",))) == [2, 1]
    assert _values(_ask(area, "dossier.received", "z", where=("channel=online",), as_of="2026-02-01")) == [
        1,
        1,
    ]


def test_a_unit_that_ended_is_no_area_of_today(area: Connection) -> None:
    for unit, successors in (("n", "z"), ("c", "m, out"), ("old", "m, n, out")):
        with pytest.raises(BadQuestionError, match="ended on") as refused:
            _ask(area, "dossier.received", unit)
        assert f"({successors})" in str(refused.value.remedy)
    with pytest.raises(BadQuestionError, match="no areas 'then'"):
        _ask(area, "dossier.received", "z", areas="then")


def test_a_reader_of_one_unit_sees_what_its_area_was_and_no_other(area: Connection) -> None:
    add_entries(area, [_entry("a", "2025-06-02"), _entry("c", "2025-06-02")])
    area.execute("INSERT INTO ioc.reader (name, root_unit) VALUES ('chief', 'z')")
    assert _values(_ask(area, "dossier.received", None, reader="chief")) == [1, 0]
    for unit in ("m", "a"):
        with pytest.raises(UnknownUnitError):
            _ask(area, "dossier.received", unit, reader="chief")
    with pytest.raises(UnknownUnitError):
        answer(area, current("chief", ["dossier.open"], ["m"], Areas.REMAPPED))


def test_device_time_is_divided_and_means_over_devices_are_not(area: Connection) -> None:
    for unit, up, down in (("c", 30_000, 30_000), ("s", 60_000, 0)):
        area.execute(
            "INSERT INTO ioc.device_minute"
            " (kind, unit_id, bucket, part, up_ms, down_ms, client_ms, client_known_ms, client_max)"
            " SELECT k.kind, unit_id, %(at)s, -1, %(up)s, %(down)s, 60000, 60000, 3"
            " FROM ioc.unit CROSS JOIN (VALUES (1), (2)) AS k (kind) WHERE code = %(unit)s",
            {"unit": unit, "at": at("2025-06-10"), "up": up, "down": down},
        )
    hour = {"start": "2025-06-10T09:00", "end": "2025-06-10T10:00", "bucket": "1min"}
    first = _ask(area, "camera.availability", "m", **hour).points[0]
    assert (first.numerator, first.denominator) == pytest.approx((0.6 * 30 + 0.25 * 60, 0.6 * 60 + 0.25 * 60))
    assert first.estimated
    for kpi in ("wifi.clients", "wifi.clients_max"):
        first = _ask(area, kpi, "m", **hour).points[0]
        assert (first.value, first.reason) == (None, "share")
    # the whole area has all of s, and c but for what went beyond the border
    (wall,) = [point for point in _ask(area, "wifi.availability", "go", **hour).points if point.value]
    assert wall.denominator == pytest.approx(0.6 * 60 + 60)


def test_indicators_of_the_platform_are_the_same_in_any_area(area: Connection) -> None:
    found = _ask(area, "platform.dead_letters", "z", bucket="1d", start="2025-06-01", end="2025-06-02")
    assert [(point.value, point.estimated) for point in found.points] == [(0, False)]


# -- totals are conserved --------------------------------------------------------------------------------

_DAYS = (date(2025, 3, 1), date(2025, 7, 1), date(2025, 11, 1), date(2026, 3, 1))
_START, _END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def _world(rng: random.Random) -> tuple[list[DatedUnit], list[Edge], list[LedgerEntry]]:
    """A random tree of units under ``root`` with random dates, divisions and mergers, and facts at any time."""
    codes = [f"u{number}" for number in range(rng.randint(2, 9))]
    units = [DatedUnit("root")]
    for code in codes:
        end = rng.choice((None, None, *_DAYS))
        units.append(DatedUnit(code, rng.choice(units).code, end=end))
    edges: list[Edge] = []
    for code in codes:
        for day in _DAYS:
            if rng.random() < 0.4:
                others = rng.sample([other for other in codes if other != code], min(len(codes) - 1, 3))
                tenths = rng.randint(1, 10)
                for other in others:
                    part = rng.randint(1, tenths) if other is not others[-1] else tenths
                    edges.append(Edge(code, other, part / 10, day))
                    tenths -= part
                    if tenths == 0:
                        break
    span = int((_END - _START).total_seconds())
    entries = [
        LedgerEntry(rng.choice(codes), Measure.RECEIVED, moment, moment, delta=rng.choice((1, 1, 3, -1)))
        for moment in (_START + timedelta(seconds=rng.randrange(span)) for _ in range(rng.randint(1, 25)))
    ]
    return units, edges, entries


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_what_predecessors_counted_is_given_out_exactly_once(connection: Connection, seed: int) -> None:
    rng = random.Random(seed)
    units, edges, entries = _world(rng)
    by_code = {unit.code: unit for unit in units}
    bucket = rng.choice(("1d", "1mo"))
    with connection.transaction(force_rollback=True):
        empty(connection)
        add_units(connection, units, edges)
        add_district(connection, "root")
        add_entries(connection, entries)
        # every unit's figures at every time: shares that make one
        sums = connection.execute(
            "SELECT unit_id, low::text, sum(share) FROM ioc.area_shares("
            " ARRAY(SELECT unit_id FROM ioc.unit), 'Asia/Ho_Chi_Minh', '2026-11-01') GROUP BY 1, 2"
        ).fetchall()
        assert {row[0] for row in sums} == {
            row[0] for row in connection.execute("SELECT unit_id FROM ioc.unit").fetchall()
        }
        assert [row[2] for row in sums] == pytest.approx([1.0] * len(sums))
        found = connection.execute(
            "SELECT time, dim, numerator"
            " FROM ioc.kpi_series_areas('system', 'dossier.received', 'root', %s, %s, %s, 'unit')",
            (_START, _END, bucket),
        ).fetchall()
        whole = connection.execute(
            "SELECT time, numerator FROM ioc.kpi_series_areas('system', 'dossier.received', 'root', %s, %s, %s)",
            (_START, _END, bucket),
        ).fetchall()
        as_was = connection.execute(
            "SELECT time, numerator FROM ioc.kpi_series('system', 'dossier.received', 'root', %s, %s, %s)",
            (_START, _END, bucket),
        ).fetchall()
    assert [value for _, value in whole] == pytest.approx([value for _, value in as_was])
    totals: dict[datetime, float] = defaultdict(float)
    of_unit: dict[str, float] = defaultdict(float)
    for moment, unit, value in found:
        totals[moment] += value or 0
        of_unit[unit] += value or 0
    assert [totals[moment] for moment, _ in as_was] == pytest.approx([value or 0 for _, value in as_was])
    expected: dict[str, float] = defaultdict(float)
    for entry in entries:
        for unit, share in owners(entry.unit, entry.effective_at, by_code, edges).items():
            expected[unit] += entry.delta * share
    for unit in {*of_unit, *expected}:
        assert of_unit[unit] == pytest.approx(expected[unit], abs=1e-9), unit


def test_every_indicator_answers_for_an_area(area: Connection) -> None:
    figures = answer(area, current("system", None, ["z", "m"], Areas.REMAPPED))
    assert [(figure.unit, figure.kpi) for figure in figures] == [
        (unit, kpi) for unit in ("z", "m") for kpi in ids()
    ]
    for figure in figures:
        assert find(figure.kpi).is_divisible or not figure.estimated
