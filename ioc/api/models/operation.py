"""What the API says of the platform itself."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


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


class Trouble(BaseModel):
    """One thing that is wrong."""

    level: str = Field(description="degraded or down.")
    what: str
    since: datetime | None = Field(description="When it began, as far as that is known.")
    do: str = Field(description="What a person can do about it.")


class Health(BaseModel):
    """Whether the platform lives, or is ready; and why not."""

    status: str = Field(
        description="live; or ok, degraded (it goes on, something is late or missing: 200), down (503)."
    )
    reasons: list[str] = Field([], description="Why it is down, a sentence each.")
    partitions: int | None = None
    halted_sources: list[str] = []
    degraded: list[str] = Field(
        [], description="What is degraded, a sentence each; the platform is ready nevertheless."
    )
    troubles: list[Trouble] = Field([], description="All of it, the worst first.")
