"""One device: how it is and was, why, what it was measured to be, its alerts, and when it is maintained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from nicegui import ui

from ioc.access.roles import ACTING
from ioc.alerts import asking as alerts
from ioc.alerts import windows
from ioc.alerts.actions import by_the_clock
from ioc.alerts.states import State as AlertState
from ioc.errors import IocError
from ioc.history import device_now, devices
from ioc.history.device_now import Device
from ioc.kpi.query import Steps
from ioc.pages import words as shared
from ioc.pages.devices import said, words
from ioc.pages.devices.figures import Figures
from ioc.pages.devices.timeline import Stretch, draw, swatch, ticks
from ioc.pages.live import Moment
from ioc.pages.parts.dialog import Dialog, Fields, field, form
from ioc.pages.parts.link import Link
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.state import STATES, State
from ioc.pages.parts.text import Text
from ioc.pages.rights import change
from ioc.pages.shell import page
from ioc.pages.trouble import refused, stale
from ioc.pages.visit import Visit
from ioc.pages.words import VI, Phrase
from ioc.reports.words import length, number

_EVERY_S: Final = 3.0
_SPANS: Final = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
#: Runs that are drawn, and those that the table shows.
_MOST_DRAWN: Final = 2000
_MOST_LISTED: Final = 30
_MOST_SAMPLES: Final = 15
_MOST_ALERTS: Final = 10


@dataclass(frozen=True)
class _Known:
    """What the page shows.

    :param end: of the period that is drawn: the coming full minute.
    :param cut: whether there were too many runs to draw.
    :param samples: newest first.
    :param alerts: newest first; None for who may not see alerts, as ``windows``.
    """

    device: Device
    start: datetime
    end: datetime
    stretches: tuple[Stretch, ...]
    cut: bool
    samples: tuple[dict[str, Any], ...]
    alerts: tuple[alerts.Row, ...] | None
    windows: tuple[windows.Known, ...] | None


@page("/devices/{code}", shared.DEVICES)
async def show(visit: Visit) -> None:
    """Everything about the device that the path names."""
    ui.add_head_html('<link rel="stylesheet" href="/ops/static/devices.css">')
    code = str(visit.request.path_params["code"])
    asked = visit.request.query_params.get("span", "")
    span = asked if asked in _SPANS else "24h"
    try:
        device = await visit.answer(device_now.one(visit.reader, code))
    except devices.UnknownDeviceError as error:
        raise devices.UnknownDeviceError(
            visit.say(words.UNKNOWN, code=code[:100]), remedy=visit.say(words.UNKNOWN_REMEDY)
        ) from error
    _One(visit, device, span)


def _ask(reader: str, code: str, span: str, named: bool) -> Steps[_Known]:
    found = yield from device_now.one(reader, code)
    ((now,),) = yield "SELECT now()", ()
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    start = end - _SPANS[span]
    wanted = devices.Wanted(start=start.isoformat(), end=end.isoformat())
    runs = yield from devices.newest_states(reader, code, wanted, limit=_MOST_DRAWN)
    samples: tuple[dict[str, Any], ...] = ()
    if found.kind in devices.SAMPLES:
        lately = devices.Wanted(start=(now - timedelta(days=1)).isoformat(), end=end.isoformat())
        newest = yield from devices.newest_samples(reader, code, lately, limit=_MOST_SAMPLES)
        names = [column.name for column in newest.columns]
        samples = tuple(dict(zip(names, row, strict=True)) for row in newest.rows)
    of_alerts = of_windows = None
    if named:
        wanted_alerts = alerts.Filter(state=AlertState.ALL, subject=f"device:{code}")
        rows = yield from alerts.page(
            reader, wanted_alerts, order=alerts.Order.NEWEST, after=None, limit=_MOST_ALERTS
        )
        of_alerts = tuple(rows.rows)
        of_windows = tuple((yield from windows.about_device(reader, now, code, found.unit, found.point)))
    stretches = tuple(Stretch(*row) for row in runs.rows)
    return _Known(found, start, end, stretches, runs.next is not None, samples, of_alerts, of_windows)


class _One:
    """The page of one device in one browser."""

    def __init__(self, visit: Visit, device: Device, span: str) -> None:
        self._visit, self._code, self._span = visit, device.code, span
        self._device = device
        self._key = ("device", device.code, span)
        Link(f"← {visit.say(words.BACK)}", "/ops/devices").classes("ops-back")
        with ui.element("div").classes("ops-one-head"):
            Text("h2", said.name(device))
            self.state = State(visit, device.state).classes("ops-state-large")
            self.why = Text("p")
        self.stale = Text("p").classes("ops-stale").props('role="alert"')
        self.told = Text("p").classes("ops-said-now").props('role="status" aria-live="polite"')
        with ui.element("div").classes("ops-one"):
            with ui.element("div").classes("ops-one-main"):
                self.timeline = Part(visit.say(words.TIMELINE), "timeline")
                self._spans()
                self.runs = Part(visit.say(words.STRETCHES), "runs")
                self.figures = Figures(visit, device)
                self.samples = Part(visit.say(words.SAMPLES), "samples")
                self._downloads()
            with ui.element("div").classes("ops-one-side"):
                self.facts = Part(visit.say(words.DEVICE), "facts")
                self.alerts = Part(visit.say(words.ALERTS), "alerts")
                self.windows = Part(visit.say(words.WINDOWS), "windows")
                if visit.role in ACTING:
                    with self.windows.beside:
                        add = Text("button", visit.say(words.ADD_WINDOW)).props('type="button"')
                        add.classes("ops-act").on("click", self._ask_window)
        self.dialog = Dialog("window")
        visit.follow(
            self._key,
            lambda: visit.answer(_ask(visit.reader, device.code, span, visit.named)),
            self.show,
            every_s=_EVERY_S,
        )

    def _spans(self) -> None:
        visit = self._visit
        with self.timeline.beside, ui.element("nav").classes("ops-spans") as nav:
            nav.props["aria-label"] = visit.say(words.SPAN)
            for span, phrase in words.SPANS.items():
                link = Link(visit.say(phrase), f"{_where(self._code)}?span={span}")
                if span == self._span:
                    link.props["aria-current"] = "true"

    def _downloads(self) -> None:
        visit, device = self._visit, self._device
        if not visit.named:
            return
        since = (datetime.now(UTC) - _SPANS[self._span]).isoformat(timespec="seconds")
        asked: dict[str, str] = {"device": device.code, "from": since}
        with self.runs.beside:
            Link(visit.say(words.DOWNLOAD), f"/api/v1/exports/states?{urlencode(asked)}")
        if device.kind in devices.SAMPLES:
            asked["kind"] = device.kind
            with self.samples.beside:
                Link(visit.say(words.DOWNLOAD), f"/api/v1/exports/samples?{urlencode(asked)}")

    # -- what is known ---------------------------------------------------------------------------------

    def show(self, moment: Moment[_Known]) -> None:
        """What is known; where it is old, since when and why."""
        visit = self._visit
        self.stale.text = stale(visit, moment)
        if (known := moment.value) is None:
            return
        self._device = device = known.device
        self.state.tell(device.state)
        since = "" if device.since is None else f"{visit.say(words.SINCE).lower()} {visit.at(device.since)}"
        self.why.text = " · ".join(filter(None, (said.why(visit, device), since)))
        self.facts.show(device, lambda: self._facts(device))
        drawn = (known.start, known.stretches)
        self.timeline.show(drawn, lambda: self._timeline(known))
        self.runs.show(drawn, lambda: self._runs(known))
        self.samples.show(known.samples, lambda: self._samples(known))
        self.alerts.show(known.alerts, lambda: self._alerts(known.alerts))
        self.windows.show(known.windows, lambda: self._windows(known.windows))

    def _facts(self, device: Device) -> None:
        visit, sample = self._visit, device.sample
        zone = device.zone
        rows: list[tuple[Phrase, str]] = [
            (words.KIND, visit.say(words.KINDS[device.kind])),
            (words.CODE, device.code),
            (words.EVERY, said.seconds(visit, device.interval_s)),
            (words.HEARD, visit.say(words.NEVER) if device.last_time is None else visit.at(device.last_time)),
        ]
        if device.point is not None:
            rows.insert(2, (words.POINT, said.place(visit, device)))
        if device.kind == "wifi":
            rows.append(
                (
                    words.CLIENTS_NOW,
                    said.DASH if device.clients is None else number(device.clients, visit.language),
                )
            )
        if sample is not None:
            if sample.last_frame_at is not None and sample.last_frame_age_s is not None:
                local = sample.last_frame_at.astimezone(zone)
                age = said.seconds(visit, sample.last_frame_age_s)
                rows.append(
                    (words.LAST_FRAME, visit.say(words.FRAME_FULL, at=f"{local:%H:%M:%S %d/%m}", age=age))
                )
            elif device.kind == "camera":
                rows.append((words.LAST_FRAME, visit.say(words.NO_FRAME)))
            if sample.rtt_ms is not None:
                rows.append((words.RTT, f"{number(sample.rtt_ms, visit.language, 1)} ms"))
            rows.append((words.MODEL, sample.model or said.DASH))
            rows.append((words.FIRMWARE, sample.firmware or said.DASH))
        with ui.element("dl").classes("ops-facts"):
            Text("dt", visit.say(words.UNIT))
            with ui.element("dd"):
                Link(said.unit(visit, device), f"/ops/units/{quote(device.unit, safe='')}")
            for name, text in rows:
                Text("dt", visit.say(name))
                Text("dd", text)
        if not device.declared:
            Text("p", visit.say(words.UNDECLARED)).classes("ops-dim")
        if sample is not None and sample.rung in words.RUNGS and device.state != "unknown":
            self._ladder(sample.rung, failed=device.state in ("down", "degraded"))

    def _ladder(self, rung: str, *, failed: bool) -> None:
        visit = self._visit
        Text("h4", visit.say(words.LADDER))
        place = list(words.RUNGS).index(rung)
        with ui.element("ol").classes("ops-ladder"):
            for turn, phrase in enumerate(words.RUNGS.values()):
                is_here = turn == place
                how = "failed" if is_here and failed else "passed" if turn <= place else "later"
                told = {"failed": words.FAILED, "passed": words.PASSED, "later": words.NOT_TRIED}[how]
                with ui.element("li").props(f'data-how="{how}"'):
                    Text("span", visit.say(phrase))
                    Text("span", visit.say(told)).classes("ops-dim")

    def _timeline(self, known: _Known) -> None:
        visit, zone = self._visit, known.device.zone
        label = visit.say(
            words.DRAWN, device=said.name(known.device), start=visit.at(known.start), end=visit.at(known.end)
        )
        drawing = draw(known.stretches, known.start, known.end, label=label, said=self._stretch)
        ui.html(drawing, sanitize=False).classes("ops-timeline-box")
        with ui.element("div").classes("ops-ticks").props('aria-hidden="true"'):
            for tick in ticks(known.start, known.end, zone, day_first=visit.language is VI):
                Text("span", tick.label).style(f"left: {tick.share * 100:.2f}%")
        with ui.element("div").classes("ops-legend"):
            for state, phrase in STATES.items():
                with ui.element("span"):
                    ui.html(swatch(state), sanitize=False)
                    Text("span", visit.say(phrase))
        if known.cut:
            Text("p", visit.say(words.TOO_MANY)).classes("ops-dim")

    def _stretch(self, one: Stretch) -> str:
        visit = self._visit
        ended = "…" if one.ended is None else visit.at(one.ended)
        why = said.reason(visit, one.reason)
        return f"{visit.say(STATES[one.state])}: {visit.at(one.started)} – {ended}" + (
            f" ({why})" if why else ""
        )

    def _runs(self, known: _Known) -> None:
        visit = self._visit
        newest = sorted(known.stretches, key=lambda one: one.started, reverse=True)
        if not newest:
            Text("p", visit.say(words.NEVER)).classes("ops-dim")
            return
        heads = (words.STATE, words.STARTED, words.LASTED, words.REASON)
        with table(visit, words.STRETCHES, heads):
            for one in newest[:_MOST_LISTED]:
                lasted = length((one.ended or known.end) - one.started, visit.language)
                with ui.element("tr"):
                    with ui.element("td"):
                        State(visit, one.state)
                    Text("td", visit.at(one.started))
                    Text("td", lasted if one.ended else visit.say(words.GOES_ON, length=lasted))
                    silent = visit.say(words.SILENT) if one.state == "unknown" else said.DASH
                    Text("td", said.reason(visit, one.reason) or silent)
        if len(newest) > _MOST_LISTED or known.cut:
            Text("p", visit.say(words.MORE, shown=_MOST_LISTED)).classes("ops-dim")

    def _samples(self, known: _Known) -> None:
        visit = self._visit
        if not known.samples:
            Text("p", visit.say(words.NO_SAMPLES)).classes("ops-dim")
            return
        columns = _CAMERA if known.device.kind == "camera" else _WIFI
        with table(
            visit, words.SAMPLES, (words.TIME, words.STATE, *(head for head, _ in columns), words.REASON)
        ):
            for sample in known.samples:
                with ui.element("tr"):
                    local = sample["time"].astimezone(known.device.zone)
                    Text("td", f"{local:%H:%M:%S}")
                    with ui.element("td"):
                        State(visit, sample["state"])
                    for _, tell in columns:
                        Text("td", tell(visit, sample))
                    rung = sample.get("rung") if sample["state"] in ("down", "degraded") else None
                    Text("td", said.reason(visit, sample["reason"], rung) or said.DASH)

    def _alerts(self, found: tuple[alerts.Row, ...] | None) -> None:
        visit = self._visit
        if not found:
            Text("p", visit.say(words.NEEDS_LOGIN if found is None else words.NO_ALERTS)).classes("ops-dim")
            return
        with ui.element("ul").classes("ops-items"):
            for one in found:
                with ui.element("li"):
                    name = visit.say(Phrase(one.name_vi, one.name_en or one.name_vi))
                    Link(f"#{one.id} {name}", f"/ops/alerts?state=all&alert={one.id}")
                    opened = visit.say(words.OPENED, at=visit.at(one.opened_at))
                    over = (
                        visit.say(words.OPEN)
                        if one.cleared_at is None
                        else visit.say(words.CLEARED, at=visit.at(one.cleared_at))
                    )
                    Text("small", f"{opened} · {over}").classes("ops-dim")

    # -- maintenance -----------------------------------------------------------------------------------

    def _windows(self, found: tuple[windows.Known, ...] | None) -> None:
        visit = self._visit
        if not found:
            Text("p", visit.say(words.NEEDS_LOGIN if found is None else words.NO_WINDOWS)).classes("ops-dim")
            return
        with ui.element("ul").classes("ops-items"):
            for one in found:
                with ui.element("li"):
                    Text("b", one.window.name)
                    when = ""
                    if one.next is not None:
                        phrase = words.WINDOW_NOW if one.holds else words.WINDOW_NEXT
                        when = visit.say(phrase, start=visit.at(one.next[0]), end=visit.at(one.next[1]))
                    made = visit.say(words.BY, who=one.window.made_by) if one.window.made_by else ""
                    Text("small", " · ".join(filter(None, (when, made)))).classes("ops-dim")
                    if one.window.reason:
                        Text("small", one.window.reason)
                    if visit.role in ACTING and f"device:{self._code}" in one.window.subjects:
                        self._withdrawable(one)

    def _withdrawable(self, one: windows.Known) -> None:
        visit = self._visit

        async def withdraw() -> None:
            steps = by_the_clock(lambda now: windows.withdraw(visit.reader, one.window.id, visit.reader, now))
            await self._do(lambda: change(visit, steps), visit.say(words.WITHDRAWN, name=one.window.name))

        button = Text("button", visit.say(words.WITHDRAW)).props('type="button"').classes("ops-link")
        button.props["aria-label"] = visit.say(words.WITHDRAW_OF, name=one.window.name)
        button.on("click", withdraw)

    async def _do(self, act: Callable[[], Awaitable[object]], said_after: str) -> None:
        try:
            await act()
        except IocError as error:
            self.told.text = refused(self._visit, error)
            return
        self.told.text = said_after
        self._visit.hurry(self._key)

    def _ask_window(self) -> None:
        visit = self._visit
        now = datetime.now(self._device.zone).replace(second=0, microsecond=0, tzinfo=None)

        def fill() -> None:
            Text("p", visit.say(words.WINDOW_HINT)).classes("ops-dim")
            with form(make):
                field(visit.say(words.WINDOW_NAME), "name", required="required", maxlength="200")
                field(
                    visit.say(words.WINDOW_FROM),
                    "start",
                    type="datetime-local",
                    required="required",
                    defaultValue=now.isoformat(timespec="minutes"),
                )
                field(
                    visit.say(words.WINDOW_HOURS),
                    "hours",
                    inputmode="decimal",
                    required="required",
                    defaultValue="2",
                    maxlength="8",
                )
                field(visit.say(words.WINDOW_REASON), "reason", maxlength="500")
                problem.append(Text("p").classes("ops-form-problem").props('role="alert"'))
                with ui.element("div").classes("ops-form-end"):
                    cancel = Text("button", visit.say(words.CANCEL)).props('type="button"').classes("ops-act")
                    cancel.on("click", self.dialog.close)
                    Text("button", visit.say(words.SAVE)).props('type="submit"').classes(
                        "ops-act ops-act-first"
                    )

        problem: list[Text] = []

        async def make(fields: Fields) -> None:
            try:
                hours = float(fields.get("hours", "").replace(",", "."))
            except ValueError:
                hours = -1.0
            if not hours > 0:
                problem[0].text = visit.say(words.BAD_HOURS)
                return
            wanted = windows.Wanted(
                name=fields.get("name", "").strip()[:200],
                start=fields.get("start", "")[:100],
                hours=hours,
                units=(self._device.unit,),
                subjects=(f"device:{self._code}",),
                reason=fields.get("reason", "").strip()[:500],
            )
            try:
                steps = by_the_clock(lambda now: windows.create(visit.reader, wanted, visit.reader, now))
                made = await change(visit, steps)
            except IocError as error:
                problem[0].text = refused(visit, error)
                return
            self.dialog.close()
            self.told.text = visit.say(words.WINDOW_MADE, name=made.window.name)
            visit.hurry(self._key)

        self.dialog.open(visit.say(words.ADD_WINDOW), fill)


_Tell = Callable[[Visit, dict[str, Any]], str]


def _figure(name: str, decimals: int, factor: float = 1.0, unit: str = "") -> _Tell:
    def tell(visit: Visit, sample: dict[str, Any]) -> str:
        value = sample[name]
        return said.DASH if value is None else f"{number(value * factor, visit.language, decimals)}{unit}"

    return tell


def _internet(visit: Visit, sample: dict[str, Any]) -> str:
    value = sample["internet_ok"]
    return said.DASH if value is None else visit.say(words.YES if value else words.NO)


_CAMERA: Final[tuple[tuple[Phrase, _Tell], ...]] = (
    (words.LAST_FRAME, _figure("last_frame_age_s", 1, unit=" s")),
    (words.FPS, _figure("fps", 1)),
    (words.BITRATE, _figure("bitrate_kbps", 0)),
    (words.CLOCK, _figure("clock_offset_s", 0, unit=" s")),
)
_WIFI: Final[tuple[tuple[Phrase, _Tell], ...]] = (
    (words.CLIENTS_NOW, _figure("clients", 0)),
    (words.RTT, _figure("rtt_ms", 1, unit=" ms")),
    (words.LOSS, _figure("loss", 1, 100.0, " %")),
    (words.INTERNET, _internet),
)


def _where(code: str) -> str:
    return f"/ops/devices/{quote(code, safe='')}"
