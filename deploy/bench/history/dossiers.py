# ruff: noqa: E501 - statements and sentences, kept whole
"""Years of dossiers: four weeks through the real projector, the others as these at their own time.

All that the platform stores of a dossier moves along with its facts: days are as long every week in the province's zone,
and its working time has no holidays. So the copies are what the worker would have written, and ``ioc replay``, which
computes every dossier anew from its facts, proves it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg_pool import AsyncConnectionPool

from deploy.bench.history.province import FIELDS, Size, unit_code
from ioc import topics
from ioc.events import (
    Channel,
    DossierApologised,
    DossierApology,
    DossierProgress,
    DossierProgressed,
    DossierRated,
    DossierRating,
    DossierRecord,
    DossierRecorded,
    encode,
)
from ioc.platform.dossier_sums import LEVELS
from ioc.settings import Settings
from streams.app import PROJECTORS
from streams.batch import Batch, Partition
from streams.dossiers.projector import rebuild
from streams.ownership import Claim, Connection, LogIdentity, Moved
from streams.registry import Registry

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_SOURCE = "//bench/one-stop"
_BASE_WEEKS: Final = 4
_SPAN: Final = timedelta(weeks=_BASE_WEEKS)
#: Dossiers stored in one transaction.
_BATCH: Final = 400
_CHANNELS = (Channel.ONLINE, Channel.ONLINE, Channel.COUNTER, Channel.POST)

Tell = Callable[[str], None]


def first_week(end: datetime, size: Size) -> datetime:
    """Return the local Monday on which the history begins, so that it reaches beyond ``end``."""
    local = end.astimezone(ZONE)
    monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return (monday + timedelta(weeks=1) - size.weeks * timedelta(weeks=1)).astimezone(UTC)


async def fill(settings: Settings, size: Size, end: datetime, tell: Tell) -> int:
    """Fill an empty database with dossiers that are known until ``end``; returns the number of facts."""
    begin = first_week(end, size)
    dsn = settings.database_dsn
    options: dict[str, Any] = {"autocommit": True, "options": "-c timezone=UTC"}
    async with AsyncConnectionPool[Connection](
        dsn, min_size=1, max_size=2, open=False, kwargs=options
    ) as pool:
        registry = Registry(pool)
        async with await psycopg.AsyncConnection.connect(dsn, **options) as connection:
            await _store(settings, registry, connection, list(_dossiers(size, begin)))
            tell("dossiers: four weeks stored by the projector")
            await _copy(dsn, size, end, tell)
            # What the newest ones' facts after the end would have told is not known yet.
            rows: list[Any] = await (
                await connection.execute(
                    "SELECT dossier_id FROM ioc.dossier WHERE recorded_at > %s ORDER BY 1", (end,)
                )
            ).fetchall()
            numbers = [number for (number,) in rows]
            for place in range(0, len(numbers), _BATCH):
                async with connection.transaction():
                    await rebuild(connection, registry, numbers[place : place + _BATCH])
    with psycopg.connect(dsn, autocommit=True) as plain:
        return int(plain.execute("SELECT count(*) FROM ioc.dossier_fact").fetchone()[0])  # type: ignore[index]


async def _store(
    settings: Settings, registry: Registry, connection: Connection, dossiers: Sequence[Sequence[bytes]]
) -> None:
    partition = Partition(settings.topic_prefix + topics.DOSSIERS, 0)
    claim = Claim(LogIdentity("bench", partition.topic), partition, 1, 0, None)
    projector = PROJECTORS[topics.DOSSIERS](claim, registry, settings, False)
    offset = 0
    for place in range(0, len(dossiers), _BATCH):
        records: list[bytes | None] = [
            record for facts in dossiers[place : place + _BATCH] for record in facts
        ]
        after = offset + len(records)
        work = await projector.prepare(
            Batch(partition, offset, after, after, list(range(offset, after)), records)
        )
        async with connection.transaction():
            outcome = await work.apply(connection, Moved(datetime.now(UTC), None))
        if outcome.facts != len(records):
            raise RuntimeError(f"{len(records) - outcome.facts} of {len(records)} facts were not stored")
        offset = after


def _dossiers(size: Size, begin: datetime) -> Iterator[list[bytes]]:
    """The facts of each dossier of the first four weeks, in order of their receipt."""
    rng = random.Random(766)
    day_of = [0, 0, 0, 1, 1, 2, 2, 3, 3, 4]
    receipts = sorted(
        (
            begin
            + timedelta(
                days=7 * week + rng.choice(day_of), hours=rng.choice([7, 8, 8, 9, 10, 13, 14, 15]),
                seconds=rng.randrange(3600),
            ),
            unit,
        )
        for unit in range(1, size.units + 1)
        for week in range(_BASE_WEEKS)
        for _ in range(size.dossiers)
    )  # fmt: skip
    for number, (received, unit) in enumerate(receipts):
        yield _facts(rng, f"H.0.{number:06d}", unit_code(unit), received)


def _facts(rng: random.Random, code: str, unit: str, received: datetime) -> list[bytes]:
    online = rng.choice(_CHANNELS)
    field = rng.choice(FIELDS)
    due_days = rng.choice([1, 2, 3, 5, 7, 10, 15, 20])
    due = received + timedelta(days=due_days * 7 // 5)
    late = rng.random() < 0.08
    done = received + (
        timedelta(days=due_days * 7 // 5 + rng.uniform(1, 12))
        if late
        else timedelta(days=due_days) * rng.random()
    )
    third = (done - received) / 3

    def put(kind: Any, at: datetime, mark: str, data: Any) -> bytes:
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        # most are told at once, some days or weeks later
        told = (
            timedelta(days=rng.uniform(0.5, 40))
            if rng.random() < 0.03
            else timedelta(seconds=rng.uniform(1, 90))
        )
        return encode(
            kind(
                specversion="1.0",
                id=f"{code}-{mark}",
                source=_SOURCE,
                subject=code,
                time=at,
                recordedat=at + told,
                data=data,
            )
        )

    facts = [
        put(DossierRecorded, received, "r", DossierRecord(
            unit=unit, channel=online, field=field, procedure=f"{field}.{rng.randrange(6)}", status=2,
            received_at=received, due_at=due, payable_online=True, paid_online=rng.random() < 0.6,
            digitised=rng.random() < 0.7,
        )),
        put(DossierProgressed, received + third, "2", DossierProgress(unit=unit, status=4, step="tham-dinh")),
        put(DossierProgressed, received + 2 * third, "3", DossierProgress(unit=unit, status=4, step="trinh-ky")),
    ]  # fmt: skip
    if rng.random() < 0.003:
        return facts  # never ended, as some are
    if late and rng.random() < 0.5:
        data = DossierApology(unit=unit, old_due_at=due, new_due_at=due + timedelta(days=7))
        facts.append(put(DossierApologised, due + timedelta(days=1), "x", data))
    facts.append(
        put(DossierProgressed, done, "9", DossierProgress(unit=unit, status=7 if rng.random() < 0.02 else 9))
    )
    if rng.random() < 0.9:
        rated = done + timedelta(hours=rng.uniform(1, 40))
        facts.append(put(DossierRated, rated, "s", DossierRating(unit=unit, satisfied=rng.random() < 0.93)))
    return facts


_SHIFTED_BODY = """
CASE WHEN f.body ?| '{received_at,due_at,old_due_at,new_due_at}' THEN (
    SELECT jsonb_object_agg(e.key, CASE WHEN right(e.key, 3) = '_at'
        THEN to_jsonb((e.value #>> '{}')::timestamptz + %(shift)s::interval) ELSE e.value END)
    FROM jsonb_each(f.body) e) ELSE f.body END"""
_TIMES = (
    "received_at",
    "original_due_at",
    "due_at",
    "completed_at",
    "withdrawn_at",
    "newest_fact",
    "recorded_at",
    "submitted_at",
    "rejected_at",
    "returned_at",
    "apologised_at",
    "promised_at",
    "rated_at",
)
_COUNT = "SELECT count(*), max(dossier_id) FROM ioc.dossier"
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'ioc' AND table_name = 'dossier' AND column_name NOT IN ('dossier_id', 'code') ORDER BY ordinal_position
"""
# A dossier of which nothing was told by then is not there.
_FACTS = f"""
INSERT INTO ioc.dossier_fact (dossier_id, source_id, id, time, sequence, kind, recorded_at, body)
SELECT f.dossier_id + %(ids)s, f.source_id, f.id, f.time + %(shift)s, f.sequence, f.kind, f.recorded_at + %(shift)s,
       {_SHIFTED_BODY}
FROM ioc.dossier_fact f WHERE f.dossier_id <= %(count)s AND f.recorded_at + %(shift)s <= %(end)s
ORDER BY f.dossier_id
"""  # noqa: S608 - text of ours
_LEDGER = """
INSERT INTO ioc.dossier_ledger (dossier_id, series_id, measure, amount, delta, effective_at, recorded_at)
SELECT l.dossier_id + %(ids)s, l.series_id, l.measure, l.amount, l.delta, l.effective_at + %(shift)s,
       l.recorded_at + %(shift)s
FROM ioc.dossier_ledger l WHERE l.dossier_id <= %(count)s AND l.recorded_at + %(shift)s <= %(end)s
ORDER BY l.recorded_at
"""
_SUMS = """
INSERT INTO ioc.{table} (measure, {whose}, bucket, delta)
SELECT l.measure, s.{whose}, date_trunc('{cell}', l.effective_at, z.zone), sum(l.delta)
FROM ioc.dossier_ledger l JOIN ioc.dossier_series s USING (series_id) JOIN ioc.rollup_zone z USING (unit_id)
GROUP BY 1, 2, 3 HAVING sum(l.delta) <> 0 ORDER BY 1, 2, 3
"""
_AMOUNTS = """
INSERT INTO ioc.dossier_amount_day (unit_id, bucket, amounts, taken)
SELECT unit_id, bucket, array_agg(amount ORDER BY amount), '{}'
FROM (SELECT s.unit_id, date_trunc('day', l.effective_at, z.zone) AS bucket, l.amount, sum(l.delta) AS n
      FROM ioc.dossier_ledger l JOIN ioc.dossier_series s USING (series_id) JOIN ioc.rollup_zone z USING (unit_id)
      WHERE l.measure = 9 GROUP BY 1, 2, 3 HAVING sum(l.delta) <> 0) AS f
CROSS JOIN LATERAL generate_series(1, f.n)
GROUP BY 1, 2 ORDER BY 1, 2
"""


async def _copy(dsn: str, size: Size, end: datetime, tell: Tell) -> None:
    with psycopg.connect(dsn, autocommit=True, options="-c timezone=UTC -c work_mem=256MB") as connection:
        row = connection.execute(_COUNT).fetchone()
        if row is None or row[0] != row[1]:
            raise RuntimeError("the first four weeks' dossiers are not numbered from 1 without gaps")
        count = int(row[0])
        columns = [name for (name,) in connection.execute(_COLUMNS).fetchall()]
        values = ", ".join(f"d.{name} + %(shift)s" if name in _TIMES else f"d.{name}" for name in columns)
        dossiers = (
            f"INSERT INTO ioc.dossier (dossier_id, code, {', '.join(columns)}) OVERRIDING SYSTEM VALUE"  # noqa: S608
            f" SELECT d.dossier_id + %(ids)s, 'H.' || %(turn)s || substr(d.code, 4), {values} FROM ioc.dossier d"
            " WHERE d.dossier_id <= %(count)s AND EXISTS (SELECT FROM ioc.dossier_fact f"
            " WHERE f.dossier_id = d.dossier_id AND f.recorded_at + %(shift)s <= %(end)s)"
        )
        with without_indexes(connection, "dossier_ledger"), without_indexes(connection, "dossier_fact"):
            connection.execute("ALTER TABLE ioc.dossier_ledger DISABLE TRIGGER added")
            for turn in range(1, size.weeks // _BASE_WEEKS):
                named = {
                    "ids": turn * count, "count": count, "turn": turn, "shift": turn * _SPAN, "end": end,
                }  # fmt: skip
                with connection.transaction():
                    for statement in (dossiers, _FACTS, _LEDGER):
                        connection.execute(statement.encode(), named)
                tell(f"dossiers: {(turn + 1) * _BASE_WEEKS} of {size.weeks} weeks")
            connection.execute("ALTER TABLE ioc.dossier_ledger ENABLE TRIGGER added")
            connection.execute(
                "SELECT setval(pg_get_serial_sequence('ioc.dossier', 'dossier_id'), (SELECT max(dossier_id) FROM ioc.dossier))"
            )
            tell("dossiers: indexes")
        connection.execute(
            "INSERT INTO ioc.rollup_zone (unit_id, zone) SELECT unit_id, time_zone FROM ioc.unit ON CONFLICT DO NOTHING"
        )
        connection.execute(
            "TRUNCATE ioc.dossier_pending, ioc.dossier_day, ioc.dossier_month, ioc.dossier_series_month,"
            " ioc.dossier_amount_day"
        )
        for table, whose, cell in LEVELS:
            connection.execute(_SUMS.format(table=table, whose=whose, cell=cell).encode())
            tell(f"dossiers: {table}")
        connection.execute(_AMOUNTS)


_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE i.indrelid = %s::regclass AND NOT i.indisprimary AND NOT i.indisunique
"""
_REFERENCES = """
SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c WHERE c.conrelid = %s::regclass AND c.contype = 'f'
"""


@contextmanager
def without_indexes(connection: psycopg.Connection[Any], table: str) -> Iterator[None]:
    """Take away a table's references and all indexes but its key, and make them again afterwards."""
    name = f"ioc.{table}"
    indexes = connection.execute(_INDEXES, (name,)).fetchall()
    references = connection.execute(_REFERENCES, (name,)).fetchall()
    for index, _ in indexes:
        connection.execute(f"DROP INDEX {index}".encode())
    for reference, _ in references:
        connection.execute(f"ALTER TABLE {name} DROP CONSTRAINT {reference}".encode())
    yield
    connection.execute("SET maintenance_work_mem = '1GB'")
    for _, definition in indexes:
        connection.execute(definition.encode())
    for reference, definition in references:
        connection.execute(f"ALTER TABLE {name} ADD CONSTRAINT {reference} {definition}".encode())
