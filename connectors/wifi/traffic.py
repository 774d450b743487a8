"""From counters to traffic: what one device's readings say of the time since the reading before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connectors.shared.snmp.counters import Span, bits_per_second, octets
from connectors.shared.snmp.interfaces import Port
from connectors.wifi.reading import Reading, is_air
from ioc.events import Interface

_INTERVALS: Final = 2.5
"""Readings further apart than this many intervals say nothing of now: one was lost."""


@dataclass(frozen=True)
class Traffic:
    """What clients sent and received in the span, with each interface's rates; unknown is None."""

    interfaces: tuple[Interface, ...] = ()
    rx_bytes: int | None = None
    tx_bytes: int | None = None
    span_s: float | None = None


class Meter:
    """Remembers one device's counters from one reading to the next.

    :param interval_s: seconds between two readings, as meant.
    """

    def __init__(self, interval_s: float) -> None:
        self._longest_s = _INTERVALS * interval_s
        self._before: dict[str, tuple[float, int | None, dict[int, Port]]] = {}

    def read(self, reading: Reading, at_s: float, uptime_ticks: int | None) -> Traffic:
        """Take in a reading and tell the traffic since the one before.

        :param at_s: monotonic seconds of the reading.
        :param uptime_ticks: the agent's, in hundredths of a second.
        """
        if not reading.ports:
            return Traffic()
        before = self._before.get(reading.key)
        self._before[reading.key] = (at_s, uptime_ticks, {port.index: port for port in reading.ports})
        span = Span(at_s - before[0], before[1], uptime_ticks, self._longest_s) if before else None
        earlier = before[2] if before else {}
        interfaces, air_rx, air_tx = [], [], []
        for port in reading.ports:
            rx, tx = _since(earlier.get(port.index), port, span)
            elapsed_s = span.elapsed_s if span else 0.0
            interfaces.append(
                Interface(
                    index=port.index,
                    name=port.name,
                    up=port.up,
                    rx_bytes=None if port.rx is None else port.rx.value,
                    tx_bytes=None if port.tx is None else port.tx.value,
                    rx_bps=bits_per_second(rx, elapsed_s),
                    tx_bps=bits_per_second(tx, elapsed_s),
                )
            )
            if port.up is not False and is_air(reading, port):
                air_rx.append(rx)
                air_tx.append(tx)
        total_rx, total_tx = _sum(air_rx), _sum(air_tx)
        known = span is not None and (total_rx is not None or total_tx is not None)
        return Traffic(
            tuple(interfaces), total_rx, total_tx, round(span.elapsed_s, 3) if span and known else None
        )


def _since(before: Port | None, now: Port, span: Span | None) -> tuple[int | None, int | None]:
    if before is None or span is None or before.name != now.name:
        return None, None  # another interface took the index
    speed = now.speed_bps if now.speed_bps == before.speed_bps else None
    return octets(before.rx, now.rx, span, speed), octets(before.tx, now.tx, span, speed)


def _sum(parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None
