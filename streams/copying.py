"""PostgreSQL's binary COPY format, written from arrays.

A row with the same fields absent has the same layout, so rows are grouped by which fields are null and each
group is laid out at once; only rows with text are finished one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER: Final = b"\xff\xff"
#: PostgreSQL counts timestamps in microseconds since 2000-01-01 UTC.
POSTGRES_EPOCH_US: Final = 946_684_800_000_000

_NULL = (-1).to_bytes(4, "big", signed=True)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of fixed width.

    :param values: the values; any shape-(n,) array that converts to ``dtype``.
    :param dtype: numpy's name of the wire type, big-endian: ``>i2 >i4 >i8 >f4 >f8`` or ``u1`` for boolean.
    :param present: False where the field is null; None when it never is.
    """

    values: npt.NDArray[Any]
    dtype: str
    present: npt.NDArray[np.bool_] | None = None

    def take(self, rows: npt.NDArray[np.intp]) -> Column:
        """Return these rows only, in this order."""
        present = None if self.present is None else self.present[rows]
        return Column(self.values[rows], self.dtype, present)

    @classmethod
    def joined(cls, parts: Sequence[Column]) -> Column:
        """Put one or more parts of a column one after another."""
        present = None
        if any(part.present is not None for part in parts):
            present = np.concatenate(
                [np.ones(len(p.values), np.bool_) if p.present is None else p.present for p in parts]
            )
        return cls(np.concatenate([part.values for part in parts]), parts[0].dtype, present)


def timestamps(micros: npt.NDArray[np.int64]) -> Column:
    """Column of instants, from microseconds since 1970."""
    return Column(micros - POSTGRES_EPOCH_US, ">i8")


def optional(values: Sequence[float | int | bool | None], dtype: str) -> Column:
    """Column of a field that may be absent."""
    if values.count(None) == len(values):
        # by far quicker than finding the same out from an array
        return Column(np.zeros(len(values)), dtype, np.zeros(len(values), np.bool_))
    floats = np.array(values, dtype=np.float64)  # None becomes NaN, which no reading is
    absent = np.isnan(floats)
    if not absent.any():
        return Column(floats, dtype)
    floats[absent] = 0.0
    return Column(floats, dtype, ~absent)


def encode(columns: Sequence[Column], texts: Sequence[Mapping[int, bytes]] = ()) -> bytes:
    """Return a whole COPY stream: header, rows, trailer.

    :param columns: fixed-width columns first, in the order of COPY's column list.
    :param texts: then the columns of variable width: values in wire form by row; rows without one are null.
    """
    count = len(columns[0].values) if columns else 0
    pattern = np.zeros(count, dtype=np.int64)
    for place, column in enumerate(columns):
        if column.present is not None:
            pattern |= (~column.present).astype(np.int64) << place
    has_text = np.zeros(count, dtype=bool)
    for values in texts:
        has_text[np.fromiter(values, np.intp, len(values))] = True
    fields = len(columns) + len(texts)
    parts = [HEADER]
    for nulls in np.unique(pattern).tolist():
        rows = np.flatnonzero((pattern == nulls) & ~has_text)
        if len(rows):
            parts.append(_layout(columns, nulls, rows, fields, empty_tail=len(texts)).tobytes())
        rows = np.flatnonzero((pattern == nulls) & has_text)
        if len(rows):
            laid_out = _layout(columns, nulls, rows, fields, empty_tail=0)
            for place, row in enumerate(rows.tolist()):
                parts.append(laid_out[place].tobytes())
                parts.extend(_field(values.get(row)) for values in texts)
    parts.append(TRAILER)
    return b"".join(parts)


def _field(text: bytes | None) -> bytes:
    return _NULL if text is None else len(text).to_bytes(4, "big") + text


def _layout(
    columns: Sequence[Column], nulls: int, rows: npt.NDArray[np.intp], fields: int, empty_tail: int
) -> npt.NDArray[Any]:
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for place, column in enumerate(columns):
        layout.append((f"length{place}", ">i4"))
        if not nulls >> place & 1:
            layout.append((f"value{place}", column.dtype))
    layout.extend((f"tail{place}", ">i4") for place in range(empty_tail))
    out = np.empty(len(rows), dtype=np.dtype(layout))
    out["fields"] = fields
    for place, column in enumerate(columns):
        if nulls >> place & 1:
            out[f"length{place}"] = -1
        else:
            out[f"length{place}"] = np.dtype(column.dtype).itemsize
            out[f"value{place}"] = column.values[rows]
    for place in range(empty_tail):
        out[f"tail{place}"] = -1
    return out


def text(value: str) -> bytes:
    """Wire form of a text; NUL, which PostgreSQL refuses, is left out."""
    return value.replace("\x00", "").encode()


def jsonb(value: bytes) -> bytes:
    """Wire form of a JSON document."""
    return b"\x01" + value
