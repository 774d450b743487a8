"""Alerts, queues and freshness."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ioc.alerts.asking import Row
from ioc.alerts.model import Severity
from ioc.pages.alerts.words import SEVERITIES
from ioc.pages.parts.markup import Markup, join, tag
from ioc.pages.wall import words
from ioc.pages.wall.board import Board, Topic
from ioc.pages.wall.choice import ALERTS_FAR, ALERTS_NEAR, SERVICES_FAR, SERVICES_NEAR, WARNINGS_FAR
from ioc.pages.wall.plan import short_names
from ioc.reports.words import Language, day, length, number


def clock_time(moment: datetime, zone: ZoneInfo, language: Language, *, now: datetime) -> str:
    """A moment as short as it can be told: today's by the clock alone."""
    local = moment.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{local:%H:%M} {day(local.date(), language)[: 5 if language is Language.VI else None]}"


def alerts(board: Board, zone: ZoneInfo, language: Language, *, far: bool) -> Markup:
    """The newest open alerts, and how many there are of each severity."""
    if not board.open:
        return tag("p", f"✓ {words.NO_ALERTS.said(language)}", cls="alerts-none")
    if board.alerts is None:
        return join(
            _counts(board, language, far=False),
            tag("p", words.ALERTS_NEED_LOGIN.said(language), cls="ops-dim"),
        )
    shown = board.alerts[: ALERTS_FAR if far else ALERTS_NEAR]
    more = sum(board.open.values()) - len(shown)
    names = {code: phrase.said(language) for code, phrase in board.units.items()}
    names |= short_names(board.points, language)
    return join(
        _counts(board, language, far=far),
        tag("ol", *(_alert(row, names, board.at, zone, language, far=far) for row in shown), cls="alerts"),
        tag("p", words.MORE_ALERTS.said(language).format(count=more), cls="ops-dim alerts-more")
        if more > 0 and not far  # there the numbers above have to do
        else None,
    )


def _counts(board: Board, language: Language, *, far: bool) -> Markup:
    """How many are open; the large screen has room for the worst by name, and for a number of the others."""
    named = [severity for severity in SEVERITIES if not far or severity >= Severity.MAJOR]
    others = sum(count for severity, count in board.open.items() if severity not in named)
    return tag(
        "p",
        *(
            tag(
                "span",
                f"{sign} {board.open[severity]} {word.said(language)}",
                cls=f"count severity-{severity.word}",
            )
            for severity, (sign, word) in SEVERITIES.items()
            if severity in named and board.open.get(severity)
        ),
        tag("span", words.OTHERS.said(language).format(count=others)) if others else None,
        cls="counts",
    )


def _alert(
    row: Row, names: dict[str, str], now: datetime, zone: ZoneInfo, language: Language, *, far: bool
) -> Markup:
    severity = Severity(row.severity)
    sign, word = SEVERITIES[severity]
    where = [names.get(code, code) for code in (row.point or row.unit,) if code]
    at = clock_time(row.opened_at, zone, language, now=now)
    since = at if far else words.SINCE.said(language).format(at=at)
    taken = (
        words.TAKEN_BY.said(language).format(who=row.acknowledged_by)
        if row.acknowledged_by
        else words.WAITING_FOR.said(language)
    )
    device = row.subject.partition(":")[2]
    subject = [device] if device and row.kind == "device" and row.members == 1 and not far else []
    name = row.name_vi if language is Language.VI else row.name_en
    # from five metres a title has to be short: the word for how bad it is begins the line below
    title = name if far else f"{word.said(language)}: {name}"
    small: list[str] = [tag("strong", word.said(language))] if far else []
    # what does not fit is cut at the end: whether somebody is on it must not be
    for part in (*where, taken, since) if far else (*where, since, taken, *subject):
        small += [" · ", part] if small else [part]
    return tag(
        "li",
        tag(
            "a",
            tag("span", sign, attributes={"aria-hidden": "true"}, cls="alert-sign"),
            tag(
                "span",
                tag("b", title),
                tag("span", *small, cls="alert-small"),
                cls="alert-text",
            ),
            attributes={"href": f"/ops/alerts?alert={row.id}"},
        ),
        attributes={"data-key": row.id},
        cls=f"alert severity-{severity.word}" + (" alert-taken" if row.acknowledged_by else ""),
    )


def queues(board: Board, language: Language, *, far: bool) -> Markup:
    """Who waits, by service, the longest wait first."""
    if not board.waiting:
        if not board.queues_known:
            return tag("p", words.NO_QUEUES.said(language), cls="queues-none")
        return join(
            tag("p", f"✓ {words.NOBODY_WAITS.said(language)}", cls="queues-none"), _issued(board, language)
        )
    shown = board.waiting[: SERVICES_FAR if far else SERVICES_NEAR]
    more = len(board.waiting) - len(shown)
    return join(
        tag(
            "ul",
            *(
                tag(
                    "li",
                    tag("b", words.PEOPLE.said(language).format(count=one.people), cls="queue-people"),
                    tag(
                        "span",
                        words.NO_SERVICE.said(language) if one.service is None else one.service,
                        cls="queue-service",
                    ),
                    tag(
                        "span",
                        words.LONGEST.said(language).format(
                            minutes=max(int((board.at - one.since).total_seconds() // 60), 0)
                        ),
                        cls="queue-longest",
                    ),
                    attributes={"data-key": f"service {one.service}"},
                )
                for one in shown
            ),
            cls="queues",
        ),
        tag("p", words.MORE_SERVICES.said(language).format(count=more), cls="ops-dim") if more > 0 else None,
        _issued(board, language),
    )


def _issued(board: Board, language: Language) -> Markup | None:
    issued = board.figures["queue.issued"].value
    if issued is None:
        return None
    return tag(
        "p", words.ISSUED.said(language).format(count=number(issued, language)), cls="ops-dim queues-issued"
    )


def freshness(board: Board, language: Language) -> Markup:
    """How old the newest facts of each kind are."""
    return tag("ul", *(_topic(topic, language) for topic in board.topics), cls="fresh")


def _topic(topic: Topic, language: Language) -> Markup:
    state, sign = ("down", "✕") if topic.silent else ("unknown", "?") if topic.age is None else ("ok", "✓")
    return tag(
        "li",
        tag("span", f"{sign} ", attributes={"aria-hidden": "true"}),
        words.NEWEST.said(language).format(
            topic=topic.watched.said.said(language), age=_age(topic.age, language)
        ),
        attributes={"data-key": topic.watched.topic},
        cls=f"state-{state}",
    )


def _age(age: timedelta | None, language: Language) -> str:
    if age is None:
        return words.NEVER.said(language)
    if not age:
        return words.JUST_NOW.said(language)
    if age < timedelta(minutes=2):
        return words.AGO.said(language).format(length=f"{age.total_seconds():.0f} s")
    return words.AGO.said(language).format(length=length(age, language))


def warnings(board: Board, zone: ZoneInfo, language: Language, *, far: bool) -> Sequence[str]:
    """What makes figures old although the database answers: processes and sources that are silent."""
    told = [
        words.SILENT_PROCESS.said(language).format(role=role, at=clock_time(at, zone, language, now=board.at))
        for role, at in board.silent
    ]
    for topic in board.topics:
        if topic.silent and topic.newest is not None:
            phrase = words.NOT_COUNTED if topic.lag else words.NO_FACTS
            told.append(
                phrase.said(language).format(
                    topic=topic.watched.said.said(language).lower(),
                    count=topic.lag,
                    at=clock_time(topic.newest, zone, language, now=board.at),
                )
            )
    most = WARNINGS_FAR if far else len(told)
    if len(told) > most:
        return [*told[:most], words.MORE_WARNINGS.said(language).format(count=len(told) - most)]
    return told
