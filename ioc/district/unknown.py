"""What a pack does not know, told as notes: nothing of it is filled in by guessing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from ioc.district.model import Certainty, Pack
from ioc.district.problems import Problems

_SHOWN = 5


class _Sure(Protocol):
    @property
    def certainty(self) -> Certainty: ...
    @property
    def line(self) -> int: ...


def note_unknown(pack: Pack, problems: Problems, today: date) -> None:
    """Note what is inferred, which units lack an official code, and that nothing is connected."""
    tables: tuple[tuple[str, Sequence[_Sure]], ...] = (
        ("units.csv", pack.units),
        ("groups.csv", pack.memberships),
        ("points.csv", pack.points),
        ("agencies.csv", pack.agencies),
        ("targets.csv", pack.targets),
    )
    for file, rows in tables:
        inferred = [row.line for row in rows if row.certainty is Certainty.INFERRED]
        if inferred:
            problems.note(
                file,
                0,
                f"{len(inferred)} of {len(rows)} rows are inferred (I): lines {_few(inferred)}.",
                "The district should confirm them.",
            )
    local = [
        unit.code
        for unit in pack.units
        if unit.scheme == "local" and unit.kind != "group" and unit.period.holds_on(today)
    ]
    if local:
        problems.note(
            "units.csv",
            0,
            f"{len(local)} units of today have a code of the pack's own (scheme local): {_few(local)}.",
            "Replace it by the official one where there is one.",
        )
    if not pack.sources:
        problems.note(
            "sources.csv",
            0,
            "No source is named: dossiers and tickets reach the platform only by import or with an API key.",
            "docs/howto/connect-a-source.md shows a line of each kind.",
        )


def _few(items: Sequence[object]) -> str:
    return ", ".join(map(str, items[:_SHOWN])) + (", …" if len(items) > _SHOWN else "")
