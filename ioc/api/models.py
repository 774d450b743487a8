"""The documents that the API gives, for its OpenAPI description."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class Names(BaseModel):
    """A text in both languages."""

    vi: str
    en: str


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
    current_window: str = Field(description="What the current figure looks back on: now, today, 1h or 5min.")


class KpiList(BaseModel):
    """Every indicator."""

    kpis: list[KpiDefinition]


class Provenance(BaseModel):
    """What stands behind a series."""

    model_config = ConfigDict(populate_by_name=True)

    definition: str
    time_zone: str
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    closed_until: datetime | None = Field(description="Windows that end at or before this are closed.")
    complete: bool = Field(description="Whether every window of the range is closed.")
    late_facts: int = Field(description="Facts that came after their window had closed; they are counted.")
    newest_fact: datetime | None
    coverage: float | None = Field(
        description="Share of device-time whose state is known; null for other indicators."
    )


class SeriesPoint(BaseModel):
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
    points: list[SeriesPoint]


class CurrentFigure(BaseModel):
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


class UnitList(BaseModel):
    """Units."""

    units: list[Unit]


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
