"""Real input: a municipality's permit log, imported whole, against a computation of its own."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import psycopg
import pytest

from ioc import topics
from ioc.kpi.query import SYSTEM_READER, answer, ask
from ioc.kpi.question import Asked
from ioc.settings import Settings
from tests.integration.streaming import (
    WorkerProcess,
    fetch,
    run_ioc,
    scalar,
    wait_counted,
    wait_until,
    worker,
)

KILLS = 20
ZONE = "Europe/Amsterdam"
CHANNELS = {
    "Internet": "online",
    "Desk": "counter",
    "Post": "post",
    "e-mail": "email",
    "Intern": "internal",
}

pytestmark = pytest.mark.shared


@pytest.fixture(scope="session")
def log_file(shared: Path) -> Path:
    return shared / "data" / "permits-receipt.csv"


@pytest.fixture(scope="session")
def cases(log_file: Path) -> pl.DataFrame:
    return cases_of(log_file)


def cases_of(file: Path) -> pl.DataFrame:
    """One row a case, straight from the file: the other side of every comparison."""
    moment = pl.col
    return (
        pl.read_csv(file, infer_schema=False)
        .group_by("case:concept:name")
        .agg(
            pl.col(
                "case:channel", "case:department", "case:startdate", "case:deadline", "case:enddate"
            ).first()
        )
        .with_columns(
            moment(name)
            .str.to_datetime("%Y-%m-%d %H:%M:%S%.f%z", strict=False)
            .fill_null(moment(name).str.to_datetime("%Y-%m-%d %H:%M:%S%z", strict=False))
            for name in ("case:startdate", "case:deadline", "case:enddate")
        )
        .select(
            channel=pl.col("case:channel").replace_strict(CHANNELS),
            field=pl.col("case:department"),
            received=pl.col("case:startdate").dt.convert_time_zone(ZONE),
            due=pl.col("case:deadline").dt.convert_time_zone(ZONE),
            done=pl.col("case:enddate").dt.convert_time_zone(ZONE),
        )
        .with_columns(late=(pl.col("done").dt.date() > pl.col("due").dt.date()).fill_null(value=False))
    )


def test_the_file_is_the_one_that_is_meant(cases: pl.DataFrame) -> None:
    assert len(cases) == 1434
    assert cases["done"].is_not_null().sum() == 1329
    assert cases["late"].sum() == 309


def import_log(settings: Settings, file: Path) -> None:
    done = run_ioc(settings, "import", "dossiers", str(file), "--mapping", "coselog")
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class View:
    """Whom to ask, and as of when."""

    settings: Settings
    as_of: datetime | None = None


Series = dict[tuple[str, str | None], tuple[float | None, float | None, float | None]]


def series(
    view: View, kpi: str, *, by: str | None = None, where: tuple[str, ...] = (), bucket: str = "1mo"
) -> Series:
    asked = Asked(
        unit="coselog",
        start="2010-01-01",
        end="2012-12-01",
        bucket=bucket,
        by=by,
        where=where,
        as_of=None if view.as_of is None else view.as_of.isoformat(),
    )
    with psycopg.connect(view.settings.database_dsn, autocommit=True) as connection:
        found = answer(connection, ask(SYSTEM_READER, kpi, asked))
    return {
        (point.time.astimezone(found.zone).strftime("%Y-%m"), point.dim): (
            point.value,
            point.numerator,
            point.denominator,
        )
        for point in found.points
    }


def months_of(column: str, frame: pl.DataFrame, dimension: str | None) -> dict[tuple[str, str | None], int]:
    kept = frame.filter(pl.col(column).is_not_null()).with_columns(month=pl.col(column).dt.strftime("%Y-%m"))
    keys = ["month"] if dimension is None else ["month", dimension]
    return {
        (row["month"], None if dimension is None else row[dimension]): row["len"]
        for row in kept.group_by(keys).len().iter_rows(named=True)
    }


def compare_all(settings: Settings, cases: pl.DataFrame, as_of: datetime | None = None) -> None:
    """Every dossier indicator, by month, by month and channel, by month and field."""
    view = View(settings, as_of)
    done = cases.filter(pl.col("done").is_not_null())
    for dimension in (None, "channel", "field"):
        received = months_of("received", cases, dimension)
        online = months_of("received", cases.filter(pl.col("channel") == "online"), dimension)
        completed = months_of("done", cases, dimension)
        on_time = months_of("done", done.filter(~pl.col("late")), dimension)
        _equal_counts(series(view, "dossier.received", by=dimension), received)
        _equal_counts(series(view, "dossier.completed", by=dimension), completed)
        _equal_ratios(series(view, "dossier.on_time_rate", by=dimension), on_time, completed)
        _equal_ratios(series(view, "dossier.online_rate", by=dimension), online, received)
        _equal_gauges(series(view, "dossier.open", by=dimension), cases, dimension, _open_at)
        _equal_gauges(series(view, "dossier.overdue", by=dimension), cases, dimension, _overdue_at)
        _equal_gauges(series(view, "dossier.due_24h", by=dimension), cases, dimension, _due_soon_at)
        # nobody apologised: every overdue dossier is without a letter
        _equal_gauges(
            series(view, "dossier.late_without_apology", by=dimension), cases, dimension, _overdue_at
        )
        _equal_counts(series(view, "dossier.withdrawn", by=dimension), {})
        _equal_counts(series(view, "dossier.paused", by=dimension), {})
        _late_rate_counts_what_was_carried_over(view, cases, dimension)
        for name, percent in (("p50", 50), ("p90", 90)):
            found = series(view, f"dossier.processing_days_{name}", by=dimension)
            _equal_processing_days(found, done, dimension, percent)
        _open_moves_by_what_came_and_went(view, dimension)
    for name in ("paid_online_rate", "digitised_rate", "satisfaction"):
        assert {value for value, _, _ in series(view, f"dossier.{name}").values()} == {None}, name


def _equal_counts(found: Series, wanted: dict[tuple[str, str | None], int]) -> None:
    assert {key: value for key, (value, _, _) in found.items() if value} == wanted


def _equal_ratios(
    found: Series, above: dict[tuple[str, str | None], int], below: dict[tuple[str, str | None], int]
) -> None:
    seen = {key: (n, d) for key, (_, n, d) in found.items() if d}
    assert seen == {key: (above.get(key, 0), count) for key, count in below.items()}
    for key, (value, _, denominator) in found.items():
        if denominator:
            assert value == pytest.approx(above.get(key, 0) / below[key])
        else:
            assert value is None


def _open_at(frame: pl.DataFrame, end: datetime) -> pl.DataFrame:
    """Open at the last instant before ``end``."""
    return frame.filter((pl.col("received") < end) & (pl.col("done").is_null() | (pl.col("done") >= end)))


def _overdue_at(frame: pl.DataFrame, end: datetime) -> pl.DataFrame:
    last_day = (end - timedelta(days=1)).date()
    return _open_at(frame, end).filter(pl.col("due").is_not_null() & (pl.col("due").dt.date() < last_day))


def _due_soon_at(frame: pl.DataFrame, end: datetime) -> pl.DataFrame:
    last_day = (end - timedelta(days=1)).date()
    return _open_at(frame, end).filter(
        (pl.col("due").dt.date() >= last_day) & (pl.col("due") - pl.duration(hours=24) < end)
    )


def _end_of(month: str) -> datetime:
    year, number = map(int, month.split("-"))
    year, number = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=ZoneInfo(ZONE))


def _late_rate_counts_what_was_carried_over(view: View, cases: pl.DataFrame, dimension: str | None) -> None:
    checked = 0
    for (month, dim), (value, above, below) in series(view, "dossier.late_rate_gialai", by=dimension).items():
        if below is None:
            continue
        end = _end_of(month)
        start = end.replace(year=end.year - (end.month == 1), month=(end.month - 2) % 12 + 1)
        frame = cases if dimension is None else cases.filter(pl.col(dimension) == dim)
        during = (pl.col("done") >= start) & (pl.col("done") < end)
        late = len(_overdue_at(frame, end)) + len(frame.filter(pl.col("late") & during))
        came = frame.filter((pl.col("received") >= start) & (pl.col("received") < end))
        assert (above, below) == (late, len(came) + len(_open_at(frame, start))), (month, dim)
        assert value == (pytest.approx(late / below) if below else None)
        checked += 1
    assert checked >= 12


def _working_days(start: datetime, end: datetime) -> float:
    """Hours from 7:00 to 11:30 and 13:30 to 17:00 of weekdays, day by day, in eighths."""
    total, day = timedelta(), start.date()
    while day <= end.date():
        if day.weekday() < 5:
            for opens, closes in ((time_of(7), time_of(11, 30)), (time_of(13, 30), time_of(17))):
                low = max(datetime.combine(day, opens), start.replace(tzinfo=None))
                high = min(datetime.combine(day, closes), end.replace(tzinfo=None))
                total += max(high - low, timedelta())
        day += timedelta(days=1)
    return round(total / timedelta(hours=8), 3)


def _equal_processing_days(found: Series, done: pl.DataFrame, dimension: str | None, percent: int) -> None:
    groups: dict[tuple[str, str | None], list[float]] = {}
    for row in done.iter_rows(named=True):
        key = (row["done"].strftime("%Y-%m"), None if dimension is None else row[dimension])
        groups.setdefault(key, []).append(_working_days(row["received"], row["done"]))
    seen = {key: (value, count) for key, (value, _, count) in found.items() if count}
    assert seen.keys() == groups.keys()
    for key, days in groups.items():
        rank = -(-percent * len(days) // 100)
        assert seen[key] == (pytest.approx(sorted(days)[rank - 1], abs=0.0011), len(days)), key


def _open_moves_by_what_came_and_went(view: View, dimension: str | None) -> None:
    """open(n) - open(n - 1) = received(n) - completed(n): nothing of the log is withdrawn."""
    opened, received, completed = (
        series(view, f"dossier.{name}", by=dimension) for name in ("open", "received", "completed")
    )

    def count(found: Series, month: str, dim: str | None) -> float:
        return found.get((month, dim), (None, None, None))[0] or 0

    months = sorted({month for month, _ in opened})
    values = {dim for _, dim in opened}
    moved = 0
    for before, month in pairwise(months):
        for dim in values:
            change = count(opened, month, dim) - count(opened, before, dim)
            assert change == count(received, month, dim) - count(completed, month, dim), (month, dim)
            moved += change != 0
    assert moved >= 12


def _equal_gauges(found: Series, cases: pl.DataFrame, dimension: str | None, holds: Any) -> None:
    checked = 0
    for (month, dim), (value, _, _) in found.items():
        if value is None:
            continue
        end = _end_of(month)
        frame = cases if dimension is None else cases.filter(pl.col(dimension) == dim)
        assert value == len(holds(frame, end)), (month, dim)
        checked += 1
    assert checked >= 12


def test_kpis_equal_a_direct_computation_whatever_the_order_and_number_of_imports(
    settings: Settings, log_file: Path, cases: pl.DataFrame, tmp_path: Path
) -> None:
    with worker(settings, "--topic", topics.DOSSIERS):
        import_log(settings, log_file)
        wait_counted(settings, [topics.DOSSIERS])
        compare_all(settings, cases)
        facts = scalar(settings, "SELECT count(*) FROM ioc.dossier_fact")

        import_log(settings, log_file)
        import_log(settings, _shuffled(log_file, tmp_path, seed=1))
        wait_counted(settings, [topics.DOSSIERS])
        assert scalar(settings, "SELECT count(*) FROM ioc.dossier_fact") == facts
        compare_all(settings, cases)
    assert scalar(settings, "SELECT count(*) FROM ioc.dossier") == 1434
    assert scalar(settings, "SELECT count(*) FROM ioc.dossier_fact WHERE kind = 2") == 8577
    assert scalar(settings, "SELECT count(*) FROM ioc.unreadable") == 0


def test_as_of_between_partial_imports_figures_are_those_of_what_had_been_imported(
    settings: Settings, log_file: Path, tmp_path: Path
) -> None:
    """Parts of single lines: some cases are known early, some late, and many in several parts."""
    first, second, _ = parts = list(_parts(_shuffled(log_file, tmp_path, seed=3), tmp_path, 3))
    known: list[datetime] = []
    with worker(settings, "--topic", topics.DOSSIERS):
        for part in parts:
            import_log(settings, part)
            wait_counted(settings, [topics.DOSSIERS])
            known.append(scalar(settings, "SELECT now()"))
    both = tmp_path / "both.csv"
    both.write_text(
        first.read_text(encoding="utf-8") + second.read_text(encoding="utf-8").split("\n", 1)[1],
        encoding="utf-8",
    )
    at_first, at_second = cases_of(first), cases_of(both)
    assert 0 < len(at_first) < len(at_second) < 1434
    compare_all(settings, at_first, as_of=known[0])
    compare_all(settings, at_second, as_of=known[1])


def _shuffled(file: Path, folder: Path, seed: int) -> Path:
    header, *rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(seed).shuffle(rows)
    shuffled = folder / f"shuffled-{seed}.csv"
    shuffled.write_text(header + "".join(rows), encoding="utf-8")
    return shuffled


def _parts(file: Path, folder: Path, count: int) -> Iterator[Path]:
    header, *rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for number in range(count):
        part = folder / f"part-{number}.csv"
        part.write_text(header + "".join(rows[number::count]), encoding="utf-8")
        yield part


def _stands(settings: Settings) -> int:
    """Records that are in the database, of all partitions together."""
    return int(scalar(settings, "SELECT coalesce(sum(next_offset), 0)::bigint FROM ioc.partition_offset"))


@pytest.mark.drills
@pytest.mark.timeout(900)
def test_kills_at_random_moments_lose_nothing_and_count_nothing_twice(
    settings: Settings, log_file: Path, cases: pl.DataFrame, tmp_path: Path
) -> None:
    """The log comes in parts, over and over; the worker is killed again and again while it works on them.

    A quiet machine needs about two minutes.
    """
    small = settings.model_copy(update={"batch_records": 200, "fetch_bytes": 65_536})
    rng = random.Random(20)
    parts = list(_parts(_shuffled(log_file, tmp_path, seed=2), tmp_path, KILLS))
    process = WorkerProcess(small, "--topic", topics.DOSSIERS)
    worked_between_kills = 0
    try:
        before = 0
        for part in parts:
            import_log(settings, part)
            process.start()
            if rng.random() < 0.8:
                # in the middle of its work, whenever it begins with that
                wait_until(lambda at=before: _stands(settings) > at, within_s=60, what="the first batch")
                time.sleep(rng.uniform(0.0, 0.6))
            else:
                # as it starts, or claims its partitions, or once all is done
                time.sleep(rng.uniform(0.0, 5.0))
            process.kill()
            stands = _stands(settings)
            worked_between_kills += stands > before
            before = stands
        process.start()
        wait_counted(settings, [topics.DOSSIERS], within_s=120)
    finally:
        process.kill()
    # A test whose kills all struck an idle worker would show nothing.
    assert worked_between_kills >= KILLS // 2
    compare_all(settings, cases)
    assert scalar(settings, "SELECT count(*) FROM ioc.dossier_fact WHERE kind = 2") == 8577
    assert scalar(settings, "SELECT count(*) FROM ioc.dossier") == 1434


def test_no_person_of_the_log_reaches_the_database(settings: Settings, log_file: Path) -> None:
    people = set(pl.read_csv(log_file, infer_schema=False)["org:resource"].drop_nulls().unique().to_list())
    assert len(people) > 10
    with worker(settings, "--topic", topics.DOSSIERS):
        import_log(settings, log_file)
        wait_counted(settings, [topics.DOSSIERS])
    handlers = set(
        scalar(
            settings,
            "SELECT array_agg(DISTINCT body->>'handler') FROM ioc.dossier_fact WHERE body ? 'handler'",
        )
        or []
    )
    assert not handlers & people
    # nor anywhere else in what is kept of the facts, not as a part of another text either
    kept = fetch(settings, "SELECT body::text FROM ioc.dossier_fact")
    kept += fetch(settings, "SELECT to_jsonb(d)::text FROM ioc.dossier d")
    assert len(kept) > 10_000
    words = {word for (text,) in kept for word in re.split(r"[^\w-]+", text)}
    assert not words & people
    assert scalar(settings, "SELECT count(*) FROM ioc.dossier_fact WHERE time > %s", datetime.now(UTC)) == 0
