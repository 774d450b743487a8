"""The model of the simulated district: pure, seeded, without I/O. Same pack, seed, rate and clock: same facts.

Every figure here is asked for by moment or day, nothing is kept between calls but caches of what was drawn.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from deploy.simulation.incidents import CAMERA_FAULTS, SURGE_FACTOR, Incidents, Kind
from deploy.simulation.lives import Step, Work, draw_life
from deploy.simulation.office import OfficeClock, wave
from deploy.simulation.queue import SERVICE_MIN, Arrival, TicketStep, serve
from deploy.simulation.seeds import poisson, rng
from ioc.district.model import Device, DeviceKind, Pack, Procedure

#: Dossiers on an average working day: at a point with a kiosk, and the range for the others.
_CENTRAL_VOLUME: Final = 60.0
_LOCAL_VOLUME: Final = (13.0, 24.0)
#: Tickets for each dossier handed in: many come to ask or to fetch a result.
_VISITS: Final = 1.7
#: Portal codes of channels with their shares; few come in online, as the district said of itself.
_CHANNELS: Final = (("1", 0.86), ("2", 0.09), ("3", 0.05))
#: How often procedures are asked for, by the working days that they may take.
_SHORT_WEIGHT, _MIDDLE_WEIGHT, _LONG_WEIGHT = 10.0, 3.0, 1.0
#: Minute of the office day with the most arrivals.
_PEAK: Final = 510.0
_STAY: Final = timedelta(minutes=35)
_PHONES_PER_VISITOR: Final = 1.4
_STAFF_PHONES: Final = 2


@dataclass(frozen=True)
class Place:
    """A reception point of the simulation."""

    code: str
    rank: int
    volume: float
    """Dossiers on an average working day."""
    late_share: float
    cameras: tuple[Device, ...]
    access_points: tuple[Device, ...]
    kiosks: tuple[Device, ...]


@dataclass(frozen=True)
class Dossier:
    """A dossier with its whole life."""

    code: str
    unit: str
    point: str
    channel: str
    """Portal code: 1 counter, 2 online, 3 post."""
    procedure: Procedure
    field: str
    digitised: bool
    paid_online: bool
    steps: tuple[Step, ...]

    @property
    def received(self) -> datetime:
        return self.steps[0].time


class SimulatedDistrict:
    """A district that behaves.

    :param pack: units, points and devices.
    :param seed: equal seeds give equal days.
    :param rate: factor on the number of arrivals.
    :param points: how many of the pack's points take part, in the pack's order; None takes all.
    :param night_from: from this moment on virtual working days are played outside working hours.
    """

    def __init__(
        self,
        pack: Pack,
        *,
        seed: int = 1,
        rate: float = 1.0,
        points: int | None = None,
        night_from: datetime | None = None,
    ) -> None:
        self.pack = pack
        self.seed = seed
        self.rate = rate
        self.zone = pack.calendar.zone
        self.clock = OfficeClock(pack.calendar, night_from)
        self.places = tuple(
            self._place(rank, code) for rank, code in enumerate(pack.point_codes()[: points or None])
        )
        devices = [device for place in self.places for device in (*place.cameras, *place.access_points)]
        self.incidents = Incidents(
            seed,
            points=[place.code for place in self.places if place.cameras or place.access_points],
            cameras=[device.code for device in devices if device.kind is DeviceKind.CAMERA],
            access_points=[device.code for device in devices if device.kind is DeviceKind.WIFI],
        )
        self._fields = {field.code: field.name_vi for field in pack.fields}
        # 45 days of ten points are what one catching-up needs
        self._day = lru_cache(maxsize=512)(self._draw_day)
        self._counter_times = lru_cache(maxsize=64)(self._draw_counter_times)

    def _place(self, rank: int, code: str) -> Place:
        source = rng(self.seed, "place", code)
        own = [device for device in self.pack.devices if device.point == code]
        by_kind = {kind: tuple(device for device in own if device.kind is kind) for kind in DeviceKind}
        volume = _CENTRAL_VOLUME if by_kind[DeviceKind.KIOSK] else source.uniform(*_LOCAL_VOLUME)
        return Place(
            code=code,
            rank=rank,
            volume=volume * self.rate,
            late_share=source.uniform(0.02, 0.08),
            cameras=by_kind[DeviceKind.CAMERA],
            access_points=by_kind[DeviceKind.WIFI],
            kiosks=by_kind[DeviceKind.KIOSK],
        )

    def unit_of(self, point: str, moment: datetime) -> str:
        """Unit that a point belongs to at a moment: facts are stamped with it."""
        return self.pack.unit_of(point, moment.astimezone(self.zone).date()) or self.pack.root

    # -- dossiers ----------------------------------------------------------------------------------

    def dossiers(self, place: Place, day: date) -> tuple[Dossier, ...]:
        """Dossiers received at a point on a local day, in order of receipt."""
        return self._day(place, day)

    def _draw_day(self, place: Place, day: date) -> tuple[Dossier, ...]:
        return tuple(
            self._dossier(place, *arrival) for arrival in self._arrivals(place, day, "dossiers", 1.0)
        )

    def _arrivals(
        self, place: Place, day: date, what: str, factor: float
    ) -> list[tuple[datetime, str, bool]]:
        """When someone comes on a local day: moment, a number of its own on that day, and whether virtually.

        Each minute is drawn by itself, so that virtual days that begin later leave the minutes after alike.
        """
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        found: list[tuple[datetime, str, bool]] = []
        for minute in range(24 * 60):
            begins = midnight + timedelta(minutes=minute)
            hands = self.clock.hands(begins)
            if hands is None:
                continue
            mean = self.clock.intensity(begins) * place.volume * factor
            if Kind.SURGE in self.incidents.kinds(place.code, begins):
                mean *= SURGE_FACTOR
            source = rng(self.seed, what, place.code, day, minute)
            seconds = sorted(int(source.uniform(0, 60)) for _ in range(poisson(source, mean)))
            found.extend(
                (begins + timedelta(seconds=second), f"{minute:04d}{place_in_minute:02d}", hands.virtual)
                for place_in_minute, second in enumerate(seconds)
            )
        return found

    def _dossier(self, place: Place, received: datetime, number: str, virtual: bool) -> Dossier:
        unit = self.unit_of(place.code, received)
        code = f"{unit}-{received:%y%m%d}-S{self.seed}-{place.rank}{number}"
        source = rng(self.seed, "dossier", place.code, received.date(), number)
        procedures = self.pack.procedures
        (procedure,) = source.choices(procedures, [_weight(procedure) for procedure in procedures])
        (channel,) = source.choices([code for code, _ in _CHANNELS], [share for _, share in _CHANNELS])
        work = Work(self.pack.calendar, self.clock, place.late_share)
        return Dossier(
            code=code,
            unit=unit,
            point=place.code,
            channel=channel,
            procedure=procedure,
            field=self._fields.get(procedure.field, procedure.field),
            digitised=source.random() < 0.55,
            paid_online=source.random() < (0.6 if channel == "2" else 0.08),
            steps=draw_life(source, procedure, received, work, virtual=virtual),
        )

    # -- queues ------------------------------------------------------------------------------------

    def tickets(self, place: Place, day: date) -> list[TicketStep]:
        """All that happens on a local day to the numbers of a point's kiosks, in order of time.

        An outage of the point takes its kiosks along: nobody gets a number then.
        """
        steps: list[TicketStep] = []
        counters = max(2, math.ceil(place.volume * _VISITS * wave(_PEAK) * 1.45 * SERVICE_MIN))
        services = [field.name_vi for field in self.pack.fields] or ["Một cửa"]
        for kiosk in place.kiosks:
            arrivals = self._arrivals(place, day, f"tickets {kiosk.code}", _VISITS / len(place.kiosks))
            for virtual, letter in ((False, "A"), (True, "B")):
                source = rng(self.seed, "queue", kiosk.code, day, virtual)
                coming = [
                    Arrival(moment, source.choice(services))
                    for moment, _, night in arrivals
                    if night is virtual and Kind.OUTAGE not in self.incidents.kinds(place.code, moment)
                ]
                unit = self.unit_of(place.code, datetime(day.year, day.month, day.day, 12, tzinfo=self.zone))
                steps += serve(
                    source,
                    coming,
                    kiosk=kiosk.code,
                    unit=unit,
                    date=day.isoformat(),
                    letter=letter,
                    counters=counters,
                    services=services,
                )
        return sorted(steps, key=lambda step: (step.time, step.number))

    # -- devices -----------------------------------------------------------------------------------

    def camera_fault(self, camera: Device, moment: datetime) -> Kind | None:
        """What is wrong with a camera at a moment; None when it is well."""
        wrong = self.incidents.kinds(camera.code, moment) | self.incidents.kinds(camera.point, moment)
        return next((kind for kind in CAMERA_FAULTS if kind in wrong), None)

    def wifi_fault(self, access_point: Device, moment: datetime) -> Kind | None:
        """What is wrong with an access point at a moment: outage, silent, or None."""
        if Kind.OUTAGE in self.incidents.kinds(access_point.point, moment):
            return Kind.OUTAGE
        return Kind.SILENT if Kind.SILENT in self.incidents.kinds(access_point.code, moment) else None

    def clients(self, place: Place, moment: datetime) -> int:
        """Phones on the wifi of a point at a moment: of people who came and have not left, and of the staff."""
        local = moment.astimezone(self.zone)
        first = local - _STAY
        present = 0
        for day in {first.date(), local.date()}:
            times = self._counter_times(place, day)
            present += bisect_right(times, local) - bisect_left(times, first)
        staff = _STAFF_PHONES if self.clock.hands(moment) is not None else 0
        jitter = rng(self.seed, "phones", place.code, moment.replace(second=0, microsecond=0)).choice(
            (-1, 0, 0, 1)
        )
        return max(round(present * _VISITS * _PHONES_PER_VISITOR) + staff + jitter, 0)

    def _draw_counter_times(self, place: Place, day: date) -> Sequence[datetime]:
        return [dossier.received for dossier in self.dossiers(place, day) if dossier.channel == "1"]


def _weight(procedure: Procedure) -> float:
    if procedure.working_days < 1:
        return _SHORT_WEIGHT
    return _MIDDLE_WEIGHT if procedure.working_days <= 3 else _LONG_WEIGHT
