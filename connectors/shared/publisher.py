"""Straight to Kafka, for runs that end and are repeated on error: idempotent, acknowledged, bounded in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from ioc import events
from ioc.errors import UnavailableError
from ioc.settings import Settings

Delivery: TypeAlias = Any
"""kafka-python's future of one record: ``get(timeout)`` gives topic, partition and offset, or raises."""

_OVERHEAD_BYTES: Final = 600
"""What a waiting record costs in Python objects beside its own bytes (measured with tracemalloc, rounded up)."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Counts:
    """How many events this publisher took, had acknowledged, and lost."""

    sent: int = 0
    acknowledged: int = 0
    failed: int = 0


class Sink(Protocol):
    """Where connectors put events: :class:`connectors.shared.relay.Relay`, or a :class:`Publisher` for a single run."""

    def publish(self, event: events.AnyEvent) -> object: ...

    def publish_many(self, many: Iterable[events.AnyEvent]) -> int: ...

    def flush(self) -> None: ...


class Publisher:
    """Sends facts to their topics; the key is the event's subject, so that one subject keeps its order.

    Safe to use from several threads. Topics are never made here: partition counts are fixed elsewhere.

    :param settings: where Kafka is, and the topic prefix.
    :param client_id: name that the broker's logs show.
    :param in_flight_bytes: most memory that unacknowledged events may take; :meth:`publish` waits beyond it
        (kafka-python itself has no such limit since version 3).
    :param timeout_s: longest wait for a connection, for a topic's metadata and for an acknowledgement.
    :raises UnavailableError: when no broker answers.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        client_id: str = "ioc-connector",
        in_flight_bytes: int = 32 * 1024 * 1024,
        timeout_s: float = 30.0,
    ) -> None:
        self._servers = settings.kafka_servers
        self._prefix = settings.topic_prefix
        self._limit = in_flight_bytes
        self._timeout_s = timeout_s
        self._lock = threading.Condition()
        self._waiting_bytes = 0
        self._sent = self._acknowledged = self._failed = 0
        self._unreported: list[str] = []
        try:
            self._producer = KafkaProducer(
                bootstrap_servers=self._servers.split(","),
                client_id=client_id,
                enable_idempotence=True,
                acks="all",
                compression_type="lz4",
                linger_ms=20,
                batch_size=256 * 1024,
                allow_auto_create_topics=False,
                max_block_ms=int(timeout_s * 1000),
                bootstrap_timeout_ms=int(min(timeout_s, 10.0) * 1000),
                request_timeout_ms=int(timeout_s * 500),
                delivery_timeout_ms=int(timeout_s * 1000),
                metrics_enabled=False,
            )
        except (KafkaError, OSError, ValueError) as error:
            raise self._unavailable(f"{type(error).__name__}: {error}") from error

    @property
    def counts(self) -> Counts:
        """Totals since the start; ``sent`` = acknowledged + failed + still waiting."""
        with self._lock:
            return Counts(self._sent, self._acknowledged, self._failed)

    def publish(self, event: events.AnyEvent) -> Delivery:
        """Hand one event to Kafka; waits while too much is unacknowledged.

        :returns: a future of the acknowledgement; :meth:`flush` waits for all of them.
        :raises UnavailableError: when Kafka does not take it in time, or its topic does not exist.
        """
        value = events.encode(event)
        cost = len(value) + _OVERHEAD_BYTES
        self._reserve(cost)
        try:
            delivery = self._producer.send(
                self._prefix + events.topic_of(event), value=value, key=event.subject.encode()
            )
        except (KafkaError, ValueError) as error:
            self._release(cost, None)
            raise self._unavailable(f"{type(error).__name__}: {error}") from error
        with self._lock:
            self._sent += 1
        delivery.add_callback(lambda _metadata: self._release(cost, True))
        delivery.add_errback(lambda error: self._release(cost, False, error))
        return delivery

    def publish_many(self, many: Iterable[events.AnyEvent]) -> int:
        """Publish each event in order, without keeping them; returns how many.

        :raises UnavailableError: at the first one that Kafka does not take; those before it may have arrived.
        """
        count = 0
        for event in many:
            self.publish(event)
            count += 1
        return count

    def flush(self) -> None:
        """Wait until every event handed in so far is acknowledged.

        :raises UnavailableError: when any event since the last flush was not; it says how many and why.
        """
        try:
            self._producer.flush(timeout=self._timeout_s + 5)
        except KafkaError as error:
            raise self._unavailable(f"{type(error).__name__}: {error}") from error
        with self._lock:
            faults, self._unreported = self._unreported, []
        if faults:
            raise self._unavailable(f"{len(faults)} events were not acknowledged: {faults[0]}")

    def close(self) -> None:
        """Send what waits, then let the connections go. Errors are logged: :meth:`flush` is the one that raises."""
        try:
            self._producer.close(timeout=self._timeout_s)
        except KafkaError as error:
            log.warning("publisher.close", error=f"{type(error).__name__}: {error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reserve(self, cost: int) -> None:
        with self._lock:
            roomy = self._lock.wait_for(
                lambda: self._waiting_bytes == 0 or self._waiting_bytes + cost <= self._limit,
                timeout=self._timeout_s + 5,
            )
            if not roomy:
                raise self._unavailable("it acknowledges nothing")
            self._waiting_bytes += cost

    def _release(self, cost: int, acknowledged: bool | None, error: object = None) -> None:
        with self._lock:
            self._waiting_bytes -= cost
            if acknowledged:
                self._acknowledged += 1
            elif acknowledged is False:
                self._failed += 1
                if len(self._unreported) < 100_000:
                    self._unreported.append(f"{type(error).__name__}: {error}")
            self._lock.notify_all()

    def _unavailable(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"Kafka at {self._servers} does not take events: {why}.",
            remedy="Start it with `ioc up`, or set IOC_KAFKA to the brokers to use.",
        )
