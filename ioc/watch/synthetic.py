"""Synthetic alerts: opened on purpose, again and again, to see whether alerts arrive, and how soon.

One goes the way of every alert: opened by :mod:`ioc.alerts.life`, called for by its policy, put into the outbox, sent
over a real channel. It is back when the platform's own API hears of it (the ``echo`` driver), or, on other channels,
when the channel took it. What it needed is ``alerts.round_trip``; one that is late shows in the reading of that name
for as long as it is under way, so that a rule on the reading raises a real alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ioc.alerts import life, trail
from ioc.alerts.book import RuleBook
from ioc.alerts.model import Hours, Kind, Observation
from ioc.alerts.trail import Event
from ioc.kpi.query import Steps
from ioc.settings import Settings
from ioc.watch.reading import Reading, kept

READING: Final = "alerts.round_trip"
KPI: Final = "alerts.round_trip"
#: Driver of channels that bring a message back by themselves.
ECHO: Final = "echo"

_OPEN: Final = """
SELECT a.alert_id, r.code, a.opened_at FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id)
WHERE r.kind = 'synthetic' AND a.cleared_at IS NULL ORDER BY a.rule_id, a.key FOR NO KEY UPDATE OF a
"""
_NEWEST: Final = "SELECT max(opened_at) FROM ioc.alert WHERE rule_id = %s"
_OF_MESSAGE: Final = """
SELECT a.alert_id, r.code, a.opened_at, m.channel
FROM ioc.alert_message m JOIN ioc.alert_message_alert l USING (message_id) JOIN ioc.alert a USING (alert_id)
JOIN ioc.alert_rule r USING (rule_id)
WHERE m.key = %s AND r.kind = 'synthetic' AND a.cleared_at IS NULL
ORDER BY a.rule_id, a.key FOR NO KEY UPDATE OF a
"""
_TAKEN: Final = f"""
SELECT m.key, m.ended_at
FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id) JOIN ioc.alert_message_alert l USING (alert_id)
JOIN ioc.alert_message m USING (message_id) JOIN ioc.alert_channel c ON c.code = m.channel
WHERE r.kind = 'synthetic' AND a.cleared_at IS NULL AND m.state = 'sent' AND c.definition->>'driver' <> '{ECHO}'
ORDER BY m.ended_at
"""  # noqa: S608 - of a constant above
_LATE: Final = (
    "SELECT detail->>'since' FROM ioc.reading WHERE name = %s AND instance = %s AND detail->>'state' = 'late'"
)
_STEADY: Final = "DELETE FROM ioc.alert_flap WHERE rule_id = %s"
_VALUE: Final = "UPDATE ioc.alert SET value = %s WHERE alert_id = %s"
_SAMPLE: Final = (
    "INSERT INTO ioc.platform_sample (time, kpi, topic, value) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often one is opened, and when it has to be back."""

    every: timedelta
    within: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Pace:
        """As the settings say."""
        return cls(
            timedelta(seconds=settings.synthetic_every_s), timedelta(seconds=settings.synthetic_within_s)
        )

    @property
    def holds_for(self) -> timedelta:
        """For how long a round trip is known: until the one after the next should have been back."""
        return 2 * self.every + self.within


@dataclass(frozen=True, slots=True)
class Returned:
    """A synthetic alert that came back."""

    alert: int
    rule: str
    seconds: float


def rules(book: RuleBook) -> list[str]:
    """Codes of the rules that raise synthetic alerts."""
    return [code for code, rule in book.rules.items() if rule.kind is Kind.SYNTHETIC]


def subject(rule: str) -> str:
    """As alerts name it."""
    return f"synthetic:{rule}"


def newest(book: RuleBook, rule: str) -> Steps[datetime | None]:
    """Steps to when a rule's newest was opened; None where there never was one."""
    rows = yield _NEWEST, (book.ids[rule],)
    found: datetime | None = rows[0][0]
    return found


def open_one(book: RuleBook, rule: str, now: datetime) -> Steps[tuple[int, ...]]:
    """Steps that open a rule's synthetic alert, and end the one before where it never came back; gives its number."""
    for alert, code, opened_at in (yield _OPEN, ()):
        if code == rule:
            yield from _end(book, rule, now)
            yield from trail.note([Event(alert, "lost", {"seconds": (now - opened_at).total_seconds()})], now)
    settled = yield from life.settle(_at_once(book, rule), [Observation(rule, subject(rule), True, now)], now)
    # it comes and goes on purpose, and is never damped for that
    yield _STEADY, (book.ids[rule],)
    return settled.opened


def back(book: RuleBook, key: str, at: datetime, pace: Pace) -> Steps[list[Returned]]:
    """Steps that note that a message came back, and end the alerts that it was about.

    :param key: of the message. One that is of no open synthetic alert changes nothing: it came twice, or too late.
    :param at: when it came back.
    """
    found: list[Returned] = []
    for alert, rule, opened_at, channel in (yield _OF_MESSAGE, (key,)):
        if rule not in book.ids:
            continue
        seconds = max(0.0, (at - opened_at).total_seconds())
        yield from _end(book, rule, at)
        yield _VALUE, (seconds, alert)
        yield from trail.note([Event(alert, "returned", {"seconds": seconds, "channel": channel})], at)
        yield _SAMPLE, (at, KPI, rule, seconds)
        detail = {"state": "back", "opened_at": opened_at.isoformat(), "channel": channel}
        yield kept(Reading(READING, rule, seconds, detail), at, pace.holds_for)
        found.append(Returned(alert, rule, seconds))
    return found


def taken(book: RuleBook, pace: Pace) -> Steps[list[Returned]]:
    """Steps that count as back what a channel took that does not bring messages back."""
    found: list[Returned] = []
    for key, at in (yield _TAKEN, ()):
        found += yield from back(book, key, at, pace)
    return found


def late(book: RuleBook, now: datetime, pace: Pace) -> Steps[list[str]]:
    """Steps that keep the round trip of what is late growing, from the first that did not come back on.

    :returns: the rules whose alerts are late.
    """
    found: list[str] = []
    for _, rule, opened_at in (yield _OPEN, ()):
        if rule not in book.ids:
            continue
        before: Sequence[tuple[str | None]] = yield _LATE, (READING, rule)
        since = datetime.fromisoformat(before[0][0]) if before and before[0][0] else opened_at
        if now - since >= pace.within:
            detail = {"state": "late", "since": since.isoformat()}
            one = Reading(READING, rule, (now - since).total_seconds(), detail)
            yield kept(one, now, pace.holds_for)
            found.append(rule)
    return found


def _at_once(book: RuleBook, rule: str) -> RuleBook:
    """The book with this rule alone, that fires and clears at once and at any hour."""
    found = replace(
        book.rules[rule],
        holds_for=timedelta(0),
        clear_for=timedelta(0),
        hours=Hours.ALWAYS,
        during=None,
        units=(),
    )
    return replace(book, rules={rule: found}, ids={rule: book.ids[rule]})


def _end(book: RuleBook, rule: str, now: datetime) -> Steps[life.Settled]:
    return (yield from life.settle(_at_once(book, rule), [Observation(rule, subject(rule), False, now)], now))
