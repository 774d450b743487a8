"""Repairs that a person chooses: of partitions whose offset Kafka does not have, and of sources that were halted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from kafka import KafkaConsumer, TopicPartition

from ioc.errors import UnavailableError, UsageError
from ioc.platform.sending_again import Again, Kept, send_all
from ioc.settings import Settings


@dataclass(frozen=True, slots=True)
class Repaired:
    """One partition that may go on."""

    topic: str
    partition: int
    reason: str
    was: int
    now: int


_HALTED = """
SELECT topic_id, cluster_id, partition, halted_reason, next_offset FROM ioc.partition_offset
WHERE topic = %s AND retired_at IS NULL AND halted_reason IS NOT NULL AND (%s::int IS NULL OR partition = %s)
ORDER BY partition FOR UPDATE
"""
_RESUME = """
UPDATE ioc.partition_offset SET next_offset = %s, halted_reason = NULL, halted_at = NULL, updated_at = now()
WHERE cluster_id = %s AND topic_id = %s AND partition = %s
"""
_RETIRE = """
UPDATE ioc.partition_offset SET retired_at = now()
WHERE topic = %s AND partition = %s AND retired_at IS NULL AND (cluster_id, topic_id) <> (%s, %s)
"""


def repair_offsets(
    settings: Settings, topic: str, partition: int | None, to: Literal["start", "end"]
) -> list[Repaired]:
    """Let halted partitions go on from the start or the end of Kafka's present log.

    From the start nothing that Kafka still holds is left out: facts that are in the database already are known
    by their ids and not counted again. From the end, what the log holds now is given up.

    :raises UsageError: when no such partition is halted.
    :raises UnavailableError: when Kafka does not answer.
    """
    with psycopg.connect(settings.database_dsn, connect_timeout=5) as connection:
        rows: list[Any] = connection.execute(_HALTED, (topic, partition, partition)).fetchall()
        if not rows:
            raise UsageError(
                f"No partition of {topic} is halted.",
                remedy="See: ioc status, or ioc doctor for the whole picture.",
            )
        edges = _edges(settings, topic, [row[2] for row in rows], to)
        repaired = []
        for topic_id, cluster_id, number, reason, was in rows:
            connection.execute(_RESUME, (edges[number], cluster_id, topic_id, number))
            connection.execute(_RETIRE, (topic, number, cluster_id, topic_id))
            repaired.append(Repaired(topic, number, reason, was, edges[number]))
        return repaired


def _edges(settings: Settings, topic: str, partitions: list[int], to: str) -> dict[int, int]:
    try:
        consumer = KafkaConsumer(bootstrap_servers=settings.kafka_servers.split(","), client_id="ioc-repair")
        try:
            tps = [TopicPartition(topic, number) for number in partitions]
            ask = consumer.beginning_offsets if to == "start" else consumer.end_offsets
            return {tp.partition: offset for tp, offset in ask(tps).items()}
        finally:
            consumer.close()
    except Exception as error:
        raise UnavailableError(f"Kafka does not answer: {error}.", remedy="Run: ioc doctor") from error


@dataclass(frozen=True, slots=True)
class Released:
    """A source that may go on."""

    topic: str
    source: str
    #: False when it was released before, and held records were left over.
    was_halted: bool
    #: Held records that are in Kafka once more.
    sent: int
    #: Held records that stay among the unreadable ones.
    left: int


_RELEASE = """
UPDATE ioc.source_halt SET released_at = now() WHERE ctid IN (
    SELECT ctid FROM ioc.source_halt WHERE topic = %s AND source = %s AND released_at IS NULL FOR UPDATE
)
"""
_HELD = """
SELECT count(*), coalesce(max(unreadable_id), 0) FROM ioc.unreadable
WHERE topic = %s AND source = %s AND reason = 'source-halted'
"""
_NEXT_HELD = """
SELECT unreadable_id, partition, bytes FROM ioc.unreadable
WHERE topic = %s AND source = %s AND reason = 'source-halted' AND unreadable_id <= %s
ORDER BY unreadable_id LIMIT %s FOR UPDATE
"""
_SENT = "DELETE FROM ioc.unreadable WHERE unreadable_id = ANY(%s)"


def release_source(
    settings: Settings,
    topic: str,
    source: str,
    *,
    send: bool = True,
    tell: Callable[[int, int], None] = lambda _sent, _of: None,
) -> Released:
    """Let a halted source go on, and send the records that were held meanwhile once more.

    They go to the partition that they came from; facts are known by their ids, so that a repair that is
    interrupted and done again counts nothing twice. Records that are still bad are set aside as such.

    :param send: otherwise what was held stays among the unreadable records.
    :param tell: called with how many were sent, and of how many.
    :raises UsageError: when the source is not halted and nothing of it is held.
    :raises UnavailableError: when Kafka does not answer; what was not sent stays held.
    """
    with psycopg.connect(settings.database_dsn, connect_timeout=5, autocommit=True) as connection:
        with connection.transaction():
            # Waits for transactions that hold records under this halt: all that is held is seen below.
            was_halted = connection.execute(_RELEASE, (topic, source)).rowcount > 0
        found: Any = connection.execute(_HELD, (topic, source)).fetchone()
        held, newest = found
        if not was_halted and not held:
            raise UsageError(
                f"No source {source} of {topic} is halted.", remedy="See the halted ones: ioc status"
            )
        sent = _send_held(settings, connection, topic, source, newest, held, tell) if send and held else 0
        return Released(topic, source, was_halted, sent, held - sent)


def _send_held(
    settings: Settings,
    connection: psycopg.Connection[Any],
    topic: str,
    source: str,
    newest: int,
    held: int,
    tell: Callable[[int, int], None],
) -> int:
    def lot(most: int) -> list[Kept]:
        rows = connection.execute(_NEXT_HELD, (topic, source, newest, most)).fetchall()
        return [(number, Again(topic, partition, value)) for number, partition, value in rows]

    return send_all(settings, connection, lot, _SENT, lambda sent: tell(sent, held))
