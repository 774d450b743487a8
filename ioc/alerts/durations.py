"""Lengths of time as packs and people write them: ``90s``, ``3m``, ``48h``, ``2d``, ``1h30m``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WRITTEN: Final = re.compile(
    r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6}(?:\.[0-9]{1,6})?)s)?"
)
HOW: Final = "Write a number and s, m, h or d, such as 90s, 3m, 48h or 2d."


def read_duration(text: str) -> timedelta:
    """Read a length of time.

    :raises ValueError: it is none; :data:`HOW` says how to write one.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no length of time")
    return timedelta(
        seconds=sum(
            float(part) * unit for part, unit in zip(found.groups(), _UNITS.values(), strict=True) if part
        )
    )


def duration_text(length: timedelta) -> str:
    """Write a length of time with the greatest units that fit: ``1d12h``, ``90s`` as ``1m30s``, nothing as ``0s``."""
    left, parts = length.total_seconds(), []
    for name, unit in _UNITS.items():
        whole = int(left // unit) if name != "s" else left
        if whole:
            parts.append(f"{whole:g}{name}" if name == "s" else f"{whole}{name}")
        left -= whole * unit
    return "".join(parts) or "0s"
