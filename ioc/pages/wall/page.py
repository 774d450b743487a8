"""The page itself: what stands where, and how each part is kept up to date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from nicegui import ui

from ioc.kpi.catalogue import CATALOGUE
from ioc.pages import words as common
from ioc.pages.live import Moment
from ioc.pages.parts.link import Link
from ioc.pages.parts.markup import Markup, join, tag
from ioc.pages.parts.region import Region
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.wall import lists, plan, tiles, words
from ioc.pages.wall.board import Board, Trends, board, trends
from ioc.pages.wall.choice import GROUPS, Group, Tile
from ioc.pages.words import Phrase

#: Seconds from one answer to the next question.
EVERY_S: Final = 0.5
TRENDS_EVERY_S: Final = 60.0
_STATE: Final = "state"


@page("/wall", common.WALL, unattended=True)
async def wall(visit: Visit) -> None:
    """Figures with trend, map, queues and alerts; ``?mode=wall`` for a screen that is read from five metres."""
    ui.add_head_html('<link rel="stylesheet" href="/ops/static/wall.css">')
    ui.add_head_html('<script defer src="/ops/static/wall.js"></script>')
    parts: dict[str, Region] = {}
    courses: dict[str, Region] = {}
    with ui.element("div").classes("wall").props('id="wall"') as root:
        _told_to_the_browser(visit, root)
        _bar(visit, parts)
        _alerts(visit, parts)
        _figures(visit, parts, courses)
        _section(visit, parts, "plan", words.POINTS)
        _section(visit, parts, "queues", words.QUEUES_NOW)
    if not visit.wall:
        _everything(visit)

    def show(moment: Moment[Board]) -> None:
        for name, html in _drawn(moment, visit).items():
            parts[name].show(html)

    def show_trends(moment: Moment[Trends]) -> None:
        if moment.value is not None:
            for kpi, html in _courses(moment.value, visit).items():
                courses[kpi].show(html)

    prefix = visit.platform.settings.topic_prefix
    visit.follow(
        "wall trends",
        lambda: visit.answer(trends(visit.reader)),
        show_trends,
        every_s=TRENDS_EVERY_S,
        at_once=True,
    )
    visit.follow(
        "wall",
        lambda: visit.answer(board(visit.reader, named=visit.named, prefix=prefix)),
        show,
        every_s=EVERY_S,
        at_once=True,
    )


# -- what stands where ----------------------------------------------------------------------------------


def _told_to_the_browser(visit: Visit, root: ui.element) -> None:
    root._props.update(
        {
            "data-zone": visit.zone.key,
            "data-locale": visit.language.value,
            "data-lost": visit.say(words.LOST_SINCE),
            "data-sound-on": visit.say(words.SOUND_ON),
            "data-sound-off": visit.say(words.SOUND_OFF),
            "data-sound-waits": visit.say(words.SOUND_WAITS),
            "data-new-critical": visit.say(words.NEW_CRITICAL),
        }
    )


def _bar(visit: Visit, parts: dict[str, Region]) -> None:
    with ui.element("div").classes("wall-bar"):
        parts["fresh"] = Region(tag("span", visit.say(common.LOADING)))
        parts["fresh"].classes("wall-fresh")
        with ui.element("div").classes("wall-tools"):
            sound = Text("button", visit.say(words.SOUND_ON))
            sound.classes("ops-button wall-sound").props('id="wall-sound" type="button" aria-pressed="false"')
            sound._props["title"] = visit.say(words.SOUND_TITLE)
            mode = Link(visit.say(words.TO_DESK if visit.wall else words.TO_WALL), _other_mode(visit))
            mode.classes("ops-button").props('id="wall-mode" aria-keyshortcuts="Alt+W" title="Alt+W"')
        clock = ui.element("time").classes("wall-clock").props('id="wall-clock"')
        clock._props["aria-label"] = visit.say(words.CLOCK)
        clock.props('role="timer" aria-live="off"')
    # announced by those who listen, and in everybody's way
    parts[_STATE] = Region()
    parts[_STATE].classes("wall-state").props('role="status"')
    ui.element("div").classes("wall-hidden").props('id="wall-said" role="alert"')


def _other_mode(visit: Visit) -> str:
    query = {key: value for key, value in visit.request.query_params.items() if key != "mode"}
    if not visit.wall:
        query["mode"] = "wall"
    asked = "&".join(f"{quote(key)}={quote(value)}" for key, value in query.items())
    return f"/ops/wall?{asked}" if asked else "/ops/wall"


def _alerts(visit: Visit, parts: dict[str, Region]) -> None:
    with ui.element("section").classes("wall-alerts wall-part").props('aria-labelledby="wall-alerts"'):
        with ui.element("div").classes("wall-head"):
            Text("h2", visit.say(words.NEWEST_ALERTS)).props('id="wall-alerts"')
            if not visit.wall and visit.named:
                Link(visit.say(words.ALL_ALERTS), "/ops/alerts")
        parts["alerts"] = Region(tag("p", visit.say(common.LOADING), cls="ops-dim"))


def _section(visit: Visit, parts: dict[str, Region], name: str, title: Phrase) -> None:
    with ui.element("section").classes(f"wall-{name} wall-part").props(f'aria-labelledby="wall-{name}"'):
        Text("h2", visit.say(title)).props(f'id="wall-{name}"')
        parts[name] = Region(tag("p", visit.say(common.LOADING), cls="ops-dim"))
        if name == "plan":
            Region(plan.legend(visit.language, far=visit.wall))


def _figures(visit: Visit, parts: dict[str, Region], courses: dict[str, Region]) -> None:
    with ui.element("section").classes("wall-figures").props('aria-labelledby="wall-figures"'):
        Text("h2", visit.say(words.FIGURES)).props('id="wall-figures"').classes("wall-hidden")
        for group in GROUPS:
            shown = [tile for tile in group.tiles if tile.far is not None or not visit.wall]
            if shown:
                _group(visit, group, shown, parts, courses)


def _group(
    visit: Visit, group: Group, shown: list[Tile], parts: dict[str, Region], courses: dict[str, Region]
) -> None:
    title = f"wall-group-{group.code}"
    with ui.element("section").classes("wall-group").props(f'aria-labelledby="{title}"'):
        Text("h3", visit.say(group.said)).props(f'id="{title}"')
        with ui.element("div").classes("wall-tiles"):
            for tile in shown:
                link = Link("", _in_history(tile.kpi)).classes("wall-tile")
                link.props(f'id="tile-{tile.kpi}"')
                with link:
                    parts[tile.kpi] = Region(_unknown_yet(visit, tile))
                    parts[tile.kpi].classes("tile-figure")
                    courses[tile.kpi] = Region()
                    courses[tile.kpi].classes("tile-trend")


def _unknown_yet(visit: Visit, tile: Tile) -> Markup:
    return join(
        tag("span", visit.say(tiles.name_of(tile, far=visit.wall)), cls="tile-name"),
        tag("span", visit.say(common.LOADING), cls="tile-value tile-none"),
    )


def _in_history(kpi: str) -> str:
    return f"/ops/history?ids={quote(kpi)}&period=last-7-days"


def _everything(visit: Visit) -> None:
    with ui.element("details").classes("wall-all"):
        Text("summary", visit.say(words.ALL_FIGURES, count=len(CATALOGUE)))
        with ui.element("ul"):
            for kpi in CATALOGUE.values():
                with ui.element("li"):
                    Link(visit.say(Phrase(kpi.name_vi, kpi.name_en)), _in_history(kpi.id))
        Link(visit.say(words.AS_TABLE), f"/plain?lang={visit.language.value}")


# -- what is shown --------------------------------------------------------------------------------------


def _drawn(moment: Moment[Board], visit: Visit) -> dict[str, Markup]:
    """The parts by name; made once for all who are shown the same."""
    found = moment.value
    if moment.error is not None or found is None:
        if moment.error is None:
            return {}
        since = datetime.now(UTC) if moment.at is None else moment.at
        phrase = words.DATABASE_AWAY if moment.away else words.NOT_ANSWERED
        if moment.at is None and moment.away:
            phrase = words.NEVER_READ
        told = visit.say(phrase, at=f"{since.astimezone(visit.zone):%H:%M:%S}")
        # the reason in the error's own words is for who sits before it
        return {_STATE: _away(told, "" if visit.wall or moment.away else moment.error)}
    return _once(found.drawn, (visit.language, visit.wall, visit.zone.key), lambda: _draw(found, visit))


def _draw(found: Board, visit: Visit) -> dict[str, Markup]:
    language, far = visit.language, visit.wall
    return {
        _STATE: _beat(found, visit),
        "fresh": lists.freshness(found, language),
        "alerts": lists.alerts(found, visit.zone, language, far=far),
        "plan": plan.plan(found.points, language),
        "queues": lists.queues(found, language, far=far),
        **{
            tile.kpi: tiles.value_of(tile, found, language, far=far)
            for group in GROUPS
            for tile in group.tiles
            if tile.far is not None or not far
        },
    }


def _courses(found: Trends, visit: Visit) -> dict[str, Markup]:
    return _once(
        found.drawn,
        (visit.language, visit.wall),
        lambda: {
            tile.kpi: tiles.trend_of(tile, found.points[tile.kpi], visit.language)
            for group in GROUPS
            for tile in group.tiles
            if tile.far is not None or not visit.wall
        },
    )


def _once(
    made: dict[object, dict[str, Markup]], kind: object, make: Callable[[], dict[str, Markup]]
) -> dict[str, Markup]:
    if (known := made.get(kind)) is None:
        known = made[kind] = make()
    return known


def _away(phrase: str, why: str) -> Markup:
    return join(
        _mark(away=True),
        tag("p", tag("b", phrase), tag("span", f" {why}") if why else None, cls="wall-banner wall-away"),
    )


def _beat(found: Board, visit: Visit) -> Markup:
    """What the browser's script reads, and what makes figures old although they can be read."""
    return join(
        _mark(beat=found.at.timestamp(), critical=found.critical),
        *(
            tag("p", tag("b", told), cls="wall-banner wall-old")
            for told in lists.warnings(found, visit.zone, visit.language, far=visit.wall)
        ),
    )


def _mark(*, away: bool = False, beat: float = 0, critical: tuple[int, ...] | None = None) -> Markup:
    return tag(
        "span",
        attributes={
            "id": "wall-beat",
            "data-away": "1" if away else None,
            "data-beat": f"{beat:.0f}",
            "data-critical": None if critical is None else ",".join(map(str, critical)),
            "hidden": "",
        },
    )
