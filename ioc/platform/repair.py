"""Repairs of partitions that are halted because Kafka does not have the offset that the database stands at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from kafka import KafkaConsumer, TopicPartition

from ioc.errors import UnavailableError, UsageError
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
