"""What the wall asks, once for all who look with the same rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from ioc.alerts import asking
from ioc.alerts.asking import Filter, Order, Row
from ioc.alerts.model import Severity
from ioc.alerts.states import Held, State
from ioc.district.worktime import WorkCalendar, stored_calendar
from ioc.history.points import PointNow, points
from ioc.history.queues import Waiting, waiting
from ioc.kpi import targets
from ioc.kpi.catalogue import Bucket, find
from ioc.kpi.query import Current, Point, Steps, clock, current, series
from ioc.kpi.question import Question
from ioc.kpi.targets import Target, Targets
from ioc.pages.parts.markup import Markup
from ioc.pages.wall.choice import ALERTS_NEAR, KPIS, LISTED, TILES, WATCHED, Watched
from ioc.pages.words import Phrase
from ioc.watch.state import heartbeats

#: The board is made anew at least this often, so that a browser can tell that it is still told.
BEAT: Final = timedelta(seconds=5)
#: Alerts that the sound is about, at most.
_MOST_CRITICAL: Final = 50
#: Processes without which figures grow old; each is silent for a reason of its own.
_ROLES: Final = ("stream", "connect", "evaluate", "deliver")


@dataclass(frozen=True, slots=True)
class Topic:
    """How fresh the facts of a topic are.

    :param newest: when the newest one was learned, to the second; None where there is none.
    :param lag: records that are not counted yet.
    :param silent: longer than it may be.
    """

    watched: Watched
    newest: datetime | None
    age: timedelta | None
    lag: int
    silent: bool


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the wall but its trends, at one moment.

    :param at: by the database's clock, to :data:`BEAT`.
    :param alerts: open ones of :data:`LISTED` severities, critical ones that nobody took on and then the newest first;
        None for a guest.
    :param open: how many there are of each severity.
    :param critical: open critical alerts that nobody took on and that nothing holds back, newest first.
    :param units: names of units and points that the alerts name.
    :param silent: processes that should be heard and are not, with the moment of their last sign.
    :param drawn: what was made of it, for all who are shown the same.
    """

    at: datetime
    figures: Mapping[str, Current]
    targets: Targets
    points: tuple[PointNow, ...]
    waiting: tuple[Waiting, ...]
    queues_known: bool
    alerts: tuple[Row, ...] | None
    open: Mapping[Severity, int]
    critical: tuple[int, ...]
    units: Mapping[str, Phrase]
    topics: tuple[Topic, ...]
    silent: tuple[tuple[str, datetime], ...]
    drawn: dict[object, dict[str, Markup]] = field(default_factory=dict, compare=False, repr=False)

    def target(self, kpi: str) -> Target | None:
        """The target in force now."""
        return self.targets.at(kpi, None, self.at)


def board(reader: str, *, named: bool, prefix: str) -> Steps[Board]:
    """Steps to the board.

    :param named: whether the reader is somebody: guests are told how many alerts are open, and not which.
    :param prefix: before the names of topics in this installation.
    """
    zone, now = yield from clock(reader, None)
    figures = yield from current(reader, KPIS)
    in_force = yield from targets.ask(reader, KPIS, [None])
    places = yield from points(reader)
    queue = yield from waiting(reader)
    alerts: tuple[Row, ...] | None = None
    critical: tuple[int, ...] = ()
    counts = yield from asking.counts(reader, None)
    if named:
        alerts, critical = yield from _alerts(reader)
    units = yield from _names({row.unit for row in alerts or ()} - {None})
    topics = yield from _topics(reader, now, prefix, zone.key)
    beating = yield from heartbeats(now)
    known = {figure.kpi: figure for figure in figures}
    return Board(
        at=_floor(now),
        figures=known,
        targets=in_force,
        points=places,
        waiting=queue,
        queues_known=known["queue.waiting"].value is not None,
        alerts=alerts,
        open={
            severity: count.waiting + count.held + count.acknowledged
            for severity, count in counts.severities.items()
        },
        critical=critical,
        units=units,
        topics=topics,
        silent=tuple(
            sorted((one.kind, one.at) for one in beating if one.kind in _ROLES and one.is_silent(now))
        ),
    )


def _floor(now: datetime) -> datetime:
    return datetime.fromtimestamp(now.timestamp() // BEAT.total_seconds() * BEAT.total_seconds(), UTC)


def _alerts(reader: str) -> Steps[tuple[tuple[Row, ...], tuple[int, ...]]]:
    wanted = Filter(severity=LISTED)
    newest = yield from asking.page(reader, wanted, order=Order.NEWEST, after=None, limit=ALERTS_NEAR)
    loud = Filter(state=State.WAITING, severity=(Severity.CRITICAL,), held=(Held.NOT,))
    critical = yield from asking.page(reader, loud, order=Order.NEWEST, after=None, limit=_MOST_CRITICAL)
    # what is critical and nobody's yet must not be pushed off by what is newer and milder
    waiting = tuple(row.id for row in critical.rows)
    others = (row for row in newest.rows if row.id not in waiting)
    return (*critical.rows, *others)[:ALERTS_NEAR], waiting


def _names(codes: set[str | None]) -> Steps[dict[str, Phrase]]:
    if not codes:
        return {}
    rows = yield (
        "SELECT code, name_vi, name_en FROM ioc.unit WHERE code = ANY (%s)",
        (sorted(filter(None, codes)),),
    )
    return {code: Phrase(vi, en) for code, vi, en in rows}


def _topics(reader: str, now: datetime, prefix: str, zone: str) -> Steps[tuple[Topic, ...]]:
    ages = yield from _by_topic(reader, "platform.freshness", now)
    lags = yield from _by_topic(reader, "platform.lag", now)
    rows = yield "SELECT working_time::text FROM ioc.district", ()
    calendar = stored_calendar(zone, rows[0][0] if rows else None)
    return tuple(
        _topic(watched, ages.get(prefix + watched.topic), lags.get(prefix + watched.topic), now, calendar)
        for watched in WATCHED
    )


def _by_topic(reader: str, kpi: str, now: datetime) -> Steps[dict[str, float]]:
    minute = now.replace(second=0, microsecond=0)
    # to the minute's end, which is to come: what is true now is asked, and not the newest sample
    question = Question(
        kpi=find(kpi),
        start=minute,
        end=minute + timedelta(minutes=1),
        bucket=Bucket.MINUTE,
        by="topic",
    )
    found = yield from series(reader, question)
    return {point.dim: point.value for point in found if point.dim is not None and point.value is not None}


def _topic(
    watched: Watched, age_s: float | None, lag: float | None, now: datetime, calendar: WorkCalendar
) -> Topic:
    if age_s is None:
        return Topic(watched, None, None, int(lag or 0), silent=False)
    newest = (now - timedelta(seconds=age_s)).replace(microsecond=0)
    quiet = calendar.between(newest, now) if watched.working else now - newest
    return Topic(watched, newest, _rounded(now - newest), int(lag or 0), silent=quiet > watched.limit)


def _rounded(age: timedelta) -> timedelta:
    """As coarse as people read it, so that it changes seldom: nothing below a quarter of a minute, then minutes."""
    if age < timedelta(seconds=15):
        return timedelta(0)
    if age < timedelta(minutes=2):
        return timedelta(seconds=age.total_seconds() // 15 * 15)
    return timedelta(minutes=age.total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Trends:
    """The recent course of every figure."""

    points: Mapping[str, tuple[Point, ...]]
    drawn: dict[object, dict[str, Markup]] = field(default_factory=dict, compare=False, repr=False)


def trends(reader: str) -> Steps[Trends]:
    """Steps to the small lines of the tiles."""
    _, now = yield from clock(reader, None)
    found: dict[str, tuple[Point, ...]] = {}
    for tile in TILES:
        question = Question(
            kpi=find(tile.kpi), start=now - tile.trend.span, end=now, bucket=tile.trend.bucket
        )
        found[tile.kpi] = yield from series(reader, question)
    return Trends(found)
