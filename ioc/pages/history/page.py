"""``/ops/history``: the question in the address, its answer as charts, table and provenance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Final
from urllib.parse import quote

from nicegui import ui

from ioc.errors import IocError
from ioc.history import dimensions
from ioc.history.comparing import Against, ends_at
from ioc.history.formats import Format
from ioc.kpi.definition import Kpi
from ioc.pages import places, trouble
from ioc.pages import words as common
from ioc.pages.history import asked, chart, form, keeping, provenance, table, words
from ioc.pages.history.answer import Found, Shown, find
from ioc.pages.history.asked import Wanted
from ioc.pages.parts.grid import Grid
from ioc.pages.parts.link import Link
from ioc.pages.parts.tag import Tag
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import as_shown, day, figure

#: An answer that takes longer is waited for on the page.
_AT_ONCE_S: Final = 0.3
Namer = Callable[[str | None], str]


@page("/history", common.HISTORY)
async def history(visit: Visit) -> None:
    """The form beside the answer; both come from the address."""
    places.explore()
    wanted = asked.read(visit.request.query_params)
    units = await places.units(visit)
    names = {unit["code"]: places.named(visit, unit) for unit in units}
    whole = visit.say(visit.district) or visit.say(Phrase("Toàn bộ", "All"))

    def unit_name(code: str | None) -> str:
        return whole if code is None else names.get(code, code)

    values = await visit.answer(dimensions.suggested(visit.reader))
    with Tag("div", css="ops-beside"):
        with Tag("div", css="ops-side"):
            if wanted.kpis:
                with Tag("details", css="ops-fold", data_fold=True, open=True):
                    Tag("summary", visit.say(words.QUESTION))
                    form.draw(visit, wanted, units, _suggestions(visit, values))
            else:
                form.draw(visit, wanted, units, _suggestions(visit, values))
        with Tag("div", css="ops-answer"):
            if wanted.kpis:
                await _answer(visit, wanted, unit_name)
            else:
                await _begin(visit)


def _suggestions(visit: Visit, values: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    found = []
    for dimension, value in values:
        name = words.CHANNELS.get(value) if dimension == "channel" else None
        dim = visit.say(words.DIMENSIONS[dimension])
        found.append((f"{dimension}={value}", f"{dim}: {visit.say(name) if name else value}"))
    return found


async def _begin(visit: Visit) -> None:
    with Tag("section", css="ops-card"):
        Tag("h2", visit.say(words.START))
        Tag("p", visit.say(words.START_BODY))
        Tag("h3", visit.say(words.READY))
        with Tag("ul", css="ops-plain"):
            for name, query in words.EXAMPLES:
                with Tag("li"):
                    Link(visit.say(name), f"/ops/history?{query}")
    await keeping.Shelf(visit).load()


async def _answer(visit: Visit, wanted: Wanted, unit_name: Namer) -> None:
    task = asyncio.ensure_future(_find(visit, wanted))
    place = Tag("div", css="ops-answer", aria_live="polite")
    with place:
        waiting = Tag("p", visit.say(words.ASKING), css="ops-card", role="status")
    await asyncio.wait({task}, timeout=_AT_ONCE_S)
    if not task.done():
        try:
            # the page goes out as it is; the rest follows when the browser is there
            await ui.context.client.connected(timeout=30.0)
        except TimeoutError:
            task.cancel()
            return
    try:
        found = await task
    except IocError as error:
        waiting.delete()
        with place:
            refused(visit, error)
        return
    waiting.delete()
    with place:
        _show(visit, wanted, found, unit_name)
        with Tag("div", css="ops-two"):
            shelf = keeping.Shelf(visit)
            keeping.keep(visit, wanted, shelf)
    await shelf.load()


async def _find(visit: Visit, wanted: Wanted) -> Found:
    return await visit.answer(find(visit.reader, wanted))


def refused(visit: Visit, error: IocError) -> None:
    """Say what is wrong with the question, and what to change; the form beside it stays as it is."""
    with Tag("section", css="ops-problem", role="alert"):
        Tag("h2", visit.say(words.REFUSED))
        slug = getattr(error, "slug", "")
        if slug in words.REFUSALS:
            Tag("p", visit.say(words.REFUSALS[slug]))
            Tag("p", error.message)
            remedy = error.remedy
        else:
            what, remedy = trouble.failed(visit, error)
            Tag("p", what)
        if remedy:
            Tag("p", remedy)


def _show(visit: Visit, wanted: Wanted, found: Found, unit_name: Namer) -> None:
    names = _names(visit, found, unit_name)
    if not found.shown:
        Tag("p", visit.say(words.NOTHING), css="ops-card")
        return
    unfinished = _unfinished(found)
    with Tag("section", css="ops-card"):
        _title(visit, found)
        _wholes(visit, found, unit_name)
        if all(point is None or point.value is None for one in found.shown for point in one.line.points):
            Tag("p", visit.say(words.ALL_UNKNOWN), css="ops-note")
        else:
            _charts(visit, found, names, unfinished)
        if found.all_lines > len(found.shown):
            Tag(
                "p",
                visit.say(words.MORE_LINES, shown=len(found.shown), all=found.all_lines),
                css="ops-note",
            )
    if found.against is Against.KNOWN:
        _corrections(visit, found, names)
    _table(visit, wanted, found, names, unfinished)
    provenance.draw(visit, found, unit_name)


def _title(visit: Visit, found: Found) -> None:
    question = found.answers[0].question
    with Tag("div", css="ops-headline"):
        kpis = dict.fromkeys(answer.question.kpi for answer in found.answers)
        Tag("h2", " · ".join(visit.say(Phrase(kpi.name_vi, kpi.name_en)) for kpi in kpis))
        spans = [(question.start, question.end)]
        if found.others and found.against is not Against.KNOWN:
            spans.append((found.others[0].question.start, found.others[0].question.end))
        Tag("p", "  ↔  ".join(_span(visit, start, end) for start, end in spans), css="ops-dim")


def _wholes(visit: Visit, found: Found, unit_name: Namer) -> None:
    """What the whole period comes to, for each indicator and unit, beside the other period's."""
    if found.wholes is None or len(found.shown[0].times) == 1:
        return
    several = len({answer.question.unit for answer in found.answers}) > 1
    with Tag("dl", css="ops-facts ops-wholes"):
        for answer in found.answers:
            kpi, unit = answer.question.kpi, answer.question.unit
            whole = found.wholes.get((kpi.id, unit))
            value = whole and whole.value
            with Tag("div"):
                name = visit.say(Phrase(kpi.name_vi, kpi.name_en))
                Tag("dt", f"{name} · {unit_name(unit)}" if several else name)
                Tag(
                    "dd",
                    figure(kpi, value, visit.language),
                    css="ops-whole-figure",
                    data_whole="" if value is None else repr(value),
                )
                before = None if found.others_wholes is None else found.others_wholes.get((kpi.id, unit))
                if before is not None and found.against is not None:
                    with Tag("dd"):
                        Tag("small", _against(visit, found.against, kpi, value, before.value))


def _against(visit: Visit, against: Against, kpi: Kpi, value: float | None, before: float | None) -> str:
    told = f"{visit.say(words.AGAINST[against])}: {figure(kpi, before, visit.language)}"
    if value is None or before is None:
        return told
    change = as_shown(kpi, as_shown(kpi, value) - as_shown(kpi, before))
    return f"{told} ({figure(kpi, change, visit.language, signed=True)})"


def _span(visit: Visit, start: datetime, end: datetime) -> str:
    """A range as people say it: whole days by their first and last one."""
    edges = start.astimezone(visit.zone), end.astimezone(visit.zone)
    if any(edge.time() != time() for edge in edges):
        return f"{visit.at(start)} – {visit.at(end)}"
    first, last = edges[0].date(), edges[1].date() - timedelta(days=1)
    return " – ".join(dict.fromkeys((day(first, visit.language), day(last, visit.language))))


def _names(visit: Visit, found: Found, unit_name: Namer) -> list[str]:
    """What tells each series from the others."""
    kpis = {answer.question.kpi.id for answer in found.answers}
    units = {answer.question.unit for answer in found.answers}
    names = []
    for one in found.shown:
        kpi = one.answer.question.kpi
        parts = []
        if len(kpis) > 1 or one.answer.question.by is None:
            parts.append(visit.say(Phrase(kpi.name_vi, kpi.name_en)))
        if len(units) > 1:
            parts.append(unit_name(one.answer.question.unit))
        if one.answer.question.by is not None:
            parts.append(_dim(visit, one, unit_name))
        names.append(" · ".join(parts))
    return names


def _dim(visit: Visit, one: Shown, unit_name: Namer) -> str:
    dim, by = one.line.dim, one.answer.question.by
    if dim is None:
        return visit.say(words.WITHOUT)
    if by == "unit":
        return unit_name(dim)
    if by == "channel" and dim in words.CHANNELS:
        return visit.say(words.CHANNELS[dim])
    return one.dim_name or dim


def _unfinished(found: Found) -> datetime | None:
    """The bucket that is not over, where the range reaches into it."""
    first = found.shown[0]
    for moment in reversed(first.times):
        if moment <= found.moment:
            end = ends_at(moment, first.answer.question.bucket, first.answer.zone)
            return moment if end > found.moment else None
    return None


def _charts(visit: Visit, found: Found, names: Sequence[str], unfinished: datetime | None) -> None:
    both = sorted(
        zip(found.shown, names, strict=True), key=lambda pair: pair[0].answer.question.kpi.unit_of_measure
    )
    for _, group in groupby(both, key=lambda pair: pair[0].answer.question.kpi.unit_of_measure):
        pairs = list(group)
        shown, called = [one for one, _ in pairs], [name for _, name in pairs]
        place = next((at for at, moment in enumerate(shown[0].times) if moment == unfinished), None)
        if len(shown[0].times) == 1:
            look, css = chart.bars(visit, shown, called), f"ops-bars-{min(len(shown), 12)}"
        else:
            look, css = chart.options(visit, shown, called, place), "ops-chart"
        drawn = ui.echart(look, renderer="svg").classes(css)
        drawn._props["role"] = "img"
        question = shown[0].answer.question
        drawn._props["aria-label"] = visit.say(
            words.CHART_OF,
            what=", ".join(dict.fromkeys(called)),
            start=visit.at(question.start),
            end=visit.at(question.end),
        )


def _corrections(visit: Visit, found: Found, names: Sequence[str]) -> None:
    known = found.others[0].question.as_of if found.others else None
    if known is None:
        return
    at = visit.at(known)
    with Tag("section", css="ops-card", id="corrections"):
        Tag("h2", visit.say(words.CORRECTIONS, at=at))
        head, rows = table.corrections(visit, found, names, known)
        if not rows:
            Tag("p", visit.say(words.NO_CORRECTIONS, at=at))
            return
        Tag("p", visit.say(words.CORRECTED, count=len(rows)))
        Grid(
            visit.say(words.CORRECTIONS, at=at),
            head,
            rows[: table.MOST_CELLS // len(head)],
            hidden_caption=True,
        )


def _table(
    visit: Visit, wanted: Wanted, found: Found, names: Sequence[str], unfinished: datetime | None
) -> None:
    say = visit.say
    one_moment = len({moment for one in found.shown for moment in one.times if moment <= found.moment}) <= 1
    make = table.detailed if len(found.shown) == 1 or one_moment else table.side_by_side
    head, rows = make(visit, found, names, unfinished)
    most = max(1, table.MOST_CELLS // len(head))
    with Tag("section", css="ops-card", id="figures"):
        with Tag("div", css="ops-row ops-spread"):
            Tag("h2", say(words.TABLE))
            _exports(visit, wanted)
        Grid(say(words.TABLE), head, rows[-most:], hidden_caption=True)
        if any(cell.value == "" for row in rows for cell in row):
            Tag("small", say(words.DASH), css="ops-dim")
        if len(rows) > most:
            Tag("p", say(words.MORE_ROWS, shown=most, all=len(rows)), css="ops-note")


def _exports(visit: Visit, wanted: Wanted) -> None:
    with Tag("nav", css="ops-row", aria_label=visit.say(words.EXPORT)):
        if not visit.named:
            Link(visit.say(words.EXPORT_LOGIN), f"/login?next={quote(visit.place, safe='')}")
            return
        Tag("span", f"{visit.say(words.EXPORT)}:", css="ops-dim")
        for kind in (Format.XLSX, Format.CSV, Format.PARQUET, Format.ARROW):
            more = {"bom": "true"} if kind is Format.CSV else {}
            link = Link(kind.value.upper(), f"/api/v1/exports/series?{wanted.api(format=kind.value, **more)}")
            link._props["download"] = ""
            link.classes("ops-button")
