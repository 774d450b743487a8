"""Whom a step calls, and over which channels: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ioc.alerts.model import Channel, Severity, Target
from ioc.duty.calling import Absent, Called


class Roll(Protocol):
    """Who is on duty, as :class:`ioc.duty.calling.Roll` tells."""

    def whom(self, targets: Iterable[Target], at: datetime) -> Called: ...


@dataclass(frozen=True)
class Calling:
    """Whom targets call at an instant.

    :param absent: places where nobody was found, or not the one that is meant.
    :param empty: whether a target found nobody at all.
    """

    people: tuple[str, ...]
    channels: tuple[str, ...]
    absent: tuple[Absent, ...]
    empty: bool


def call(roll: Roll, targets: Iterable[Target], now: datetime) -> Calling:
    """Ask target by target: one that finds nobody is the fallback's turn, whatever the others find."""
    found = [roll.whom((target,), now) for target in targets]
    return Calling(
        tuple(dict.fromkeys(person for called in found for person in called.people)),
        tuple(dict.fromkeys(channel for called in found for channel in called.channels)),
        tuple(dict.fromkeys(absent for called in found for absent in called.absent)),
        not found or any(called.nobody for called in found),
    )


def ways(contacts: Collection[str], channels: Mapping[str, Channel], severity: Severity) -> tuple[str, ...]:
    """Channels over which somebody is told: all that take this severity, at once, in the order of the channels.

    What one of them accepted may still not be read; the pack says by ``least`` which of them a night is disturbed for.

    :param contacts: channels for which the person has an address.
    """
    return tuple(code for code, channel in channels.items() if code in contacts and channel.least <= severity)
