"""The question in the page's address, and the way back: what is shown can be linked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from ioc.history.comparing import Against
from ioc.history.questions import Wording
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.question import Asked

#: Longest text of one part; a longer one is no code and no moment.
_LONGEST: Final = 300
_MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks for: texts as they came."""

    kpis: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    period: str = ""
    start: str = ""
    end: str = ""
    bucket: str = ""
    by: str = ""
    where: tuple[str, ...] = ()
    as_of: str = ""
    areas: str = ""
    compare: str = ""
    known: str = ""

    @property
    def asked(self) -> Asked:
        return self.wording.asked

    @property
    def places(self) -> Sequence[str | None]:
        return self.wording.places

    @property
    def against(self) -> Against | None:
        """What it is held against.

        :raises BadQuestionError: there is no such comparison.
        """
        if not self.compare:
            return None
        try:
            return Against(self.compare)
        except ValueError:
            raise BadQuestionError(
                f"There is no comparison {self.compare!r}.", remedy=f"Comparisons are {', '.join(Against)}."
            ) from None

    @property
    def wording(self) -> Wording:
        """As it is kept by name; what it is compared with is not part of it."""
        return Wording(
            kpis=self.kpis,
            units=self.units,
            period=self.period or None,
            start=self.start or None,
            end=self.end or None,
            bucket=self.bucket or None,
            by=self.by or None,
            where=self.where,
            as_of=self.as_of or None,
            areas=self.areas or None,
        )

    def api(self, **more: str) -> str:
        """The query by which the API's exports are asked the same."""
        parts = [("ids", ",".join(self.kpis))]
        if self.units:
            parts.append(("units", ",".join(self.units)))
        return urlencode([*parts, *self._rest(), *more.items()])

    def _rest(self) -> list[tuple[str, str]]:
        named = (
            ("period", self.period),
            ("from", self.start),
            ("to", self.end),
            ("bucket", self.bucket),
            ("by", self.by),
            ("as_of", self.as_of),
            ("areas", self.areas),
        )
        return [*((name, value) for name, value in named if value), *(("where", part) for part in self.where)]


def read(query: QueryParams) -> Wanted:
    """Read an address. Indicators and units may be repeated, or separated by commas as the API has them."""

    def one(name: str) -> str:
        return query.get(name, "").strip()[:_LONGEST]

    return Wanted(
        kpis=_several(query, "ids"),
        units=_several(query, "units"),
        period=one("period"),
        start=one("from"),
        end=one("to"),
        bucket=one("bucket"),
        by=one("by"),
        where=tuple(part.strip()[:_LONGEST] for part in query.getlist("where")[:50] if part.strip()),
        as_of=one("as_of"),
        areas=one("areas"),
        compare=one("compare"),
        known=one("known"),
    )


def _several(query: QueryParams, name: str) -> tuple[str, ...]:
    parts = (part.strip() for text in query.getlist(name) for part in text.split(","))
    return tuple(dict.fromkeys(part[:_LONGEST] for part in parts if part))[:_MOST]


def address(wording: Wording) -> str:
    """The page's address of a question that is kept."""
    parts = [("ids", kpi) for kpi in wording.kpis] + [("units", unit) for unit in wording.units]
    named = (
        ("period", wording.period),
        ("from", wording.start),
        ("to", wording.end),
        ("bucket", wording.bucket),
        ("by", wording.by),
        ("as_of", wording.as_of),
        ("areas", wording.areas),
    )
    parts += [(name, value) for name, value in named if value]
    parts += [("where", part) for part in wording.where]
    return f"/ops/history?{urlencode(parts)}"
