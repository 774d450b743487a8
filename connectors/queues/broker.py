"""Ticket events over MQTT: a topic for each kiosk, or one for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connectors.queues.reading import TicketReader
from connectors.shared.mqtt import Message, PartlyReadError, Read
from connectors.shared.topics import machine_of, topic_filter
from ioc.events import AnyEvent

TOPIC: Final = "kiosks/{kiosk}/tickets"
_PLACE: Final = "{kiosk}"


def route(topic: str, reader: TicketReader) -> tuple[str, Read]:
    """The filter to subscribe to, and what reads its messages.

    :raises UsageError: when ``topic`` is none.
    """

    def read(message: Message) -> Sequence[AnyEvent]:
        kiosk = machine_of(message.topic, topic, _PLACE)
        reading = reader.read_many(message.payload, message.received_at, kiosk=kiosk)
        if reading.faults:
            raise PartlyReadError(
                f"{len(reading.faults)} tickets can't be read: {reading.faults[0].reason}", reading.events
            )
        return reading.events

    return topic_filter(topic, _PLACE), read
