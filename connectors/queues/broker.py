"""Ticket events over MQTT: a topic for each kiosk, or one for all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from connectors.queues.reading import TicketReader
from connectors.shared.mqtt import Message, PartlyReadError, Read
from ioc.errors import UsageError
from ioc.events import AnyEvent

TOPIC: Final = "kiosks/{kiosk}/tickets"
_PLACE: Final = "{kiosk}"


def topic_filter(topic: str) -> str:
    """The MQTT filter of a topic in which ``{kiosk}`` stands for the machine.

    :raises UsageError: when it is no topic.
    """
    levels = topic.split("/")
    fits = (
        0 < len(topic.encode()) <= 1000
        and topic.isprintable()
        and levels.count(_PLACE) <= 1
        and all(level in {_PLACE, "+", "#"} or not re.search(r"[{}+#]", level) for level in levels)
        and "#" not in levels[:-1]
    )
    if not fits:
        raise UsageError(
            f"{topic[:100]!r} is no topic.",
            remedy=f"Write one such as {TOPIC}: {_PLACE} is the machine's code, + anything, # the rest.",
        )
    return "/".join("+" if level == _PLACE else level for level in levels)


def route(topic: str, reader: TicketReader) -> tuple[str, Read]:
    """The filter to subscribe to, and what reads its messages.

    :raises UsageError: when ``topic`` is none.
    """
    wanted = topic_filter(topic)
    place = topic.split("/").index(_PLACE) if _PLACE in topic.split("/") else None

    def read(message: Message) -> Sequence[AnyEvent]:
        kiosk = None if place is None else message.topic.split("/")[place]
        reading = reader.read_many(message.payload, message.received_at, kiosk=kiosk)
        if reading.faults:
            raise PartlyReadError(
                f"{len(reading.faults)} tickets can't be read: {reading.faults[0].reason}", reading.events
            )
        return reading.events

    return wanted, read
