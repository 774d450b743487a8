"""Whether a message that is due goes now, waits or is dropped, and what goes together: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.alerts.model import Channel, QuietHours, Severity
from ioc.delivery.outbox import CALLS
from ioc.delivery.standing import Standing
from ioc.duty.clock import instant

#: Kinds of which several go as one.
BUNDLED: Final = frozenset({"alert", "reminder", "resolved"})
#: Nobody waits for the end of the night to see whether alerts arrive.
_NEVER_QUIET: Final = frozenset({"synthetic", "test"})
#: While the message that it answers is on its way.
_BEHIND: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Candidate:
    """A message that is due.

    :param expired: a process began to send it and its lease is over.
    :param alerts: number of an alert → how it stands; None while somebody else holds its row.
    :param held: why it waited before.
    :param told: of a resolved notice, whether the person was told of the alert over this channel.
    :param answers: of a resolved notice, whether the message that it answers is being sent right now.
    """

    message_id: int
    key: str
    kind: str
    severity: Severity
    person: str | None
    attempts: int = 0
    expired: bool = False
    held: str | None = None
    created_at: datetime | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    alerts: Mapping[int, Standing | None] = field(default_factory=dict)
    told: bool = True
    answers: bool = False


@dataclass(frozen=True)
class Line:
    """What went to a person over a channel lately.

    :param last: when the newest message began to go, within the channel's bundle time.
    :param worst: the greatest severity of those that began within it.
    :param room: how many messages more may go within the hour; None has no limit.
    :param full_until: until when there is no room.
    """

    last: datetime | None = None
    worst: Severity | None = None
    room: int | None = None
    full_until: datetime | None = None


class Fate(Enum):
    """What becomes of a message that is due."""

    GO = "go"
    WAIT = "wait"
    DROP = "drop"
    FAIL = "fail"
    LEAVE = "leave"
    """Nothing can be said before somebody else's transaction ends."""


@dataclass(frozen=True)
class Verdict:
    """:param why: held, or the reason of a cancelled or failed message."""

    fate: Fate
    why: str | None = None
    until: datetime | None = None


GO: Final = Verdict(Fate.GO)


def judge(candidate: Candidate, channel: Channel, line: Line, now: datetime, zone: ZoneInfo) -> Verdict:
    """What becomes of a message.

    Bundles wait for the channel's time after the message before, unless this one is worse than all within it. The
    hourly limit never holds what is critical. What was begun already is not held by its own beginning.
    """
    if None in candidate.alerts.values():
        return Verdict(Fate.LEAVE)
    if candidate.kind in CALLS and candidate.alerts:
        standings = [found for found in candidate.alerts.values() if found is not None]
        if all(found.over is not None for found in standings):
            return Verdict(Fate.DROP, "cleared" if standings[0].over == "cleared" else "acknowledged")
        if not any(found.calls for found in standings):
            held = min(
                (found for found in standings if found.until is not None),
                key=lambda found: found.until or now,
                default=Standing(),
            )
            return Verdict(Fate.WAIT, held.held, held.until)
    if candidate.kind == "resolved":
        if candidate.answers:
            return Verdict(Fate.WAIT, None, now + _BEHIND)
        if not candidate.told:
            return Verdict(Fate.DROP, "was never told of it")
    if candidate.expired and candidate.attempts >= channel.attempts:
        return Verdict(Fate.FAIL, f"Its sender died {candidate.attempts} times while it was being sent.")
    return _wait(candidate, channel, line, now, zone) or GO


def _wait(
    candidate: Candidate, channel: Channel, line: Line, now: datetime, zone: ZoneInfo
) -> Verdict | None:
    if (
        channel.quiet is not None
        and candidate.severity < channel.quiet.below
        and candidate.kind not in _NEVER_QUIET
        and (end := quiet_until(channel.quiet, now, zone)) is not None
    ):
        return Verdict(Fate.WAIT, "quiet", end)
    if candidate.attempts:
        return None
    if line.full_until is not None and line.full_until > now and _is_limited(candidate):
        return Verdict(Fate.WAIT, "hourly", line.full_until)
    if (
        candidate.kind in BUNDLED
        and line.last is not None
        and line.last + channel.bundle > now
        and (line.worst is None or candidate.severity <= line.worst or candidate.kind == "resolved")
    ):
        return Verdict(Fate.WAIT, "bundle", line.last + channel.bundle)
    return None


def _is_limited(candidate: Candidate) -> bool:
    """Whether the hourly limit counts for a message."""
    return (
        candidate.severity < Severity.CRITICAL
        and candidate.kind not in _NEVER_QUIET
        and not candidate.attempts
    )


def quiet_until(quiet: QuietHours, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that hold now end; None where none do."""
    local = now.astimezone(zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        ends = day if quiet.end > quiet.start else day + timedelta(days=1)
        if instant(day, quiet.start, zone) <= now < (end := instant(ends, quiet.end, zone)):
            return end
    return None


def groups(going: Sequence[Candidate], channel: Channel) -> list[tuple[Candidate, ...]]:
    """What goes as one message, in the order in which they go: the worst first, then the oldest.

    Over a channel that bundles nothing, only what waited for a full hour goes together. What was begun stays what it
    was: its key is to mean the same whenever it is sent again.
    """
    found: dict[object, list[Candidate]] = {}
    for candidate in going:
        may = channel.bundle > timedelta(0) or candidate.held == "hourly"
        together = may and candidate.kind in BUNDLED and not candidate.attempts
        key = (candidate.person, candidate.kind) if together else candidate.message_id
        found.setdefault(key, []).append(candidate)
    return sorted(
        (tuple(sorted(group, key=lambda one: one.message_id)) for group in found.values()),
        key=lambda group: (-max(one.severity for one in group), group[0].message_id),
    )


def admitted(
    found: Sequence[tuple[Candidate, ...]], lines: Mapping[str, Line]
) -> list[tuple[Candidate, ...]]:
    """Those of :func:`groups` for which the hour has room; the others stay due, and then find it full."""
    used: Counter[str] = Counter()
    going = []
    for group in found:
        person = group[0].person or ""
        room = lines[person].room
        if room is not None and used[person] >= room and all(map(_is_limited, group)):
            continue
        used[person] += 1
        going.append(group)
    return going
