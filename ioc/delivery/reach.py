"""Whom a step calls, and over which channels: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from ioc.alerts.model import Channel, Severity, Target
from ioc.duty.calling import Called

log = structlog.get_logger(__name__)


class Roll(Protocol):
    """Who is on duty, as :class:`ioc.duty.calling.Roll` tells."""

    def whom(self, targets: Iterable[Target], at: datetime) -> Called: ...


@dataclass(frozen=True)
class Calling:
    """Whom targets call at an instant.

    :param absent: places where nobody was found, or not the one that is meant, in a few words; people by their codes.
    :param empty: whether a target found nobody at all.
    """

    people: tuple[str, ...]
    channels: tuple[str, ...]
    absent: tuple[str, ...]
    empty: bool


def call(roll: Roll, targets: Iterable[Target], now: datetime) -> Calling:
    """Ask target by target: one that finds nobody is the fallback's turn, whatever the others find.

    So is one for which the question itself fails: a roster that nobody can read must not keep others from being called.
    """
    people: dict[str, None] = {}
    channels: dict[str, None] = {}
    absent: dict[str, None] = {}
    empty, asked = False, False
    for target in targets:
        asked = True
        try:
            found = roll.whom((target,), now)
        except Exception as fault:
            log.exception("nobody can say whom a step calls", roster=target.roster, person=target.person)
            absent[f"{target.roster or target.person}: can't be told ({type(fault).__name__})"] = None
            empty = True
            continue
        people.update(dict.fromkeys(found.people))
        channels.update(dict.fromkeys(found.channels))
        absent.update(dict.fromkeys(one.text("en") for one in found.absent))
        empty = empty or found.nobody
    return Calling(tuple(people), tuple(channels), tuple(absent), empty or not asked)


def ways(contacts: Collection[str], channels: Mapping[str, Channel], severity: Severity) -> tuple[str, ...]:
    """Channels over which somebody is told: all that take this severity, at once, in the order of the channels.

    What one of them accepted may still not be read; the pack says by ``least`` which of them a night is disturbed for.

    :param contacts: channels for which the person has an address.
    """
    return tuple(code for code, channel in channels.items() if code in contacts and channel.least <= severity)
