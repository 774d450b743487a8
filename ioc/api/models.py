"""The documents that the API gives, for its OpenAPI description."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Names(BaseModel):
    """A text in both languages."""

    vi: str
    en: str


class KpiTarget(BaseModel):
    """What an indicator should reach, while that is in force."""

    model_config = ConfigDict(populate_by_name=True)

    start: datetime | None = Field(alias="from")
    end: datetime | None = Field(alias="to")
    value: float = Field(description="In the indicator's own unit of measure; a share is 0 to 1.")
    warning: float | None = Field(description="Worse than the target and not worse than this is `near`.")
    strict: bool = Field(description="Whether the value itself is not enough.")
    each: str | None = Field(description="Dimension for whose every value the target holds as well.")
    unit: str | None = Field(description="Unit that it was given to, the nearest upwards; null: every unit.")
    certainty: str = Field(description="V read in an official text, C in practice, I inferred.")


class KpiDefinition(BaseModel):
    """What an indicator means."""

    id: str
    version: int
    name: Names
    formula: Names
    unit_of_measure: str
    numerator: str
    denominator: str | None
    over_units: str = Field(description="How figures of several units make one.")
    over_time: str = Field(description="How figures of several moments make one.")
    when_empty: str = Field(description="What is given where there is nothing to count.")
    direction: str = Field(description="Which way is better: up, down or none.")
    dimensions: list[str]
    current_window: str = Field(
        description="What the current figure looks back on: now, today, 1h, 5min, 30d or month."
    )
    targets: list[KpiTarget] = Field(description="In force for the unit asked for, in the order of time.")


class KpiList(BaseModel):
    """Every indicator."""

    kpis: list[KpiDefinition]


class AreaShare(BaseModel):
    """Another unit whose figures are in a re-mapped answer."""

    model_config = ConfigDict(populate_by_name=True)

    unit: str
    share: float = Field(description="Of its figures; below 1, they are estimates.")
    start: datetime | None = Field(alias="from", description="Null: since ever.")
    end: datetime | None = Field(alias="to", description="Null: to this day.")


class LeftOut(BaseModel):
    """A unit that a part of an area came from, nobody has said which: its figures are left out."""

    unit: str
    into: str
    since: date


class Composition(BaseModel):
    """How an area of today is made up."""

    mode: str = Field(description="remapped.")
    on: date = Field(description="The day whose units are meant.")
    estimated: bool = Field(description="Whether a share of a whole unit's figures is in it.")
    shares: list[AreaShare]
    left_out: list[LeftOut]


class Provenance(BaseModel):
    """What stands behind a series."""

    model_config = ConfigDict(populate_by_name=True)

    definition: str
    time_zone: str
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    closed_until: datetime | None = Field(description="Windows that end at or before this are closed.")
    complete: bool = Field(description="Whether every window of the range is closed.")
    late_facts: int | None = Field(
        description="Facts of the range that came after their window had closed; they are counted. Null as of an "
        "earlier moment, and of the platform itself."
    )
    late_share: float | None = Field(
        description="These over all facts of the range; null where there are none."
    )
    newest_fact: datetime | None
    coverage: float | None = Field(
        description="Share of device-time whose state is known; of dossiers and queues, share of the units that were "
        "heard from in the range. Null where none is to be expected, and of the platform itself."
    )
    areas: Composition | None = Field(default=None, description="Only with areas=remapped.")


class Beside(BaseModel):
    """What stands beside a figure: its target where one is in force; with areas=remapped, whether it is an estimate."""

    target: float | None = None
    status: str | None = Field(
        default=None, description="met, near, missed, or unknown where there is no figure."
    )
    estimated: bool | None = None
    reason: str | None = Field(default=None, description="Why re-mapping leaves no figure.")


class SeriesPoint(Beside):
    """One figure; with `by`, also the dimension's value under the dimension's name."""

    model_config = ConfigDict(extra="allow")

    time: datetime = Field(description="Start of the bucket, with the unit's offset.")
    value: float | int | None
    numerator: float | int | None
    denominator: float | int | None


class Series(BaseModel):
    """An indicator's figures over time."""

    kpi: str
    version: int
    unit: str | None
    bucket: str
    as_of: datetime | None
    provenance: Provenance
    targets: list[KpiTarget] = Field(
        default=[], description="In force for the unit, in the order of time; absent where there is none."
    )
    points: list[SeriesPoint]


class SeriesList(BaseModel):
    """Several series of one moment."""

    series: list[Series]


class CurrentFigure(Beside):
    """The newest figure of an indicator."""

    kpi: str
    version: int
    unit: str | None = Field(description="As asked for; null is the reader's whole scope.")
    window: str
    since: datetime
    value: float | int | None
    numerator: float | int | None
    denominator: float | int | None


class CurrentFigures(BaseModel):
    """The newest figures."""

    time: datetime
    figures: list[CurrentFigure]


class UnitEdge(BaseModel):
    """What a unit became, or came from."""

    unit: str
    share: float | None = Field(description="Of the older unit; null where nobody has said.")
    since: date = Field(description="First day of the newer unit.")


class UnitGroup(BaseModel):
    """A reporting group that a unit belongs to, beside those above it."""

    model_config = ConfigDict(populate_by_name=True)

    unit: str
    start: date | None = Field(alias="from")
    end: date | None = Field(alias="to", description="First day after.")


class Unit(BaseModel):
    """A unit that the reader may ask about."""

    code: str
    name: Names
    kind: str
    parent: str | None
    time_zone: str
    valid_from: date | None
    valid_to: date | None
    declared: bool = Field(description="False: met in a fact, described by no district pack.")
    predecessors: list[UnitEdge]
    successors: list[UnitEdge]
    groups: list[UnitGroup] = Field(description="On the day asked for; without one, ever.")


class UnitList(BaseModel):
    """Units, in pages: ask again with `after` = `next` while there is one."""

    at: date | None = Field(description="The day asked for; null: units of all days.")
    units: list[Unit]
    next: str | None = None


class Device(BaseModel):
    """A device with the state that holds now."""

    code: str
    kind: str = Field(description="camera, wifi or kiosk.")
    unit: str
    point: str | None
    name: str | None
    state: str = Field(description="ok, degraded, down, maintenance or unknown.")
    since: datetime | None
    last_time: datetime | None
    clients: int | None
    reason: str | None


class DeviceList(BaseModel):
    """Devices, in pages: ask again with `after` = `next` while there is one."""

    devices: list[Device]
    next: str | None


class DeviceState(BaseModel):
    """A stretch of time in which a device's state was the same."""

    started: datetime
    ended: datetime | None = Field(description="Null while it lasts.")
    state: str = Field(description="ok, degraded, down, maintenance, or unknown: silence.")
    reason: str | None


class DeviceStates(BaseModel):
    """One device's states in order of time, in pages."""

    device: str
    unit: str
    states: list[DeviceState]
    next: str | None


class DeviceSample(BaseModel):
    """What one probe found; the other fields are those of the device's kind."""

    model_config = ConfigDict(extra="allow")

    time: datetime
    recorded_at: datetime
    state: str


class DeviceSamples(BaseModel):
    """One device's samples in order of time, in pages."""

    device: str
    unit: str
    samples: list[DeviceSample]
    next: str | None


class Dossier(BaseModel):
    """An accepted dossier and how it stands. Nothing of who applied or who handles it is kept."""

    code: str
    unit: str
    channel: str | None
    field: str | None
    procedure: str | None
    applicant: str | None = Field(description="person or business; never who.")
    status: int | None = Field(description="Status code of the national portal.")
    state: str = Field(description="open, paused, completed or withdrawn.")
    received_at: datetime
    original_due_at: datetime | None
    due_at: datetime | None
    completed_at: datetime | None
    withdrawn_at: datetime | None
    overdue: bool = Field(description="Open past its due date now, as `dossier.overdue` counts.")
    due_soon: bool = Field(description="Within 24 hours of its due moment now.")
    without_apology: bool = Field(description="Overdue now and covered by no letter of apology.")
    completed_late: bool
    apologised_at: datetime | None
    promised_at: datetime | None
    paid_online: bool | None
    digitised: bool | None
    satisfied: bool | None
    newest_fact: datetime | None


class DossierList(BaseModel):
    """Dossiers, in pages: ask again with `after` = `next` while there is one."""

    dossiers: list[Dossier]
    next: str | None


class ReportEntry(BaseModel):
    """A report that is kept."""

    kind: str = Field(description="day, week or month.", examples=["day"])
    first: date
    last: date = Field(description="The last day, included.")
    unit: str
    language: str
    made_at: datetime


class ReportList(BaseModel):
    """Reports that are kept."""

    reports: list[ReportEntry]


class DossierEvent(BaseModel):
    """A fact about a dossier."""

    time: datetime = Field(description="When it happened.")
    recorded_at: datetime = Field(description="When it was learned.")
    type: str
    id: str
    source: str
    sequence: str
    data: dict[str, Any] = Field(description="As docs/reference/events.md describes the type.")


class DossierEvents(BaseModel):
    """What happened to one dossier, in pages."""

    code: str = Field(description="The code by which it counts, also when it was asked by another.")
    unit: str
    merged_into: str | None = Field(description="The dossier of which this turned out to be a second code.")
    events: list[DossierEvent]
    next: str | None


class QuestionWording(BaseModel):
    """What is asked, as it would be typed."""

    model_config = ConfigDict(
        populate_by_name=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "kpis": ["dossier.on_time_rate"],
                "period": "last-month",
                "bucket": "1d",
                "by": "field",
            }
        },
    )

    kpis: list[str] = Field(min_length=1, max_length=100)
    units: list[str] = Field([], description="Without any: the whole scope of whoever asks.")
    period: str | None = Field(None, description="Such as last-month; instead of from and to.")
    start: str | None = Field(None, alias="from")
    end: str | None = Field(None, alias="to")
    bucket: str | None = None
    by: str | None = None
    where: list[str] = []
    as_of: str | None = None
    areas: str | None = None


class QuestionBody(BaseModel):
    """What is sent to keep a question."""

    model_config = ConfigDict(extra="forbid")

    question: QuestionWording
    title: str = Field("", max_length=200)
    shared: bool = Field(False, description="Whether every reader may ask it.")


class SavedQuestion(QuestionBody):
    """A question that is kept."""

    name: str
    mine: bool
    updated_at: datetime


class QuestionList(BaseModel):
    """Questions by name."""

    questions: list[SavedQuestion]


class Connector(BaseModel):
    """A process that brings facts in, as it last said it was."""

    name: str
    source: str = Field(description="The machine it runs on.")
    state: str = Field(
        description="ok, failing (some sources can't be read), spooling (Kafka is away), full (events are refused), "
        "stopped, or unknown: no report for three intervals."
    )
    since: datetime
    last_report: datetime
    reason: str | None = Field(description="Null for readers of one unit.")
    sources: int = Field(description="Sources that it reads: devices, folders, senders.")
    failing: int
    failing_sources: list[str] | None = Field(description="At most 50; null for readers of one unit.")
    spooled_events: int = Field(description="Events on its disk that Kafka has not acknowledged.")
    spooled_bytes: int
    oldest_spooled_s: float | None
    interval_s: float = Field(description="Seconds between two reports.")


class ConnectorList(BaseModel):
    """Connectors."""

    connectors: list[Connector]


class Health(BaseModel):
    """Whether the platform lives, or is ready; and why not."""

    status: str
    reasons: list[str] = []
    partitions: int | None = None
    halted_sources: list[str] = []


class DutyPerson(BaseModel):
    """Somebody on duty. Contacts are never given."""

    code: str
    name: str
    title: str


class DutyPeople(BaseModel):
    """Who is on duty together."""

    count: int
    people: list[DutyPerson] | None = Field(description="Null for the guest.")


class DutyLayer(DutyPeople):
    """One layer of a roster; layers are called in their order."""

    layer: str


class DutyNow(DutyLayer):
    """A layer at the moment asked about."""

    since: datetime | None = Field(description="Since when these people; null: longer than 14 days.")
    until: datetime | None = Field(description="Until when; null: longer than 14 days.")


class DutySpan(BaseModel):
    """A time in which the same people are on duty."""

    model_config = ConfigDict(populate_by_name=True)

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    layers: list[DutyLayer]


class DutyWarning(BaseModel):
    """Something that is wrong with a roster."""

    model_config = ConfigDict(populate_by_name=True)

    kind: str = Field(
        description="gap: nobody; thin: too few in a shift; missing: somebody who is not there."
    )
    layer: str | None
    shift: str | None
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    here: int
    needs: int
    person: str | None
    text: Names


class DutyHandOver(BaseModel):
    """A change of the people in a layer."""

    layer: str
    at: datetime
    until: datetime | None
    leaving: DutyPeople
    arriving: DutyPeople
    staying: DutyPeople


class DutyRoster(BaseModel):
    """One roster."""

    model_config = ConfigDict(populate_by_name=True)

    code: str
    name: Names
    unit: str | None
    time_zone: str
    cover: str = Field(description="When somebody has to be there: always, working or none.")
    on_duty: list[DutyNow]
    warnings: list[DutyWarning]
    hand_overs: list[DutyHandOver]
    start: datetime | None = Field(default=None, alias="from", description="Only of a preview.")
    end: datetime | None = Field(default=None, alias="to")
    spans: list[DutySpan] | None = Field(default=None, description="Only of a preview; without a gap.")


class DutyAnswer(BaseModel):
    """Who is on duty."""

    at: datetime
    rosters: list[DutyRoster]
