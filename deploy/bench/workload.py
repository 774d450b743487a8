"""The records that every contender reads: access points of a province, each reporting once a minute."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ioc.events import Interface, Radio, Status, WifiProbed, WifiSample, event_id

MINUTE_S = 60
_SOURCE = "//ioc.tay-ninh.example/connectors/wifi/snmp"
#: Share of samples that report the access point as down.
_DOWN_SHARE = 0.01


@dataclass(frozen=True)
class Workload:
    """What is read.

    :param records: number of samples in all; whole minutes are rounded up to.
    :param devices: access points, spread evenly over the units.
    :param units: communes; a province of the kind that domain.md describes has 96.
    :param partitions: partitions of the topic.
    :param detailed: whether samples carry model, radios and interfaces as a controller gives them (some 670 bytes
        in place of some 365).
    :param base: time of the first sample; aware.
    """

    records: int
    devices: int = 10_000
    units: int = 96
    partitions: int = 4
    detailed: bool = False
    base: datetime = datetime(2026, 1, 5, tzinfo=UTC)

    @property
    def minutes(self) -> int:
        """Rounds of samples, one per device each."""
        return max(1, -(-self.records // self.devices))

    @property
    def total(self) -> int:
        """Records that there really are."""
        return self.minutes * self.devices

    def unit_of(self, device: int) -> str:
        """Code of a device's unit."""
        return f"H53.{device % self.units + 1:02d}"

    @staticmethod
    def code_of(device: int) -> str:
        """Code of a device, which is its records' key."""
        return f"ap-{device:06d}"


def recent(records: int, **rest: int | bool) -> Workload:
    """Return a workload that ends a few minutes ago, as a worker that catches up would find it."""
    shape = Workload(records, **rest)  # type: ignore[arg-type]
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return Workload(records, base=now - timedelta(minutes=shape.minutes + 5), **rest)  # type: ignore[arg-type]


def sample(workload: Workload, device: int, at: datetime, rng: random.Random) -> WifiProbed:
    """Return one sample of a device; its clients and its air vary around what is usual for it."""
    subject = workload.code_of(device)
    down = rng.random() < _DOWN_SHARE
    clients = 0 if down else max(0, device * 37 % 60 + rng.randrange(-3, 4))
    return WifiProbed(
        specversion="1.0",
        id=event_id(_SOURCE, subject, "ioc.wifi.probed.v1", at),
        source=_SOURCE,
        subject=subject,
        time=at,
        sequence=f"{int(at.timestamp())}-{device:06d}",
        data=WifiSample(
            unit=workload.unit_of(device),
            point=f"bo-phan-mot-cua-{device % workload.units + 1:02d}",
            status=Status.DOWN if down else Status.OK,
            reason="ping: 3 of 3 lost" if down else None,
            clients=clients,
            rtt_ms=round(rng.uniform(1.0, 40.0), 3),
            loss=0.0,
            internet_ok=not down,
            **_details(device, clients, rng) if workload.detailed else {},  # type: ignore[arg-type]
        ),
    )


def _details(device: int, clients: int, rng: random.Random) -> dict[str, object]:
    half = clients // 2
    busy = device * 41 % 100 / 100
    return {
        "model": "UAP-AC-Lite",
        "firmware": "6.6.55",
        "radios": (
            Radio(
                name="ra0",
                ssid="MOT CUA",
                channel=6,
                clients=half,
                utilisation=round(min(1.0, busy + rng.random() / 20), 2),
            ),
            Radio(name="rai0", ssid="MOT CUA", channel=44, clients=clients - half, noise_dbm=-96),
        ),
        "interfaces": (
            Interface(
                index=2,
                name="eth0",
                up=True,
                rx_bytes=rng.randrange(1 << 40),
                tx_bytes=rng.randrange(1 << 40),
            ),
        ),
    }


def samples(workload: Workload) -> Iterator[WifiProbed]:
    """Yield all samples in order of time; the same workload gives the same samples."""
    rng = random.Random(20_260_105)
    step = timedelta(seconds=MINUTE_S) / workload.devices
    for minute in range(workload.minutes):
        at = workload.base + timedelta(minutes=minute)
        for device in range(workload.devices):
            yield sample(workload, device, at + step * device, rng)


def windows(workload: Workload) -> Counter[tuple[str, int]]:
    """Return samples per unit and minute (minutes since 1970), reckoned without reading a record."""
    counts: Counter[tuple[str, int]] = Counter()
    first = int(workload.base.timestamp()) // MINUTE_S
    for device in range(workload.devices):
        counts[workload.unit_of(device), first] += 1
    return Counter(
        {(unit, first + minute): n for (unit, _), n in counts.items() for minute in range(workload.minutes)}
    )


def digest(counts: Mapping[tuple[str, int], int] | Iterable[tuple[tuple[str, int], int]]) -> str:
    """Return a short text that tells two sets of windowed counts apart."""
    pairs = counts.items() if isinstance(counts, Mapping) else counts
    text = "\n".join(f"{unit} {minute} {count}" for (unit, minute), count in sorted(pairs) if count)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
