"""Questions that are kept by name."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


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
