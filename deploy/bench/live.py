"""Sends samples at a steady rate and notes when Kafka acknowledged them; run in a process of its own."""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from deploy.bench.loading import producer
from deploy.bench.workload import Workload, sample
from ioc.events import Status, WifiProbed, WifiSample, encode, event_id

#: One in so many records has its acknowledgement noted.
_NOTED = 10
#: Each probe is the first sample ever of a device and unit of its own: an indicator of that unit appears with it.
PROBE_EVERY_S = 0.5


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send: ``rate`` records a second for ``seconds``."""

    servers: str
    topic: str
    rate: int
    seconds: float
    devices: int
    units: int
    answer: str
    probes: Status = Status.OK
    """What the probes report."""


class Acknowledged(msgspec.Struct, kw_only=True):
    """Acknowledgements by the system-wide monotonic clock, seconds.

    :param noted: partition, offset, moment of some of the records.
    :param probes: moment per probe.
    :param sent: records sent, probes included.
    """

    noted: list[tuple[int, int, float]]
    probes: dict[int, float]
    sent: int
    took_s: float


def probe_unit(number: int) -> str:
    """Code of the unit that a probe is about."""
    return f"probe-{number:03d}"


def _probe(number: int, now: datetime, status: Status) -> WifiProbed:
    subject = f"ap-probe-{number:03d}"
    return WifiProbed(
        specversion="1.0",
        id=event_id("//bench", subject, "probe", now),
        source="//bench",
        subject=subject,
        time=now,
        data=WifiSample(unit=probe_unit(number), status=status, clients=7),
    )


def send(plan: Plan) -> Acknowledged:
    """Send by the clock: a delay is made up for at once, so that the mean rate holds."""
    workload = Workload(plan.rate, plan.devices, plan.units)
    out = producer(plan.servers)
    noted: list[tuple[int, int, float]] = []
    probes: dict[int, float] = {}
    rng = random.Random(7)

    def note(_error: Any, message: Any) -> None:
        if message is not None:
            noted.append((message.partition(), message.offset(), time.monotonic()))

    sent = number = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < plan.seconds:
        now = datetime.now(UTC)
        for _ in range(int(elapsed * plan.rate) - sent):
            event = sample(workload, sent % plan.devices, now, rng)
            heard = note if sent % _NOTED == 0 else None
            out.produce(plan.topic, encode(event), event.subject.encode(), on_delivery=heard)
            sent += 1
        if elapsed >= (number + 1) * PROBE_EVERY_S:
            event = _probe(number, now, plan.probes)

            def heard_probe(_error: Any, _message: Any, number: int = number) -> None:
                probes[number] = time.monotonic()

            out.produce(plan.topic, encode(event), event.subject.encode(), on_delivery=heard_probe)
            number += 1
        out.poll(0)
        time.sleep(0.001)
    took = time.monotonic() - began
    out.flush(30)
    return Acknowledged(noted=noted, probes=probes, sent=sent + number, took_s=took)


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[1], type=Plan)
    Path(given.answer).write_bytes(msgspec.json.encode(send(given)))
