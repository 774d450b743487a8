"""A queue at a kiosk: people take numbers, counters call them in turn."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

SERVICE_MIN: Final = 6.0
"""Mean time at a counter, in minutes."""
_NO_SHOW: Final = 0.04
_CANCELLED: Final = 0.01
_TRANSFERRED: Final = 0.03


@dataclass(frozen=True)
class TicketStep:
    """Something that happened to a number."""

    time: datetime
    happened: str
    kiosk: str
    unit: str
    date: str
    """Local day on the ticket, ISO 8601."""
    number: str
    service: str
    counter: str | None = None
    to_service: str | None = None


@dataclass(frozen=True)
class Arrival:
    """Someone takes a number for a service."""

    time: datetime
    service: str


def serve(
    source: Random,
    arrivals: Iterable[Arrival],
    *,
    kiosk: str,
    unit: str,
    date: str,
    letter: str,
    counters: int,
    services: list[str],
) -> Iterator[TicketStep]:
    """Play a day's queue, first come first served.

    :param arrivals: in order of time.
    :param date: local day on the tickets, ISO 8601.
    :param letter: begins the numbers, such as A007; two queues of one kiosk and day need two letters.
    :param counters: how many serve at the same time.
    :param services: what a ticket may be transferred to.
    :returns: the steps of each ticket in turn; order them by time across tickets.
    """
    never = datetime.min.replace(tzinfo=UTC)
    free = [(never, counter) for counter in range(1, counters + 1)]
    for place, arrival in enumerate(arrivals, 1):
        number = f"{letter}{place:03d}"

        def step(
            time: datetime,
            happened: str,
            counter: int | None = None,
            to: str | None = None,
            number: str = number,
            service: str = arrival.service,
        ) -> TicketStep:
            window = None if counter is None else str(counter)
            return TicketStep(
                time.replace(microsecond=0), happened, kiosk, unit, date, number, service, window, to
            )

        yield step(arrival.time, "issued")
        if source.random() < _CANCELLED:
            yield step(arrival.time + timedelta(minutes=source.uniform(1, 4)), "cancelled")
            continue
        idle, counter = heapq.heappop(free)
        called = arrival.time + timedelta(seconds=source.uniform(5, 25))
        called = max(called, idle)
        yield step(called, "called", counter)
        if source.random() < _NO_SHOW:
            again = called + timedelta(seconds=60)
            given_up = called + timedelta(seconds=150)
            yield step(again, "recalled", counter)
            yield step(given_up, "no-show", counter)
            heapq.heappush(free, (given_up, counter))
            continue
        started = called + timedelta(seconds=source.uniform(8, 40))
        ended = started + timedelta(minutes=min(source.lognormvariate(1.55, 0.7), 40.0))
        yield step(started, "started", counter)
        if source.random() < _TRANSFERRED and len(services) > 1:
            other = source.choice([service for service in services if service != arrival.service])
            yield step(ended, "transferred", counter, other)
            again = ended + timedelta(minutes=source.uniform(1, 5))
            yield step(again, "called")
            yield step(again + timedelta(seconds=20), "started")
            yield step(again + timedelta(minutes=source.uniform(2, 8)), "completed")
        else:
            yield step(ended, "completed", counter)
        heapq.heappush(free, (ended, counter))
