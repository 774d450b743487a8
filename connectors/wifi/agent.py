"""Asks one SNMP v2c agent, a bounded number of times, for a bounded number of values."""

from __future__ import annotations

import time
from typing import Final, TypeAlias

from gufo.snmp import NoSuchInstance, SnmpError
from gufo.snmp.aio import SnmpSession

Value: TypeAlias = int | float | str

_TRIES: Final = 3
_MOST_ROWS: Final = 4_096
"""An access point with more rows in one column than this is not believed."""
_MOST_TEXT: Final = 4_096
_AT_ONCE: Final = 20


class SilentAgentError(Exception):
    """The agent did not answer, or said that there is none. Internal to the probe."""

    def __init__(self, reason: str, *, host_lives: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.host_lives = host_lives
        """The host itself refused: it is there, its agent is not."""


class Agent:
    """One agent for the length of one probe; every column is asked for once.

    :param timeout_s: wait for each of three tries, in seconds.
    """

    def __init__(self, host: str, port: int, community: str, timeout_s: float) -> None:
        self._session = SnmpSession(
            host, port=port, community=community, timeout=timeout_s, max_repetitions=25
        )
        self._columns: dict[str, dict[str, Value]] = {}
        self._scalars: dict[str, Value] = {}
        self.rtt_ms: float | None = None
        """Round trip of the first answer, in milliseconds."""

    async def get(self, oids: list[str]) -> dict[str, Value]:
        """Return those of the scalars that the agent has.

        :raises SilentAgentError: after three tries without an answer.
        """
        wanted = [oid for oid in oids if oid not in self._scalars]
        for start in range(0, len(wanted), _AT_ONCE):
            batch = wanted[start : start + _AT_ONCE]
            for attempt in range(_TRIES):
                began = time.perf_counter()
                try:
                    answer = await self._session.get_many(batch)
                except TimeoutError:
                    if attempt == _TRIES - 1:
                        raise _silent() from None
                    continue
                except NoSuchInstance:
                    answer = {}
                except (OSError, SnmpError) as error:
                    raise _refused(error) from None
                if self.rtt_ms is None:
                    self.rtt_ms = (time.perf_counter() - began) * 1000
                for oid, value in answer.items():
                    cleaned = _clean(value)
                    if cleaned is not None:
                        self._scalars[oid] = cleaned
                break
        return {oid: self._scalars[oid] for oid in oids if oid in self._scalars}

    async def column(self, oid: str) -> dict[str, Value]:
        """Return a table's column as index → value, in the agent's order; empty when the agent has none.

        :raises SilentAgentError: after three tries without an answer.
        """
        if oid in self._columns:
            return self._columns[oid]
        for attempt in range(_TRIES):
            found: dict[str, Value] = {}
            try:
                async for name, value in self._session.getbulk(oid):
                    cleaned = _clean(value)
                    if cleaned is not None:
                        found[name[len(oid) + 1 :]] = cleaned
                    if len(found) >= _MOST_ROWS:
                        break
            except TimeoutError:
                if attempt == _TRIES - 1:
                    raise _silent() from None
                continue
            except NoSuchInstance:
                pass
            except (OSError, SnmpError) as error:
                raise _refused(error) from None
            self._columns[oid] = found
            break
        return self._columns[oid]


def _silent() -> SilentAgentError:
    return SilentAgentError(f"no SNMP answer in {_TRIES} tries", host_lives=False)


def _refused(error: Exception) -> SilentAgentError:
    lives = isinstance(error, ConnectionRefusedError)
    what = "nothing listens on the SNMP port" if lives else f"SNMP failed: {type(error).__name__}"
    return SilentAgentError(what, host_lives=lives)


def _clean(value: object) -> Value | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip("\0 \r\n\t")[:_MOST_TEXT]
    if isinstance(value, str):
        return value[:_MOST_TEXT]
    return value if isinstance(value, int | float) else None
