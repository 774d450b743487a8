"""Puts records into Kafka once more that were set aside: to the partition that each came from, acknowledged by all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, LiteralString, TypeAlias

import msgspec
import psycopg
from kafka import KafkaProducer

from ioc.errors import UnavailableError
from ioc.settings import Settings

SEND_AT_A_TIME: Final = 500
_WITHIN_S: Final = 30


@dataclass(frozen=True, slots=True)
class Again:
    """One record."""

    topic: str
    partition: int
    value: bytes


#: A record with its number in the database.
Kept: TypeAlias = tuple[int, Again]


class _Subject(msgspec.Struct):
    subject: str = ""


_SUBJECT: Final = msgspec.json.Decoder(_Subject)


class Sender:
    """Sends, and waits until Kafka has it."""

    def __init__(self, producer: KafkaProducer) -> None:
        self._producer = producer

    def send(self, records: Sequence[Again]) -> None:
        """Send them; returns when all are acknowledged.

        :raises UnavailableError: Kafka does not take them; some of them may be there.
        """
        try:
            waiting = [
                self._producer.send(
                    record.topic, key=_key(record.value), value=record.value, partition=record.partition
                )
                for record in records
            ]
            for future in waiting:
                future.get(timeout=_WITHIN_S)
        except Exception as error:
            raise UnavailableError(
                f"Kafka does not take the records: {error}.", remedy="Repeat it for those that are left."
            ) from error


@contextmanager
def sender(settings: Settings) -> Iterator[Sender]:
    """A sender to the platform's Kafka.

    :raises UnavailableError: Kafka does not answer.
    """
    try:
        producer = KafkaProducer(
            bootstrap_servers=settings.kafka_servers.split(","),
            client_id="ioc-repair",
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
        )
    except Exception as error:
        raise UnavailableError(f"Kafka does not answer: {error}.", remedy="Run: ioc doctor") from error
    try:
        yield Sender(producer)
    finally:
        producer.close()


def send_all(
    settings: Settings,
    connection: psycopg.Connection[Any],
    lot: Callable[[int], Sequence[Kept]],
    gone: LiteralString,
    tell: Callable[[int], None],
) -> int:
    """Send lot after lot until there is none; a lot leaves the database in the transaction that read it.

    :param lot: reads and locks so many at most.
    :param gone: statement that lets go of the records with the numbers given.
    :param tell: is told how many are sent.
    :raises UnavailableError: Kafka does not answer, or does not take them; what was sent before is gone.
    """
    sent = 0
    with sender(settings) as again:
        while True:
            with connection.transaction():
                records = lot(SEND_AT_A_TIME)
                if not records:
                    return sent
                again.send([record for _, record in records])
                connection.execute(gone, ([number for number, _ in records],))
            sent += len(records)
            tell(sent)


def _key(value: bytes) -> bytes | None:
    """The key that the record had: its subject, where it has one."""
    try:
        return _SUBJECT.decode(value).subject.encode() or None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
