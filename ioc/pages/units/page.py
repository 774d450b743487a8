"""``/ops/units``: the units of a day as a tree, with a few figures of now, in one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import quote

from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.units import read_day
from ioc.pages import places, trouble
from ioc.pages import words as common
from ioc.pages.live import Moment
from ioc.pages.parts.grid import Cell, Grid
from ioc.pages.parts.link import Link
from ioc.pages.parts.tag import Tag
from ioc.pages.shell import page
from ioc.pages.units import words
from ioc.pages.units.asked import LISTED, Listed, listed
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import Language, day, figure, number

_EVERY_S: Final = 5.0
#: Most units of a list: their figures are one question.
_MOST: Final = 300
#: Figures that are better zero.
_BAD: Final = frozenset({"dossier.overdue", "dossier.late_without_apology", "camera.down"})


@page("/units", common.UNITS)
async def listing(visit: Visit) -> None:
    """Choose a day; see who there was, and how each stands."""
    places.explore()
    asked = visit.request.query_params.get("at", "").strip()[:20]
    today = datetime.now(visit.zone).date()
    try:
        on = read_day(asked) if asked else today
        problem = None
    except BadQuestionError as error:
        on, problem = today, error
    _choose(visit, asked, on)
    if problem is not None:
        with Tag("p", css="ops-stale", role="alert"):
            Tag("span", f"{problem.message} {problem.remedy}")
    units = await places.units(visit, on)
    shown = list(places.tree(units))[:_MOST]
    codes = tuple(unit["code"] for _, unit in shown)
    inside = _inside(await places.units(visit))
    with Tag("section", css="ops-card"):
        Tag("h2", visit.say(words.LIST, day=day(on, visit.language)))
        if not shown:
            Tag("p", visit.say(words.NONE), css="ops-dim")
            return
        Tag("p", visit.say(words.WITHIN if on == today else words.PAST), css="ops-dim")
        stale = Tag("p", css="ops-stale", role="status")
        grid = Grid(
            visit.say(common.UNITS),
            _head(visit),
            _rows(visit, shown, None),
            hidden_caption=True,
            stacked=True,
        )
        if len(units) > len(shown):
            Tag("p", visit.say(words.MORE, shown=len(shown), all=len(units)), css="ops-note")

    def show(moment: Moment[Listed]) -> None:
        old(visit, stale, moment)
        if moment.value is not None:
            grid.fill(_head(visit), _rows(visit, shown, moment.value))

    visit.follow(
        ("units", codes),
        lambda: visit.answer(listed(visit.reader, codes, inside, named=visit.named)),
        show,
        every_s=_EVERY_S,
    )


def old(visit: Visit, stale: Tag, moment: Moment[Any]) -> None:
    """Say since when what is shown is old, and why; nothing while it is new."""
    text = trouble.stale(visit, moment)
    if stale.text != text:
        stale.set_text(text)


def _choose(visit: Visit, asked: str, on: date) -> None:
    form = Tag("form", css="ops-inline ops-apart", method="get", action="/ops/units", data_tidy=True)
    with form:
        with Tag("label", css="ops-field"):
            Tag("span", visit.say(words.OF_DAY))
            Tag("input", type="date", name="at", defaultValue=on.isoformat())
        with Tag("div", css="ops-row"):
            Tag("button", visit.say(words.SHOW), css="ops-act ops-act-first", type="submit")
            if asked:
                Link(visit.say(words.TODAY), "/ops/units")


def _inside(units: Sequence[places.Unit]) -> dict[str, frozenset[str]]:
    """Of each unit, those below it and itself."""
    below: dict[str | None, list[str]] = {}
    for unit in units:
        below.setdefault(unit["parent"], []).append(unit["code"])
        for group in unit["groups"]:
            below.setdefault(group["unit"], []).append(unit["code"])

    def walk(code: str, met: set[str]) -> set[str]:
        if code not in met:
            met.add(code)
            for one in below.get(code, ()):
                walk(one, met)
        return met

    return {unit["code"]: frozenset(walk(unit["code"], set())) for unit in units}


def _head(visit: Visit) -> list[Cell]:
    kpis = [CATALOGUE[kpi] for kpi in LISTED]
    return [
        Cell(visit.say(words.UNIT)),
        *(Cell(visit.say(Phrase(kpi.name_vi, kpi.name_en)), css="num") for kpi in kpis),
        *([Cell(visit.say(words.ALERTS), css="num"), Cell(visit.say(words.CALL))] if visit.named else []),
    ]


def _rows(visit: Visit, shown: Sequence[tuple[int, places.Unit]], found: Listed | None) -> list[list[Cell]]:
    return [_row(visit, depth, unit, found) for depth, unit in shown]


def _row(visit: Visit, depth: int, unit: places.Unit, found: Listed | None) -> list[Cell]:
    code = unit["code"]
    figures = {} if found is None else found.figures.get(code, {})
    row = [
        Cell(places.named(visit, unit), kind(visit, unit), href=address(code), css=f"depth-{min(depth, 5)}"),
        *(_figure(visit, kpi, figures, known=found is not None) for kpi in LISTED),
    ]
    if visit.named:
        count = None if found is None or found.alerts is None else found.alerts.get(code)
        text = "…" if found is None else "–" if count is None else number(count, visit.language)
        link = f"/ops/alerts?unit={quote(code, safe='')}" if count else ""
        row += [Cell(text, href=link, css="num strong" if count else "num"), call(unit)]
    return row


def _figure(visit: Visit, kpi: str, figures: Mapping[str, float | None], *, known: bool) -> Cell:
    if not known:
        return Cell("…", css="num")
    value = figures.get(kpi)
    css = "num strong" if value and kpi in _BAD else "num"
    text = figure(CATALOGUE[kpi], value, visit.language)
    return Cell(text, css=css, value="" if value is None else repr(value))


def call(unit: places.Unit) -> Cell:
    """The number to call, as a link that a phone dials."""
    if not unit["phone"]:
        return Cell("–")
    return Cell(unit["phone"], unit["contact"] or "", href=dial(unit["phone"]), css="when")


def dial(phone: str) -> str:
    """The address of a phone number: digits, and a plus where it begins with one."""
    return "tel:" + ("+" if phone.startswith("+") else "") + "".join(filter(str.isdigit, phone))


def kind(visit: Visit, unit: places.Unit) -> str:
    """What kind of unit it is."""
    known = words.KINDS.get(unit["kind"])
    return visit.say(known) if known else str(unit["kind"])


def address(code: str) -> str:
    """Where the page of a unit is."""
    return f"/ops/units/{quote(code, safe='')}"


def name_of(visit: Visit, unit: places.Unit) -> str:
    """A unit's bare name."""
    return str(unit["name"]["vi" if visit.language is Language.VI else "en"])
