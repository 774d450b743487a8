"""Which dossiers are asked for, in the page's address; and how many there are, asked by indicator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from ioc.history.dossiers import Filter, State
from ioc.kpi.catalogue import find
from ioc.kpi.query import Steps, clock, current, series
from ioc.kpi.question import Asked, read
from ioc.pages.dossiers import words
from ioc.pages.words import Phrase

PAGE: Final = "/ops/dossiers"
_LONGEST: Final = 300
_LONGEST_CURSOR: Final = 1024


class Tab(StrEnum):
    """Groups of dossiers."""

    LATE = "late"
    DUE = "due"
    WITHOUT_APOLOGY = "without_apology"
    MISSES = "misses"
    PAUSED = "paused"
    OPEN = "open"


#: Name of each tab, and the indicator that counts it.
TABS: Final[dict[Tab, tuple[Phrase, str | None]]] = {
    Tab.LATE: (words.LATE, "dossier.overdue"),
    Tab.DUE: (words.DUE, "dossier.due_24h"),
    Tab.WITHOUT_APOLOGY: (words.WITHOUT_APOLOGY, "dossier.late_without_apology"),
    Tab.MISSES: (words.MISSES, None),
    Tab.PAUSED: (words.PAUSED, "dossier.paused"),
    Tab.OPEN: (words.OPEN, "dossier.open"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks for."""

    tab: Tab = Tab.LATE
    unit: str = ""
    field: str = ""
    procedure: str = ""
    channel: str = ""
    after: str = ""

    @property
    def filter(self) -> Filter:
        """As the lists are asked."""
        return Filter(
            unit=self.unit or None,
            state=None if self.tab is Tab.MISSES else State(self.tab.value),
            procedure=(self.procedure,) if self.procedure else (),
            field=(self.field,) if self.field else (),
            channel=(self.channel,) if self.channel else (),
        )

    @property
    def where(self) -> tuple[str, ...]:
        named = (("field", self.field), ("procedure", self.procedure), ("channel", self.channel))
        return tuple(f"{name}={value}" for name, value in named if value)

    def address(self, *, tab: Tab | None = None, after: str = "") -> str:
        """The page's address of the same, on another tab or page."""
        parts = [("tab", (tab or self.tab).value), *self._filters()]
        if after:
            parts.append(("after", after))
        return f"{PAGE}?{urlencode(parts)}"

    def export(self, **more: str) -> str:
        """Where the API gives the list as a file."""
        parts = [("state", self.tab.value), *self._filters(), *more.items()]
        return f"/api/v1/exports/dossiers?{urlencode(parts)}"

    def _filters(self) -> list[tuple[str, str]]:
        named = (
            ("unit", self.unit),
            ("field", self.field),
            ("procedure", self.procedure),
            ("channel", self.channel),
        )
        return [(name, value) for name, value in named if value]


def read_address(query: QueryParams) -> Wanted:
    """Read an address; a tab that there is not is the first one."""

    def one(name: str, longest: int = _LONGEST) -> str:
        return query.get(name, "").strip()[:longest]

    known = {tab.value: tab for tab in Tab}
    return Wanted(
        tab=known.get(one("tab"), Tab.LATE),
        unit=one("unit"),
        field=one("field"),
        procedure=one("procedure"),
        channel=one("channel"),
        after=one("after", _LONGEST_CURSOR),
    )


def counts(reader: str, wanted: Wanted) -> Steps[dict[Tab, int | None]]:
    """Steps to how many dossiers each tab has, by its indicator; None is unknown.

    :raises KpiError: there is no such unit.
    """
    counted = {tab: kpi for tab, (_, kpi) in TABS.items() if kpi is not None}
    found: dict[str, float | None] = {}
    if not wanted.where:
        figures = yield from current(reader, list(counted.values()), [wanted.unit] if wanted.unit else None)
        found = {figure.kpi: figure.value for figure in figures}
    else:
        # the newest figures have no filters; the current bucket of a gauge's series is now
        zone, now = yield from clock(reader, wanted.unit or None)
        asked = Asked(unit=wanted.unit or None, period="today", bucket="1d", where=wanted.where)
        for kpi in counted.values():
            points = yield from series(reader, read(find(kpi), asked, zone=zone, now=now))
            found[kpi] = points[-1].value if points else None
    return {tab: None if (value := found.get(kpi)) is None else int(value) for tab, kpi in counted.items()}
