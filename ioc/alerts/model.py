"""Rules, policies and channels as the district pack gives them; signals and alerts as the platform keeps them.

A **rule** names a condition. A **signal** is that condition on one subject (a device, a dossier, a unit):
pending until it held for as long as the rule asks, firing, and clearing until it was away for as long as the rule asks.
An **alert** is what people see and are called for: all firing signals of one rule under one key. Its being acknowledged
and its being cleared are independent of one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Final


class Severity(IntEnum):
    """How bad, as the database keeps it: the greater the worse."""

    INFO = 1
    WARNING = 2
    MINOR = 3
    MAJOR = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """As packs, the API and pages write it."""
        return self.name.lower()


class Kind(StrEnum):
    """What a rule looks at."""

    DEVICE = "device"
    """States and flags of devices; raised in the partition's transaction."""
    DOSSIER = "dossier"
    """Due dates and apologies of single dossiers; raised in the partition's transaction."""
    KPI = "kpi"
    """An indicator of the catalogue, of units; by the evaluator, on committed data."""
    ABSENCE = "absence"
    """Something that should be heard from and is not: devices, connectors, topics, processes; by the evaluator."""
    SITE = "site"
    """A reception point whose devices are all away; by the evaluator."""
    READING = "reading"
    """A measurement of the platform's own machines and servers (disk, backup, certificate, clock); by the evaluator."""
    SYNTHETIC = "synthetic"
    """Raised on purpose, to see whether alerts arrive."""


class Grouping(StrEnum):
    """What subjects that share an alert have in common."""

    SUBJECT = "subject"
    """Every subject has its own alert."""
    POINT = "point"
    UNIT = "unit"
    DISTRICT = "district"


class Hours(StrEnum):
    """When a rule's alerts are raised; a condition that holds outside them counts from their begin."""

    ALWAYS = "always"
    WORKING = "working"
    """While offices are open, by the pack's calendar."""


@dataclass(frozen=True)
class Schedule:
    """Hours of a rule's own, by the district's clock.

    :param end: of the next day when it is not after ``start``.
    :param days: words of :data:`ioc.duty.model.WEEKDAYS` and :data:`ioc.duty.model.CALENDAR_DAYS`; the hours begin on
        days that any of them names.
    """

    start: time
    end: time
    days: tuple[str, ...] = ("daily",)


@dataclass(frozen=True)
class DeviceCondition:
    """A device's newest state. All that are given must hold.

    :param device: ``camera``, ``wifi`` or ``kiosk``.
    :param states: any of ``down``, ``degraded``, ``ok``.
    :param flag: ``frozen``, ``stalled`` or ``saturated``, beside the state.
    :param reason: the state's reason begins with this word.
    :param clients_at_most: clients known, and no more than this.
    """

    device: str
    states: tuple[str, ...] = ()
    flag: str | None = None
    reason: str | None = None
    clients_at_most: int | None = None


@dataclass(frozen=True)
class DossierCondition:
    """A dossier's situation, which begins and ends by the clock too.

    :param situation: ``due_soon``, ``overdue`` or ``late_without_apology``, as the indicators define them.
    :param after: the situation lasts this long already (overdue by 48 hours and more).
    :param before: the situation lasts less than this; None has no end.
    """

    situation: str
    after: timedelta = timedelta(0)
    before: timedelta | None = None


@dataclass(frozen=True)
class KpiCondition:
    """An indicator's current value against a limit; unknown values change nothing.

    :param above: holds while the value is greater. ``below``: while it is less. Exactly one of the three.
    :param target: holds while the value misses the target of its unit.
    :param clear: hysteresis: having fired, the condition goes away only beyond this value.
    :param least: fewest that the denominator must hold, for shares of few.
    :param units: codes, or empty for the district alone; ``each`` = every unit below.
    """

    kpi: str
    above: float | None = None
    below: float | None = None
    target: bool = False
    clear: float | None = None
    least: float | None = None
    units: tuple[str, ...] = ()
    each: bool = False


@dataclass(frozen=True)
class AbsenceCondition:
    """Nothing was heard for longer than it may be.

    :param of: ``device`` (kind in ``name``), ``connector``, ``topic``, ``process`` or ``tickets``.
    :param name: which one; empty for all of them.
    :param longer: how long; a device's and a connector's own limit when None.
    """

    of: str
    name: str = ""
    longer: timedelta | None = None


@dataclass(frozen=True)
class SiteCondition:
    """All devices of a reception point are down or silent, at least one of them down, of at least so many kinds."""

    kinds: int = 2


@dataclass(frozen=True)
class ReadingCondition:
    """A platform reading against a limit; ``clear`` as in :class:`KpiCondition`."""

    reading: str
    above: float | None = None
    below: float | None = None
    clear: float | None = None


@dataclass(frozen=True)
class SyntheticCondition:
    """Never holds by itself."""


Condition = (
    DeviceCondition
    | DossierCondition
    | KpiCondition
    | AbsenceCondition
    | SiteCondition
    | ReadingCondition
    | SyntheticCondition
)
#: The class of condition that belongs to each kind of rule.
CONDITIONS: Final[Mapping[Kind, type[Any]]] = {
    Kind.DEVICE: DeviceCondition,
    Kind.DOSSIER: DossierCondition,
    Kind.KPI: KpiCondition,
    Kind.ABSENCE: AbsenceCondition,
    Kind.SITE: SiteCondition,
    Kind.READING: ReadingCondition,
    Kind.SYNTHETIC: SyntheticCondition,
}


@dataclass(frozen=True)
class Rule:
    """One rule of the pack.

    :param holds_for: a condition must hold so long before it fires.
    :param clear_for: a firing condition must be away so long before it clears.
    :param during: hours of its own, in place of ``hours``.
    :param units: only subjects of these units and those below; empty is everywhere.
    :param inhibited_by: codes of rules whose open alert on the same point silences this rule's.
    :param remind: an open alert that nobody acknowledged is told again after this; None never.
    :param policy: code of the escalation policy; None: shown, nobody is called.
    """

    code: str
    name_vi: str
    name_en: str
    severity: Severity
    kind: Kind
    condition: Condition
    runbook_vi: str
    runbook_en: str = ""
    holds_for: timedelta = timedelta(0)
    clear_for: timedelta = timedelta(0)
    hours: Hours = Hours.ALWAYS
    during: Schedule | None = None
    units: tuple[str, ...] = ()
    group_by: Grouping = Grouping.SUBJECT
    inhibited_by: tuple[str, ...] = ()
    remind: timedelta | None = None
    policy: str | None = None
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


# -- whom an alert calls ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """Whom a step calls; exactly one is given.

    :param roster: people on duty there at that moment; ``layer`` names one of its layers.
    :param person: code of one person.
    :param channel: a channel that is of nobody, such as the room's siren.
    """

    roster: str | None = None
    layer: str | None = None
    person: str | None = None
    channel: str | None = None


@dataclass(frozen=True)
class Step:
    """One step of an escalation, ``after`` the step before it (the first: after the alert opened)."""

    after: timedelta
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Policy:
    """Who is called, when, for as long as nobody acknowledges.

    :param repeat: how many times more all steps are gone through.
    :param fallback: called where a step finds nobody.
    :param ack_for: an acknowledgement of an alert that is still open lapses after this, and calling begins again.
    """

    code: str
    name_vi: str
    name_en: str
    steps: tuple[Step, ...]
    repeat: int = 0
    fallback: tuple[Target, ...] = ()
    ack_for: timedelta | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class QuietHours:
    """Between two local times, messages below a severity wait for the end."""

    start: time
    end: time
    below: Severity


@dataclass(frozen=True)
class Channel:
    """A way to tell people.

    :param code: what people's ``contacts`` call it.
    :param driver: ``apprise``, ``telegram``, ``webhook``, ``siren`` or ``echo``.
    :param secret: reference (``env:NAME``, ``file:PATH``) to its address or token; ``{address}`` in the address is
        replaced by the person's own. A driver that needs none leaves it empty.
    :param least: severities below this are not sent here.
    :param bundle: what comes for a person within this time after a message goes in one message.
    :param most_per_hour: messages to a person beyond this wait and are bundled; None has no limit.
    """

    code: str
    driver: str
    secret: str = ""
    least: Severity = Severity.INFO
    bundle: timedelta = timedelta(seconds=30)
    most_per_hour: int | None = 60
    timeout: timedelta = timedelta(seconds=15)
    attempts: int = 8
    quiet: QuietHours | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class AlertPack:
    """All that a district pack says about alerts.

    :param whole: nothing was left out for a mistake; else what is not here may only be misspelt, and stays in force.
    """

    rules: tuple[Rule, ...] = ()
    policies: tuple[Policy, ...] = ()
    channels: tuple[Channel, ...] = ()
    whole: bool = True


# -- what the platform keeps -----------------------------------------------------------------------------


class Phase(IntEnum):
    """Where a signal stands, as the database keeps it."""

    PENDING = 1
    """The condition holds, not long enough yet."""
    FIRING = 2
    CLEARING = 3
    """The condition is away, not long enough yet."""


@dataclass(frozen=True)
class Observation:
    """What is known of a rule's condition on a subject.

    :param holds: None is unknown: nothing changes by it.
    :param since: from when it is so, in event time; may lie ahead for what is known to begin later. None: from when it
        was first seen to be so.
    :param until: when it ends by the clock, if that is known.
    """

    rule: str
    subject: str
    holds: bool | None
    since: datetime | None = None
    until: datetime | None = None
    unit_id: int | None = None
    point: str | None = None
    value: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Signal:
    """A condition that holds, or did until shortly.

    :param due_at: when the phase ends by itself: a pending one fires, a clearing one clears, a firing one ends.
    :param ends_at: when the condition itself ends by the clock.
    """

    rule: str
    subject: str
    phase: Phase
    since: datetime
    due_at: datetime | None
    ends_at: datetime | None = None
    unit_id: int | None = None
    point: str | None = None
    value: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
