"""A device's network interfaces with their octet counters, after IF-MIB (RFC 2863)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connectors.shared.snmp.agent import Agent, Value
from connectors.shared.snmp.cells import count, text
from connectors.shared.snmp.counters import Counter

_IF_DESCR: Final = "1.3.6.1.2.1.2.2.1.2"
_IF_TYPE: Final = "1.3.6.1.2.1.2.2.1.3"
_IF_SPEED: Final = "1.3.6.1.2.1.2.2.1.5"
_IF_OPER_STATUS: Final = "1.3.6.1.2.1.2.2.1.8"
_IF_NAME: Final = "1.3.6.1.2.1.31.1.1.1.1"
_IF_HIGH_SPEED: Final = "1.3.6.1.2.1.31.1.1.1.15"
_IF_DISCONTINUITY: Final = "1.3.6.1.2.1.31.1.1.1.19"
_OCTETS: Final = (
    ("1.3.6.1.2.1.31.1.1.1.6", "1.3.6.1.2.1.2.2.1.10"),
    ("1.3.6.1.2.1.31.1.1.1.10", "1.3.6.1.2.1.2.2.1.16"),
)
"""In and out: ifHC*Octets (64 bits), and the 32-bit counters for devices or interfaces that have no others."""
_UP: Final = 1
_IEEE80211: Final = 71
_SPEED_UNKNOWN: Final = 2**32 - 1
"""ifSpeed of a link that is faster than it can say."""
_MOST: Final = 1_024


@dataclass(frozen=True, slots=True)
class Port:
    """One interface as read now. Unknown is None, never zero."""

    index: int
    name: str
    up: bool | None
    rx: Counter | None
    tx: Counter | None
    speed_bps: int | None
    wireless: bool = False
    """Whether the agent says so itself (ifType ieee80211); many call their radios Ethernet."""


async def ports(agent: Agent) -> tuple[Port, ...]:
    """Read the device's interfaces, by their index; at most 1,024.

    :raises SilentAgentError: when the agent does not answer.
    """
    named = await agent.column(_IF_NAME, still=True)
    described = await agent.column(_IF_DESCR, still=True)
    names = {**described, **{index: name for index, name in named.items() if name != ""}}
    if not names:
        return ()
    types = await agent.column(_IF_TYPE, still=True)
    status = await agent.column(_IF_OPER_STATUS)
    breaks = await agent.column(_IF_DISCONTINUITY)
    wide_speed = await agent.column(_IF_HIGH_SPEED, still=True)
    speed = await agent.column(_IF_SPEED, still=True)
    octets: list[dict[str, Counter]] = []
    for wide, narrow in _OCTETS:
        found = _counters(await agent.column(wide), 64, breaks)
        if len(found) < len(names) or not any(counter.value for counter in found.values()):
            for index, counter in _counters(await agent.column(narrow), 32, breaks).items():
                if index not in found or (counter.value and not found[index].value):
                    found[index] = counter  # some agents have the wide counters and never move them
        octets.append(found)
    numbered = sorted((int(index), index) for index in names if index.isdecimal() and len(index) <= 10)
    return tuple(
        Port(
            index=number,
            name=text(names[index]) or index,
            up=_is_up(status.get(index)),
            rx=octets[0].get(index),
            tx=octets[1].get(index),
            speed_bps=_speed(wide_speed.get(index), speed.get(index)),
            wireless=count(types.get(index)) == _IEEE80211,
        )
        for number, index in numbered[:_MOST]
    )


def _is_up(status: Value | None) -> bool | None:
    known = count(status, 7)  # 4 is unknown, 1 up; testing, dormant, notPresent, lowerLayerDown pass nothing
    return None if known in (None, 0, 4) else known == _UP


def _counters(column: dict[str, Value], bits: int, breaks: dict[str, Value]) -> dict[str, Counter]:
    return {
        index: Counter(number, bits, count(breaks.get(index)))
        for index, value in column.items()
        if (number := count(value, (1 << bits) - 1)) is not None
    }


def _speed(mega: Value | None, plain: Value | None) -> int | None:
    wide = count(mega, 10**6)
    if wide:
        return wide * 1_000_000
    narrow = count(plain, _SPEED_UNKNOWN - 1)
    return narrow or None
