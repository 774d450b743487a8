"""What changes by itself: asked once for all, told when it changed, marked when it is old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ioc.errors import UnavailableError
from ioc.pages.live import Live, Moment


class Source:
    """Answers what it is told to; counts how often it is asked."""

    def __init__(self) -> None:
        self.answer: Any = 1
        self.asked = 0

    async def __call__(self) -> Any:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.001)


async def test_many_who_look_cost_one_question_and_are_told_of_changes_alone() -> None:
    live, source = Live(), Source()
    told: list[list[Moment[Any]]] = [[] for _ in range(50)]
    ends = [live.follow("wall", source, one.append, every_s=0.001) for one in told]
    await _until(lambda: source.asked > 20)
    assert [len(one) for one in told] == [1] * 50

    source.answer = 2
    await _until(lambda: all(len(one) == 2 for one in told))
    assert told[7][-1].value == 2

    late: list[Moment[Any]] = []
    ends.append(live.follow("wall", source, late.append, every_s=0.001))
    assert [moment.value for moment in late] == [2]

    for end in ends:
        end()
    asked = source.asked
    await asyncio.sleep(0.05)
    assert source.asked <= asked + 1


@pytest.mark.parametrize("failure", [UnavailableError("away", remedy="wait"), ValueError("a bug")])
async def test_what_is_known_stays_and_is_marked_old_while_there_is_no_answer(failure: Exception) -> None:
    live, source = Live(), Source()
    told: list[Moment[Any]] = []
    end = live.follow("wall", source, told.append, every_s=0.001)
    await _until(lambda: len(told) == 1)
    known = told[0].at
    assert (told[0].value, told[0].error) == (1, None)
    assert known is not None

    source.answer = failure
    await _until(lambda: len(told) == 2)
    assert (told[1].value, told[1].at) == (1, known)
    assert told[1].error
    assert "a bug" not in told[1].error

    source.answer = 1
    await _until(lambda: len(told) == 3)
    assert (told[2].value, told[2].error) == (1, None)
    assert told[2].at is not None
    assert told[2].at > known
    end()


async def test_one_who_fails_to_show_it_does_not_keep_it_from_the_others() -> None:
    live, source = Live(), Source()
    told: list[Moment[Any]] = []

    def broken(_: Moment[Any]) -> None:
        raise RuntimeError("no such element")

    ends = [
        live.follow("wall", source, broken, every_s=0.001),
        live.follow("wall", source, told.append, every_s=0.001),
    ]
    await _until(lambda: len(told) == 1)
    source.answer = 2
    await _until(lambda: len(told) == 2)
    for end in ends:
        end()


async def test_what_was_just_changed_is_asked_at_once() -> None:
    live, source = Live(), Source()
    told: list[Moment[Any]] = []
    end = live.follow("alerts", source, told.append, every_s=3600)
    await _until(lambda: len(told) == 1)
    source.answer = 2
    live.hurry("alerts")
    await _until(lambda: len(told) == 2)
    end()
