"""What a replay found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Progress: TypeAlias = Callable[[str], None]
"""Told now and then how far the replay is, in a few words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How many things of one kind were looked at in how far they differed from what the facts say.

    :param subject: what was held against the facts, for people.
    :param checked: dossiers, tickets, runs or minutes that were looked at.
    :param different: how many of ``subject`` differed; with a repair, they are right now.
    """

    subject: str
    checked: int
    different: int
