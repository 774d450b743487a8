"""Which devices a page shows, as its address says it: a view can be linked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from ioc.history.device_now import LONGEST_TEXT, Place, Wanted
from ioc.history.devices import KINDS, STATES
from ioc.pages.given import as_text

_LONGEST: Final = 100
_GREATEST_RANK: Final = 9


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at; None is everything.

    :param after: the last device of the page before.
    """

    unit: str | None = None
    point: str | None = None
    kind: str | None = None
    state: str | None = None
    text: str | None = None
    after: Place | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> View:
        """Of an address. What can't be read is left out: a link that somebody cut still shows something."""
        kind, state = given.get("kind"), given.get("state")
        return cls(
            unit=as_text(given.get("unit"), _LONGEST),
            point=as_text(given.get("point"), _LONGEST),
            kind=kind if kind in KINDS.values() else None,
            state=state if state in STATES.values() else None,
            text=as_text(given.get("text"), LONGEST_TEXT),
            after=_place(given.get("after", "")),
        )

    @property
    def wanted(self) -> Wanted:
        """The question's filter."""
        return Wanted(unit=self.unit, point=self.point, kind=self.kind, state=self.state, text=self.text)

    @property
    def is_narrow(self) -> bool:
        """Whether anything is filtered."""
        return self.wanted != Wanted()

    def address(self, *, state: str | None = None, after: Place | None = None) -> str:
        """The page's address with another state and place."""
        view = replace(self, state=state, after=after)
        parts = {
            "unit": view.unit,
            "point": view.point,
            "kind": view.kind,
            "state": view.state,
            "text": view.text,
            "after": after and f"{after.rank}.{after.code}",
        }
        said = urlencode({name: value for name, value in parts.items() if value is not None})
        return f"/ops/devices?{said}" if said else "/ops/devices"


def _place(text: str) -> Place | None:
    rank, dot, code = text.partition(".")
    if not (dot and rank.isascii() and rank.isdigit() and len(rank) == 1 and int(rank) <= _GREATEST_RANK):
        return None
    found = as_text(code, _LONGEST)
    return None if found is None else Place(int(rank), found)
