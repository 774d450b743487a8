"""``/ops/dossiers``: which dossiers are late, fall due, or wait for an apology; and the story of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from ioc.api.dossiers import note
from ioc.errors import IocError
from ioc.forecast.document import REASONS
from ioc.forecast.misses import Reason
from ioc.forecast.query import Miss, ask_misses
from ioc.history import cursor, dimensions, dossiers
from ioc.kpi.names import ask_names
from ioc.pages import places
from ioc.pages import words as common
from ioc.pages.dossiers import words
from ioc.pages.dossiers.asked import PAGE, TABS, Tab, Wanted, counts, read_address
from ioc.pages.history.words import CHANNELS
from ioc.pages.parts.grid import Cell, Grid
from ioc.pages.parts.link import Link
from ioc.pages.parts.tag import Tag, choice
from ioc.pages.shell import page, problem
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import Language, day, length, number

_PAGE_ROWS: Final = 50
_MOST_MISSES: Final = 1_000
_MOST_SHOWN: Final = 300
_COLUMNS: Final = tuple(column.name for column in dossiers.COLUMNS)
Names = Mapping[str, str]


@page("/dossiers", common.DOSSIERS, named=True)
async def listed(visit: Visit) -> None:
    """Tabs with their counts, a filter, and one page of the list."""
    places.explore()
    wanted = read_address(visit.request.query_params)
    units = await places.units(visit)
    names = {unit["code"]: places.named(visit, unit) for unit in units}
    procedures = {
        code: vi if visit.language is Language.VI else en
        for code, vi, en in await visit.answer(dimensions.procedures(visit.reader))
    }
    suggested = await visit.answer(dimensions.suggested(visit.reader))
    try:
        counted = await visit.answer(counts(visit.reader, wanted))
    except IocError as error:
        counted = {}
        _filter(visit, wanted, units, procedures, suggested)
        problem(visit, error)
        return
    _tabs(visit, wanted, counted)
    _filter(visit, wanted, units, procedures, suggested)
    with Tag("section", css="ops-card", id="list", aria_live="polite"):
        try:
            if wanted.tab is Tab.MISSES:
                await _misses(visit, wanted, names, procedures)
            else:
                await _rows(visit, wanted, names, procedures, counted.get(wanted.tab))
        except IocError as error:
            problem(visit, error)
    with Tag("p", css="ops-row ops-dim ops-foot"):
        Tag("span", visit.say(words.AS_LOADED, at=visit.at(datetime.now(UTC))))
        Link(visit.say(words.AGAIN), wanted.address(after=wanted.after))
        Tag("span", visit.say(words.LOGGED))


def _tabs(visit: Visit, wanted: Wanted, counted: Mapping[Tab, int | None]) -> None:
    with Tag("nav", css="ops-tabs", aria_label=visit.say(words.TABS)):
        for tab, (name, kpi) in TABS.items():
            link = Link(visit.say(name), wanted.address(tab=tab)).classes("ops-tab")
            if tab is wanted.tab:
                link._props["aria-current"] = "page"
            if kpi is None:
                continue
            count = counted.get(tab)
            text = "–" if count is None else number(count, visit.language)
            with link:
                Tag("strong", text, css="ops-count", data_kpi=kpi, data_value="" if count is None else count)


def _filter(
    visit: Visit,
    wanted: Wanted,
    units: Sequence[places.Unit],
    procedures: Names,
    suggested: Sequence[tuple[str, str]],
) -> None:
    say = visit.say
    with Tag("div", css="ops-filters"):
        with Tag("form", css="ops-inline", method="get", action=PAGE, data_tidy=True):
            Tag("input", type="hidden", name="tab", value=wanted.tab.value)
            choice(
                "unit",
                say(words.UNIT),
                [
                    ("", say(words.ALL_UNITS)),
                    *(
                        (unit["code"], f"{'   ' * depth}{places.named(visit, unit)}")
                        for depth, unit in places.tree(units)
                    ),
                ],
                wanted.unit,
            )
            if wanted.tab is not Tab.MISSES:
                fields = [value for dimension, value in suggested if dimension == "field"]
                channels = [value for dimension, value in suggested if dimension == "channel"]
                choice(
                    "field",
                    say(words.FIELD),
                    [("", say(words.ALL_FIELDS)), *((one, one) for one in fields)],
                    wanted.field,
                )
                choice(
                    "procedure",
                    say(words.PROCEDURE),
                    [
                        ("", say(words.ALL_PROCEDURES)),
                        *((code, _named(procedures, code)) for code in procedures),
                    ],
                    wanted.procedure,
                )
                choice(
                    "channel",
                    say(words.CHANNEL),
                    [("", say(words.ALL_CHANNELS)), *((one, _channel(visit, one)) for one in channels)],
                    wanted.channel,
                )
            with Tag("div", css="ops-row"):
                Tag("button", say(words.APPLY), css="ops-act ops-act-first", type="submit")
                if wanted.unit or wanted.where:
                    Link(say(words.CLEAR), f"{PAGE}?tab={wanted.tab}")
        with Tag("form", css="ops-inline", method="get", action=f"{PAGE}/story", data_tidy=True):
            with Tag("label", css="ops-field"):
                Tag("span", say(words.FIND))
                Tag("input", name="code", maxlength=50, required=True)
            Tag("button", say(words.OPEN_IT), css="ops-act", type="submit")


async def _rows(visit: Visit, wanted: Wanted, units: Names, procedures: Names, count: int | None) -> None:
    order = dossiers.Order.DUE
    asked = {**wanted.filter.noted, "order": order}
    place = cursor.read(wanted.after, dossiers.Place, asked) if wanted.after else None
    rows, last = await visit.answer(
        dossiers.page(visit.reader, wanted.filter, order=order, after=place, limit=_PAGE_ROWS)
    )
    await note(visit.platform.database, visit.reader, "dossiers", asked, rows=len(rows))
    found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    missing = {one["procedure"] for one in found} - set(procedures)
    called = {**procedures, **await visit.answer(ask_names("procedure", missing))}
    title = visit.say(TABS[wanted.tab][0])
    with Tag("div", css="ops-row ops-spread"):
        Tag("h2", title)
        _exports(visit, wanted)
    if not found:
        told = (
            words.NEVER
            if count is None
            else words.NONE_FILTERED
            if wanted.unit or wanted.where
            else words.NONE
        )
        Tag("p", visit.say(told), css="ops-dim")
    else:
        head, cells = table(visit, found, units, called)
        Grid(title, head, cells, hidden_caption=True, stacked=True)
    with Tag("div", css="ops-row"):
        if wanted.after:
            Link(visit.say(words.FIRST), wanted.address())
        if last is not None:
            Link(visit.say(words.NEXT), wanted.address(after=cursor.write(last, asked))).classes("ops-button")


def _exports(visit: Visit, wanted: Wanted) -> None:
    with Tag("nav", css="ops-row", aria_label=visit.say(words.EXPORT)):
        Tag("span", f"{visit.say(words.EXPORT)}:", css="ops-dim")
        for kind, more in (("xlsx", {}), ("csv", {"bom": "true"})):
            link = Link(kind.upper(), wanted.export(format=kind, **more)).classes("ops-button")
            link._props["download"] = ""


def table(
    visit: Visit, found: Sequence[Mapping[str, Any]], units: Names, procedures: Names
) -> tuple[list[Cell], list[list[Cell]]]:
    """Dossiers as rows of a table."""
    head = [
        Cell(visit.say(phrase))
        for phrase in (
            words.CODE,
            words.PROCEDURE,
            words.UNIT,
            words.RECEIVED,
            words.DUE_AT,
            words.TIME_LEFT,
            words.STATUS,
            words.APOLOGY,
        )
    ]
    now = datetime.now(UTC)
    return head, [_row(visit, one, units, procedures, now) for one in found]


def _row(visit: Visit, one: Mapping[str, Any], units: Names, procedures: Names, now: datetime) -> list[Cell]:
    channel = one["channel"]
    beside = [one["field"] or "", _channel(visit, channel) if channel else ""]
    return [
        Cell(one["code"], href=story(one["code"]), css="when"),
        Cell(_named(procedures, one["procedure"]), " · ".join(filter(None, beside))),
        Cell(units.get(one["unit"], one["unit"])),
        Cell(visit.at(one["received_at"]), css="when"),
        due(visit, one),
        time_left(visit, one, now),
        status(visit, one),
        apology(visit, one),
    ]


def story(code: str) -> str:
    """Where the story of a dossier is told."""
    return f"{PAGE}/story?code={quote(code, safe='')}"


def due(visit: Visit, one: Mapping[str, Any]) -> Cell:
    """The due date, with the first one where it was moved."""
    if one["due_at"] is None:
        return Cell("–", visit.say(words.NO_DUE))
    first = one["original_due_at"]
    moved = first is not None and first != one["due_at"]
    return Cell(
        visit.at(one["due_at"]), visit.say(words.ORIGINAL, at=visit.at(first)) if moved else "", css="when"
    )


def time_left(visit: Visit, one: Mapping[str, Any], now: datetime) -> Cell:
    """How many days it is over its date, or how long is left; nothing where neither counts."""
    if one["due_at"] is None or one["state"] not in ("open", "paused"):
        return Cell("–")
    if one["overdue"]:
        days = now.astimezone(visit.zone).date() - one["due_at"].astimezone(visit.zone).date()
        return Cell(
            visit.say(words.OVER_DAYS, count=days.days),
            f"▲ {visit.say(words.OVER)}",
            css="when bad",
            value=str(days.days),
        )
    left = one["due_at"] - now
    if left.total_seconds() <= 0:
        return Cell("–")
    soon = bool(one["due_soon"])
    return Cell(
        visit.say(words.LEFT, length=length(left, visit.language)),
        f"◷ {visit.say(words.DUE)}" if soon else "",
        css="warn" if soon else "",
    )


def status(visit: Visit, one: Mapping[str, Any]) -> Cell:
    """The state by the platform's reckoning, and below it the source's own status."""
    state = words.STATES.get(one["state"])
    code = one["status"]
    known = words.STATUSES.get(code)
    own = "" if code is None else visit.say(known) if known else visit.say(words.OTHER_STATUS, code=code)
    return Cell(visit.say(state) if state else one["state"], own)


def apology(visit: Visit, one: Mapping[str, Any]) -> Cell:
    """Whether a letter of apology covers it."""
    if one["without_apology"]:
        return Cell("", f"✗ {visit.say(words.MISSING)}", css="bad")
    if one["apologised_at"] is None:
        return Cell("–")
    promised = one["promised_at"]
    return Cell(
        f"✓ {visit.say(words.APOLOGISED, at=visit.at(one['apologised_at']))}",
        visit.say(words.PROMISED, at=visit.at(promised)) if promised is not None else "",
    )


def _named(names: Names, code: str | None) -> str:
    if code is None:
        return "–"
    name = names.get(code, code)
    return name if name == code else f"{name} ({code})"


def _channel(visit: Visit, channel: str) -> str:
    return visit.say(CHANNELS[channel]) if channel in CHANNELS else channel


# -- forecasts ------------------------------------------------------------------------------------------


async def _misses(visit: Visit, wanted: Wanted, units: Names, procedures: Names) -> None:
    found = await visit.answer(ask_misses(visit.reader, wanted.unit or None, None, most=_MOST_MISSES))
    asked = {"unit": wanted.unit or None}
    coming = [miss for miss in found.listed if miss.reason is not Reason.OVERDUE]
    await note(visit.platform.database, visit.reader, "dossiers", asked, rows=min(len(coming), _MOST_SHOWN))
    Tag("h2", visit.say(words.MISSES))
    if found.units:
        whole = found.units[0]
        told = [visit.say(words.MISSES_LIKELY, likely=number(whole.likely, visit.language))]
        if whole.sum_of_chances is not None:
            told.append(visit.say(words.MISSES_SUM, sum=number(whole.sum_of_chances, visit.language)))
        if whole.unknown:
            told.append(visit.say(words.MISSES_UNKNOWN, unknown=number(whole.unknown, visit.language)))
        Tag("p", " ".join(told))
    Tag("p", visit.say(words.MISSES_UNIT), css="ops-dim")
    if not coming:
        Tag("p", visit.say(words.NONE), css="ops-dim")
        return
    head = [
        Cell(visit.say(phrase))
        for phrase in (
            words.CODE,
            words.PROCEDURE,
            words.UNIT,
            words.DUE_AT,
            words.CHANCE,
            words.EXPECTED,
            words.WHY,
        )
    ]
    Grid(
        visit.say(words.MISSES),
        head,
        [_miss(visit, miss, units, procedures) for miss in coming[:_MOST_SHOWN]],
        hidden_caption=True,
        stacked=True,
    )
    if len(coming) > _MOST_SHOWN or found.found > len(found.listed):
        Tag("p", visit.say(words.MISSES_MORE), css="ops-note")


def _miss(visit: Visit, miss: Miss, units: Names, procedures: Names) -> list[Cell]:
    between = ""
    if miss.low is not None and miss.high is not None:
        between = visit.say(words.BETWEEN, low=visit.at(miss.low), high=visit.at(miss.high))
    reason = REASONS[miss.reason.value]
    return [
        Cell(miss.code, href=story(miss.code), css="when"),
        Cell(_named(procedures, miss.procedure), miss.field or ""),
        Cell(units.get(miss.unit, miss.unit)),
        Cell(day(miss.due, visit.language), css="when"),
        Cell(f"{number(miss.chance * 100, visit.language)} %", css="num"),
        Cell("–" if miss.expected is None else visit.at(miss.expected), between),
        Cell(visit.say(Phrase(reason["vi"], reason["en"]))),
    ]
