"""What a table that leaves the platform consists of: named columns of a few kinds, and rows in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

#: Rows of one batch, each with a value per column; None is unknown.
Batch: TypeAlias = Sequence[Sequence[Any]]
Batches: TypeAlias = Iterator[Batch]

#: Rows that are fetched, encoded and sent together.
BATCH_ROWS: Final = 5_000


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    MOMENT = "moment"
    """Aware datetimes."""
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    kind: Kind


def columns(**kinds: Kind) -> tuple[Column, ...]:
    """Return columns by name, in this order."""
    return tuple(Column(name, kind) for name, kind in kinds.items())


def in_batches(rows: Iterable[Sequence[Any]], size: int = BATCH_ROWS) -> Batches:
    """Return rows in batches of at most ``size``."""
    batch: list[Sequence[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
