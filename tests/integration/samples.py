"""Device samples for tests: made as the connectors make them."""

from __future__ import annotations

from datetime import datetime, timedelta

from ioc.events import Status, WifiProbed, WifiSample, encode, event_id


def wifi(
    device: str,
    time: datetime,
    *,
    status: Status = Status.OK,
    clients: int | None = 5,
    unit: str = "unit-1",
    interval_s: float = 60,
    source: str = "//test/wifi",
) -> bytes:
    """One access point's sample as a record's value."""
    return encode(
        WifiProbed(
            specversion="1.0",
            id=event_id(source, device, "probed", time),
            source=source,
            subject=device,
            time=time,
            data=WifiSample(unit=unit, status=status, clients=clients, interval_s=interval_s),
        )
    )


def rounds(
    devices: int, count: int, begin: datetime, *, every_s: float = 60, source: str = "//test/wifi"
) -> list[tuple[str, bytes]]:
    """``count`` samples of each of ``devices``, in order of time: ``(device, record)``."""
    return [
        (
            f"ap-{d}",
            wifi(f"ap-{d}", begin + timedelta(seconds=every_s * r), interval_s=every_s, source=source),
        )
        for r in range(count)
        for d in range(devices)
    ]
