"""``ioc up``, ``down``, ``status``, ``doctor``: the whole platform on this machine."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from deploy.stack.connector_state import ConnectorFacts
    from deploy.stack.control import ServiceFacts
    from deploy.stack.worker_state import PartitionState, SourceHalt
    from ioc.settings import Settings
    from ioc.watch.state import Watched

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_WRONG = 1
_NOT_UP = 3


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    app.command("doctor")(doctor)
    app.command("install")(install)
    app.command("prepare")(prepare)


def up(
    simulation: Annotated[
        bool, typer.Option("--simulation/--no-simulation", help="Run the live simulated district.")
    ] = True,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay here and supervise: for systemd and containers.")
    ] = False,
    timeout: Annotated[int, typer.Option(help="Seconds to wait for the first figures.", min=1)] = 300,
) -> None:
    """Start the whole platform and return when the first figures are visible. A second up is harmless.

    Example: ioc up --no-simulation
    """
    from deploy.stack import control
    from deploy.stack.supervisor import running_pid
    from ioc.settings import load

    settings = load()
    control.require_permission(settings)
    if foreground:
        _supervise(settings, simulation=simulation)
        return
    started = None
    if running_pid(settings) is not None:
        control.require_same_ports(settings)
        typer.echo("The platform is already up.")
    else:
        started = control.start_in_background(settings, ["--simulation" if simulation else "--no-simulation"])
    began = time.monotonic()
    control.wait_until_up(
        settings,
        figures=_has_simulation(settings, simulation, started),
        timeout_s=float(timeout),
        say=lambda line: typer.echo(f"  {time.monotonic() - began:5.1f} s  {line}"),
        supervisor=started,
    )
    _tell_addresses(settings)


def _supervise(settings: Settings, *, simulation: bool) -> None:
    from deploy.stack import control, roles
    from deploy.stack.supervisor import Supervisor

    control.log_to_file(settings)
    Supervisor(settings, roles.DEMONSTRATION if simulation else roles.PLATFORM).run()


def _has_simulation(settings: Settings, simulation: bool, started: int | None) -> bool:
    """Whether figures will come by themselves: what runs decides, not what this call asked for."""
    from deploy.stack import control

    if started is not None:
        return simulation
    status_now = control.read_status(settings)
    return status_now is not None and any(service.name == "simulate" for service in status_now.services)


def _tell_addresses(settings: Settings) -> None:
    from deploy.stack import roles
    from ioc.access import ensure_first_password

    address = settings.public_url or roles.api_address(settings)
    typer.echo(f"Up. Pages and API:  {address}   ({address}/docs)")
    typer.echo(f"    Kafka:          {settings.kafka_servers}")
    where = (
        f"127.0.0.1:{settings.database_port}"
        if settings.database_is_embedded
        else "the one of IOC_DATABASE_URL"
    )
    typer.echo(f"    Database:       {where}")
    typer.echo(f"    State and logs: {settings.state_dir}")
    password = ensure_first_password(settings)
    if password is not None:
        typer.echo(f"    First password: {password}")


def down() -> None:
    """Stop every process that up started, and wait until the last one has ended.

    Example: ioc down
    """
    from deploy.stack import control
    from ioc.settings import load

    began = time.monotonic()

    def say(line: str) -> None:
        typer.echo(f"  {time.monotonic() - began:5.1f} s  {line}", err=True)

    typer.echo("Stopped." if control.stop(load(), say) else "Nothing runs.")


def _moment(instant: float | None) -> str:
    return "" if instant is None else datetime.fromtimestamp(instant, tz=_ZONE).strftime("%d/%m/%Y %H:%M:%S")


def _uptime_s(service: ServiceFacts) -> int | None:
    return None if service.started_at is None else max(0, round(time.time() - service.started_at))


def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show each process, and how far the stream worker is. Exits with 3 when the platform is not up.

    Example: ioc status --json
    """
    import json

    from deploy.stack import connector_state, control, watch_state, worker_state
    from deploy.stack.supervisor import running_pid
    from ioc.settings import load

    settings = load()
    pid = running_pid(settings)
    found = control.read_status(settings) if pid is not None else None
    askable = pid is not None or not settings.database_is_embedded
    partitions = worker_state.partition_states(settings) if askable else None
    connectors = connector_state.connector_states(settings) if askable else None
    sources = worker_state.source_halts(settings) if askable else None
    watched = watch_state.watched(settings) if askable else None
    if as_json:
        facts = {
            "up": pid is not None,
            "pid": pid,
            "phase": found.phase if found else None,
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
                for service in (found.services if found else [])
            ],
            "partitions": None
            if partitions is None
            else [
                {
                    "topic": partition.topic,
                    "partition": partition.partition,
                    "lag": partition.lag,
                    "halted_reason": partition.halted_reason,
                    "repair": partition.repair if partition.halted_reason else None,
                    "updated_at": partition.updated_at.isoformat(),
                }
                for partition in partitions
            ],
            "connectors": None
            if connectors is None
            else [{**asdict(connector), "since": connector.since.isoformat()} for connector in connectors],
            "halted_sources": None
            if sources is None
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
                for source in sources
            ],
            "watch": None if watched is None else _watch_facts(watched),
        }
        typer.echo(json.dumps(facts, ensure_ascii=False))
    elif found is None:
        typer.echo("The platform is not up." if pid is None else "The supervisor is starting.")
    else:
        _tell_status(found.phase, pid, found.services)
        _tell_partitions(partitions)
        _tell_connectors(connectors or [])
        _tell_sources(sources or [])
        _tell_watch(watched)
    if pid is None:
        raise typer.Exit(_NOT_UP)


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


def _tell_partitions(partitions: list[PartitionState] | None) -> None:
    if partitions is None:
        typer.echo("Worker: the database does not answer.")
        return
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


def _tell_watch(watched: Watched | None) -> None:
    if watched is None:
        return
    beating = [one.name for one in watched.heartbeats if one.lives(watched.now)]
    typer.echo(f"Heartbeats: {', '.join(beating) or 'none'}")
    auditor = watched.auditor
    if auditor is not None and auditor.lives(watched.now):
        typer.echo(f"Auditor: beside {auditor.detail.get('by')} on {auditor.host}")
    for one in watched.round_trips:
        said = "not back after" if one.detail.get("state") == "late" else "there and back in"
        typer.echo(f"Synthetic alert {one.instance}: {said} {one.value:.1f} s, {_moment(one.at.timestamp())}")
    for line in watched.degraded():
        typer.echo(f"  degraded: {line}")


def doctor() -> None:
    """Look at everything the platform leans on; each problem comes with the command that mends it.

    Exits with 1 when something is wrong.

    Example: ioc doctor
    """
    from deploy.stack.doctor import examine
    from ioc.settings import load

    findings = examine(load())
    for finding in findings:
        typer.echo(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.subject}: {finding.message}")
        if finding.remedy:
            typer.echo(f"           -> {finding.remedy}")
    wrong = sum(not finding.ok for finding in findings)
    if wrong:
        typer.echo(f"{wrong} {'problem' if wrong == 1 else 'problems'}.", err=True)
        raise typer.Exit(_WRONG)


def install() -> None:
    """Fetch the embedded Kafka and PostgreSQL without starting anything.

    Example: ioc install
    """
    from deploy.stack import ensure_installed
    from ioc.settings import load

    ensure_installed(load(), typer.echo)
    typer.echo("All that the embedded stack needs is installed.")


def prepare() -> None:
    """Make the topics, bring the database to the newest schema and apply the district pack. Harmless to repeat.

    ioc up does it by itself; with external servers run it once after an upgrade.

    Example: ioc prepare
    """
    from deploy.stack.prepare import prepare_servers
    from ioc.cli import district
    from ioc.settings import load

    prepare_servers(load(), typer.echo)
    # what is wrong with a rule of alerts must keep nobody from starting the platform
    for problem in district.apply_to_database(district.pack_folder(None)):
        typer.echo(f"left as it was: {problem}", err=True)
