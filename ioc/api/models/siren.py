"""What the siren page asks and says."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class SirenText(BaseModel):
    """A heading and the lines below it."""

    heading: str
    lines: list[str]


class SirenAlert(BaseModel):
    """An open alert that nobody has taken on."""

    id: int
    severity: str
    since: datetime
    vi: SirenText
    en: SirenText


class SirenMessage(BaseModel):
    """A message that waits until a page has shown it."""

    id: int
    kind: str
    severity: str
    alerts: list[int] = Field(description="Numbers of the alerts that it is about.")
    sounds: bool = Field(description="Whether the siren sounds for it.")
    vi: SirenText
    en: SirenText


class SirenScreen(BaseModel):
    """What a siren page shows now."""

    at: datetime = Field(description="By the district's clock.")
    messages: list[SirenMessage]
    alerts: list[SirenAlert] = Field(description="Worst first, at most 30.")
    total: int = Field(description="How many alerts there are in all.")


class SirenShown(BaseModel):
    """What a siren page showed."""

    model_config = ConfigDict(extra="forbid")

    messages: list[int] = Field(max_length=100, description="Numbers of messages.")
    sound: bool = Field(False, description="Whether the page could be heard.")


class SirenTaken(BaseModel):
    """What was done."""

    taken: int = Field(description="How many of them had been waiting for it.")


class SirenAcknowledged(BaseModel):
    """Alerts that somebody in the room takes on."""

    model_config = ConfigDict(extra="forbid")

    alerts: list[int] = Field(min_length=1, max_length=100, description="Numbers of alerts.")
