"""What the API says of single dossiers, and of reports for leaders."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field


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
