"""A device's states over time as runs, and how a late sample changes them."""

from __future__ import annotations

from dataclasses import dataclass

#: End of the newest run, which is still open.
OPEN = 2**62


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch in one state in one unit; times in microseconds since 1970."""

    started: int
    ended: int
    unit: int
    state: int
    reason: str | None = None

    def like(self, other: Run) -> bool:
        """Whether both are one run when they touch."""
        return self.unit == other.unit and self.state == other.state


def splice(runs: list[Run], piece: list[Run]) -> list[Run]:
    """Replace what ``runs`` say about the time that ``piece`` covers, and merge neighbours that are alike.

    :param runs: gapless, ascending; the last one may be open.
    :param piece: gapless, ascending, not empty; begins before the last of ``runs`` ends.
    """
    start, end = piece[0].started, piece[-1].ended
    before = [
        Run(r.started, min(r.ended, start), r.unit, r.state, r.reason) for r in runs if r.started < start
    ]
    after = [Run(max(r.started, end), r.ended, r.unit, r.state, r.reason) for r in runs if r.ended > end]
    merged: list[Run] = []
    for run in (*before, *piece, *after):
        if run.ended <= run.started:
            continue
        if merged and merged[-1].like(run) and merged[-1].ended == run.started:
            last = merged[-1]
            merged[-1] = Run(last.started, run.ended, last.unit, last.state, last.reason)
        else:
            merged.append(run)
    return merged


def runs_of(samples: list[tuple[int, int, int, int, str | None]]) -> list[Run]:
    """Return the runs that samples make, the plain way: the definition that the fast ways must equal.

    :param samples: ``(time, valid, unit, state, reason)`` with time and validity in microseconds, ascending,
        times distinct. The last run is open: whether it has lapsed is a question about now.
    """
    pieces: list[Run] = []
    for place, (time, valid, unit, state, reason) in enumerate(samples):
        following = samples[place + 1][0] if place + 1 < len(samples) else None
        if following is None:
            pieces.append(Run(time, OPEN, unit, state, reason))
            continue
        lapses = min(following, time + valid)
        pieces.append(Run(time, lapses, unit, state, reason))
        if lapses < following:
            pieces.append(Run(lapses, following, unit, 0))
    return splice([], pieces) if pieces else []
