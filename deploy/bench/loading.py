"""Puts a workload's records into Kafka as the platform's publisher does: keyed, lz4, idempotent, acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.bench.workload import Workload, samples
from ioc.errors import UnavailableError
from ioc.events import encode

if TYPE_CHECKING:
    from confluent_kafka import Producer


def producer(servers: str, **more: object) -> Producer:
    """Return a producer with the publisher's settings.

    It is confluent-kafka's, which is among the rivals' packages: the load must cost little. Its partitioner is
    Java's, which puts a key where kafka-python would.
    """
    from confluent_kafka import Producer

    return Producer(
        {
            "bootstrap.servers": servers,
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": 20,
            "batch.size": 256 * 1024,
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 200_000,
            **more,
        }
    )


def preload(servers: str, topic: str, workload: Workload) -> int:
    """Write all records of a workload and wait until each is acknowledged; returns their mean size in bytes.

    :raises UnavailableError: when Kafka does not take one.
    """
    from confluent_kafka import KafkaException

    faults: list[str] = []

    def reported(error: Any, _message: Any) -> None:
        if error is not None:
            faults.append(str(error))

    out = producer(servers)
    size = 0
    for event in samples(workload):
        value = encode(event)
        size += len(value)
        while True:
            try:
                out.produce(topic, value, event.subject.encode(), on_delivery=reported)
                break
            except BufferError:
                out.poll(0.1)
            except KafkaException as error:
                raise UnavailableError(f"Kafka did not take a record of the benchmark: {error}.") from error
    if out.flush(60) or faults:
        raise UnavailableError(f"Kafka did not acknowledge all records of the benchmark: {faults[:1]}.")
    return size // workload.total
