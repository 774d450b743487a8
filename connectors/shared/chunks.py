"""Messages to Kafka in chunks: one is settled before the next goes, so that no fault can change an order.

kafka-python sends a partition's batches one after another, yet when one of them fails for good it goes on with the
next: a later message of a key would overtake an earlier one. Here all that a partition gets of a chunk is one batch,
and after a fault the whole client is thrown away, so a chunk arrives whole, not at all, or once more as a duplicate
that came after the first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from kafka import KafkaProducer
from kafka.errors import (
    InvalidRecordError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    UnknownError,
)

from connectors.shared.frames import Message
from ioc.settings import Settings
from ioc.tracing import TRACEPARENT

CHUNK_BYTES: Final = 512 * 1024
"""Most bytes of a chunk, a larger single message apart; a batch has room for all of them."""
CHUNK_MESSAGES: Final = 2_000
MOST_VALUE_BYTES: Final = 1_000_000
"""Largest value that Kafka takes as it is set up by default, its own head left aside."""

_SMALLEST_BYTES: Final = 4 * 1024
_BATCH_BYTES: Final = 1_048_576
_REFUSED: Final = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidRecordError)


@dataclass(frozen=True)
class Fault:
    """Why a chunk was not acknowledged as a whole; parts of it may have arrived."""

    reason: str
    refused: bool = False
    """Kafka answered, and will not take one of these messages, now or later."""
    divide: bool = False
    """Fewer messages at a time may fare better, or show which one is refused."""


class ChunkSize:
    """How much goes at once: a line that is too thin for a chunk, or a message not taken, is met by smaller ones."""

    def __init__(self) -> None:
        self.bytes = CHUNK_BYTES
        self.messages = CHUNK_MESSAGES

    def note(self, fault: Fault | None, messages: int) -> None:
        """Take in what became of a chunk of so many messages."""
        if fault is None:
            self.bytes = min(CHUNK_BYTES, self.bytes * 2)
            self.messages = min(CHUNK_MESSAGES, self.messages * 2)
        else:
            self.bytes = max(_SMALLEST_BYTES, self.bytes // 2)
            if fault.divide:
                self.messages = max(1, messages // 2)


class ChunkProducer:
    """A connection to Kafka that is made when it is needed and given up at the first fault. For one thread."""

    def __init__(self, settings: Settings, client_id: str) -> None:
        self._servers = settings.kafka_servers
        self._connect_s = min(settings.kafka_wait_s, 10.0)
        self._client_id = client_id
        self._producer: KafkaProducer | None = None
        # it logs every connection that is refused; here the one who sends tells it, once
        logging.getLogger("kafka").setLevel(logging.CRITICAL)

    def send(self, messages: Sequence[Message], wait_s: float) -> Fault | None:
        """Send messages in order and wait until all replicas have them.

        :param messages: :data:`CHUNK_BYTES` together, or one.
        :param wait_s: about the longest wait for the acknowledgements.
        :returns: None when every one is acknowledged.
        """
        try:
            producer = self._producer or self._open()
            end = time.monotonic() + wait_s
            futures = [
                producer.send(topic, value=value, key=key, headers=[(TRACEPARENT, trace)] if trace else None)
                for topic, key, value, trace in messages
            ]
            producer.flush(timeout=max(0.05, end - time.monotonic()))
        except Exception as error:  # a client that is being torn down raises what it likes
            self.abandon()
            return _fault(error)
        for future in futures:
            if not future.succeeded():
                self.abandon()
                return _fault(future.exception)
        return None

    def reach(self) -> Fault | None:
        """See whether Kafka answers at all."""
        try:
            if self._producer is None:
                self._open()
        except Exception as error:
            return _fault(error)
        return None

    def abandon(self) -> None:
        """Give the connection up without waiting; what was under way may still arrive. From any thread."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        # close() waits for what can't be sent and raises when it still can't, leaving its thread at work for good
        producer._sender.force_close()
        with suppress(Exception):
            producer.close(timeout=0)

    def close(self, wait_s: float) -> None:
        """Let go of the connection; everything sent before is settled."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError):
                producer.close(timeout=wait_s)

    def _open(self) -> KafkaProducer:
        wait_ms = int(self._connect_s * 1000)
        self._producer = KafkaProducer(
            bootstrap_servers=self._servers.split(","),
            client_id=self._client_id,
            enable_idempotence=True,
            acks="all",
            compression_type="lz4",
            # a batch leaves when its chunk is complete, never before
            linger_ms=600_000,
            batch_size=_BATCH_BYTES,
            allow_auto_create_topics=False,
            max_block_ms=wait_ms,
            bootstrap_timeout_ms=max(1000, wait_ms),
            request_timeout_ms=max(1000, wait_ms),
            # whoever sends gives up first
            delivery_timeout_ms=1_200_000,
            metrics_enabled=False,
        )
        return self._producer


def _fault(error: object) -> Fault:
    text = f"{type(error).__name__}: {error}" if error is not None else "no acknowledgement in time"
    refused = isinstance(error, _REFUSED)
    # flush() says "unknown" of a batch that was too large and is being divided, which could change an order
    return Fault(text, refused, refused or isinstance(error, UnknownError))
