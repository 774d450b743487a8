"""Hand-overs: who leaves, who comes, until when. Notices and the shift log are made from these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ioc.duty.timeline import Span, Timeline


@dataclass(frozen=True)
class HandOver:
    """One change of the people in a layer."""

    roster: str
    layer: str
    at: datetime
    leaving: tuple[str, ...]
    arriving: tuple[str, ...]
    staying: tuple[str, ...]
    until: datetime | None
    """The layer's next change; None when it lies beyond the time looked at."""


def hand_overs(line: Timeline) -> list[HandOver]:
    """Every hand-over within a timeline, by time, then in the order of the layers; its edges are none."""
    found = [over for layer in line.layers for over in _of(line, layer)]
    return sorted(found, key=lambda over: over.at)


def _of(line: Timeline, layer: str) -> Iterator[HandOver]:
    spans: list[Span] = []
    for span in line.spans:
        if not spans or spans[-1].of(layer) != span.of(layer):
            spans.append(span)
    ends = [span.start for span in spans[2:]]
    for place, (before, after) in enumerate(pairwise(spans)):
        old, new = before.of(layer), after.of(layer)
        yield HandOver(
            roster=line.roster.code,
            layer=layer,
            at=after.start,
            leaving=tuple(person for person in old if person not in new),
            arriving=tuple(person for person in new if person not in old),
            staying=tuple(person for person in new if person in old),
            until=ends[place] if place < len(ends) else None,
        )
