"""Whether a figure meets its target: by direction, at the target's time, unknown where there is no figure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi import find
from ioc.kpi.targets import NO_TARGETS, Status, Target, Targets, judge

_RATE = find("dossier.on_time_rate")
_COUNT = find("dossier.overdue")
_REFORM = datetime(2025, 7, 1, tzinfo=UTC)


def _target(
    value: float,
    *,
    warning: float | None = None,
    strict: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Target:
    return Target(since, until, value, warning, strict, None, None, "V")


@pytest.mark.parametrize(
    ("target", "value", "status"),
    [
        (_target(0.98), 0.98, Status.MET),
        (_target(0.98), 0.9799, Status.MISSED),
        (_target(0.98, strict=True), 0.98, Status.MISSED),
        (_target(0.98, strict=True), 0.9801, Status.MET),
        (_target(0.98, warning=0.95), 0.95, Status.NEAR),
        (_target(0.98, warning=0.95), 0.9499, Status.MISSED),
        (_target(0.98, strict=True, warning=0.95), 0.98, Status.NEAR),
        (_target(0.98), None, Status.UNKNOWN),
    ],
)
def test_where_more_is_better(target: Target, value: float | None, status: Status) -> None:
    assert judge(_RATE, target, value) is status


@pytest.mark.parametrize(
    ("target", "value", "status"),
    [
        (_target(0), 0, Status.MET),
        (_target(0), 1, Status.MISSED),
        (_target(5, strict=True), 5, Status.MISSED),
        (_target(5, warning=8), 8, Status.NEAR),
        (_target(5, warning=8), 9, Status.MISSED),
        (_target(5), None, Status.UNKNOWN),
    ],
)
def test_where_less_is_better(target: Target, value: float | None, status: Status) -> None:
    assert judge(_COUNT, target, value) is status


def test_where_neither_is_better_there_is_no_judgement() -> None:
    with pytest.raises(ValueError, match="no better"):
        judge(find("queue.issued"), _target(5), 5)


@given(st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_a_better_figure_never_stands_worse(value: float, better: float, strict: bool) -> None:
    low, high = sorted((value, better))
    ranks = [Status.MISSED, Status.NEAR, Status.MET]
    target = _target(0.9, warning=0.5, strict=strict)
    assert ranks.index(judge(_RATE, target, low)) <= ranks.index(judge(_RATE, target, high))


def test_the_target_is_the_one_of_the_moment() -> None:
    old, new = _target(0.9, until=_REFORM), _target(0.98, since=_REFORM)
    found = Targets({(_RATE.id, "25663"): (old, new)})
    assert found.at(_RATE.id, "25663", datetime(2025, 6, 30, 23, 59, tzinfo=UTC)) is old
    assert found.at(_RATE.id, "25663", _REFORM) is new
    assert found.at(_RATE.id, None, _REFORM) is None
    assert NO_TARGETS.of(_RATE.id, "25663") == ()
