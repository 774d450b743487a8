"""Carries a plan out: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dashboards.push.changes import Change
from dashboards.push.finding import Plan, ignore
from dashboards.push.server import Grafana
from ioc.errors import IocError


class HalfDoneError(IocError):
    """A push failed and could not be taken back whole; the next one goes on from there."""

    exit_code = 4


def carry_out(grafana: Grafana, plan: Plan, tick: Callable[[int, int], None] = ignore) -> None:
    """Make every change of the plan. When one fails, those before it are taken back, newest first.

    A push that was killed needs no cleaning up: what it did is told from what it did not by what is in Grafana, so that
    the next push makes the rest.

    :param tick: told how many changes are made, of how many.
    :raises IocError: the fault, once everything stands as before.
    :raises HalfDoneError: taking back failed as well.
    """
    for done, change in enumerate(plan.changes):
        tick(done, len(plan.changes))
        try:
            with grafana.understood():
                change.make(grafana)
        except KeyboardInterrupt:
            _take_back(grafana, plan.changes[: done + 1])
            raise
        except IocError as fault:
            left = _take_back(grafana, plan.changes[: done + 1])
            said = f"“{change.text}” failed: {fault.message}"
            if left:
                raise HalfDoneError(
                    f"{said}\nNot taken back: {'; '.join(one.text for one in left)}.",
                    remedy=f"{fault.remedy} Then push again: it goes on from there.".strip(),
                ) from fault
            fault.message = f"{said}\nEverything stands as before the push."
            fault.args = (fault.message,)
            raise
    tick(len(plan.changes), len(plan.changes))


def _take_back(grafana: Grafana, changes: Sequence[Change]) -> list[Change]:
    """Undo changes, newest first; what could not be undone is returned. The last one may not have been made at all."""
    left: list[Change] = []
    for change in reversed(changes):
        try:
            with grafana.understood():
                change.take_back(grafana)
        except IocError:
            left.append(change)
    return left
