"""Who is on duty."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from ioc.api.models.figures import Names


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


class DutyRosterWarning(DutyWarning):
    """Something that is wrong, and with which roster."""

    roster: str


class DutyWarnings(BaseModel):
    """What is lacking, by time."""

    at: datetime
    warnings: list[DutyRosterWarning]
