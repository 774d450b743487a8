"""Alerts, what people do about them, maintenance windows, rules, and the trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ioc.alerts.ordering import Action
from ioc.api.models.figures import Names


class AlertRow(BaseModel):
    """One alert as it stands."""

    id: int
    rule: str
    kind: str = Field(
        description="What its rule looks at: device, dossier, kpi, absence, site, reading, synthetic."
    )
    name: Names
    severity: str = Field(description="info, warning, minor, major or critical.")
    key: str = Field(description="What its members have in common; one open alert a rule and key.")
    subject: str = Field(description="What opened it.")
    unit: str | None
    point: str | None
    since: datetime = Field(description="When the condition began.")
    opened_at: datetime
    cleared_at: datetime | None = Field(description="Null while it is open, whether acknowledged or not.")
    members: int = Field(description="Subjects whose condition holds now.")
    joined: int = Field(description="Subjects whose condition held at some time.")
    value: float | None
    detail: dict[str, Any]
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    ack_expires_at: datetime | None = Field(description="Calling begins again then.")
    assigned_to: str | None
    snoozed_until: datetime | None
    inhibited_by: int | None = Field(description="An open alert that explains this one.")
    maintenance: int | None = Field(description="The maintenance window that covers it now.")
    flapping: bool
    held: list[str] = Field(
        description="Why nobody is called for it now: inhibited, snoozed, maintenance, flapping."
    )
    policy: str | None = Field(
        description="The escalation policy that it opened with; null: nobody is called."
    )
    changed_at: datetime


class AlertList(BaseModel):
    """A page of alerts."""

    alerts: list[AlertRow]
    next: str | None


class AlertMember(BaseModel):
    """A condition that holds the alert open, or did until shortly."""

    subject: str
    phase: str = Field(description="firing, or clearing: away, not long enough yet.")
    since: datetime
    unit: str | None
    point: str | None
    value: float | None
    detail: dict[str, Any]


class AlertEvent(BaseModel):
    """Something that happened to an alert."""

    id: int
    at: datetime
    kind: str
    actor: str = Field(description="A reader's name, a person's code, or system.")
    detail: dict[str, Any]


class AlertStep(BaseModel):
    """A step of the escalation, a reminder, or the notice that it is over."""

    kind: str = Field(description="escalate, remind or resolved.")
    run: int
    round: int
    step: int
    due_at: datetime
    attempts: int
    state: str = Field(description="waiting, done or cancelled.")
    ended_at: datetime | None
    why: str | None = Field(description="Why it was cancelled.")
    held: str | None = Field(description="Why it is put off.")


class AlertMessage(BaseModel):
    """A line of the delivery log. Addresses are never given."""

    id: int
    kind: str
    person: str | None = Field(description="Code; null where the channel is of nobody.")
    channel: str
    state: str
    created_at: datetime
    not_before: datetime
    attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    alerts: int = Field(description="How many alerts it tells of.")
    held: str | None = Field(
        description="Why it waits beyond its time: bundle, hourly, quiet, snoozed, inhibited or maintenance."
    )
    bundle: int | None = Field(description="Number of the message that it went as a part of.")


class Alert(AlertRow):
    """One alert with all that is shown of it: at most 200 of each part."""

    maintenance_name: str | None
    subjects: list[AlertMember]
    events: list[AlertEvent] = Field(description="The first ones; /events gives all.")
    steps: list[AlertStep] = Field(description="Those ahead first.")
    messages: list[AlertMessage] = Field(description="The newest first.")
    told: list[str] = Field(description="Codes of those whom a message reached.")


class AlertEvents(BaseModel):
    """A page of what happened to one alert, in order."""

    events: list[AlertEvent]
    next: str | None


class AlertCount(BaseModel):
    """Open alerts of one severity."""

    waiting: int = Field(description="Nobody acknowledged them, and people are called.")
    held: int = Field(description="Nobody acknowledged them, and nobody is called now.")
    acknowledged: int


class AlertUnitCounts(BaseModel):
    """Open alerts of one unit."""

    unit: str | None = Field(description="Null: of no unit.")
    open: int
    severities: dict[str, AlertCount]


class AlertCounts(BaseModel):
    """How many alerts are open."""

    open: int
    waiting: int
    severities: dict[str, AlertCount]
    units: list[AlertUnitCounts]
    newest: datetime | None = Field(description="When the newest of them opened.")


class AlertOrder(BaseModel):
    """What goes with an action; see the operation."""

    model_config = ConfigDict(extra="forbid")

    comment: str = Field("", max_length=2000)
    to: str | None = Field(None, description="Of assign: a person's code, your own name, or null for nobody.")
    until: str | None = Field(None, description="Of snooze: a moment ahead.", examples=["2026-11-25T17:00"])
    minutes: float | None = Field(None, description="Of snooze, in place of until.")
    reason: str = Field("", max_length=2000, description="Of close.")


class AlertBulkOrder(AlertOrder):
    """An action on several alerts: all of them, or none."""

    action: str = Field(json_schema_extra={"enum": [action.value for action in Action]})
    alerts: list[int] = Field(min_length=1, max_length=1000)


class AlertActed(BaseModel):
    """What an action did to one alert."""

    id: int
    changed: bool = Field(description="False: it was so already; the note says since when and by whom.")
    note: str


class AlertsActed(BaseModel):
    """What an action did."""

    alerts: list[AlertActed]


class MaintenanceTime(BaseModel):
    """One time of a window."""

    model_config = ConfigDict(populate_by_name=True)

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")


class MaintenanceOrder(BaseModel):
    """A window that is to be made. What it names limits it; without any, it covers the reader's whole district."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str = Field(max_length=200)
    start: str = Field(alias="from", description="When it begins first.", examples=["2026-11-29T08:00"])
    end: str | None = Field(None, alias="to", description="When that time is over. Or give hours.")
    hours: float | None = None
    recurs: str | None = Field(
        None,
        description="RFC 5545 recurrence rule, by the wall clock of the district's zone: FREQ=DAILY, WEEKLY, MONTHLY "
        "or YEARLY with INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS.",
        examples=["FREQ=WEEKLY;BYDAY=SU"],
    )
    rules: list[str] = []
    units: list[str] = Field([], description="With all below them.")
    points: list[str] = []
    subjects: list[str] = Field([], examples=[["device:cam-04"]])
    reason: str = Field("", max_length=2000)


class Maintenance(BaseModel):
    """A maintenance window: alerts that it covers are kept and shown, and nobody is called for them."""

    model_config = ConfigDict(populate_by_name=True)

    id: int
    name: str
    start: datetime = Field(alias="from")
    length_s: float
    recurs: str | None
    rules: list[str]
    units: list[str]
    points: list[str]
    subjects: list[str]
    reason: str
    holds: bool
    next: MaintenanceTime | None = Field(description="The time that holds now, else the next one.")
    made_at: datetime
    made_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None


class MaintenanceList(BaseModel):
    """A page of windows, newest first."""

    windows: list[Maintenance]
    next: str | None


class AlertRuleFault(BaseModel):
    """Why a rule can't be evaluated."""

    reason: str
    since: datetime
    at: datetime = Field(description="When that was seen last.")


class AlertRule(BaseModel):
    """A rule in force, as the district pack says it, and how many alerts of it are open."""

    model_config = ConfigDict(extra="allow")

    code: str
    name_vi: str
    name_en: str
    severity: str
    kind: str
    condition: dict[str, Any]
    policy: str | None
    runbook_vi: str
    retired: bool = Field(description="Gone from the pack while alerts of it are open.")
    open: int
    waiting: int
    newest: datetime | None
    fault: AlertRuleFault | None = Field(description="Null while it can be evaluated.")


class AlertRules(BaseModel):
    """Rules in the pack's order."""

    rules: list[AlertRule]


class AuditEntry(BaseModel):
    """What somebody did."""

    at: datetime
    what: str = Field(description="alert.acknowledged, maintenance.made, duty.replace and the like.")
    actor: str
    about: str = Field(description="alert:, maintenance: or duty: and a number.")
    detail: dict[str, Any]


class AuditTrail(BaseModel):
    """A page of who did what, newest first."""

    entries: list[AuditEntry]
    next: str | None
