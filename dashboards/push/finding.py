"""What a look at a Grafana finds: what would change, what is left alone, what is in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dashboards.alerting import Alerting
from dashboards.model import Board, Folder
from dashboards.push.changes import Change
from dashboards.source import Source
from ioc.errors import InputError


class InTheWayError(InputError):
    """Something in Grafana is in the way; nothing was changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        lines = "\n".join(f"- {one.message}\n    {one.remedy}" for one in problems)
        super().__init__(
            f"{count} {'thing is' if count == 1 else 'things are'} in the way; nothing was changed:\n{lines}"
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is in the way, and what to do about it."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a Grafana is to hold."""

    folders: tuple[Folder, ...]
    boards: tuple[Board, ...]
    source: Source
    alerting: Alerting


@dataclass(slots=True)
class Plan:
    """What a push would do."""

    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is left as it is, or has to be done by hand."""
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


def ignore(_done: int, _of: int) -> None:
    """Nobody wants to be told how far it is."""


def holds(found: object, wanted: object) -> bool:
    """Whether what is there has all that is wanted; what Grafana adds by itself does not count."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            holds(found.get(key), value) for key, value in wanted.items()
        )
    return found == wanted
