"""What access points, or whoever knows them, publish over MQTT: a status, and counts. Never a client's address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Final

import msgspec

from connectors.shared.mqtt import Message
from connectors.wifi.targets import PlaceEntry
from ioc.events import (
    AnyEvent,
    Clients,
    Instant,
    Interval,
    Seconds,
    Share,
    ShortText,
    Status,
    WifiProbed,
    WifiSample,
    event_id,
)

TOPIC: Final = "wifi/{device}/status"
#: A last will, or its opposite: the access point's session at the broker began or broke.
_WORDS: Final = {"online": True, "offline": False}

PlaceOf = Callable[[str], tuple[PlaceEntry, float] | None]
"""Where an access point stands and how often it reports, in seconds; None when it is not known."""


class _Said(msgspec.Struct, frozen=True):
    """What an object says; further fields are dropped."""

    status: Status
    time: Instant | None = None
    clients: Clients | None = None
    reason: ShortText | None = None
    model: ShortText | None = None
    firmware: ShortText | None = None
    rtt_ms: Seconds | None = None
    loss: Share | None = None
    internet_ok: bool | None = None
    interval_s: Interval | None = None


_decoder = msgspec.json.Decoder(_Said)


class StatusReader:
    """Reads the messages of one source.

    :param source: CloudEvents source of the samples, part of their ids.
    :param place_of: tells where an access point stands.
    :param future_tolerance_s: how far ahead of ours its clock may be; beyond, the time of receiving counts.
    """

    def __init__(self, source: str, place_of: PlaceOf, *, future_tolerance_s: float = 300.0) -> None:
        self._source = source
        self._place_of = place_of
        self._tolerance = timedelta(seconds=future_tolerance_s)

    def read(self, message: Message, device: str) -> Sequence[AnyEvent]:
        """Turn a message about an access point into its sample; none from a retained one that does not say when.

        :raises ValueError: or msgspec's errors, saying why without repeating the message.
        """
        if not 1 <= len(device) <= 50 or not device.isprintable():
            raise ValueError("its topic names no access point")
        found = self._place_of(device)
        if found is None:
            raise ValueError("its access point is not in devices.csv, and its source names no unit")
        place, interval_s = found
        said = self._said(message.payload)
        if said.time is None and message.retained:
            return ()  # it may be of last year
        now = message.received_at
        moment = (said.time or now).astimezone(UTC)
        if moment > now + self._tolerance:
            moment = now
        sample = WifiSample(
            unit=place.unit,
            point=place.point,
            status=said.status,
            reason=said.reason,
            clients=said.clients,
            model=said.model,
            firmware=said.firmware,
            rtt_ms=said.rtt_ms,
            loss=said.loss,
            internet_ok=said.internet_ok,
            interval_s=said.interval_s or interval_s,
        )
        return [
            WifiProbed(
                specversion="1.0",
                id=event_id(self._source, place.device, "ioc.wifi.probed.v1", moment),
                source=self._source,
                subject=place.device,
                time=moment,
                data=sample,
            )
        ]

    @staticmethod
    def _said(payload: bytes) -> _Said:
        word = payload[:20].strip().lower().decode("ascii", errors="replace")
        if word in _WORDS:
            if _WORDS[word]:
                return _Said(status=Status.OK)
            # it may be the broker's line that broke: one witness alone does not say down
            return _Said(status=Status.UNKNOWN, reason="it left the broker")
        try:
            return _decoder.decode(payload)
        except (RecursionError, OverflowError):
            raise ValueError("nested too deep") from None
