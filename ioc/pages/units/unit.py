"""``/ops/units/{code}``: one unit: what it is and was, whom to call, how it stands now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from ioc.alerts.asking import Row
from ioc.alerts.model import Severity
from ioc.history.points import PointNow
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.errors import UnknownUnitError
from ioc.kpi.targets import Status
from ioc.pages import places
from ioc.pages import words as common
from ioc.pages.alerts.words import SEVERITIES
from ioc.pages.live import Moment
from ioc.pages.parts.grid import Cell, Grid
from ioc.pages.parts.link import Link
from ioc.pages.parts.tag import Tag
from ioc.pages.shell import page
from ioc.pages.units import words
from ioc.pages.units.asked import Figure, OnDuty, UnitNow, unit_now
from ioc.pages.units.page import address, dial, kind, name_of, old
from ioc.pages.visit import Visit
from ioc.pages.wall.words import KINDS, STATES, VERDICTS, WINDOWS
from ioc.pages.words import Phrase
from ioc.reports.words import day, figure, number

_EVERY_S: Final = 5.0
_MOST_ROWS: Final = 300
_VERDICT_CSS: Final = {"met": "num ok", "near": "num warn", "missed": "num bad", "unknown": "num unknown"}
_STATE_CSS: Final = {"ok": "ok", "degraded": "warn", "down": "bad", "maintenance": "", "unknown": "unknown"}
Units = Mapping[str, places.Unit]


@page("/units/{code}", common.UNITS)
async def one(visit: Visit) -> None:
    """The unit's own facts at once; what changes follows."""
    places.explore()
    code = str(visit.request.path_params["code"])[:50]
    units = {unit["code"]: unit for unit in await places.units(visit)}
    unit = units.get(code)
    if unit is None:
        raise UnknownUnitError(visit.say(words.UNKNOWN, code=code), remedy=visit.say(words.UNKNOWN_REMEDY))
    ui.page_title(f"{name_of(visit, unit)} · {visit.say(common.UNITS)}")
    with Tag("div", css="ops-answer"):
        with Tag("nav"):
            Link(f"← {visit.say(words.BACK)}", "/ops/units")
        with Tag("div", css="ops-first"):
            _number(visit, unit)
            _facts(visit, unit, units)
        _now(visit, unit, units)


# -- what it is and was -----------------------------------------------------------------------------------


def _facts(visit: Visit, unit: places.Unit, units: Units) -> None:
    say = visit.say
    with Tag("section", css="ops-card"):
        Tag("h2", name_of(visit, unit))
        if (
            unit["valid_to"] is not None
            and date.fromisoformat(unit["valid_to"]) <= datetime.now(visit.zone).date()
        ):
            Tag("p", say(words.OVER, day=_day(visit, unit["valid_to"])), css="ops-note")
        if not unit["declared"]:
            Tag("p", say(words.UNDECLARED), css="ops-note")
        with Tag("dl", css="ops-facts"):
            _fact(visit, words.KIND, kind(visit, unit))
            _fact(visit, words.CODE, unit["code"])
            _fact(visit, words.VALID, _validity(visit, unit))
            if unit["parent"] is not None:
                _linked(visit, words.PARENT, [(unit["parent"], "")], units)
            for label, edges in ((words.CAME_FROM, unit["predecessors"]), (words.BECAME, unit["successors"])):
                if edges:
                    _linked(visit, label, [(edge["unit"], _share(visit, edge)) for edge in edges], units)
            if unit["groups"]:
                _linked(visit, words.GROUPS, [(part["unit"], "") for part in unit["groups"]], units)


def _fact(visit: Visit, label: Phrase, text: str) -> None:
    with Tag("div"):
        Tag("dt", visit.say(label))
        Tag("dd", text)


def _linked(visit: Visit, label: Phrase, codes: Sequence[tuple[str, str]], units: Units) -> None:
    with Tag("div"):
        Tag("dt", visit.say(label))
        for code, beside in codes:
            with Tag("dd"):
                other = units.get(code)
                if other is None:
                    Tag("span", code)
                else:
                    Link(name_of(visit, other), address(code))
                if beside:
                    Tag("small", beside)


def _validity(visit: Visit, unit: places.Unit) -> str:
    parts = []
    if unit["valid_from"] is not None:
        parts.append(visit.say(words.SINCE, day=_day(visit, unit["valid_from"])))
    if unit["valid_to"] is not None:
        last = date.fromisoformat(unit["valid_to"]) - timedelta(days=1)
        parts.append(visit.say(words.UNTIL, day=day(last, visit.language)))
    return " ".join(parts) or visit.say(words.ALWAYS)


def _share(visit: Visit, edge: Mapping[str, Any]) -> str:
    since, share = _day(visit, edge["since"]), edge["share"]
    if share is None:
        return visit.say(words.SHARE_UNKNOWN, day=since)
    if share == 1:
        return visit.say(words.WHOLLY, day=since)
    return visit.say(words.PARTLY, share=number(share * 100, visit.language, 1), day=since)


def _day(visit: Visit, text: str) -> str:
    return day(date.fromisoformat(text), visit.language)


def _number(visit: Visit, unit: places.Unit) -> None:
    with Tag("section", css="ops-card"):
        Tag("h2", visit.say(words.CALL))
        if not visit.named:
            Link(visit.say(words.LOG_IN_NUMBER), f"/login?next={quote(visit.place, safe='')}")
        elif unit["phone"]:
            link = Link(unit["phone"], dial(unit["phone"])).classes("ops-phone")
            link._props["aria-label"] = visit.say(words.CALL_AT, phone=unit["phone"])
            if unit["contact"]:
                Tag("p", unit["contact"], css="ops-dim")
        else:
            Tag("p", visit.say(words.NO_NUMBER, code=unit["code"]), css="ops-dim")


# -- how it stands now ------------------------------------------------------------------------------------


def _now(visit: Visit, unit: places.Unit, units: Units) -> None:
    code, say = unit["code"], visit.say
    asked = quote(code, safe="")
    stale = Tag("p", css="ops-stale", role="status")
    with Tag("div", css="ops-two ops-whole"):
        with Tag("section", css="ops-card"):
            Tag("h2", say(words.FIGURES))
            figures = Grid(say(words.FIGURES), _figures_head(visit), [], hidden_caption=True)
            with Tag("nav", css="ops-row", aria_label=say(words.DOSSIERS)):
                for tab, name in words.DOSSIERS_GO.items():
                    Link(say(name), f"/ops/dossiers?tab={tab}&unit={asked}").classes("ops-button")
        with Tag("section", css="ops-card"):
            Tag("h2", say(words.POINTS))
            points = Grid(say(words.POINTS), _points_head(visit), [], hidden_caption=True, stacked=True)
            Link(say(words.ALL_DEVICES), f"/ops/devices?unit={asked}")
    alerts = duty = None
    if visit.named:
        with Tag("div", css="ops-two"):
            with Tag("section", css="ops-card"):
                Tag("h2", say(words.ALERTS))
                alerts = Grid(say(words.ALERTS), _alerts_head(visit), [], hidden_caption=True, stacked=True)
                Link(say(words.ALL_ALERTS), f"/ops/alerts?unit={asked}")
            with Tag("section", css="ops-card"):
                Tag("h2", say(words.DUTY))
                duty = Grid(say(words.DUTY), _duty_head(visit), [], hidden_caption=True)

    def show(moment: Moment[UnitNow]) -> None:
        old(visit, stale, moment)
        if moment.value is None:
            return
        found = moment.value
        figures.fill(_figures_head(visit), [_figure(visit, one, code) for one in found.figures])
        points.fill(_points_head(visit), _points(visit, found.points))
        if alerts is not None and found.alerts is not None:
            rows = [_alert(visit, row) for row in found.alerts]
            alerts.fill(_alerts_head(visit), rows or [[Cell(say(words.NO_ALERTS)), *_blank(3)]])
        if duty is not None and found.duty is not None:
            on = [_duty(visit, one) for one in found.duty]
            duty.fill(_duty_head(visit), on or [[Cell(say(words.NO_DUTY)), *_blank(2)]])

    above = frozenset(_above(unit, units))
    visit.follow(
        ("unit", code),
        lambda: visit.answer(unit_now(visit.reader, code, above, named=visit.named)),
        show,
        every_s=_EVERY_S,
    )


def _above(unit: places.Unit, units: Units) -> set[str]:
    found: set[str] = set()
    parent = unit["parent"]
    while parent is not None and parent not in found:
        found.add(parent)
        parent = units[parent]["parent"] if parent in units else None
    return found


def _blank(count: int) -> list[Cell]:
    return [Cell("")] * count


def _figures_head(visit: Visit) -> list[Cell]:
    return [
        Cell(visit.say(words.INDICATOR)),
        Cell(visit.say(words.VALUE), css="num"),
        Cell(visit.say(words.TARGET), css="num"),
    ]


def _figure(visit: Visit, one: Figure, code: str) -> list[Cell]:
    kpi = CATALOGUE[one.kpi]
    history = f"/ops/history?ids={kpi.id}&units={quote(code, safe='')}&period=last-30-days"
    parts = ""
    if kpi.is_ratio and one.denominator is not None:
        parts = f"{_plain(visit, one.numerator)} / {_plain(visit, one.denominator)}"
    target = Cell("")
    if one.target is not None and one.status is not None:
        sign, word = VERDICTS[Status(one.status)]
        bound = f"{'>' if one.strict else ''} {figure(kpi, one.target, visit.language)}".strip()
        target = Cell(bound, f"{sign} {visit.say(word)}", css=_VERDICT_CSS[one.status])
    return [
        Cell(
            visit.say(Phrase(kpi.name_vi, kpi.name_en)),
            visit.say(WINDOWS[kpi.current_window]),
            href=history,
            title=visit.say(words.HISTORY),
        ),
        Cell(
            figure(kpi, one.value, visit.language),
            parts,
            css="num",
            value="" if one.value is None else repr(one.value),
        ),
        target,
    ]


def _plain(visit: Visit, value: float | None) -> str:
    return "–" if value is None else number(value, visit.language, 0 if value.is_integer() else 1)


def _points_head(visit: Visit) -> list[Cell]:
    return [
        Cell(visit.say(words.POINT)),
        Cell(visit.say(words.DEVICE)),
        Cell(visit.say(words.STATE)),
        Cell(visit.say(words.FROM)),
    ]


def _points(visit: Visit, points: Sequence[PointNow]) -> list[list[Cell]]:
    if not points:
        return [[Cell(visit.say(words.NO_POINTS)), *_blank(3)]]
    rows: list[list[Cell]] = []
    for point in points:
        name = visit.say(Phrase(point.name_vi, point.name_en))
        phone = " · ".join(filter(None, (point.phone, point.contact)))
        first = Cell(name, phone, href=dial(point.phone) if point.phone else "")
        if not point.devices:
            rows.append([first, Cell(visit.say(words.NO_DEVICES)), *_blank(2)])
        for place, device in enumerate(point.devices):
            sign, word = STATES[device.state]
            rows.append(
                [
                    first if place == 0 else Cell(name, css="again"),
                    Cell(
                        device.code,
                        visit.say(KINDS[device.kind]),
                        href=f"/ops/devices/{quote(device.code, safe='')}",
                    ),
                    Cell("", f"{sign} {visit.say(word)}", css=f"state {_STATE_CSS[device.state]}".strip()),
                    Cell("–" if device.since is None else visit.at(device.since), css="when"),
                ]
            )
    return rows[:_MOST_ROWS]


def _alerts_head(visit: Visit) -> list[Cell]:
    return [
        Cell(visit.say(words.ALERT)),
        Cell(visit.say(words.SUBJECT)),
        Cell(visit.say(words.FROM)),
        Cell(visit.say(words.HANDLED)),
    ]


def _alert(visit: Visit, row: Row) -> list[Cell]:
    sign, level = SEVERITIES[Severity(row.severity)]
    handled = (
        visit.say(words.ACKNOWLEDGED, who=row.acknowledged_by or "?")
        if row.acknowledged_at is not None
        else visit.say(words.WAITING)
    )
    return [
        Cell(
            visit.say(Phrase(row.name_vi, row.name_en)),
            f"{sign} {visit.say(level)}",
            href=f"/ops/alerts?alert={row.id}",
        ),
        Cell(row.subject.removeprefix("device:")),
        Cell(visit.at(row.since), css="when"),
        Cell(handled),
    ]


def _duty_head(visit: Visit) -> list[Cell]:
    return [Cell(visit.say(words.ROSTER)), Cell(visit.say(words.WHO)), Cell(visit.say(words.TO))]


def _duty(visit: Visit, one: OnDuty) -> list[Cell]:
    return [
        Cell(visit.say(Phrase(one.roster_vi, one.roster_en)), one.layer),
        Cell(", ".join(one.people) or visit.say(words.NOBODY), css="" if one.people else "bad"),
        Cell(visit.at(one.until), css="when"),
    ]
