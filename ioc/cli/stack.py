"""``ioc up``, ``down``, ``doctor``: the whole platform on this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ioc.settings import Settings

_WRONG = 1


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("up")(up)
    app.command("down")(down)
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
    typer.echo(f"    Wall:           {address}/ops/wall   (large screen: {address}/ops/wall?mode=wall)")
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
