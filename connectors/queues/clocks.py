"""Whether the kiosks' clocks can be right: a wrong one is a kiosk's health, not a reason to lose its tickets."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

_WINDOW: Final = timedelta(minutes=10)
_FEWEST: Final = 3
_MOST_KIOSKS: Final = 10_000
_KEPT: Final = 200

Note = Callable[[str, bool, str | None], None]
"""Told a kiosk, whether its clock can be right, and why not; see :meth:`connectors.shared.health.Health.note`."""


@dataclass
class _Seen:
    delays: deque[tuple[datetime, timedelta]] = field(default_factory=lambda: deque(maxlen=_KEPT))


class Clocks:
    """Watches by how much messages come after what their kiosk's clock says.

    A clock ahead shows at once: nothing comes before it happened. One behind looks like a message that waited, so it is
    told only when over ten minutes not one of three or more came sooner.

    :param note: told of every look at a kiosk.
    :param tolerance_s: seconds that a clock may be ahead, or behind.
    """

    def __init__(self, note: Note, tolerance_s: float = 300.0) -> None:
        self._note = note
        self._tolerance = timedelta(seconds=tolerance_s)
        self._kiosks: OrderedDict[str, _Seen] = OrderedDict()

    def saw(self, kiosk: str, stated: datetime, received: datetime) -> None:
        """Take in one message; both times aware."""
        delay = received - stated
        if delay < -self._tolerance:
            self._kiosks.pop(kiosk, None)
            self._note(kiosk, False, f"its clock is {_span(-delay)} ahead; times of receiving are used")
            return
        seen = self._kiosks.setdefault(kiosk, _Seen())
        self._kiosks.move_to_end(kiosk)
        if len(self._kiosks) > _MOST_KIOSKS:
            self._kiosks.popitem(last=False)
        seen.delays.append((received, delay))
        while seen.delays and received - seen.delays[0][0] > 2 * _WINDOW:
            seen.delays.popleft()
        least = min(delay for _, delay in seen.delays)
        if least <= self._tolerance:
            self._note(kiosk, True, None)
        elif len(seen.delays) >= _FEWEST and received - seen.delays[0][0] >= _WINDOW:
            self._note(
                kiosk, False, f"its messages come {_span(least)} late at least: its clock, or its line"
            )


def _span(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    if hours >= 0.9 and abs(hours - round(hours)) < 0.03:
        return f"{round(hours)} h (its time zone?)"
    return f"{hours:.1f} h" if hours >= 2 else f"{hours * 60:.0f} min"
