"""The limit: confluent-kafka's consumer, each record decoded by msgspec into our own type, nothing counted."""

from __future__ import annotations

from uuid import uuid4

import msgspec
from confluent_kafka import Consumer, TopicPartition

from deploy.bench.outcome import Stopwatch, Task, given_task, report
from ioc import topics
from ioc.events import TOPIC_TYPES


def main(task: Task, **more: object) -> None:
    """Read the topic to its end.

    :param more: settings of librdkafka, with dots.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": task.servers,
            "group.id": f"bench-{uuid4().hex[:8]}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            **more,
        }
    )
    consumer.assign([TopicPartition(task.topic, number, 0) for number in range(task.partitions)])
    decode = msgspec.json.Decoder(TOPIC_TYPES[topics.WIFI]).decode
    watch = Stopwatch()
    done, size = 0, 1
    while done < task.records:
        messages = consumer.consume(size, 1.0)
        if not messages:
            continue
        watch.start()
        size = min(10_000, task.records - done - len(messages)) or 1
        for message in messages:
            value = message.value()
            if value is None or message.error() is not None:
                raise SystemExit(f"record without a value: {message.error()}")
            decode(value)
        done += len(messages)
    report(done, watch.stop(), "")
    consumer.close()


if __name__ == "__main__":
    main(given_task())
