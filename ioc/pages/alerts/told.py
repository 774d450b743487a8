"""One alert in the texts of a row: pure, so that a row is drawn anew only where its texts changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ioc.alerts.asking import Row
from ioc.alerts.model import Severity
from ioc.alerts.states import Held
from ioc.delivery import texts
from ioc.delivery.facts import Facts
from ioc.pages.alerts import words
from ioc.pages.words import Phrase
from ioc.reports.words import Language, day


@dataclass(frozen=True, slots=True)
class Told:
    """What a row says.

    :param mark: sign and word of the severity; ``level``: its class.
    :param state: how it stands, with its sign; ``tone``: its class.
    :param since: for machines; ``at``: for people.
    """

    id: int
    level: str
    mark: str
    name: str
    where: str
    state: str
    tone: str
    given: str
    since: str
    at: str


def told(row: Row, facts: Facts | None, zone: ZoneInfo, language: Language) -> Told:
    """The texts of a row."""
    severity = Severity(row.severity)
    sign, word = words.SEVERITIES[severity]
    state, tone = standing(row, zone, language)
    return Told(
        row.id,
        severity.word,
        f"{sign} {word.said(language)}",
        Phrase(row.name_vi, row.name_en).said(language),
        where(row, facts, language),
        state,
        tone,
        "" if row.assigned_to is None else words.GIVEN.said(language).format(who=row.assigned_to),
        row.since.isoformat(),
        clock(row.since, zone, language),
    )


def where(row: Row, facts: Facts | None, language: Language) -> str:
    """Place and subject, as far as they are known."""
    if facts is None:
        return row.subject
    parts = (texts.place(facts, language), texts.subject_of(facts, language))
    return " · ".join(part for part in parts if part)


def standing(row: Row, zone: ZoneInfo, language: Language) -> tuple[str, str]:
    """How an alert stands, and the class of that."""

    def say(phrase: Phrase, **names: object) -> str:
        return phrase.said(language).format(**names)

    if row.cleared_at is not None:
        return f"✓ {say(words.CLEARED, at=clock(row.cleared_at, zone, language))}", "over"
    if row.acknowledged_at is not None:
        who, at = row.acknowledged_by, clock(row.acknowledged_at, zone, language)
        return f"✓ {say(words.TAKEN, who=who, at=at)}", "taken"
    held = row.held
    if Held.INHIBITED in held:
        return f"→ {say(words.BECAUSE, id=row.inhibited_by)}", "held"
    if Held.SNOOZED in held and row.snoozed_until is not None:
        return f"… {say(words.UNTIL, at=clock(row.snoozed_until, zone, language))}", "held"
    if held:
        return f"… {say(words.HELD[held[0]])}", "held"
    return f"✱ {say(words.WAITING)}", "waiting"


def clock(moment: datetime, zone: ZoneInfo, language: Language) -> str:
    """A moment in short: the day only where it is not today's."""
    local = moment.astimezone(zone)
    if local.date() == datetime.now(zone).date():
        return f"{local:%H:%M}"
    return (
        f"{local:%H:%M %d/%m}"
        if local.year == datetime.now(zone).year
        else f"{local:%H:%M} {day(local.date(), language)}"
    )
