"""``ioc status``: how the platform stands, what is wrong with it, since when, and what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from deploy.stack.connector_state import ConnectorFacts
    from deploy.stack.control import ServiceFacts, Status
    from ioc.settings import Settings
    from ioc.watch.flow import PartitionState, SourceHalt
    from ioc.watch.standing import Level, Standing, Trouble
    from ioc.watch.state import Watched

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_EXITS = {"ok": 0, "degraded": 1, "down": 2}
_NOT_UP = 3
#: Without them no figure moves, or nobody sees any.
_VITAL = frozenset({"kafka", "postgres", "prepare", "stream", "serve"})
#: A process that is starting for longer is a trouble.
_STARTS_S = 60.0


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("status")(status)


@dataclass(frozen=True)
class _Found:
    """All that can be found out about the platform from here.

    :param pid: of the supervisor of this machine; none where there is none.
    :param standing: as the database has it; none when it does not answer, or was never prepared.
    """

    pid: int | None
    supervised: Status | None
    standing: Standing | None
    partitions: list[PartitionState] | None
    connectors: list[ConnectorFacts] | None
    sources: list[SourceHalt] | None
    troubles: tuple[Trouble, ...]

    @property
    def services(self) -> list[ServiceFacts]:
        return self.supervised.services if self.supervised else []

    @property
    def elsewhere(self) -> bool:
        """Whether its processes run without a supervisor of this machine, such as in containers."""
        if self.pid is not None or self.standing is None:
            return False
        watched = self.standing.watched
        return any(one.lives(watched.now) for one in watched.heartbeats)

    @property
    def is_up(self) -> bool:
        return self.pid is not None or self.elsewhere

    @property
    def level(self) -> Level:
        from ioc.watch.standing import worst

        return worst(self.troubles)


def _find(settings: Settings) -> _Found:
    from deploy.stack import connector_state, control, watch_state, worker_state
    from deploy.stack.supervisor import running_pid

    pid = running_pid(settings)
    supervised = control.read_status(settings) if pid is not None else None
    askable = pid is not None or not settings.database_is_embedded
    standing = watch_state.standing(settings) if askable else None
    return _Found(
        pid,
        supervised,
        standing,
        worker_state.partition_states(settings) if askable else None,
        connector_state.connector_states(settings) if askable else None,
        worker_state.source_halts(settings) if askable else None,
        tuple(_troubles(supervised, standing, askable)),
    )


def _troubles(supervised: Status | None, standing: Standing | None, askable: bool) -> Iterator[Trouble]:
    """What is wrong, the worst first."""
    from ioc.watch.standing import Level, Trouble

    found = list(_of_processes(supervised))
    if standing is not None:
        found += standing.troubles
    elif askable:
        what = "the database does not answer, or was never prepared: nothing more is known"
        found.append(Trouble(Level.DOWN, what, None, "run: ioc doctor"))
    yield from sorted(found, key=lambda one: one.level is not Level.DOWN)


def _of_processes(supervised: Status | None) -> Iterator[Trouble]:
    from ioc.watch.standing import Level, Trouble

    if supervised is None:
        return
    if supervised.problem is not None:
        yield Trouble(
            Level.DOWN,
            supervised.problem["message"],
            datetime.fromtimestamp(supervised.written_at, tz=_ZONE),
            supervised.problem["remedy"] or "see supervisor.log",
        )
    for service in supervised.services:
        if service.is_up:
            continue
        if service.state in {"starting", "waiting"} and time.time() - service.since < _STARTS_S:
            what, do = f"{service.name} is {service.state}", "wait; ioc status shows when it is ready"
        else:
            why = service.fault or (f"it ended with {service.last_exit}" if service.last_exit else "")
            what = f"{service.name} is {service.state}" + (f": {why}" if why else "")
            do = f"see {service.log}"
        level = Level.DOWN if service.name in _VITAL else Level.DEGRADED
        yield Trouble(level, what, datetime.fromtimestamp(service.since, tz=_ZONE), do)


def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show how the platform stands: what is wrong, since when and what to do; then each process and the worker.

    Exits with 0 when all is well, 1 when it is degraded (it goes on, something is late or missing), 2 when it is down
    (what people see is not how things are now), 3 when it is not up.

    Example: ioc status --json
    """
    import json

    from ioc.settings import load

    found = _find(load())
    if as_json:
        typer.echo(json.dumps(_facts(found), ensure_ascii=False))
    else:
        _tell(found)
    raise typer.Exit(_EXITS[found.level.value] if found.is_up else _NOT_UP)


def _facts(found: _Found) -> dict[str, Any]:
    standing = found.standing
    return {
        "up": found.pid is not None,
        "level": found.level.value if found.is_up else "not up",
        "troubles": [
            {
                "level": one.level.value,
                "what": one.what,
                "since": None if one.since is None else one.since.isoformat(),
                "do": one.do,
            }
            for one in found.troubles
        ],
        "pid": found.pid,
        "phase": found.supervised.phase if found.supervised else None,
        "services": [
            {
                "name": service.name,
                "state": service.state,
                "pid": service.pid,
                "port": service.port,
                "uptime_s": _uptime_s(service),
                "restarts": service.restarts,
                "last_exit": service.last_exit,
                "fault": service.fault or None,
                "log": service.log,
            }
            for service in found.services
        ],
        "partitions": None
        if found.partitions is None
        else [
            {
                "topic": partition.topic,
                "partition": partition.partition,
                "lag": partition.lag,
                "halted_reason": partition.halted_reason,
                "repair": partition.repair if partition.halted_reason else None,
                "updated_at": partition.updated_at.isoformat(),
            }
            for partition in found.partitions
        ],
        "connectors": None
        if found.connectors is None
        else [{**asdict(connector), "since": connector.since.isoformat()} for connector in found.connectors],
        "halted_sources": None
        if found.sources is None
        else [
            {
                "topic": source.topic,
                "source": source.source,
                "halted_at": source.halted_at.isoformat(),
                "records": source.records,
                "bad": source.bad,
                "reason": source.reason,
                "held": source.held,
                "repair": source.repair,
            }
            for source in found.sources
        ],
        "watch": None if standing is None else _watch_facts(standing.watched),
    }


def _tell(found: _Found) -> None:
    if not found.is_up:
        typer.echo("The platform is not up.\n  -> ioc up")
        return
    typer.echo(_SAID[found.level.value])
    for trouble in found.troubles:
        since = "" if trouble.since is None else f" (since {_moment(trouble.since.timestamp())})"
        typer.echo(f"  {trouble.level.value}: {trouble.what}{since}\n    -> {trouble.do}")
    if found.supervised is not None:
        _tell_status(found.supervised.phase, found.pid or 0, found.services)
    elif found.pid is not None:
        typer.echo("The supervisor is starting.")
    else:
        typer.echo("No supervisor on this machine; the processes below run by themselves.")
    if found.partitions is not None:
        _tell_partitions(found.partitions)
    _tell_connectors(found.connectors or [])
    _tell_sources(found.sources or [])
    if found.standing is not None:
        _tell_watch(found.standing.watched)


_SAID = {
    "ok": "ok: everything works.",
    "degraded": "degraded: the platform goes on; something is late or missing:",
    "down": "down: what people see is not how things are now:",
}


def _moment(instant: float | None) -> str:
    return "" if instant is None else datetime.fromtimestamp(instant, tz=_ZONE).strftime("%d/%m/%Y %H:%M:%S")


def _uptime_s(service: ServiceFacts) -> int | None:
    return None if service.started_at is None else max(0, round(time.time() - service.started_at))


def _tell_status(phase: str, pid: int | None, services: list[ServiceFacts]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("process", "state", "pid", "port", "since", "restarts", ""):
        table.add_column(heading, no_wrap=heading != "")
    for service in services:
        table.add_row(
            service.name,
            service.state,
            str(service.pid or ""),
            str(service.port or ""),
            _moment(service.started_at or service.since),
            str(service.restarts),
            service.fault or (f"last exit {service.last_exit}" if service.last_exit else ""),
        )
    typer.echo(f"Supervisor: pid {pid}, {phase}")
    Console().print(table)


def _tell_partitions(partitions: list[PartitionState]) -> None:
    lag = sum(partition.lag for partition in partitions)
    typer.echo(f"Worker: {len(partitions)} partitions, {lag} records behind.")
    for partition in partitions:
        if partition.halted_reason:
            typer.echo(f"  halted: {partition.topic}/{partition.partition}: {partition.halted_reason}")
            typer.echo(f"    -> {partition.repair}")


def _tell_sources(sources: list[SourceHalt]) -> None:
    for source in sources:
        typer.echo(f"  halted source: {source.summary}")
        typer.echo(f"    -> mend it, then: {source.repair}")


def _tell_connectors(connectors: list[ConnectorFacts]) -> None:
    for one in connectors:
        parts = [f"Connector {one.name}: {one.state} since {_moment(one.since.timestamp())}"]
        if one.failing:
            parts.append(f"{one.failing} of {one.sources} sources failing")
        if one.spooled_events:
            parts.append(f"{one.spooled_events} events on its disk")
        if one.reason:
            parts.append(one.reason)
        typer.echo(", ".join(parts))


def _watch_facts(watched: Watched) -> dict[str, object]:
    return {
        "heartbeats": [
            {
                "name": one.name,
                "kind": one.kind,
                "host": one.host,
                "at": one.at.isoformat(),
                "state": "stopped" if one.stopped else "silent" if one.is_silent(watched.now) else "alive",
            }
            for one in watched.heartbeats
        ],
        "auditor": None if watched.auditor is None else dict(watched.auditor.detail),
        "round_trip_s": {one.instance: one.value for one in watched.round_trips},
        "degraded": watched.degraded(),
    }


def _tell_watch(watched: Watched) -> None:
    beating = [one.name for one in watched.heartbeats if one.lives(watched.now)]
    typer.echo(f"Heartbeats: {', '.join(beating) or 'none'}")
    auditor = watched.auditor
    if auditor is not None and auditor.lives(watched.now):
        typer.echo(f"Auditor: beside {auditor.detail.get('by')} on {auditor.host}")
    for one in watched.round_trips:
        said = "not back after" if one.detail.get("state") == "late" else "there and back in"
        typer.echo(f"Synthetic alert {one.instance}: {said} {one.value:.1f} s, {_moment(one.at.timestamp())}")
