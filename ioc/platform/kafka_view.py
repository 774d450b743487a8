"""What the evaluator asks of Kafka: how far its logs reach; and the mirror of unreadable records."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import psycopg
import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from ioc import topics
from ioc.settings import Settings

log = structlog.get_logger(__name__)

_MIRROR_BATCH = 200

_UNMIRRORED = """
SELECT unreadable_id, topic, partition, "offset", reason, detail, bytes, size FROM ioc.unreadable
WHERE mirrored_at IS NULL ORDER BY unreadable_id LIMIT %s
"""


class KafkaView:
    """Connections to Kafka, made when first needed and made again after a failure."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Any = None
        self._producer: Any = None

    def close(self) -> None:
        """Close what is open."""
        for client in (self._consumer, self._producer):
            if client is not None:
                client.close()
        self._consumer = self._producer = None

    def log_ends(self) -> dict[tuple[str, int], int]:
        """Return the log end of each partition that workers read."""
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._settings.kafka_servers.split(","), client_id="ioc-evaluate"
            )
        names = [self._settings.topic_prefix + topic for topic in topics.STREAM_TOPICS]
        wanted = [
            TopicPartition(name, partition)
            for name in names
            for partition in self._consumer.partitions_for_topic(name) or ()
        ]
        ends = self._consumer.end_offsets(wanted) if wanted else {}
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}

    def mirror(self, connection: psycopg.Connection[tuple[object, ...]]) -> int:
        """Copy unreadable records that are not there yet to the dead-letter topic; return how many.

        A kill between Kafka's acknowledgement and the commit mirrors a record twice; its key tells.
        """
        if self._producer is None:
            self._producer = KafkaProducer(
                bootstrap_servers=self._settings.kafka_servers.split(","),
                client_id="ioc-evaluate",
                acks="all",
                enable_idempotence=True,
                compression_type="lz4",
            )
        with connection.transaction():
            rows: list[Any] = connection.execute(_UNMIRRORED, (_MIRROR_BATCH,)).fetchall()
            if not rows:
                return 0
            waiting = [
                self._producer.send(
                    self._settings.topic_prefix + topics.DEAD_LETTERS,
                    key=f"{topic}/{partition}/{offset}".encode(),
                    value=msgspec.json.encode(
                        {
                            "topic": topic,
                            "partition": partition,
                            "offset": offset,
                            "reason": reason,
                            "detail": detail,
                            "size": size,
                            "bytes_base64": None if kept is None else base64.b64encode(kept).decode(),
                        }
                    ),
                )
                for _, topic, partition, offset, reason, detail, kept, size in rows
            ]
            self._producer.flush(timeout=30)
            for future in waiting:
                future.get(timeout=1)
            connection.execute(
                "UPDATE ioc.unreadable SET mirrored_at = now() WHERE unreadable_id = ANY(%s)",
                ([row[0] for row in rows],),
            )
        return len(rows)
