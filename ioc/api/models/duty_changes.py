"""What changes duty, and the shift log."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ioc.api.models.duty import DutyAnswer
from ioc.duty.temporary import MOST_PEOPLE, MOST_SHIFTS
from ioc.duty.wording import LONGEST_REASON, ShiftWording, Wording

_LONGEST_CODE = 50
_LONGEST_TIME = 40
_MOST_CHANGES = 100


class DutyShiftBody(BaseModel):
    """One shift of a temporary schedule."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    layer: str | None = Field(
        None, max_length=_LONGEST_CODE, description="May be left out where there is one only."
    )
    people: list[str] = Field(
        min_length=1, max_length=MOST_PEOPLE, description="Codes of everybody in the shift."
    )
    start: str = Field(alias="from", max_length=_LONGEST_TIME)
    end: str = Field(alias="to", max_length=_LONGEST_TIME)
    needs: int = Field(1, ge=0, le=MOST_PEOPLE)


class DutyChangeBody(BaseModel):
    """A change, as it is sent. Times without an offset are in the roster's zone, those of leave in the district's."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: Literal["add", "remove", "replace", "swap", "leave", "temporary"]
    roster: str | None = Field(
        None, max_length=_LONGEST_CODE, description="May be left out where there is one only; leave has none."
    )
    layer: str | None = Field(
        None, max_length=_LONGEST_CODE, description="Every layer without it; add needs one."
    )
    person: str | None = Field(
        None,
        max_length=_LONGEST_CODE,
        description="Whom it is about; a temporary schedule names people in its shifts.",
    )
    other: str | None = Field(
        None, max_length=_LONGEST_CODE, description="Of replace and swap: the second person."
    )
    start: str | None = Field(
        None,
        alias="from",
        max_length=_LONGEST_TIME,
        description="Of a swap: any moment of the first person's shift.",
    )
    end: str | None = Field(
        None, alias="to", max_length=_LONGEST_TIME, description="First moment after; none for a swap."
    )
    other_from: str | None = Field(
        None, max_length=_LONGEST_TIME, description="Of a swap: any moment of the second person's shift."
    )
    reason: str = Field("", max_length=LONGEST_REASON, description="Kept and shown: nothing private.")
    shifts: list[DutyShiftBody] = Field([], max_length=MOST_SHIFTS, description="Of a temporary schedule.")

    def wording(self) -> Wording:
        """The same for the domain."""
        return Wording(
            self.kind,
            self.person,
            self.start,
            self.end,
            self.roster,
            self.layer,
            self.other,
            self.other_from,
            self.reason,
            tuple(
                ShiftWording(tuple(one.people), one.start, one.end, one.layer, one.needs)
                for one in self.shifts
            ),
        )


class DutySuppositionBody(BaseModel):
    """Changes that are only supposed, and the time to look at."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    changes: list[DutyChangeBody] = Field(min_length=1, max_length=_MOST_CHANGES)
    roster: str | None = Field(None, max_length=_LONGEST_CODE)
    start: str | None = Field(None, alias="from", max_length=_LONGEST_TIME)
    end: str | None = Field(None, alias="to", max_length=_LONGEST_TIME)


class DutyShift(BaseModel):
    """One shift of a temporary schedule."""

    model_config = ConfigDict(populate_by_name=True)

    layer: str
    people: list[str]
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    needs: int


class DutyChange(BaseModel):
    """A change with its trail; people by their codes."""

    model_config = ConfigDict(populate_by_name=True)

    id: int
    kind: str = Field(description="add, remove, replace, swap, leave or temporary.")
    roster: str | None = Field(description="Null for leave, which is of every roster.")
    layer: str | None = Field(description="Null for every layer.")
    person: str | None
    other: str | None
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    other_from: datetime | None
    other_to: datetime | None
    shifts: list[DutyShift]
    reason: str
    made_at: datetime
    made_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    held_until: datetime | None = Field(
        description="Of one that was withdrawn: until when it was in force; null: it never was."
    )


class DutyChangeMade(BaseModel):
    """A change that was stored."""

    change: DutyChange
    notes: list[str] = Field(description="What it does not do, or leaves empty.")


class DutyChangeList(BaseModel):
    """Changes, newest first."""

    changes: list[DutyChange]
    next: str | None = Field(description="For `after`, where there are more.")


class DutySupposed(DutyAnswer):
    """Duty as it would be."""

    notes: list[str]


class DutyLogBody(BaseModel):
    """A line for the shift log."""

    model_config = ConfigDict(extra="forbid")

    roster: str | None = Field(
        None, max_length=_LONGEST_CODE, description="May be left out where there is one only."
    )
    text: str = Field(min_length=1, max_length=4000)


class DutyLogEntry(BaseModel):
    """A line of the shift log."""

    id: int
    roster: str
    at: datetime
    author: str = Field(description="A reader, a name given at the command line, or `system`.")
    text: str


class DutyLog(BaseModel):
    """A roster's shift log, newest first."""

    roster: str
    entries: list[DutyLogEntry]
    next: str | None
