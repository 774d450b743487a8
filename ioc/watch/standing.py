"""How the platform stands: well, degraded or down; of each trouble what it is, since when, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ioc.kpi.steps import Steps
from ioc.watch import state
from ioc.watch.state import Level, Trouble, Watched

__all__ = ["Level", "Standing", "Trouble", "look"]

#: A partition that has records to read and has not moved for this long is stuck.
STALL_S: Final = 15
_OFFSETS: Final = """
SELECT topic, partition, greatest(log_end - next_offset, 0), updated_at,
       extract(epoch FROM now() - updated_at)::float8, halted_reason, halted_at
FROM ioc.partition_offset WHERE retired_at IS NULL ORDER BY topic, partition
"""
_SOURCES: Final = """
SELECT topic, source, bad, records, reason, halted_at FROM ioc.source_halt
WHERE released_at IS NULL ORDER BY topic, source
"""
_CONNECTORS: Final = """
SELECT name, source, state, since, sources, failing, spooled_events FROM ioc.connector_now ORDER BY name, source
"""


class _Connector(StrEnum):
    """States of connectors that are troubles of the platform, and not of one device."""

    SPOOLING = "spooling"
    FULL = "full"
    UNKNOWN = "unknown"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector as it last said it was.

    :param host: the machine it runs on.
    """

    name: str
    host: str
    state: str
    since: datetime
    sources: int
    failing: int
    spooled: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The platform at one moment.

    :param partitions: how many there are; ``halted`` of them wait for a repair.
    :param halted_sources: a line each.
    """

    watched: Watched
    troubles: tuple[Trouble, ...]
    partitions: int
    halted: int
    halted_sources: tuple[str, ...]
    connectors: tuple[Connector, ...]

    @property
    def level(self) -> Level:
        """The worst of its troubles."""
        return worst(self.troubles)

    def of(self, level: Level) -> list[Trouble]:
        """Troubles of one level."""
        return [one for one in self.troubles if one.level is level]


def worst(troubles: tuple[Trouble, ...] | list[Trouble]) -> Level:
    """The worst level among troubles; without any, all is well."""
    found = {one.level for one in troubles}
    return next((level for level in (Level.DOWN, Level.DEGRADED) if level in found), Level.OK)


def look() -> Steps[Standing]:
    """Steps to how the platform stands now, by the database's clock."""
    offsets = yield _OFFSETS, ()
    sources = yield _SOURCES, ()
    rows = yield _CONNECTORS, ()
    connectors = tuple(Connector(*row) for row in rows)
    watched = yield from state.look()
    troubles: list[Trouble] = []
    if not offsets:
        troubles.append(
            Trouble(
                Level.DOWN,
                "no stream worker has taken a partition yet",
                None,
                "run: ioc stream, or wait while it starts",
            )
        )
    for topic, partition, lag, moved_at, age_s, halted, halted_at in offsets:
        if halted is not None:
            troubles.append(
                Trouble(
                    Level.DOWN,
                    f"{topic}/{partition} is halted: {halted}",
                    halted_at or moved_at,
                    f"run: ioc repair offsets {topic} {partition} --to start",
                )
            )
        elif lag > 0 and age_s > STALL_S:
            what = f"{topic}/{partition} has {lag} records to read and has not moved for {age_s:.0f} s"
            troubles.append(Trouble(Level.DOWN, what, moved_at, "see the log of stream"))
    halted_sources = []
    for topic, source, bad, records, reason, halted_at in sources:
        line = f"{topic}: {source}: {bad} of {records} records bad, mostly {reason}"
        halted_sources.append(line)
        troubles.append(
            Trouble(
                Level.DEGRADED,
                f"halted source {line}",
                halted_at,
                f"mend it, then: ioc repair source {topic} …; ioc status gives the whole line",
            )
        )
    troubles += watched.troubles()
    troubles += filter(None, map(_of_connector, connectors))
    return Standing(
        watched,
        tuple(troubles),
        len(offsets),
        sum(1 for row in offsets if row[5] is not None),
        tuple(halted_sources),
        connectors,
    )


def _of_connector(one: Connector) -> Trouble | None:
    """What a connector's state means; its own words are left out, since they may name devices."""
    name = f"connector {one.name} on {one.host}"
    what, do = {
        _Connector.SPOOLING: (
            f"{name} keeps {one.spooled} events on its disk: Kafka does not answer it",
            "nothing is lost; see that Kafka runs: ioc doctor",
        ),
        _Connector.FULL: (f"{name} refuses events: its disk is full", "mend Kafka, or raise IOC_SPOOL_BYTES"),
        _Connector.UNKNOWN: (f"{name} has sent no report", "see that its process runs, and its log"),
        # one device that is away is the district's trouble and has its own alerts
        _Connector.FAILING: (
            f"{name} can read none of its {one.sources} sources",
            "see its line in ioc status",
        )
        if one.failing and one.failing >= one.sources > 1
        else ("", ""),
    }.get(one.state, ("", ""))  # type: ignore[call-overload]
    return Trouble(Level.DEGRADED, what, one.since, do) if what else None
