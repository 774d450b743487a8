"""What the API says of units and devices."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from ioc.api.models.figures import Names


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
    phone: str | None = Field(
        description="Number to call; null where the pack names none, and for the guest."
    )
    contact: str | None = Field(description="Whose number it is, by role.")


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
