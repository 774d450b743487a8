"""What pages show that changes by itself: asked once for all who look, told to each when it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import structlog

from ioc.errors import IocError, UnavailableError

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)
#: An answer that takes longer than this is given up: the next one may come.
_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Moment(Generic[_T]):
    """What is known now.

    :param value: the newest answer; None before the first.
    :param at: when it was given.
    :param error: why there is none newer; None while answers come.
    :param away: a server that is leaned on does not answer; nothing failed here.
    """

    value: _T | None
    at: datetime | None
    error: str | None
    away: bool = False


Tell = Callable[[Moment[Any]], None]


@dataclass(eq=False)
class _Topic:
    compute: Callable[[], Awaitable[Any]]
    every_s: float
    moment: Moment[Any] = Moment(None, None, None)
    told: set[Tell] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    hurry: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """Questions that are asked again and again while somebody looks; nothing is asked while nobody does."""

    def __init__(self) -> None:
        self._topics: dict[Hashable, _Topic] = {}

    def follow(
        self, key: Hashable, compute: Callable[[], Awaitable[_T]], tell: Tell, *, every_s: float
    ) -> Callable[[], None]:
        """Tell ``tell`` what is known, now and whenever it changes; returns what ends that.

        :param key: who asks the same with the same rights has the same key.
        :param compute: asks; an :class:`IocError` of it is told, and it is asked again.
        :param tell: must not block; what it raises is logged.
        :param every_s: seconds from one answer to the next question.
        """
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = _Topic(compute, every_s)
        topic.told.add(tell)
        if topic.task is None:
            topic.task = asyncio.create_task(self._run(key, topic), name="pages live")
        elif topic.moment.at is not None or topic.moment.error is not None:
            _tell(tell, topic.moment)

        def leave() -> None:
            topic.told.discard(tell)
            if not topic.told and self._topics.get(key) is topic:
                del self._topics[key]
                if topic.task is not None:
                    topic.task.cancel()

        return leave

    def hurry(self, key: Hashable) -> None:
        """Ask this at once, since something was just changed."""
        if topic := self._topics.get(key):
            topic.hurry.set()

    async def _run(self, key: Hashable, topic: _Topic) -> None:
        while topic.told:
            topic.hurry.clear()
            before = topic.moment
            topic.moment = await self._next(key, topic)
            if (topic.moment.value, topic.moment.error) != (before.value, before.error) or before.at is None:
                for tell in tuple(topic.told):
                    _tell(tell, topic.moment)
            try:
                await asyncio.wait_for(topic.hurry.wait(), topic.every_s)
            except TimeoutError:
                continue

    async def _next(self, key: Hashable, topic: _Topic) -> Moment[Any]:
        before = topic.moment
        try:
            async with asyncio.timeout(_WITHIN_S):
                value = await topic.compute()
        except IocError as error:
            told = " ".join(filter(None, (error.message, error.remedy)))
            return Moment(before.value, before.at, told, away=isinstance(error, UnavailableError))
        except TimeoutError:
            return Moment(before.value, before.at, f"No answer within {_WITHIN_S:.0f} s.", away=True)
        except Exception:
            # one question that fails must not end the others; the page says that it is old
            if before.error is None:
                _log.exception("pages.question_failed", question=repr(key)[:100])
            return Moment(before.value, before.at, "The platform failed to answer; its log says why.")
        return Moment(value, datetime.now(UTC), None)


def _tell(tell: Tell, moment: Moment[Any]) -> None:
    try:
        tell(moment)
    except Exception:
        _log.exception("pages.telling_failed")
