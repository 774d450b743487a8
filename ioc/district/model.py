"""A district as data: what the files of a pack say, typed.

Periods are half open: ``valid_from`` is the first day, ``valid_to`` the first day after; None is unbounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum
from typing import TypeAlias

from ioc.alerts.model import AlertPack
from ioc.alerts.trial import Trial
from ioc.alerts.window import Window
from ioc.district.sources import Source
from ioc.district.worktime import WorkCalendar
from ioc.duty.model import Person, Roster

Option: TypeAlias = float | bool | str
"""Value of an option of a device."""


class Certainty(StrEnum):
    """How sure the pack's author is of a row."""

    VERIFIED = "V"
    """Read in a public page or an official excerpt."""
    IN_PRACTICE = "C"
    """Read in public code or data of systems in use."""
    INFERRED = "I"
    """Concluded; to be confirmed by the district."""


class DeviceKind(IntEnum):
    """Kind of a device, with the number that the database keeps."""

    CAMERA = 1
    WIFI = 2
    KIOSK = 3


@dataclass(frozen=True)
class Period:
    """Days on which something holds."""

    start: date | None = None
    end: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day < self.end)

    def overlaps(self, other: Period) -> bool:
        return (self.end is None or other.start is None or other.start < self.end) and (
            other.end is None or self.start is None or self.start < other.end
        )

    def covers(self, other: Period) -> bool:
        """Whether every day of ``other`` is a day of this period."""
        starts = self.start is None or (other.start is not None and self.start <= other.start)
        return starts and (self.end is None or (other.end is not None and other.end <= self.end))

    def __str__(self) -> str:
        return f"[{self.start or '…'}, {self.end or '…'})"


@dataclass(frozen=True)
class Number:
    """A number to call at an office.

    :param phone: as people write it.
    :param contact: whose it is, by role; empty where the pack does not say. No person's name.
    """

    phone: str
    contact: str = ""


@dataclass(frozen=True)
class Unit:
    """An administrative unit or a reporting group."""

    code: str
    scheme: str
    name_vi: str
    name_en: str
    kind: str
    parent: str | None
    time_zone: str
    period: Period
    certainty: Certainty
    line: int
    number: Number | None = None
    """Where to call; None where the pack names none."""


@dataclass(frozen=True)
class Succession:
    """What took a unit's place, and the share of it that moved there; a share that nobody knows is None."""

    predecessor: str
    successor: str
    share: float | None
    valid_from: date
    certainty: Certainty
    line: int


@dataclass(frozen=True)
class Membership:
    """A unit, with all below it, while it counts in a reporting group that is not above it."""

    group: str
    member: str
    period: Period
    certainty: Certainty
    line: int


@dataclass(frozen=True)
class PointPeriod:
    """A reception point while it belongs to one unit. The place persists, its unit changes."""

    code: str
    unit: str
    name_vi: str
    name_en: str
    period: Period
    certainty: Certainty
    line: int
    latitude: float | None = None
    """Degrees north, with ``longitude`` east (WGS 84); None where the place is not known."""
    longitude: float | None = None
    number: Number | None = None
    """Where to call."""


@dataclass(frozen=True)
class Device:
    """A camera, access point or kiosk that the platform should hear of."""

    code: str
    kind: DeviceKind
    point: str
    name: str
    address: str | None
    interval_s: float
    period: Period
    line: int
    secret: str | None = None
    """Where the login is kept: ``env:NAME`` or ``file:PATH``."""
    options: Mapping[str, Option] = field(default_factory=dict, hash=False)
    """What the probe of this kind takes besides; by name, a number in the unit that the name ends with."""
    client_limit: int | None = None
    """Clients from which on an access point counts as saturated; None leaves it to the settings."""


@dataclass(frozen=True)
class Agency:
    """A name that one-stop systems write for a unit, while it stands for it."""

    name: str
    unit: str
    scheme: str = ""
    """The system that writes the name so; empty for every system."""
    period: Period = Period()
    certainty: Certainty = Certainty.INFERRED
    line: int = 0


@dataclass(frozen=True)
class Field:
    """A field of procedures (lĩnh vực)."""

    code: str
    name_vi: str
    name_en: str
    line: int


@dataclass(frozen=True)
class Procedure:
    """An administrative procedure and how long it may take."""

    code: str
    field: str
    name_vi: str
    name_en: str
    working_days: float
    """Working days of 8 hours until the due date; below 1 for what is done on the same day. Of a procedure that counts
    in calendar days about as many, for planning."""
    line: int
    calendar_days: int | None = None
    """Calendar days until the due date, for a procedure that counts in these."""


@dataclass(frozen=True)
class Target:
    """What an indicator should reach, for a unit or for all, while it holds."""

    kpi: str
    unit: str | None
    """None: for every unit that has no nearer one."""
    value: float
    """In the indicator's own unit of measure; a share is 0 to 1."""
    warning: float | None
    """Worse than the target and not worse than this is near it."""
    strict: bool
    """Whether the value itself is not enough."""
    each: str | None
    """Dimension for whose every value the target holds as well."""
    period: Period
    certainty: Certainty
    line: int


@dataclass(frozen=True)
class Pack:
    """A district pack that was read and checked."""

    id: str
    version: str
    name_vi: str
    name_en: str
    root: str
    time_zone: str
    calendar: WorkCalendar
    units: tuple[Unit, ...]
    successions: tuple[Succession, ...]
    memberships: tuple[Membership, ...]
    points: tuple[PointPeriod, ...]
    devices: tuple[Device, ...]
    fields: tuple[Field, ...]
    procedures: tuple[Procedure, ...]
    agencies: tuple[Agency, ...]
    sources: tuple[Source, ...]
    targets: tuple[Target, ...]
    digest: str
    """Digest of the files' bytes: two packs with the same one say the same."""
    people: tuple[Person, ...] = ()
    """Who can be on duty."""
    rosters: tuple[Roster, ...] = ()
    alerts: AlertPack = field(default_factory=AlertPack)
    trials: tuple[Trial, ...] = ()
    """Tests of the rules."""
    maintenance: tuple[Window, ...] = ()
    """Maintenance windows that stand."""

    def unit_of(self, point: str, day: date) -> str | None:
        """Unit that a point belongs to on a day; None outside the periods that the pack knows."""
        for row in self.points:
            if row.code == point and row.period.holds_on(day):
                return row.unit
        return None

    def point_codes(self) -> tuple[str, ...]:
        """Codes of the reception points, in the pack's order."""
        return tuple(dict.fromkeys(row.code for row in self.points))
