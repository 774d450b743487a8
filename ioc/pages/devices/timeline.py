"""A device's states over a period, drawn as bars from left to right, each with a colour or a pattern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

_WIDTH: Final = 1000
_HEIGHT: Final = 44
#: What is shorter than this would not be seen, in units of the drawing.
_LEAST: Final = 1.5
#: States in the order in which they are drawn: what is short and bad must not be covered.
_LAST: Final = ("ok", "unknown", "maintenance", "degraded", "down")
_PATTERNS: Final = (
    '<defs><pattern id="p-unknown" width="8" height="8" patternUnits="userSpaceOnUse">'
    '<rect width="8" height="8" class="ops-bar-ground"/><circle cx="2" cy="2" r="1.3" class="ops-bar-dot"/>'
    '<circle cx="6" cy="6" r="1.3" class="ops-bar-dot"/></pattern>'
    '<pattern id="p-maintenance" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="8" height="8" class="ops-bar-ground"/><rect width="3" height="8" class="ops-bar-hatch"/></pattern>'
    "</defs>"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the state was the same.

    :param ended: None while it lasts.
    """

    started: datetime
    ended: datetime | None
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark below the drawing.

    :param share: of the way from left to right.
    """

    share: float
    label: str


def draw(
    stretches: Sequence[Stretch],
    start: datetime,
    end: datetime,
    *,
    label: str,
    said: Callable[[Stretch], str],
) -> str:
    """Return the drawing as SVG. What no stretch covers is unknown.

    :param label: what the drawing is, for who can't see it.
    :param said: what is told of a stretch that is pointed at.
    """
    whole = (end - start).total_seconds()
    bars = []
    for one in sorted(stretches, key=lambda stretch: _LAST.index(stretch.state)):
        left = max(0.0, (one.started - start).total_seconds() / whole) * _WIDTH
        right = min(1.0, ((one.ended or end) - start).total_seconds() / whole) * _WIDTH
        if right <= 0 or left >= _WIDTH:
            continue
        width = max(right - left, _LEAST)
        bars.append(
            f'<rect x="{min(left, _WIDTH - _LEAST):.2f}" y="0" width="{width:.2f}" height="{_HEIGHT}"'
            f" {_look(one.state)}><title>{escape(said(one))}</title></rect>"
        )
    return (
        f'<svg class="ops-timeline" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(label)}">{_PATTERNS}'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" {_look("unknown")}/>{"".join(bars)}</svg>'
    )


def swatch(state: str) -> str:
    """Return a small piece of a state's bar, for the legend beside a drawing."""
    return (
        '<svg class="ops-swatch" viewBox="0 0 24 14" aria-hidden="true">'
        f'<rect width="24" height="14" {_look(state)}/></svg>'
    )


def _look(state: str) -> str:
    """How a state is filled: two have patterns, which only an attribute can name."""
    return f'fill="url(#p-{state})"' if state in ("unknown", "maintenance") else f'class="ops-bar-{state}"'


def ticks(start: datetime, end: datetime, zone: ZoneInfo, *, day_first: bool) -> list[Tick]:
    """Marks at full hours or midnights of the zone, a handful of them.

    :param day_first: 24/11 instead of 11-24.
    """
    span = end - start
    hours = 4 if span <= timedelta(days=2) else 24 if span <= timedelta(days=8) else 24 * 5
    local = start.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    at = local.replace(hour=0)
    found = []
    while at <= end:
        if at >= start:
            share = (at - start) / span
            day = f"{at:%d/%m}" if day_first else f"{at:%m-%d}"
            found.append(Tick(share, day if hours >= 24 or at.hour == 0 else f"{at:%H:%M}"))
        # by the wall clock, so that a mark stays at midnight over a change of the clock
        at = (at.replace(tzinfo=None) + timedelta(hours=hours)).replace(tzinfo=zone)
    return found
