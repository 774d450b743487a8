"""Who is there at a moment, until when, and who comes then: what people ask most. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ioc.duty.handover import hand_overs
from ioc.duty.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Present:
    """A layer at a moment.

    :param until: its next hand-over; None where it lies beyond the timeline.
    :param next: everybody who is on duty from then on.
    """

    layer: str
    people: tuple[str, ...]
    until: datetime | None
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """When somebody who is on duty goes, and who is there then."""

    layer: str
    at: datetime | None
    next: tuple[str, ...]


def present(line: Timeline, layers: Iterable[str], at: datetime) -> list[Present]:
    """Every layer at a moment of the timeline.

    :raises ValueError: the moment is outside.
    """
    span, coming = line.at(at), [over for over in hand_overs(line) if over.at > at]
    found = []
    for layer in layers:
        over = next((one for one in coming if one.layer == layer), None)
        following = () if over is None else (*over.staying, *over.arriving)
        found.append(Present(layer, span.of(layer), None if over is None else over.at, following))
    return found


def endings(line: Timeline, person: str, at: datetime) -> list[Ending]:
    """Of every layer in which somebody is on duty at a moment: when he goes, and who is there then.

    :raises ValueError: the moment is outside the timeline.
    """
    found = []
    for layer, people in line.at(at).on:
        if person not in people:
            continue
        going = (
            over
            for over in hand_overs(line)
            if over.layer == layer and over.at > at and person in over.leaving
        )
        over = next(going, None)
        following = () if over is None else (*over.staying, *over.arriving)
        found.append(Ending(layer, None if over is None else over.at, following))
    return found
