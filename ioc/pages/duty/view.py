"""What the calendar shows, as the page's address says it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

#: Years that a calendar can be turned to, as rosters can be asked about.
_YEARS: Final = range(1991, 2199)


@dataclass(frozen=True, slots=True)
class View:
    """:param day: any of the time; None: today, whenever that is."""

    span: str = "week"
    day: date | None = None
    roster: str | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> View:
        """Of an address; what can't be read is left out."""
        span = given.get("view", "week")
        day: date | None = None
        with suppress(ValueError):
            day = date.fromisoformat(given.get("day", ""))
        roster = given.get("roster", "").replace("\x00", "")[:200] or None
        fits = day is not None and day.year in _YEARS
        return cls(span if span in ("week", "month") else "week", day if fits else None, roster)

    @property
    def address(self) -> str:
        """The page's address for this view."""
        parts = {"view": self.span, "day": self.day and self.day.isoformat(), "roster": self.roster}
        return "/ops/duty?" + urlencode({name: value for name, value in parts.items() if value})
