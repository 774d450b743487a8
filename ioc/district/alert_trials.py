"""``[[rule.test]]``: what is seen, told in order, and when the rule's alert is to be there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from ioc.alerts.durations import HOW, read_duration
from ioc.alerts.model import Kind, Rule
from ioc.alerts.trial import Seen, Trial
from ioc.district.toml_values import Values

#: A Monday morning, one hour after offices have opened.
BEGINS: Final = datetime(2026, 3, 2, 8)  # noqa: DTZ001 - local, of whichever district
TRIAL_KEYS: Final = ("name", "begins", "until", "see", "fires_at", "clears_at", "never")
#: What the story of a rule of each kind may hold.
SEEN_KEYS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.DEVICE: ("at", "state", "flags", "reason", "clients"),
    Kind.DOSSIER: ("at", "due", "done", "paused", "apologised"),
    Kind.KPI: ("at", "value", "of", "target"),
    Kind.ABSENCE: ("at", "heard", "stopped"),
    Kind.SITE: ("at", "devices"),
    Kind.READING: ("at", "value"),
    Kind.SYNTHETIC: ("at", "raised"),
}
STATES: Final = ("ok", "degraded", "down", "maintenance", "unknown")
_MOST_TESTS: Final = 50
_MOST_SEEN: Final = 500
_SLACK: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=400)


def read_trials(block: Values, rule: Rule) -> list[Trial]:
    """Read the tests of a rule; a mistake in one makes the rule as bad as one in the rule itself."""
    return [_trial(part, rule) for part in block.parts_of("test", most=_MOST_TESTS)]


def _trial(part: Values, rule: Rule) -> Trial:
    part.known(TRIAL_KEYS)
    name = part.text("name", longest=120)
    seen = tuple(_seen(item, rule.kind) for item in part.parts_of("see", most=_MOST_SEEN))
    if not seen and not part.bad:
        part.error("see", "The test sees nothing.", 'Such as see = [{ at = "0s", … }].')
    if [one.at for one in seen] != sorted(one.at for one in seen):
        part.error("see", "What is seen is not in order of its times.")
    fires, clears = _times(part, "fires_at"), _times(part, "clears_at")
    never = part.flag("never")
    if never == bool(fires) and not part.bad:
        part.error(
            "fires_at",
            "The test says both fires_at and never." if never else "The test does not say what is to happen.",
            "Give fires_at, with clears_at where it ends, or never = true.",
        )
    named = [*(one.at for one in seen), *fires, *clears]
    last = max(named, default=timedelta(0)) + rule.holds_for + rule.clear_for + _SLACK
    return Trial(
        rule=rule,
        name=name,
        begins=_begins(part),
        seen=seen,
        fires_at=fires,
        clears_at=clears,
        until=_time(part, "until", part.table["until"]) if part.has("until") else last,
        line=part.line,
    )


def _seen(item: Values, kind: Kind) -> Seen:
    item.known(SEEN_KEYS[kind])
    if not item.has("at"):
        item.error("at", "at is missing.", 'It is how long after the beginning, such as at = "+5m".')
    return Seen(
        at=_time(item, "at", item.table.get("at", "0s")),
        state=item.word("state", STATES) if kind is Kind.DEVICE else None,
        flags=item.words("flags", "flags", ("frozen", "stalled", "saturated")),
        reason=item.text("reason", required=False) or None,
        clients=item.whole("clients", 0, 1_000_000),
        devices=_devices(item) if kind is Kind.SITE else {},
        due=_time(item, "due", item.table["due"]) if item.has("due") else None,
        done=item.flag("done"),
        paused=item.flag("paused"),
        apologised=item.flag("apologised"),
        value=item.figure("value"),
        of=item.figure("of"),
        target=item.figure("target"),
        heard=item.flag("heard"),
        stopped=item.flag("stopped"),
        raised=item.flag("raised"),
    )


def _devices(item: Values) -> dict[str, str]:
    part = item.part_of("devices")
    if part is None:
        if not item.has("devices"):
            item.error(
                "devices", "devices is missing.", 'Such as devices = { camera = "down", wifi = "ok" }.'
            )
        return {}
    part.known(("camera", "wifi", "kiosk"))
    return {str(key): part.word(key, STATES) for key in part.table if not part.bad}


def _times(part: Values, key: str) -> tuple[timedelta, ...]:
    found = part.table.get(key, [])
    listed = found if isinstance(found, list) else [found]
    return tuple(_time(part, key, one) for one in listed)


def _time(part: Values, key: str, found: Any) -> timedelta:
    try:
        if not isinstance(found, str):
            raise ValueError(found)
        ahead = -1 if found.startswith("-") and key == "due" else 1
        length = read_duration(found.removeprefix("-") if ahead < 0 else found.removeprefix("+"))
        if length > _LONGEST:
            raise ValueError(found)
    except ValueError:
        part.error(
            key, f"{key} is no time after the beginning.", f"{HOW} A + may stand before it; 400d is the most."
        )
        return timedelta(0)
    return length * ahead


def _begins(part: Values) -> datetime:
    found = part.table.get("begins", BEGINS)
    if not isinstance(found, datetime) or found.tzinfo is not None:
        part.error(
            "begins", "begins is no local time.", "Write it without quotes and offset: 2026-03-02T08:00:00."
        )
        return BEGINS
    return found
