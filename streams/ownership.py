"""Who may write a partition, and from which offset: the offset row of the database decides.

A new owner ends the former owner's database session and raises the epoch; a writer with an older epoch finds
no row to move and is fenced. A stored offset that Kafka does not have halts the partition until somebody
chooses a repair (``ioc repair offsets``); nothing is skipped without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from ioc import tracing
from ioc.alerts.origin import Origin
from streams.batch import Partition
from streams.errors import FencedError, HaltedError

Connection = psycopg.AsyncConnection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Which log a partition is: topics that are deleted and made again have the same name but another id."""

    cluster_id: str
    topic_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Right to write one partition, valid while the epoch stands."""

    log: LogIdentity
    partition: Partition
    epoch: int
    next_offset: int
    watermark: datetime | None


@dataclass(frozen=True, slots=True)
class Moved:
    """What the offset row tells when it is moved."""

    now: datetime
    closed_until: datetime | None
    #: Sources of the topic whose records are to be held back.
    halted_sources: frozenset[str] = frozenset()
    #: Counts on with each erasure of a dossier.
    erasures: int = 0


_FIND = """
SELECT next_offset, halted_reason, epoch FROM ioc.partition_offset
WHERE cluster_id = %s AND topic_id = %s AND partition = %s AND retired_at IS NULL
"""
_FIND_REPLACED = """
SELECT topic_id, next_offset FROM ioc.partition_offset
WHERE topic = %s AND partition = %s AND retired_at IS NULL
  AND (cluster_id, topic_id) <> (%s, %s) AND next_offset > 0
ORDER BY updated_at DESC LIMIT 1
"""
_CREATE = """
INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, log_end)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (cluster_id, topic_id, partition) DO UPDATE SET retired_at = NULL
RETURNING next_offset, halted_reason
"""
# Only what was looked at: a repair that was committed meanwhile stands.
_HALT = """
UPDATE ioc.partition_offset
SET halted_reason = %s, halted_at = coalesce(halted_at, now()), log_end = %s, updated_at = now()
WHERE cluster_id = %s AND topic_id = %s AND partition = %s
  AND next_offset = %s AND halted_reason IS NOT DISTINCT FROM %s
"""
# The former owner's session is ended first: it may hold the row, or keys in the unique indexes, in an open transaction.
_END_FORMER = """
SELECT pg_terminate_backend(a.pid, 2000)
FROM ioc.partition_offset o
JOIN pg_stat_activity a ON a.pid = o.backend_pid AND a.backend_start = o.backend_start
WHERE o.cluster_id = %s AND o.topic_id = %s AND o.partition = %s AND a.pid <> pg_backend_pid()
"""
_TAKE = """
UPDATE ioc.partition_offset o
SET epoch = o.epoch + 1, owner = %s, backend_pid = pg_backend_pid(),
    backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()),
    log_end = %s, halted_reason = NULL, halted_at = NULL, updated_at = now()
WHERE o.cluster_id = %s AND o.topic_id = %s AND o.partition = %s
  AND (%s::bigint IS NULL OR o.epoch = %s)
RETURNING o.epoch, o.next_offset, o.watermark
"""
_MOVE = """
UPDATE ioc.partition_offset
SET next_offset = %(end)s, log_end = greatest(%(log_end)s, %(end)s), updated_at = now(),
    watermark = greatest(watermark, %(watermark)s, %(newest)s), newest_fact = greatest(newest_fact, %(newest)s)
WHERE cluster_id = %(cluster)s AND topic_id = %(topic_id)s AND partition = %(partition)s
  AND epoch = %(epoch)s AND next_offset = %(start)s
RETURNING now(), (SELECT closed_until FROM ioc.window_close WHERE topic = %(topic)s),
    (SELECT array_agg(source) FROM ioc.source_halt WHERE topic = %(topic)s AND released_at IS NULL), erasures,
    set_config('ioc.batch', %(batch)s, true)
"""


async def claim(
    connection: Connection,
    log: LogIdentity,
    partition: Partition,
    log_range: tuple[int, int],
    owner: str,
    epoch: int | None = None,
) -> Claim:
    """Take over a partition; the connection must be the one that will write it.

    :param log_range: Kafka's first offset and log end of the partition.
    :param epoch: claim only if the partition still stands at this epoch: an owner that lost its session may
        resume, but must not take from a successor. None claims whatever the epoch, as Kafka's assignment allows.
    :raises HaltedError: when the database stands at an offset that Kafka does not have.
    :raises FencedError: when the epoch has moved on.
    """
    first, end = log_range
    key = (log.cluster_id, log.topic_id, partition.partition)
    async with connection.transaction():
        row = await (await connection.execute(_FIND, key)).fetchone()
        stored = None if row is None else int(str(row[0]))
        if epoch is not None and row is not None and row[2] != epoch:
            raise FencedError(f"{partition.topic}/{partition.partition} was claimed by another worker.")
        if stored is None:
            replaced = await (
                await connection.execute(
                    _FIND_REPLACED, (partition.topic, partition.partition, log.cluster_id, log.topic_id)
                )
            ).fetchone()
            row = await (
                await connection.execute(
                    _CREATE, (log.cluster_id, partition.topic, log.topic_id, partition.partition, first, end)
                )
            ).fetchone()
            fault = None if replaced is None else "log-replaced"
        elif row is not None and row[1] == "log-replaced":
            fault = "log-replaced"
        else:
            fault = missing_offset(stored, first, end)
        stands = True
        if fault is not None and row is not None:
            stands = (await connection.execute(_HALT, (fault, end, *key, row[0], row[1]))).rowcount > 0
    if not stands:
        return await claim(connection, log, partition, log_range, owner, epoch)
    if fault is not None:
        raise halted(fault, partition, stored, log_range)
    await connection.execute(_END_FORMER, key)
    taken = await (await connection.execute(_TAKE, (owner, end, *key, epoch, epoch))).fetchone()
    if taken is None:
        raise FencedError(f"{partition.topic}/{partition.partition} was claimed by another worker.")
    taken_epoch, offset, watermark = taken
    assert watermark is None or isinstance(watermark, datetime)  # noqa: S101 - narrows the driver's row
    return Claim(log, partition, int(str(taken_epoch)), int(str(offset)), watermark)


def missing_offset(stored: int, first: int, end: int) -> str | None:
    """Name the fault when Kafka's log does not hold the stored offset; None when it does."""
    if stored > end:
        return "log-truncated"
    if stored < first:
        return "records-expired"
    return None


def halted(fault: str, partition: Partition, stored: int | None, log_range: tuple[int, int]) -> HaltedError:
    """Say what a halt means and how it is mended."""
    first, end = log_range
    meaning = {
        "log-replaced": "Kafka's log is another one than the database has read (Kafka was wiped, or the topic made"
        " again)",
        "log-truncated": f"the database has read up to offset {stored}, but Kafka's log ends at {end}",
        "records-expired": f"the database stands at offset {stored}, but Kafka has deleted all before {first}",
    }[fault]
    return HaltedError(
        f"{partition.topic}/{partition.partition} is halted: {meaning}.",
        remedy=f"Choose a repair: ioc repair offsets {partition.topic} {partition.partition} --to start|end",
    )


async def move(
    connection: Connection,
    claimed: Claim,
    start: int,
    end: int,
    log_end: int,
    *,
    newest: datetime | None = None,
    watermark: datetime | None = None,
) -> Moved:
    """Move the stored offset from ``start`` to ``end`` inside the caller's transaction.

    :param newest: time of the newest fact among the records passed.
    :param watermark: until when nothing is to be expected any more, where silence tells that.
    :raises FencedError: when the partition has another owner, or stands elsewhere than we believe.
    """
    here = tracing.current()
    cursor = await connection.execute(
        _MOVE,
        {
            "start": start,
            "end": end,
            "log_end": log_end,
            "newest": newest,
            "watermark": watermark,
            "cluster": claimed.log.cluster_id,
            "topic": claimed.partition.topic,
            "topic_id": claimed.log.topic_id,
            "partition": claimed.partition.partition,
            "epoch": claimed.epoch,
            # stands in whatever the transaction writes about alerts: see migration 0080
            "batch": Origin(
                *claimed.partition, start, end, claimed.epoch, None if here is None else here.trace
            ).encode(),
        },
    )
    row = await cursor.fetchone()
    if row is None:
        raise FencedError(
            f"{claimed.partition.topic}/{claimed.partition.partition} has another owner than epoch {claimed.epoch}."
        )
    now, closed_until, halted_sources, erasures, _ = row
    assert isinstance(now, datetime)  # noqa: S101 - narrows the driver's row
    assert closed_until is None or isinstance(closed_until, datetime)  # noqa: S101
    assert halted_sources is None or isinstance(halted_sources, list)  # noqa: S101
    return Moved(now, closed_until, frozenset(halted_sources or ()), int(str(erasures)))
