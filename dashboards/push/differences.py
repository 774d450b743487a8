"""What somebody changed in a board by hand, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

#: Most lines of one summary.
_MOST: Final = 8
_IGNORED: Final = frozenset({"id", "version", "iteration", "panels"})


def summarise(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Say how ``after`` differs from ``before``: panels by their titles, everything else by its key."""
    lines = [*_panels(before, after), *_keys(before, after)]
    if len(lines) > _MOST:
        lines = [*lines[: _MOST - 1], f"and {len(lines) - _MOST + 1} more"]
    return tuple(lines)


def _keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*before, *after} - _IGNORED):
        if before.get(key) != after.get(key):
            yield f"{key} changed"


def _panels(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = _by_id(before), _by_id(after)
    for number in sorted({*old, *new}, key=str):
        if number not in new:
            yield f"panel “{_title(old[number])}” removed"
        elif number not in old:
            yield f"panel “{_title(new[number])}” added"
        elif changed := sorted(
            key
            for key in {*old[number], *new[number]} - {"panels"}
            if old[number].get(key) != new[number].get(key)
        ):
            yield f"panel “{_title(new[number])}” changed: {', '.join(changed)}"


def _by_id(document: Mapping[str, Any]) -> dict[object, Mapping[str, Any]]:
    """Panels by their number, those of folded rows included."""
    found: dict[object, Mapping[str, Any]] = {}
    for panel in document.get("panels") or []:
        if isinstance(panel, Mapping):
            found[panel.get("id")] = panel
            found |= _by_id(panel)
    return found


def _title(panel: Mapping[str, Any]) -> str:
    return str(panel.get("title") or panel.get("id"))[:60]
