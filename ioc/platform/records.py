"""Single records looked for in Kafka's logs: by place and key, or by the event's id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from ioc import tracing
from ioc.errors import UnavailableError
from ioc.settings import Settings

#: Longest wait for Kafka's next records.
_WAIT_MS: Final = 5000


class _Head(msgspec.Struct):
    """What is shown of an event: never its data."""

    id: str = ""
    type: str = ""
    source: str = ""
    subject: str = ""
    time: str = ""


_HEAD: Final = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of Kafka: where it stands, whose it is, and which request brought it.

    :param trace: id of the request; None where none is known, such as of what connectors read.
    """

    topic: str
    partition: int
    offset: int
    id: str
    type: str
    source: str
    subject: str
    time: str
    trace: str | None


class Records:
    """Reads Kafka's logs without a consumer group: nobody's progress is touched."""

    def __init__(self, settings: Settings) -> None:
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=settings.kafka_servers.split(","),
            client_id="ioc-trace",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close()

    def between(self, topic: str, partition: int, start: int, end: int, *, subject: str) -> list[Record]:
        """Records of a subject with ``start <= offset < end``; those that Kafka let go are not among them."""
        key = subject.encode()
        read = self._read(TopicPartition(topic, partition), start, end)
        return [_of(record) for record in read if record.key == key]

    def of_event(
        self, event_id: str, topics: list[str], since: datetime, tick: Callable[[str, int, int], None]
    ) -> Iterator[Record]:
        """Records of an event, in topics from a moment on.

        :param tick: told how far each topic is.
        """
        wanted = event_id.encode()
        for topic in topics:
            places = [TopicPartition(topic, p) for p in self._consumer.partitions_for_topic(topic) or ()]
            if not places:
                continue
            moment_ms = int(since.timestamp() * 1000)
            starts = self._consumer.offsets_for_times(dict.fromkeys(places, moment_ms))
            ends = self._consumer.end_offsets(places)
            spans = {p: (starts[p].offset if starts.get(p) else ends[p], ends[p]) for p in places}
            total, done = sum(end - start for start, end in spans.values()), 0
            for place, (start, end) in spans.items():
                for record in self._read(place, start, end):
                    done += 1
                    if done % 1000 == 0:
                        tick(topic, done, total)
                    # quick for the many that are others; JSON may write an id in more ways, ours are plain
                    if record.value and wanted in record.value and (found := _of(record)).id == event_id:
                        yield found

    def _read(self, place: TopicPartition, start: int, end: int) -> Iterator[Any]:
        consumer = self._consumer
        consumer.assign([place])
        first, last = consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]
        position, end = max(start, first), min(end, last)
        if position >= end:
            return
        consumer.seek(place, position)
        while position < end:
            polled = consumer.poll(timeout_ms=_WAIT_MS, max_records=2000).get(place, ())
            if not polled:
                return
            for record in polled:
                if record.offset >= end:
                    return
                yield record
            position = polled[-1].offset + 1


def _of(record: Any) -> Record:
    try:
        head = _HEAD.decode(record.value or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        head = _Head(id="unreadable")
    carried = next((value for name, value in record.headers if name == tracing.TRACEPARENT), None)
    context = None if carried is None else tracing.parse(carried.decode("latin-1"))
    return Record(
        record.topic,
        record.partition,
        record.offset,
        head.id,
        head.type,
        head.source,
        head.subject,
        head.time,
        None if context is None else context.trace,
    )


@contextmanager
def reading(settings: Settings) -> Iterator[Records]:
    """Read Kafka's logs meanwhile.

    :raises UnavailableError: Kafka does not answer.
    """
    try:
        records = Records(settings)
    except (KafkaError, OSError) as error:
        raise _away(settings, error) from error
    try:
        yield records
    except KafkaError as error:
        raise _away(settings, error) from error
    finally:
        records.close()


def _away(settings: Settings, error: Exception) -> UnavailableError:
    return UnavailableError(
        f"Kafka at {settings.kafka_servers} does not answer: {type(error).__name__}.",
        remedy="Run ioc doctor; what the database knows is shown without it.",
    )
