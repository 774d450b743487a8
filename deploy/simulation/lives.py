"""The life of one dossier: its steps and their moments, drawn once, from receipt to result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from deploy.simulation.office import OfficeClock
from ioc.district.model import Procedure
from ioc.district.worktime import WorkCalendar

#: Statuses of the national portal.
NEW, ACCEPTED, REFUSED, IN_PROGRESS, SUPPLEMENT, WITHDRAWN, DONE, RETURNED = 1, 2, 3, 4, 5, 7, 9, 10

_REFUSED_SHARE: Final = 0.02
_WITHDRAWN_SHARE: Final = 0.012
_SUPPLEMENT_SHARE: Final = 0.06
#: Share of dossiers whose hours of work fall into the virtual day before; see OfficeClock.into_the_night.
_NIGHT_SHARE: Final = 0.3
_SOONEST: Final = timedelta(seconds=40)


@dataclass(frozen=True)
class Step:
    """One change of a dossier, with the view that holds from then on."""

    time: datetime
    status: int
    name: str
    due: datetime | None
    completed: datetime | None = None
    withdrawn: datetime | None = None


@dataclass(frozen=True)
class Work:
    """What a life is drawn from."""

    calendar: WorkCalendar
    clock: OfficeClock
    late_share: float
    """Share of a point's dossiers that end after their due date."""


def draw_life(
    source: Random, procedure: Procedure, received: datetime, work: Work, *, virtual: bool
) -> tuple[Step, ...]:
    """Steps of a dossier in order of time, the first at ``received``.

    :param virtual: it came in on a virtual working day; what is done on the same day is then done by the clock.
    """
    allowed = procedure.working_days * work.calendar.day_length
    due = work.calendar.add(received, allowed)
    if source.random() < _REFUSED_SHARE:
        answered = received + timedelta(minutes=source.uniform(15, 70))
        return (
            Step(received, NEW, "Đăng ký mới", None),
            Step(answered, REFUSED, "Từ chối tiếp nhận", None),
        )
    first = Step(received, ACCEPTED, "Tiếp nhận hồ sơ", due)
    if procedure.working_days < 1:
        return _same_day(source, first, work.calendar, virtual=virtual)
    steps = _long(source, first, allowed, work)
    if source.random() < _NIGHT_SHARE:
        steps = _into_the_night(steps, work.clock)
    return _in_order(steps)


def _same_day(source: Random, first: Step, calendar: WorkCalendar, *, virtual: bool) -> tuple[Step, ...]:
    done_after = timedelta(minutes=source.uniform(15, 70))
    returned_after = done_after + timedelta(minutes=source.uniform(1, 20))

    def moment(after: timedelta) -> datetime:
        return first.time + after if virtual else calendar.add(first.time, after)

    started = replace(
        first, time=moment(timedelta(minutes=source.uniform(2, 8))), status=IN_PROGRESS, name="Đang xử lý"
    )
    done_at = moment(done_after)
    done = replace(first, time=done_at, status=DONE, name="Đã có kết quả", completed=done_at)
    returned = replace(done, time=moment(returned_after), status=RETURNED, name="Trả kết quả")
    return _in_order((first, started, done, returned))


def _long(source: Random, first: Step, allowed: timedelta, work: Work) -> tuple[Step, ...]:
    calendar = work.calendar
    if source.random() < work.late_share:
        needed = allowed + calendar.day_length * source.uniform(0.6, 4.0)
    else:
        needed = allowed * (0.35 + 0.6 * source.betavariate(2.5, 2.0))

    def after(share: float, due: datetime | None, waited: timedelta = timedelta()) -> Step:
        time = calendar.add(first.time, needed * share + waited)
        return Step(time, IN_PROGRESS, "", due)

    if source.random() < _WITHDRAWN_SHARE:
        ended = after(source.uniform(0.1, 0.8), first.due)
        return (first, replace(ended, status=WITHDRAWN, name="Rút hồ sơ", withdrawn=ended.time))
    steps = [first, replace(after(source.uniform(0.03, 0.1), first.due), name="Chuyển xử lý")]
    due, waited = first.due, timedelta()
    if source.random() < _SUPPLEMENT_SHARE:
        asked = after(0.3, due)
        waited = calendar.day_length * source.uniform(0.5, 3.0)
        due = calendar.add(first.time, allowed + waited)
        steps.append(replace(asked, status=SUPPLEMENT, name="Yêu cầu bổ sung"))
        steps.append(replace(after(0.3, due, waited), name="Đã bổ sung hồ sơ"))
    steps.append(replace(after(source.uniform(0.7, 0.9), due, waited), name="Trình lãnh đạo"))
    done = after(1.0, due, waited)
    done = replace(done, status=DONE, name="Đã có kết quả", completed=done.time)
    returned_at = calendar.add(done.time, timedelta(minutes=source.uniform(20, 700)))
    return (*steps, done, replace(done, time=returned_at, status=RETURNED, name="Trả kết quả"))


def _into_the_night(steps: tuple[Step, ...], clock: OfficeClock) -> tuple[Step, ...]:
    return (steps[0], *(_moved(step, clock.into_the_night(step.time)) for step in steps[1:]))


def _moved(step: Step, time: datetime | None) -> Step:
    return step if time is None else _at(step, time)


def _at(step: Step, time: datetime) -> Step:
    """The same step at another moment; an end that it brings moves along, an earlier one stays."""
    return replace(
        step,
        time=time,
        completed=time if step.status == DONE else step.completed,
        withdrawn=time if step.status == WITHDRAWN else step.withdrawn,
    )


def _in_order(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps to the second, each later than the one before; a result is returned with the date that it was done."""
    ordered: list[Step] = []
    for step in steps:
        time = step.time.replace(microsecond=0)
        if ordered and time < ordered[-1].time + _SOONEST:
            time = ordered[-1].time + _SOONEST
        moved = _at(step, time)
        if ordered and ordered[-1].completed is not None:
            moved = replace(moved, completed=ordered[-1].completed)
        ordered.append(moved)
    return tuple(ordered)
