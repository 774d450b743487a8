"""Grades of the index: names for so many points of 100, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

#: Points of the whole index.
TOTAL: Final = 100


class Grade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A grade holds from ``at_least`` points on."""

    name: str
    at_least: Annotated[float, msgspec.Meta(ge=0, le=TOTAL)]


def grade_of(points: float | None, grades: Sequence[Grade]) -> str | None:
    """The grade of so many points; None while they are unknown or no grades are set.

    :param grades: the highest first.
    """
    if points is None:
        return None
    return next((grade.name for grade in grades if points >= grade.at_least), None)


def read_grades(text: str) -> tuple[Grade, ...]:
    """Read ``90=Xuất sắc;80=Tốt``; returns the highest first.

    :raises ValueError: naming the part that can't be read.
    """
    found: dict[float, Grade] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        number, _, name = (side.strip() for side in part.partition("="))
        try:
            points = float(number)
        except ValueError:
            points = -1.0
        if not name or not 0 <= points <= TOTAL or points in found:
            raise ValueError(
                f"{part!r} is no grade: write 90=Xuất sắc;80=Tốt, each number once, 0 to {TOTAL}"
            )
        found[points] = Grade(name, points)
    return tuple(found[points] for points in sorted(found, reverse=True))
