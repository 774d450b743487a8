"""Plays the model along the clock: hands out each fact once, in order, as its moment comes."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from deploy.simulation.district import Dossier, SimulatedDistrict
from deploy.simulation.lives import Step
from deploy.simulation.queue import TicketStep
from ioc.district.worktime import WorkCalendar

_Fact = TypeVar("_Fact")

#: Working days before the start whose dossiers are there when the simulation begins.
HISTORY_DAYS: Final = 10
#: Dossiers older than this are not taken up again after a restart: all lives are shorter.
_LONGEST: Final = timedelta(days=45)


def history_start(calendar: WorkCalendar, moment: datetime) -> datetime:
    """Midnight of the day on which the history before ``moment`` begins."""
    day = moment.astimezone(calendar.zone).date()
    for _ in range(HISTORY_DAYS):
        day = calendar.previous_working_day(day)
    return datetime(day.year, day.month, day.day, tzinfo=calendar.zone)


@dataclass(frozen=True)
class Row:
    """A dossier at one of its steps."""

    dossier: Dossier
    step: Step


@dataclass
class Playback:
    """Facts of a district from one moment on. Memory is bounded by the dossiers that are open.

    :param district: the model.
    :param received_from: dossiers received before this are left out.
    :param facts_from: facts before this were handed out by an earlier run.
    """

    district: SimulatedDistrict
    received_from: datetime
    facts_from: datetime
    _reached: datetime = field(init=False)
    _rows: list[tuple[datetime, str, int, Row]] = field(default_factory=list, init=False)
    _tickets: list[tuple[datetime, str, int, TicketStep]] = field(default_factory=list, init=False)
    _days_drawn: date | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.received_from = max(self.received_from, self.facts_from - _LONGEST)
        self._reached = self.facts_from

    def advance(self, until: datetime) -> tuple[list[Row], list[TicketStep]]:
        """Facts from where the last call ended up to, not including, ``until``; each list in order of time."""
        self._draw_days(until.astimezone(self.district.zone).date())
        rows = [row for _, _, _, row in _taken(self._rows, until)]
        tickets = [step for _, _, _, step in _taken(self._tickets, until)]
        self._reached = max(self._reached, until)
        return rows, tickets

    @property
    def pending(self) -> int:
        """Facts that are drawn and whose moment has not come."""
        return len(self._rows) + len(self._tickets)

    def _draw_days(self, last: date) -> None:
        zone = self.district.zone
        day = (
            self.received_from.astimezone(zone).date()
            if self._days_drawn is None
            else self._days_drawn + timedelta(days=1)
        )
        while day <= last:
            for place in self.district.places:
                self._push_dossiers(self.district.dossiers(place, day))
                for number, step in enumerate(self.district.tickets(place, day)):
                    if step.time >= self._reached:
                        heapq.heappush(self._tickets, (step.time, f"{step.kiosk} {day}", number, step))
            self._days_drawn = day
            day += timedelta(days=1)

    def _push_dossiers(self, received: tuple[Dossier, ...]) -> None:
        for dossier in received:
            if dossier.received < self.received_from:
                continue
            for number, step in enumerate(dossier.steps):
                if step.time >= self._reached:
                    heapq.heappush(self._rows, (step.time, dossier.code, number, Row(dossier, step)))


def _taken(
    heap: list[tuple[datetime, str, int, _Fact]], until: datetime
) -> list[tuple[datetime, str, int, _Fact]]:
    found = []
    while heap and heap[0][0] < until:
        found.append(heapq.heappop(heap))
    return found
