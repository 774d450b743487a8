"""From what was seen to a verdict: a pure decision, rung by rung of the ladder.

The ladder: inventory → tcp → describe → frame → content → clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from connectors.camera.describe import Described
from connectors.camera.limits import BLURRED_DETAIL, FROZEN_CHANGE, FROZEN_KEY_CHANGE, UNCHANGED_S
from connectors.camera.seen import Seen, stall_limit_s
from connectors.camera.watchers import Lost
from ioc.events import Status

CLOCK_LIMIT_S: Final = 20.0
"""Drift from which ONVIF logins are commonly refused."""
_HOUR_S: Final = 3600.0
_HOUR_SLACK_S: Final = 60.0
"""How far from a whole hour an offset may be and still be a time zone's."""


@dataclass(frozen=True)
class Verdict:
    """What one probe concludes."""

    status: Status
    rung: str
    """First rung that failed; the last one passed when all is well."""
    reason: str | None = None
    last_frame_age_s: float | None = None
    fps: float | None = None
    bitrate_kbps: float | None = None
    frozen: bool | None = None
    stalled: bool | None = None
    moved: bool | None = None
    stalls: int = 0
    observed_s: float | None = None


def before_pictures(described: Described) -> Verdict | None:
    """The verdict when a rung before the pictures failed; None when none did.

    A fault on our side (name, route, login, trust) leaves the camera unknown: it may well be filming.
    """
    if described.passed:
        return None
    return Verdict(Status.UNKNOWN if described.ours else Status.DOWN, described.rung, described.reason)


def of_pictures(seen: Seen | Lost, first_frame_s: float, moved: bool | None = None) -> Verdict:
    """The verdict of one window, or of a watcher that was lost.

    :param first_frame_s: how long the first picture was waited for, in seconds.
    :param moved: whether the scene is another one than before.
    """
    if isinstance(seen, Lost):
        return Verdict(Status.UNKNOWN if seen is Lost.OURS else Status.DOWN, "frame", seen.value)
    if seen.first_frame_s is None or seen.last_frame_s is None:
        why = f"no decoded picture within {first_frame_s:g} s"
        return Verdict(Status.DOWN, "frame", f"{why} ({seen.error})" if seen.error else why)
    stalled = seen.longest_gap_s > stall_limit_s(seen.interval_s)
    frozen = None if stalled else _frozen(seen)
    reason = _fault(seen, stalled, bool(frozen), bool(moved))
    return Verdict(
        Status.OK if reason is None else Status.DEGRADED,
        "content",
        reason,
        last_frame_age_s=round(max(seen.ended_s - seen.last_frame_s, 0.0), 3),
        fps=None if seen.fps is None else round(seen.fps, 2),
        bitrate_kbps=round(seen.octets * 8 / max(seen.observed_s, 1e-3) / 1000, 1),
        frozen=frozen,
        stalled=stalled,
        moved=moved,
        stalls=seen.stalls,
        observed_s=round(seen.observed_s, 3),
    )


def with_clock(verdict: Verdict, offset_s: float | None, unknown: str | None, limit_s: float) -> Verdict:
    """Climb the last rung: a camera that is well so far is degraded by a wrong clock.

    :param offset_s: the camera's clock minus ours; None when unknown.
    :param unknown: why, when that is worth telling.
    :param limit_s: offset from which the clock is wrong, in seconds.
    """
    if verdict.status is not Status.OK:
        return verdict
    if offset_s is None:
        return verdict if unknown is None else replace(verdict, reason=f"clock unknown: {unknown}"[:200])
    if abs(offset_s) < limit_s:
        return replace(verdict, rung="clock")
    return replace(verdict, status=Status.DEGRADED, rung="clock", reason=clock_fault(offset_s))


def clock_fault(offset_s: float) -> str:
    """What a clock's offset means, in words."""
    side = "ahead" if offset_s > 0 else "behind"
    hours = round(abs(offset_s) / _HOUR_S)
    if 1 <= hours <= 14 and abs(abs(offset_s) - hours * _HOUR_S) <= _HOUR_SLACK_S:
        return f"clock: {hours} h {side}, a time-zone fault"
    return f"clock: {abs(offset_s):,.0f} s {side}; from about {CLOCK_LIMIT_S:g} s on, logins that carry the time fail"


def _frozen(seen: Seen) -> bool | None:
    """Whether the picture stays the same; None when that can't be told: too few key frames, or nothing to see."""
    dark = seen.analysed > 0 and seen.black == seen.analysed
    if seen.largest_change is None or dark or seen.detail is None or seen.detail < BLURRED_DETAIL:
        return None
    if seen.smallest_key_change is None:
        if seen.largest_change >= FROZEN_CHANGE:
            return False
        return True if seen.unchanged_s >= UNCHANGED_S else None
    return seen.smallest_key_change < FROZEN_KEY_CHANGE and seen.largest_change < FROZEN_CHANGE


def _fault(seen: Seen, stalled: bool, frozen: bool, moved: bool) -> str | None:
    if stalled:
        return f"stalled: no packets for {seen.longest_gap_s:.1f} s"
    if seen.analysed and seen.black == seen.analysed:
        return "black: every picture is dark"
    if frozen:
        return "frozen: packets flow, the picture stays the same"
    if seen.detail is not None and seen.detail < BLURRED_DETAIL:
        return "blurred: the picture has no detail"
    if moved:
        return "moved: the camera looks elsewhere than it did"
    if seen.ended_early:
        return "the stream ended while it was watched"
    return None
