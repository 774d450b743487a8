"""What the API says of indicators: definitions, series, newest figures."""

from __future__ import annotations

from datetime import date, datetime

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
