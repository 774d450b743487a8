"""What an answer looks like: series by name, beside what they are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ioc.history import series
from ioc.history.comparing import Against, Line, lines, other, times
from ioc.history.spans import Wholes, wholes
from ioc.kpi.errors import TooManyPointsError
from ioc.kpi.names import ask_names
from ioc.kpi.query import Answer, Point, Steps, ask
from ioc.pages.history.asked import Wanted

#: Most series that are drawn; people tell no more of them apart.
MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """One series to show.

    :param dim_name: what the value of the dimension is called; None where it goes by its code.
    :param before: the figures that it is held against, one for each of its buckets.
    """

    line: Line
    dim_name: str | None
    times: tuple[datetime, ...]
    before: tuple[Point | None, ...] | None = None

    @property
    def answer(self) -> Answer:
        return self.line.answer


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that the page shows of an answer.

    :param all_lines: how many series there are; ``shown`` holds the largest of them.
    :param moment: of the snapshot, by this process' clock.
    """

    answers: tuple[Answer, ...]
    shown: tuple[Shown, ...]
    all_lines: int
    against: Against | None
    others: tuple[Answer, ...] = ()
    wholes: Wholes | None = None
    """Figures of the whole period; None where the question has parts that these can't have."""
    others_wholes: Wholes | None = None
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))


def find(reader: str, wanted: Wanted) -> Steps[Found]:
    """Steps to the answer, and to the one that it is held against, of one snapshot.

    :raises KpiError: it can't be answered as it was put.
    """
    against = wanted.against
    answers = yield from series.answers(reader, wanted.kpis, wanted.places, wanted.asked)
    others: list[Answer] = []
    points = 0
    if against is not None:
        for answer in answers:
            earlier = other(wanted.asked, answer.question, answer.zone, against, wanted.known or None)
            held = yield from ask(reader, answer.question.kpi.id, replace(earlier, unit=answer.question.unit))
            points += len(held.points)
            if points > series.MOST_POINTS:
                raise TooManyPointsError(
                    f"What is compared has more than {series.MOST_POINTS} points.",
                    remedy="Ask for a shorter range, a wider bucket or fewer series.",
                )
            others.append(held)
    whole = yield from _wholes(reader, answers)
    before = None if whole is None or against is Against.KNOWN else (yield from _wholes(reader, others))
    found = [line for answer in answers for line in lines(answer)]
    kept = set(map(id, sorted(found, key=lambda line: -line.weight)[:MOST_LINES]))
    chosen = [line for line in found if id(line) in kept]
    names = yield from ask_names(wanted.by or None, {line.dim for line in chosen})
    beside = {id(answer): held for answer, held in zip(answers, others, strict=False)}
    return Found(
        tuple(answers),
        tuple(_shown(line, names, beside) for line in chosen),
        len(found),
        against,
        tuple(others),
        whole,
        before,
    )


def _wholes(reader: str, answers: Sequence[Answer]) -> Steps[Wholes | None]:
    if not 0 < len(answers) <= MOST_LINES:
        return None
    question = answers[0].question
    if question.by is not None or question.where or question.as_of is not None or question.is_remapped:
        return None
    kpis = list(dict.fromkeys(answer.question.kpi.id for answer in answers))
    units = list(dict.fromkeys(answer.question.unit for answer in answers))
    return (yield from wholes(reader, kpis, units, question.start, question.end))


def _shown(line: Line, names: Mapping[str, str], others: Mapping[int, Answer]) -> Shown:
    moments = times(line.answer)
    held = others.get(id(line.answer))
    before = None if held is None else _beside(len(moments), line, held)
    return Shown(line, names.get(line.dim or ""), moments, before)


def _beside(count: int, line: Line, held: Answer) -> tuple[Point | None, ...]:
    """The other answer's figures, bucket for bucket: the first beside the first."""
    theirs: Sequence[Point | None] = next((one.points for one in lines(held) if one.dim == line.dim), ())
    return tuple(theirs[place] if place < len(theirs) else None for place in range(count))
