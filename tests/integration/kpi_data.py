"""Rows for tests of indicators, and the indicators once more in plain Python, written apart from the SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from ioc.dossiers.ledger import Measure

Connection = psycopg.Connection[Any]
_TABLES = (
    "dossier_ledger",
    "dossier_pending",
    "dossier_day",
    "dossier_month",
    "dossier_series_month",
    "dossier_amount_day",
    "dossier_series",
    "device_minute",
    "device_quarter",
    "device_hour",
    "device_day",
    "device_month",
    "sample_hour",
    "sample_day",
    "sample_dirty",
    "sample_dirty_day",
    "sample_progress",
    "rollup_zone",
    "kept_from",
    "ticket_fact",
    "ticket",
    "unreadable_count",
    "device_run",
    "device_run_pending",
    "device_day_end",
    "device_state",
    "camera_sample",
    "wifi_sample",
    "device",
    "partition_offset",
    "platform_sample",
    "window_close",
    "late_count",
    "fact_day",
    "unreadable",
    "unit_edge",
    "unit_member",
    "kpi_target",
)


@dataclass(frozen=True)
class LedgerEntry:
    """One signed entry with its dimensions spelled out."""

    unit: str
    measure: int
    effective_at: datetime
    recorded_at: datetime
    delta: int = 1
    channel: str | None = None
    field: str | None = None
    amount: int = 0

    @property
    def series(self) -> tuple[str, str | None, str | None]:
        return (self.unit, self.channel, self.field)


def empty(connection: Connection) -> None:
    """Remove all facts, districts, and readers that tests made, units."""
    for table in _TABLES:  # few rows each: quicker than making new files for all of them
        connection.execute(f"DELETE FROM ioc.{table}".encode())  # noqa: S608 - named above
    connection.execute("DELETE FROM ioc.reader WHERE name NOT IN ('system', 'guest', 'grafana')")
    connection.execute("UPDATE ioc.reader SET active = true")
    connection.execute("DELETE FROM ioc.district")
    connection.execute("DELETE FROM ioc.unit")


def add_unit(
    connection: Connection, code: str, zone: str = "Asia/Ho_Chi_Minh", parent: str | None = None
) -> int:
    row = connection.execute(
        "INSERT INTO ioc.unit (code, name_vi, name_en, time_zone, parent_code)"
        " VALUES (%(code)s, %(code)s, %(code)s, %(zone)s, %(parent)s) RETURNING unit_id",
        {"code": code, "zone": zone, "parent": parent},
    ).fetchone()
    assert row is not None
    return int(row[0])


def add_district(connection: Connection, root: str, zone: str = "Asia/Ho_Chi_Minh") -> None:
    connection.execute(
        "INSERT INTO ioc.district (code, root_unit, time_zone, pack_version) VALUES (%s, %s, %s, '1')",
        (root, root, zone),
    )


def add_entries(connection: Connection, entries: Iterable[LedgerEntry]) -> None:
    series: dict[tuple[str, str | None, str | None], int] = {}
    rows = []
    for entry in entries:
        if entry.series not in series:
            found = connection.execute(
                "INSERT INTO ioc.dossier_series (unit_id, channel, field)"
                " SELECT unit_id, %s, %s FROM ioc.unit WHERE code = %s"
                " ON CONFLICT (unit_id, channel, field, procedure) DO UPDATE SET unit_id = excluded.unit_id"
                " RETURNING series_id",
                (entry.channel, entry.field, entry.unit),
            ).fetchone()
            assert found is not None
            series[entry.series] = found[0]
        times = (entry.effective_at, entry.recorded_at)
        rows.append((series[entry.series], entry.measure, entry.amount, entry.delta, *times))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ioc.dossier_ledger"
            " (dossier_id, series_id, measure, amount, delta, effective_at, recorded_at)"
            " VALUES (1, %s, %s, %s, %s, %s, %s)",
            rows,
        )


def take_entries(connection: Connection, entries: Iterable[LedgerEntry]) -> None:
    """Delete one stored entry for each of these, as a rewritten history does."""
    for entry in entries:
        taken = connection.execute(
            "DELETE FROM ioc.dossier_ledger WHERE ctid = (SELECT l.ctid FROM ioc.dossier_ledger l"
            " JOIN ioc.dossier_series s USING (series_id) JOIN ioc.unit u USING (unit_id)"
            " WHERE u.code = %s AND l.measure = %s AND l.effective_at = %s AND l.recorded_at = %s AND l.delta = %s"
            " AND l.amount = %s AND s.channel IS NOT DISTINCT FROM %s AND s.field IS NOT DISTINCT FROM %s LIMIT 1)",
            (
                *(
                    entry.unit,
                    entry.measure,
                    entry.effective_at,
                    entry.recorded_at,
                    entry.delta,
                    entry.amount,
                ),
                *(entry.channel, entry.field),
            ),
        )
        assert taken.rowcount == 1


def add_device(connection: Connection, code: str, kind: int, unit: str) -> int:
    row = connection.execute(
        "INSERT INTO ioc.device (code, kind, unit_id) SELECT %s, %s, unit_id FROM ioc.unit WHERE code = %s"
        " RETURNING device_id",
        (code, kind, unit),
    ).fetchone()
    assert row is not None
    return int(row[0])


# -- the same figures in plain Python -------------------------------------------------------------------


def buckets(start: datetime, end: datetime, bucket: str, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Clipped buckets of a range that lies in the past."""
    edges = [_floor(start, bucket, zone)]
    while edges[-1] < end:
        edges.append(_next(edges[-1], bucket, zone))
    return [(max(low, start), min(high, end)) for low, high in pairwise(edges) if high > start]


def _floor(moment: datetime, bucket: str, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    if bucket == "1mo":
        return datetime(local.year, local.month, 1, tzinfo=zone).astimezone(UTC)
    if bucket == "1d":
        return datetime.combine(local.date(), time(), tzinfo=zone).astimezone(UTC)
    minutes = {"1h": 60, "15min": 15, "1min": 1}[bucket]
    past = timedelta(
        minutes=local.minute % minutes if minutes < 60 else local.minute,
        seconds=local.second,
        microseconds=local.microsecond,
    )
    return moment.astimezone(UTC) - past


def _next(moment: datetime, bucket: str, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    if bucket == "1mo":
        year, month = divmod(local.year * 12 + local.month, 12)
        return datetime(year, month + 1, 1, tzinfo=zone).astimezone(UTC)
    if bucket == "1d":
        return datetime.combine(local.date() + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    return moment + timedelta(minutes={"1h": 60, "15min": 15, "1min": 1}[bucket])


_FLOWS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "dossier.received": ((Measure.RECEIVED,), ()),
    "dossier.completed": ((Measure.COMPLETED,), ()),
    "dossier.on_time_rate": (
        (Measure.ON_TIME, Measure.WITHDRAWN),
        (Measure.COMPLETED, Measure.WITHDRAWN),
    ),
    "dossier.online_rate": ((Measure.ONLINE,), (Measure.RECEIVED,)),
    "dossier.withdrawn": ((Measure.WITHDRAWN,), ()),
    "dossier.paid_online_rate": ((Measure.PAID_ONLINE,), (Measure.RECEIVED,)),
    "dossier.digitised_rate": ((Measure.DIGITISED,), (Measure.RECEIVED,)),
    "dossier.satisfaction": ((Measure.SATISFIED,), (Measure.RATED,)),
}
_KNOWN = {
    "dossier.paid_online_rate": Measure.PAID_KNOWN,
    "dossier.digitised_rate": Measure.DIGITISED_KNOWN,
}
_GAUGES = {
    "dossier.open": Measure.OPEN,
    "dossier.overdue": Measure.OVERDUE,
    "dossier.paused": Measure.PAUSED,
    "dossier.due_24h": Measure.DUE_SOON,
    "dossier.late_without_apology": Measure.LATE_WITHOUT_APOLOGY,
}
_QUANTILES = {"dossier.processing_days_p50": 50, "dossier.processing_days_p90": 90}
_CARRIED = "dossier.late_rate_gialai"
DOSSIER_KPIS = (*_FLOWS, *_GAUGES, *_QUANTILES, _CARRIED)

Figure = tuple[datetime, float | None, float | None, float | None]


def naive_series(
    kpi: str,
    entries: Sequence[LedgerEntry],
    spans: Sequence[tuple[datetime, datetime]],
    as_of: datetime | None,
    only: Sequence[LedgerEntry] | None = None,
) -> list[Figure]:
    """Figures of the entries in ``only`` (all of them without it), of a scope that holds ``entries``."""
    known = [entry for entry in entries if as_of is None or entry.recorded_at <= as_of]
    counted = known if only is None else [entry for entry in only if entry in known]
    first = min((entry.effective_at for entry in known if entry.measure == Measure.RECEIVED), default=None)
    found: list[Figure] = []
    for low, high in spans:
        if first is None or (as_of is not None and low >= as_of):
            found.append((low, None, None, None))
        elif kpi in _GAUGES:
            running = as_of is not None and as_of < high
            mine = [e for e in counted if e.measure == _GAUGES[kpi]]
            value = sum(
                e.delta
                for e in mine
                if e.effective_at < high and (not running or as_of is None or e.effective_at <= as_of)
            )
            begun = first <= as_of if running and as_of is not None else first < high
            found.append((low, value, value, None) if begun else (low, None, None, None))
        elif high <= first:
            found.append((low, None, None, None))
        elif kpi in _QUANTILES:
            found.append((low, *_nearest_rank(counted, low, high, _QUANTILES[kpi])))
        elif kpi == _CARRIED:
            at = high if as_of is None else min(high, as_of + timedelta(microseconds=1))
            above = _flow(counted, (Measure.LATE,), low, high)
            below = _flow(counted, (Measure.RECEIVED,), low, high)
            # up to its first receipt a scope has nothing that could stand
            above += _standing(counted, Measure.OVERDUE, at) if first < at else 0
            below += _standing(counted, Measure.OPEN, low) if first < low else 0
            found.append((low, above / below if below else None, above, below))
        else:
            above, below = (_flow(counted, measures, low, high) for measures in _FLOWS[kpi])
            if kpi in _KNOWN and below and not _flow(counted, (_KNOWN[kpi],), low, high):
                found.append((low, None, None, below))
                continue
            if not _FLOWS[kpi][1]:
                found.append((low, above, above, None))
            else:
                found.append((low, above / below if below else None, above, below))
    return found


def _flow(entries: Sequence[LedgerEntry], measures: tuple[int, ...], low: datetime, high: datetime) -> int:
    return sum(e.delta for e in entries if e.measure in measures and low <= e.effective_at < high)


def _standing(entries: Sequence[LedgerEntry], measure: int, before: datetime) -> int:
    return sum(e.delta for e in entries if e.measure == measure and e.effective_at < before)


def _nearest_rank(
    entries: Sequence[LedgerEntry], low: datetime, high: datetime, percent: int
) -> tuple[float | None, float | None, float]:
    inside = [e for e in entries if e.measure == Measure.PROCESSING and low <= e.effective_at < high]
    counts: dict[int, int] = {}
    for entry in inside:
        counts[entry.amount] = counts.get(entry.amount, 0) + entry.delta
    ranked = [amount for amount in sorted(counts) for _ in range(max(counts[amount], 0))]
    if not ranked:
        return None, None, 0
    value = ranked[-(-percent * len(ranked) // 100) - 1] / 1000
    return value, value, len(ranked)
