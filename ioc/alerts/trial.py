"""What a rule should do, told as a short story: what is seen when, and when its alert is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ioc.alerts.model import Rule


@dataclass(frozen=True)
class Seen:
    """One thing that is seen, ``at`` after the story's beginning. Which fields count depends on the rule's kind.

    :param state: of a device: ``ok``, ``degraded``, ``down``, ``maintenance`` or ``unknown``.
    :param flags: what lasts beside the state.
    :param devices: of a reception point: kind → state.
    :param due: of a dossier: when it falls due, after the beginning.
    :param value: of an indicator or reading; None is unknown.
    """

    at: timedelta
    state: str | None = None
    flags: tuple[str, ...] = ()
    reason: str | None = None
    clients: int | None = None
    devices: Mapping[str, str] = field(default_factory=dict)
    due: timedelta | None = None
    done: bool = False
    paused: bool = False
    apologised: bool = False
    value: float | None = None
    of: float | None = None
    target: float | None = None
    heard: bool = False
    stopped: bool = False
    raised: bool = False


@dataclass(frozen=True)
class Trial:
    """A test of one rule.

    :param begins: local time, in the district's zone.
    :param fires_at: when an alert opens, after the beginning, each time; ``clears_at``: when it clears.
    :param until: up to when the story is told.
    """

    rule: Rule
    name: str
    begins: datetime
    seen: tuple[Seen, ...]
    fires_at: tuple[timedelta, ...]
    clears_at: tuple[timedelta, ...]
    until: timedelta
    line: int = 0
