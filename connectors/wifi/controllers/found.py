"""What a controller says of one of its access points."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.shared.snmp.counters import Counter
from ioc.events import Radio, Status


@dataclass(frozen=True)
class Found:
    """One access point. Counts only; unknown is None or empty, never zero."""

    key: str
    """Serial number, or its own MAC address as 12 hexadecimal digits."""
    status: Status
    reason: str | None = None
    model: str | None = None
    firmware: str | None = None
    clients: int | None = None
    radios: tuple[Radio, ...] = ()
    uptime_s: int | None = None
    rx: Counter | None = None
    """Octets that clients sent since it started."""
    tx: Counter | None = None


def mac_key(address: str) -> str:
    """An access point's own MAC address, in any spelling, as 12 hexadecimal digits; else the text as it is."""
    digits = "".join(c for c in address.lower() if c in "0123456789abcdef")
    return digits if len(digits) == 12 else address.strip()[:40]
