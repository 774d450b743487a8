"""The delivery log, policies and channels."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ioc.api.models.alerts import AlertMessage


class Delivery(AlertMessage):
    """A line of the delivery log over all alerts."""

    severity: str
    alert_ids: list[int] = Field(description="The first 20 that the reader may know of.")


class DeliveryLog(BaseModel):
    """A page of the delivery log, newest first."""

    deliveries: list[Delivery]
    next: str | None


class AlertPolicy(BaseModel):
    """An escalation policy, as the district pack says it."""

    model_config = ConfigDict(extra="allow")

    code: str
    name_vi: str
    name_en: str
    steps: list[dict[str, Any]]


class PolicyList(BaseModel):
    """Policies by their codes."""

    policies: list[AlertPolicy]


class AlertChannel(BaseModel):
    """A way to tell people, as the district pack says it."""

    model_config = ConfigDict(extra="allow")

    code: str
    driver: str
    waiting: int = Field(description="Messages that wait or are being sent.")
    oldest: datetime | None = Field(description="When the oldest of those was written.")


class ChannelList(BaseModel):
    """Channels by their codes."""

    channels: list[AlertChannel]
