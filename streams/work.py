"""What a topic's projector does with a batch: the seam between the sink and the subjects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from streams.batch import Batch
from streams.ownership import Connection, Moved
from streams.unreadable import Unreadable


@dataclass(slots=True)
class Outcome:
    """What one transaction stored, for metrics and log lines."""

    facts: int = 0
    duplicates: int = 0
    #: Facts about dossiers that were erased: passed by.
    erased: int = 0
    #: Facts that came after their window had closed, by unit.
    late: Counter[int] = field(default_factory=Counter)
    unreadable: list[Unreadable] = field(default_factory=list)


class Work(Protocol):
    """A prepared batch."""

    @property
    def watermark(self) -> datetime | None:
        """Newest fact time of the batch."""

    @property
    def exclusive(self) -> bool:
        """Whether the next batch may only be prepared after this one is committed."""

    async def apply(self, connection: Connection, moved: Moved) -> Outcome:
        """Write facts, projections and measures inside the caller's transaction."""


class Projector(Protocol):
    """State and rules of one topic's partition. A failed transaction ends a projector: another is made."""

    #: Hold each batch against the database alone, remembering nothing between batches.
    careful: bool

    async def prepare(self, batch: Batch) -> Work:
        """Decode and compute; may read the database over the shared pool, must not write facts.

        Called for batch N+1 while batch N is being committed; state held in memory is moved here.
        """

    async def idle(self, connection: Connection) -> None:
        """Nothing came for a while: write what was put off, inside the caller's transaction."""
