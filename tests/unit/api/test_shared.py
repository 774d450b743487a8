"""Answers that many ask for at once are computed once."""

from __future__ import annotations

import asyncio

import pytest

from ioc.api.database import Shared


async def test_those_who_ask_together_share_one_computation() -> None:
    shared = Shared(hold_s=60)
    count = 0

    async def compute() -> int:
        nonlocal count
        count += 1
        await asyncio.sleep(0.01)
        return count

    assert await asyncio.gather(*(shared.get("wall", compute) for _ in range(50))) == [1] * 50
    assert await shared.get("wall", compute) == 1
    assert await shared.get("another", compute) == 2


async def test_an_answer_is_held_no_longer_than_said() -> None:
    shared = Shared(hold_s=0.02)
    values = iter(range(10))

    async def compute() -> int:
        return next(values)

    assert await shared.get("wall", compute) == 0
    await asyncio.sleep(0.03)
    assert await shared.get("wall", compute) == 1


async def test_an_error_is_told_and_not_held() -> None:
    shared = Shared(hold_s=60)
    answers: list[Exception | int] = [7, ValueError("away")]

    async def compute() -> int:
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="away"):
        await shared.get("wall", compute)
    assert await shared.get("wall", compute) == 7


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    shared = Shared(hold_s=60)
    release = asyncio.Event()

    async def compute() -> int:
        await release.wait()
        return 7

    first = asyncio.create_task(shared.get("wall", compute))
    second = asyncio.create_task(shared.get("wall", compute))
    await asyncio.sleep(0)
    first.cancel()
    release.set()
    assert await second == 7


async def test_no_more_answers_are_held_than_said() -> None:
    shared = Shared(hold_s=60, most=4)

    async def compute() -> int:
        return 1

    for key in range(100):
        await shared.get(key, compute)
    assert len(shared._held) == 4
