"""From what was seen to a verdict: a pure decision, rung by rung of the ladder.

The ladder: inventory → tcp → describe → frame → content → clock (the clock needs ONVIF and is not asked yet).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connectors.camera.describe import Described
from connectors.camera.pictures import BLURRED_DETAIL, FROZEN_CHANGE, FROZEN_KEY_CHANGE
from connectors.camera.watch import Seen
from ioc.events import Status

_SHORTEST_STALL_S: Final = 2.0


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


def before_pictures(described: Described) -> Verdict | None:
    """The verdict when a rung before the pictures failed; None when none did.

    A fault on our side (name, route, login) leaves the camera unknown: it may well be filming.
    """
    if described.passed:
        return None
    return Verdict(Status.UNKNOWN if described.ours else Status.DOWN, described.rung, described.reason)


def stall_limit_s(interval_s: float | None) -> float:
    """Gap without packets beyond which a stream has stalled: max(2 × frame interval, 2 s)."""
    return max(2 * (interval_s or 0.0), _SHORTEST_STALL_S)


def of_pictures(seen: Seen | None, first_frame_s: float) -> Verdict:
    """The verdict of the watch; ``None`` stands for a watcher that had to be killed.

    :param first_frame_s: how long the first picture was waited for, in seconds.
    """
    if seen is None:
        return Verdict(Status.DOWN, "frame", "the decoder hung and was stopped")
    if seen.first_frame_s is None or seen.last_frame_s is None:
        why = f"no decoded picture within {first_frame_s:g} s"
        return Verdict(Status.DOWN, "frame", f"{why} ({seen.error})" if seen.error else why)
    watched_s = max(seen.ended_s - seen.first_frame_s, 1e-3)
    facts = {
        "last_frame_age_s": round(max(seen.ended_s - seen.last_frame_s, 0.0), 3),
        "fps": None if seen.fps is None else round(seen.fps, 2),
        "bitrate_kbps": round(seen.bytes * 8 / watched_s / 1000, 1),
    }
    stalled = seen.longest_gap_s > stall_limit_s(seen.interval_s)
    frozen = None if stalled else _frozen(seen)
    reason = _fault(seen, stalled, bool(frozen))
    return Verdict(
        Status.OK if reason is None else Status.DEGRADED,
        "content",
        reason,
        frozen=frozen,
        stalled=stalled,
        **facts,
    )


def _frozen(seen: Seen) -> bool | None:
    """Whether the picture stays the same; None when that can't be told: too few key frames, or nothing to see."""
    dark = seen.analysed > 0 and seen.black == seen.analysed
    if seen.smallest_key_change is None or seen.largest_change is None or dark:
        return None
    if seen.detail is None or seen.detail < BLURRED_DETAIL:
        return None
    return seen.smallest_key_change < FROZEN_KEY_CHANGE and seen.largest_change < FROZEN_CHANGE


def _fault(seen: Seen, stalled: bool, frozen: bool) -> str | None:
    if stalled:
        return f"stalled: no packets for {seen.longest_gap_s:.1f} s"
    if seen.analysed and seen.black == seen.analysed:
        return "black: every picture is dark"
    if frozen:
        return "frozen: packets flow, the picture stays the same"
    if seen.detail is not None and seen.detail < BLURRED_DETAIL:
        return "blurred: the picture has no detail"
    if seen.ended_early:
        return "the stream ended while it was watched"
    return None
