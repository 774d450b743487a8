"""Asks one SNMP agent, a bounded number of times, for a bounded number of values.

Nothing that an agent answers is trusted: who answers slowly, endlessly, in circles or with what was not asked for is
stopped by time, rows and bytes.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gufo.snmp import NoSuchInstance, SnmpAuthError, SnmpError
from gufo.snmp.aio import SnmpSession

from connectors.shared.snmp.login import Credentials, Login, user_of

Value = int | float | str
T = TypeVar("T")

SYS_UPTIME: Final = "1.3.6.1.2.1.1.3.0"
"""Hundredths of a second since the agent started."""
IF_NUMBER: Final = "1.3.6.1.2.1.2.1.0"

_TRIES: Final = 3
_MOST_ROWS: Final = 4_096
"""A device with more rows in one column than this is not believed."""
_MOST_VALUES: Final = 50_000
"""Values of one probe, all columns together."""
_MOST_TEXT: Final = 4_096
_MOST_INDEX: Final = 400
_AT_ONCE: Final = 32
"""Values asked for in one request: their answer fits in one Ethernet frame."""
_ROWS_AT_ONCE: Final = 25
_WALK_TRIES: Final = 6
"""A walk may take as long as this many waits."""
_TRUSTED_ROUNDS: Final = 15
_TRUSTED_S: Final = 1_200.0
_NO_CONTROL: Final = dict.fromkeys((*range(10), *range(11, 32), 127))
"""Control characters but the line end: NUL can't be stored, and none belongs in a name."""


class _PanicError(Exception):
    """The library gave up on a malformed answer."""


_UNREADABLE: Final = (SnmpError, _PanicError)


class SilentAgentError(Exception):
    """The agent did not answer, refused, or there is none. Internal to the probes."""

    def __init__(self, reason: str, *, host_lives: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.host_lives = host_lives
        """The host itself said so: it is there, its agent is not, or does not let us in."""


@dataclass
class Memory:
    """What earlier rounds learned about an agent, so that a round asks for known values in few requests.

    Rows are walked again after 15 rounds, 20 minutes, a restart of the agent, another number of interfaces or a row
    that is gone. Values asked for as ``still`` (names, models) are not asked again until then.
    """

    engine_id: bytes = b""
    """Of SNMP v3."""
    at_once: int = _AT_ONCE
    """Halved when an answer did not fit."""
    scalars: dict[str, bool] = field(default_factory=dict)
    """Scalars that exist, and whether they are still."""
    absent: set[str] = field(default_factory=set)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that change → the indexes of their rows."""
    values: dict[str, Value] = field(default_factory=dict)
    """Still scalars."""
    tables: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Still columns."""
    uptime: int | None = None
    interfaces: Value | None = None
    rounds: int = 0
    learned_at: float = 0.0

    @property
    def usable(self) -> bool:
        return 0 < self.rounds < _TRUSTED_ROUNDS and time.monotonic() - self.learned_at < _TRUSTED_S

    def forget(self) -> None:
        """Learn everything anew, except how to speak with the agent."""
        self.__init__(engine_id=self.engine_id, at_once=self.at_once)  # type: ignore[misc]


class Agent:
    """One agent for the length of one round; every value is asked for once.

    :param timeout_s: wait for each of three tries, in seconds.
    :param memory: kept by the caller from round to round; without it everything is walked.
    :raises ValueError: when the host is no address or the community can't be sent.
    """

    def __init__(
        self, host: str, port: int, credentials: Credentials, timeout_s: float, memory: Memory | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._memory = memory if memory is not None else Memory()
        self._refresh = False
        if isinstance(credentials, Login):
            engine = self._memory.engine_id
            self._session = SnmpSession(
                host,
                port=port,
                user=user_of(credentials, engine),
                engine_id=engine or None,
                timeout=timeout_s,
            )
            self._refresh = True
        else:
            self._session = SnmpSession(host, port=port, community=credentials, timeout=timeout_s)
        self._scalars: dict[str, Value] = {}
        self._asked: set[str] = set()
        self._columns: dict[str, dict[str, Value]] = {}
        self._still: set[str] = set()
        self._seen = 0
        self.rtt_ms: float | None = None
        """Round trip of the first answer, in milliseconds."""

    @property
    def uptime_ticks(self) -> int | None:
        """Hundredths of a second since the agent started, when it says so."""
        found = self._scalars.get(SYS_UPTIME)
        return found if isinstance(found, int) else None

    async def begin(self) -> None:
        """Greet the agent and ask for what earlier rounds found; call it first.

        :raises SilentAgentError: after three tries without an answer.
        """
        if self._refresh:
            await self._greet()
        memory = self._memory
        if not memory.usable:
            memory.forget()
        await self.get([SYS_UPTIME, IF_NUMBER])
        before, now = memory.uptime, self.uptime_ticks
        restarted = before is not None and (now is None or now < before)
        if memory.usable and (restarted or self._scalars.get(IF_NUMBER) != memory.interfaces):
            memory.forget()
        if memory.usable and not await self._recall():
            memory.forget()
            self._scalars = {
                oid: self._scalars[oid] for oid in (SYS_UPTIME, IF_NUMBER) if oid in self._scalars
            }
            self._asked = {SYS_UPTIME, IF_NUMBER}
            self._columns.clear()
        memory.uptime, memory.interfaces = now, self._scalars.get(IF_NUMBER)

    def keep(self) -> None:
        """Remember what this round found; call it after a whole reading."""
        memory = self._memory
        if memory.rounds == 0:
            memory.learned_at = time.monotonic()
            for oid in self._asked:
                if oid in self._scalars:
                    memory.scalars[oid] = oid in self._still
                else:
                    memory.absent.add(oid)
            alike: dict[tuple[str, ...], tuple[str, ...]] = {}
            for oid, column in self._columns.items():
                if oid not in self._still:
                    indexes = tuple(map(sys.intern, column))  # thousands of devices have the same few
                    memory.columns[oid] = alike.setdefault(indexes, indexes)
            memory.values = {oid: self._scalars[oid] for oid in self._still if oid in self._scalars}
            memory.tables = {oid: self._columns[oid] for oid in self._still if oid in self._columns}
        memory.rounds += 1

    async def get(self, oids: Iterable[str], *, still: bool = False) -> dict[str, Value]:
        """Return those of the scalars that the agent has.

        :param still: they do not change while the agent runs.
        :raises SilentAgentError: after three tries without an answer.
        """
        oids = list(oids)
        wanted = [oid for oid in oids if oid not in self._asked]
        if wanted:
            self._scalars.update(await self._ask(wanted))
            self._asked.update(wanted)
            if still:
                self._still.update(wanted)
        return {oid: self._scalars[oid] for oid in oids if oid in self._scalars}

    async def column(self, oid: str, *, still: bool = False) -> dict[str, Value]:
        """Return a table's column as index → value, in the agent's order; empty when the agent has none.

        :param still: its values do not change while the agent runs.
        :raises SilentAgentError: after three tries without an answer.
        """
        if oid not in self._columns:
            self._columns[oid] = await self._walk(oid)
            if still:
                self._still.add(oid)
        return self._columns[oid]

    async def tally(self, oid: str) -> Counter[str]:
        """Count a column's rows by their value; nothing of them is remembered, so it may be a table of clients.

        :returns: nothing when there is no row, or when there are too many to have seen all.
        :raises SilentAgentError: after three tries without an answer.
        """
        found = await self._walk(oid)
        return Counter(map(str, found.values())) if len(found) < _MOST_ROWS else Counter()

    async def _greet(self) -> None:
        for attempt in range(_TRIES):
            try:
                async with asyncio.timeout(2 * self._timeout_s):
                    await _tamed(self._session.refresh())
                self._memory.engine_id = self._session.get_engine_id()
                return
            except TimeoutError:
                if attempt == _TRIES - 1:
                    raise _silent() from None
            except (OSError, *_UNREADABLE) as error:
                raise _refused(error) from None

    async def _recall(self) -> bool:
        """Fill in what earlier rounds found with today's values; False when a row is gone."""
        memory = self._memory
        scalars = [oid for oid, still in memory.scalars.items() if not still and oid not in self._asked]
        cells = [f"{oid}.{index}" for oid, indexes in memory.columns.items() for index in indexes]
        answers = await self._ask([*scalars, *cells])
        if len(answers) < len(scalars) + len(cells):
            return False
        self._scalars.update(memory.values)
        self._scalars.update((oid, answers[oid]) for oid in scalars)
        self._asked.update(memory.scalars, memory.absent)
        self._columns.update(memory.tables)
        for oid, indexes in memory.columns.items():
            self._columns[oid] = {index: answers[f"{oid}.{index}"] for index in indexes}
        return True

    async def _ask(self, oids: Sequence[str]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        start = 0
        while start < len(oids):
            batch = oids[start : start + self._memory.at_once]
            found.update(await self._ask_some(batch))
            start += len(batch)
        return found

    async def _ask_some(self, batch: Sequence[str]) -> dict[str, Value]:
        """Ask for some values at once; by halves when the answer was too big or one value can't be read."""
        try:
            answer = await self._ask_once(batch)
        except _UNREADABLE as error:
            if isinstance(error, SnmpAuthError) or (len(batch) == 1 and self.rtt_ms is None):
                raise _refused(error) from None
            if len(batch) == 1:
                return {}
            return await self._ask_halves(batch)
        if (
            not answer and len(batch) > 1
        ):  # the library hides "too big" and "general error" behind an empty answer
            return await self._ask_halves(batch)
        values = {oid: _clean(answer.get(oid)) for oid in batch}
        return {oid: value for oid, value in values.items() if value is not None}

    async def _ask_halves(self, batch: Sequence[str]) -> dict[str, Value]:
        half = len(batch) // 2
        found = {**await self._ask_some(batch[:half]), **await self._ask_some(batch[half:])}
        if len(found) == len(batch):
            self._memory.at_once = half  # every value is well: there were too many
        return found

    async def _ask_once(self, batch: Sequence[str]) -> dict[str, object]:
        for attempt in range(_TRIES):
            began = time.perf_counter()
            try:
                # the library waits anew after each stray datagram: the outer bound is what holds
                async with asyncio.timeout(1.5 * self._timeout_s):
                    answer: dict[str, object] = await _tamed(self._session.get_many(batch))
            except TimeoutError:
                if attempt == _TRIES - 1:
                    raise _silent() from None
                continue
            except NoSuchInstance:
                answer = {}
            except OSError as error:
                raise _refused(error) from None
            if self.rtt_ms is None:
                self.rtt_ms = (time.perf_counter() - began) * 1000
            return answer
        raise _silent()

    async def _walk(self, oid: str) -> dict[str, Value]:
        at_once = _ROWS_AT_ONCE
        for attempt in range(_TRIES):
            found: dict[str, Value] = {}
            try:
                async with asyncio.timeout(_WALK_TRIES * self._timeout_s):
                    await self._rows(oid, found, at_once)
            except TimeoutError:
                if attempt < _TRIES - 1 and not found:
                    continue
                raise _silent() from None
            except NoSuchInstance:
                pass
            except (OSError, *_UNREADABLE) as error:
                if isinstance(error, OSError | SnmpAuthError) or self.rtt_ms is None:
                    raise _refused(error) from None
                if at_once == 1:
                    return {}  # part of a table would make sums that are too small
                at_once = 1  # a value beyond the column may be what can't be read
                continue
            return found
        return {}

    async def _rows(self, oid: str, found: dict[str, Value], at_once: int) -> None:
        start = len(oid) + 1
        rows = 0
        walk = self._session.getbulk(oid, max_repetitions=at_once)
        while True:
            try:
                name, value = await _tamed(walk.__anext__())
            except StopAsyncIteration:
                return
            rows += 1
            self._seen += 1
            index = name[start:]
            # an index that comes again is an agent that walks in circles
            if (
                rows > _MOST_ROWS
                or self._seen > _MOST_VALUES
                or index in found
                or not name.startswith(f"{oid}.")
            ):
                return
            cleaned = _clean(value)
            if cleaned is not None and len(index) <= _MOST_INDEX:
                found[index] = cleaned


async def _tamed(asking: Awaitable[T]) -> T:
    """Wait for the library; where its Rust code panics, that becomes an ordinary error of this agent alone."""
    try:
        return await asking
    except (Exception, asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise _PanicError(type(error).__name__) from None


def _silent() -> SilentAgentError:
    return SilentAgentError(f"no SNMP answer in {_TRIES} tries", host_lives=False)


def _refused(error: Exception) -> SilentAgentError:
    if isinstance(error, SnmpAuthError):
        return SilentAgentError("the agent refuses this SNMP v3 user", host_lives=True)
    if isinstance(error, _UNREADABLE):
        return SilentAgentError("the agent's answer can't be read as SNMP", host_lives=True)
    return SilentAgentError(
        f"SNMP failed: {getattr(error, 'strerror', None) or type(error).__name__}", host_lives=False
    )


def _clean(value: object) -> Value | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if isinstance(value, str):
        return value.translate(_NO_CONTROL).strip()[:_MOST_TEXT]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else None
