"""``/ops/duty``: who is on duty when, what is lacking, and what differs from the rotations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final
from urllib.parse import quote

from nicegui import ui

from ioc.access.roles import ACTING
from ioc.duty.clock import instant
from ioc.duty.model import Change
from ioc.pages import words as shared
from ioc.pages.duty import words
from ioc.pages.duty.calendar import Day, Lack, Sort, Turn, step
from ioc.pages.duty.changing import Changing
from ioc.pages.duty.drawn import MOST_CHANGES, Drawn, OfRoster, drawn, share
from ioc.pages.duty.view import View
from ioc.pages.live import Moment
from ioc.pages.parts.link import Link
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.trouble import stale
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import day as written_day
from ioc.reports.words import number

_EVERY_S: Final = 20.0
_KEY: Final = "duty"


@page("/duty", shared.DUTY, named=True)
async def show(visit: Visit) -> None:
    """The roster as a calendar."""
    ui.add_head_html('<link rel="stylesheet" href="/ops/static/duty.css">')
    view = View.read(dict(visit.request.query_params))
    _Page(visit, view).draw()


class _Page:
    """One browser's page."""

    def __init__(self, visit: Visit, view: View) -> None:
        self.visit, self.view = visit, view
        self.acting = visit.role in ACTING
        self._found: Drawn | None = None

    def draw(self) -> None:
        """What stays; then what is known."""
        visit = self.visit
        with ui.element("div").classes("ops-duty"):
            self.stale = Text("p").classes("ops-stale").props('role="alert"')
            self.said = Text("p").classes("ops-said-now").props('role="status" aria-live="polite"')
            self.now = ui.element("div").classes("ops-now")
            self.bar = ui.element("div").classes("ops-duty-bar")
            self.main = ui.element("div").classes("ops-calendars")
            self.made = ui.element("section").classes("ops-made")
        self.changing = Changing(visit, self._tell) if self.acting else None
        visit.follow(
            self._key,
            lambda: visit.answer(drawn(visit.reader, self.view.span, self.view.day, self._today)),
            self._show,
            every_s=_EVERY_S,
        )

    @property
    def _key(self) -> tuple[object, ...]:
        return (_KEY, self.view.span, self.view.day)

    @property
    def _today(self) -> date:
        return datetime.now(self.visit.zone).date()

    def _tell(self, text: str) -> None:
        self.said.text = text
        self.visit.hurry(self._key)

    def _show(self, moment: Moment[Drawn]) -> None:
        self.stale.text = stale(self.visit, moment)
        if moment.value is None or moment.value == self._found:
            return
        found = self._found = moment.value
        for part, draw in (
            (self.now, self._draw_now),
            (self.bar, self._draw_bar),
            (self.main, self._draw_calendars),
            (self.made, self._draw_changes),
        ):
            part.clear()
            with part:
                draw(found)

    def _rosters(self, found: Drawn) -> list[OfRoster]:
        one = found.roster(self.view.roster)
        return found.rosters if one is None else [one]

    # -- now -------------------------------------------------------------------------------------------

    def _draw_now(self, found: Drawn) -> None:
        visit = self.visit
        if not found.rosters:
            with ui.element("section").classes("ops-empty"):
                Text("p", visit.say(words.NO_ROSTER)).classes("ops-empty-head")
                Text("p", visit.say(words.NO_ROSTER_WHY)).classes("ops-dim")
            return
        for one in self._rosters(found):
            with ui.element("section").classes("ops-now-roster"):
                Text("h2", f"{visit.say(words.NOW)}: {self._named(one)}")
                with ui.element("ul").classes("ops-now-layers"):
                    for layer in one.now:
                        with ui.element("li"):
                            Text("span", layer.layer).classes("ops-layer")
                            if layer.people:
                                Text("strong", found.called(layer.people)).classes("ops-now-who")
                            else:
                                Text("strong", f"⚠ {visit.say(words.NOBODY_NOW)}").classes("ops-lack")
                            if layer.until is not None:
                                at = _at(visit, one, layer.until)
                                Text("span", visit.say(words.UNTIL, at=at))
                                who = found.called(layer.next) or visit.say(words.NOBODY)
                                Text("span", visit.say(words.THEN, who=who)).classes("ops-dim")

    def _named(self, one: OfRoster) -> str:
        return self.visit.say(Phrase(one.roster.name_vi, one.roster.name_en or one.roster.name_vi))

    # -- what is looked at -----------------------------------------------------------------------------

    def _draw_bar(self, found: Drawn) -> None:
        visit, view = self.visit, self.view
        if not found.rosters:
            return
        day = view.day or self._today
        with ui.element("nav").classes("ops-views").props(f'aria-label="{visit.say(words.VIEWS)}"'):
            for span, phrase in (("week", words.WEEK), ("month", words.MONTH)):
                link = Link(visit.say(phrase), replace(view, span=span).address).classes("ops-act")
                if span == view.span:
                    link.props('aria-current="true"')
            for by, sign, phrase in ((-1, "‹", words.EARLIER), (0, "", words.TODAY), (1, "›", words.LATER)):
                where = replace(view, day=step(view.span, day, by) if by else None)
                text = sign or visit.say(phrase)
                link = Link(text, where.address).classes("ops-act")
                if sign:
                    link.props["aria-label"] = visit.say(phrase)
            Text("strong", f"{_day(visit, found.first)} – {_day(visit, found.last)}").classes("ops-range")
        if len(found.rosters) > 1:
            with ui.element("nav").classes("ops-views").props(f'aria-label="{visit.say(words.ROSTER)}"'):
                every = Link(visit.say(_EVERY), replace(view, roster=None).address).classes("ops-act")
                if found.roster(view.roster) is None:
                    every.props('aria-current="true"')
                for one in found.rosters:
                    link = Link(self._named(one), replace(view, roster=one.roster.code).address)
                    link.classes("ops-act")
                    if one.roster.code == view.roster:
                        link.props('aria-current="true"')
        if self.changing is not None:
            button = Text("button", visit.say(words.CHANGE)).props('type="button"')
            button.classes("ops-act ops-act-first ops-no-print")
            changing = self.changing
            button.on("click", lambda: changing.ask(found, self.view.roster))

    # -- the days --------------------------------------------------------------------------------------

    def _draw_calendars(self, found: Drawn) -> None:
        for one in self._rosters(found):
            with ui.element("section").classes("ops-calendar"):
                self._draw_calendar(found, one)

    def _draw_calendar(self, found: Drawn, one: OfRoster) -> None:
        visit = self.visit
        with ui.element("div").classes("ops-calendar-head"):
            Text("h2", self._named(one))
            lacks = sum(bool(day.lacks) for day in one.days)
            if lacks:
                Text("p", f"⚠ {visit.say(words.LACKING, count=number(lacks, visit.language))}").classes(
                    "ops-lack"
                )
            else:
                Text("p", f"✓ {visit.say(words.ALL_WELL)}").classes("ops-well")
            where = f"/api/v1/duty.ics?roster={quote(one.roster.code, safe='')}"
            link = Link(visit.say(words.ICAL), where).classes("ops-no-print")
            link.props["title"] = visit.say(words.ICAL_WHY)
        if self.view.span == "week":
            self._draw_lanes(found, one)
        with ui.element("table").classes(f"ops-days ops-days-{self.view.span}"):
            Text(
                "caption",
                visit.say(
                    words.CALENDAR,
                    roster=self._named(one),
                    first=_day(visit, found.first),
                    last=_day(visit, found.last),
                ),
            ).classes("ops-unseen")
            with ui.element("thead"), ui.element("tr"):
                for name in words.WEEKDAYS:
                    Text("th", visit.say(name)).props('scope="col"')
            with ui.element("tbody"):
                for start in range(0, len(one.days), 7):
                    with ui.element("tr"):
                        for day in one.days[start : start + 7]:
                            self._draw_day(found, one, day)

    def _draw_day(self, found: Drawn, one: OfRoster, day: Day) -> None:
        visit = self.visit
        cell = ui.element("td").classes(f"ops-day ops-day-{day.sort}")
        if day.day == self._today:
            cell.classes("ops-today").props('aria-current="date"')
        if self.view.span == "month" and self.view.day is not None and day.day.month != self.view.day.month:
            cell.classes("ops-other-month")
        with cell:
            with ui.element("p").classes("ops-day-head"):
                Text("span", visit.say(words.WEEKDAYS[day.day.weekday()])).classes("ops-day-name")
                Text("strong", f"{day.day.day}/{day.day.month}")
                if day.sort in (Sort.HOLIDAY, Sort.MADE_UP):
                    Text("span", visit.say(words.SORTS[day.sort])).classes("ops-day-sort")
            for text in _lacking(visit, found, one, day):
                Text("p", f"⚠ {text}").classes("ops-lack")
            for turn in day.turns:
                begins = _local(one, turn.start).date() == day.day
                with ui.element("p").classes("ops-turn" if begins else "ops-turn ops-turn-on"):
                    when = _times(visit, one, turn) if begins else visit.say(words.GOES_ON)
                    Text("span", f"{turn.layer} · {when}").classes("ops-dim")
                    Text("span", found.called(turn.people)).classes("ops-turn-who")

    def _draw_lanes(self, found: Drawn, one: OfRoster) -> None:
        """The week as bars, for the eye; the table below says the same."""
        zone = one.roster.zone
        start = instant(found.first, time(), zone)
        end = instant(found.last + timedelta(days=1), time(), zone)
        with ui.element("div").classes("ops-lanes").props('aria-hidden="true"'):
            for layer in dict.fromkeys((*one.roster.layers, *(turn.layer for turn in one.turns))):
                Text("span", layer).classes("ops-layer")
                with ui.element("div").classes("ops-lane"):
                    for place, turn in enumerate(turn for turn in one.turns if turn.layer == layer):
                        left, right = share(turn.start, start, end), share(turn.end, start, end)
                        bar = Text("span", found.called(turn.people))
                        bar.classes(f"ops-bar-{place % 2}")
                        bar.style(f"left:{left:.2f}%;width:{right - left:.2f}%")
                    for lack in (lack for day in one.days for lack in day.lacks):
                        if lack.warning.layer in (None, layer):
                            left, right = share(lack.start, start, end), share(lack.end, start, end)
                            gap = ui.element("span").classes("ops-bar-lack")
                            gap.style(f"left:{left:.2f}%;width:{right - left:.2f}%")
            now = datetime.now(zone)
            if start <= now < end:
                with ui.element("div").classes("ops-lane-now"):
                    ui.element("span").style(f"left:{share(now, start, end):.2f}%")

    # -- changes ---------------------------------------------------------------------------------------

    def _draw_changes(self, found: Drawn) -> None:
        visit = self.visit
        if not found.rosters:
            return
        Text("h2", visit.say(words.CHANGES))
        wanted = [
            one for one in found.changes if self.view.roster in (None, one.roster) or one.roster is None
        ]
        if not wanted:
            Text("p", visit.say(words.NO_CHANGES)).classes("ops-dim")
            return
        with ui.element("ul").classes("ops-changes"):
            for change in wanted[:MOST_CHANGES]:
                with ui.element("li"):
                    with ui.element("div"):
                        Text("strong", described(visit, found, change))
                        if change.reason:
                            Text("p", change.reason).classes("ops-said")
                        if change.made_at is not None:
                            made = visit.say(words.MADE, who=change.made_by, at=visit.at(change.made_at))
                            Text("p", made).classes("ops-dim")
                    if self.changing is not None:
                        self._draw_withdraw(change, self.changing)
        if len(wanted) > MOST_CHANGES:
            Text("p", visit.say(words.AND_MORE, count="")).classes("ops-dim")

    def _draw_withdraw(self, change: Change, changing: Changing) -> None:
        visit = self.visit
        button = (
            Text("button", visit.say(words.WITHDRAW)).props('type="button"').classes("ops-act ops-no-print")
        )
        button.props["aria-label"] = f"{visit.say(words.WITHDRAW)} {change.id}"
        button.on("click", _withdrawing(changing, change))


_EVERY: Final = Phrase("Mọi lịch trực", "Every roster")


def _withdrawing(changing: Changing, change: Change) -> Callable[[], None]:
    return lambda: changing.withdraw(change)


def described(visit: Visit, found: Drawn, change: Change) -> str:
    """A change in a line, people by their names."""
    first, other = found.called([change.person]), found.called([change.other] if change.other else [])
    people = " → ".join(filter(None, (first, other)))
    where = "/".join(filter(None, (change.roster, change.layer)))
    when = f"{visit.at(change.start)} – {visit.at(change.end)}"
    parts = (visit.say(words.KINDS[change.kind]), people, where, when)
    return " · ".join(part for part in parts if part)


def _lacking(visit: Visit, found: Drawn, one: OfRoster, day: Day) -> list[str]:
    """What a day lacks, each in words with all the times of it."""
    times: dict[str, list[str]] = {}
    for lack in day.lacks:
        warning = lack.warning
        said = visit.say(
            words.LACKS[warning.kind],
            layer=warning.layer or "",
            here=warning.here,
            needs=warning.needs,
            person=found.called([warning.person] if warning.person else []),
        )
        times.setdefault(said, []).append(_part(one, lack))
    return [f"{said} {', '.join(filter(None, parts))}".rstrip() for said, parts in times.items()]


def _part(one: OfRoster, lack: Lack) -> str:
    """A part of a day; empty for the whole of it."""
    start, end = _local(one, lack.start), _local(one, lack.end)
    if start.time() == end.time() == time():
        return ""
    return f"{start:%H:%M}–{'24:00' if end.time() == time() else f'{end:%H:%M}'}"


def _times(visit: Visit, one: OfRoster, turn: Turn) -> str:
    start, end = _local(one, turn.start), _local(one, turn.end)
    if end - start <= timedelta(days=1):
        return f"{start:%H:%M}–{end:%H:%M}"
    return f"{start:%H:%M} – {visit.say(words.SHORT_DAYS[end.weekday()])} {end:%d/%m %H:%M}"


def _at(visit: Visit, one: OfRoster, moment: datetime) -> str:
    local = _local(one, moment)
    if local.date() == datetime.now(one.roster.zone).date():
        return f"{local:%H:%M}"
    return f"{local:%H:%M} {visit.say(words.SHORT_DAYS[local.weekday()])} {local:%d/%m}"


def _local(one: OfRoster, moment: datetime) -> datetime:
    return moment.astimezone(one.roster.zone)


def _day(visit: Visit, day: date) -> str:
    return written_day(day, visit.language)
