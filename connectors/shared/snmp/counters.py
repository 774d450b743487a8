"""What two readings of a counter say of the time between them. Pure; unknown rather than a guess.

A counter only grows, until it wraps at 2³² or 2⁶⁴ or is reset (RFC 2578, 7.1.6). From two values alone a wrap can't be
told from a reset; the agent's uptime and the counter's discontinuity time (RFC 2863) tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TICKS_WRAP: Final = 2**32
"""sysUpTime starts over after 497 days."""
_SLACK_S: Final = 2.0
_SLACK: Final = 0.05
"""How far an agent's clock may differ from ours between two readings."""
_OVER_SPEED: Final = 1.1
_FASTEST_BPS: Final = 100e9
"""Of a link that does not tell its speed."""


@dataclass(frozen=True, slots=True)
class Counter:
    """One reading of an octet counter."""

    value: int
    bits: int = 64
    discontinuity: int | None = None
    """ifCounterDiscontinuityTime: changes when the counter lost its continuity."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time between two readings of one agent.

    :param elapsed_s: by our monotonic clock.
    :param uptime_before: hundredths of a second, when the agent says so.
    :param longest_s: what lies longer apart says nothing of now.
    """

    elapsed_s: float
    uptime_before: int | None
    uptime_after: int | None
    longest_s: float = 300.0

    @property
    def usable(self) -> bool:
        """Whether the readings are in order and near enough."""
        return 0 < self.elapsed_s <= self.longest_s

    @property
    def ran_through(self) -> bool | None:
        """Whether the agent ran all the time; None when it does not tell."""
        if self.uptime_before is None or self.uptime_after is None:
            return None
        ticks = self.uptime_after - self.uptime_before
        if ticks < 0 and self.uptime_before > TICKS_WRAP // 2 > self.uptime_after:
            ticks += TICKS_WRAP
        slack = max(_SLACK_S, _SLACK * self.elapsed_s)
        return abs(ticks / 100 - self.elapsed_s) <= slack


def octets(
    before: Counter | None, after: Counter | None, span: Span, speed_bps: float | None = None
) -> int | None:
    """Octets counted between two readings, or None when that can't be told.

    Unknown are: readings out of order or too far apart; an agent that restarted, or a counter that says it lost
    continuity; a smaller value of a 64-bit counter, which never wraps in practice, or of a 32-bit one when the agent
    does not prove that it ran through; more than the link can carry; and a 32-bit counter that could have wrapped more
    than once at the link's speed.

    :param speed_bps: of the link, in bits per second; None or 0 when unknown.
    """
    if before is None or after is None or before.bits != after.bits or not span.usable:
        return None
    if before.value < 0 or after.value < 0 or max(before.value, after.value) >= 1 << after.bits:
        return None
    if span.ran_through is False or before.discontinuity != after.discontinuity:
        return None
    most = (speed_bps or _FASTEST_BPS) * _OVER_SPEED * span.elapsed_s / 8
    found = after.value - before.value
    if after.bits == 32:
        if speed_bps and speed_bps * span.elapsed_s / 8 >= 1 << 32:
            return None
        if found < 0 and span.ran_through:
            found += 1 << 32
    return found if 0 <= found <= most else None


def bits_per_second(found: int | None, elapsed_s: float) -> int | None:
    """The mean rate over the span; None stays None."""
    return None if found is None or elapsed_s <= 0 else round(found * 8 / elapsed_s)
