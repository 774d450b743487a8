"""A table that can be exported: what it is called, its columns, and the statements that give its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from ioc.history.columns import Batch, Column


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, its parameters, and what makes table rows of the rows it gives."""

    text: str
    parameters: Mapping[str, Any] | Sequence[object]
    shaped: Callable[[Batch], Batch] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of all statements, one after the other, in one snapshot."""

    name: str
    """Beginning of the file's name."""
    columns: tuple[Column, ...]
    statements: Iterable[Statement]
    zone: ZoneInfo
    """In which moments are written."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What goes into the answer's headers beside the rows."""
