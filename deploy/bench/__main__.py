"""``python -m deploy.bench``: measures, prints the ratio table, writes docs/benchmarks.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.bench import http_ingest, machine, profiling, report, rounds, scaling, snmp
from deploy.bench import latency as live
from deploy.bench.ground import Ground, prepared
from deploy.bench.loading import preload
from deploy.bench.workload import recent
from ioc import topics
from ioc.errors import IocError

_OUT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_FORECASTS = Path(__file__).parents[2] / "docs" / "concepts" / "forecasts.md"

app = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)
console = Console(width=None if sys.stdout.isatty() else 140)

Port = Annotated[int, typer.Option(help="First of three free neighbouring ports for the servers.")]
Records = Annotated[int, typer.Option(help="Records that the fast contenders read.")]
Rounds = Annotated[int, typer.Option(help="Rounds; medians are reported.")]
Out = Annotated[Path, typer.Option(help="The report; the sections that are measured anew are replaced.")]


def _tell(text: str) -> None:
    console.print(text, style="dim", highlight=False)


@app.callback(invoke_without_command=True)
def everything(
    context: typer.Context,
    port: Port = 29092,
    records: Records = 500_000,
    rounds_: Annotated[int, typer.Option("--rounds", help="Rounds; medians are reported.")] = 3,
    out: Out = _OUT,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Our worker and the bare client only, few records; writes nothing."),
    ] = False,
) -> None:
    """Measure everything; some ten minutes. Example: python -m deploy.bench --quick"""
    if context.invoked_subcommand is not None:
        return
    with prepared(port) as ground:
        seen = machine.look(ground)
        if quick:
            workload = recent(60_000, devices=2_000)
            few = [c for c in rounds.ALL if c.quick]
            standings, _ = rounds.compare(ground, workload, few, 1, _tell)
            measured = live.measure(ground, workload, rate=2_000, seconds=9.0)
            report.show(console, standings, measured)
            return
        workload = recent(records)
        standings, size = rounds.compare(ground, workload, rounds.ALL, rounds_, _tell)
        _tell("latency under live load")
        measured = live.measure(ground, workload)
        report.show(console, standings, measured)
        report.write(
            out,
            {
                "machine": report.machine(seen),
                "comparison": report.comparison(standings, workload, size, rounds_, measured),
                "latency": report.latency(measured),
            },
        )
        report.write(out, {"scaling": _scaling(ground, records, rounds_)})
        report.write(out, {"profile": _profile(ground, records)})
        _tell("HTTP ingest")
        report.write(out, {"ingest": report.ingest(http_ingest.measure(ground))})
    report.write(out, {"snmp": snmp.section(snmp.measure(_tell), report.table)})
    _tell(f"written: {out.name}")


def _scaling(ground: Ground, records: int, count: int) -> str:
    return report.scaling(scaling.measure(ground, records, count, _tell), count)


def _profile(ground: Ground, records: int) -> str:
    _tell("profile")
    workload = recent(records)
    prefix = ground.new_topic(workload.partitions)
    preload(ground.servers, prefix + topics.WIFI, workload)
    found = report.profile(profiling.profile(ground, prefix, workload))
    ground.drop_topics(prefix)
    return found


@app.command("scaling")
def only_scaling(port: Port = 29092, records: Records = 300_000, count: Rounds = 3, out: Out = _OUT) -> None:
    """Measure how cost grows over partitions, devices and sizes of records. Example: python -m deploy.bench scaling"""
    with prepared(port) as ground:
        text = _scaling(ground, records, count)
    report.write(out, {"scaling": text})
    console.print(text, markup=False, highlight=False)


@app.command("latency")
def only_latency(
    port: Port = 29092,
    rate: Annotated[int, typer.Option(help="Records a second.")] = 10_000,
    seconds: Annotated[float, typer.Option(help="How long, in seconds.")] = 35.0,
    out: Out = _OUT,
) -> None:
    """Measure latency under live load. Example: python -m deploy.bench latency --rate 20000"""
    with prepared(port) as ground:
        text = report.latency(live.measure(ground, recent(10_000), rate=rate, seconds=seconds))
    report.write(out, {"latency": text})
    console.print(text, markup=False, highlight=False)


@app.command("profile")
def only_profile(port: Port = 29092, records: Records = 500_000, out: Out = _OUT) -> None:
    """Show where the time goes, in the worker and in PostgreSQL. Example: python -m deploy.bench profile"""
    with prepared(port) as ground:
        text = _profile(ground, records)
    report.write(out, {"profile": text})
    console.print(text, markup=False, highlight=False)


@app.command("ingest")
def only_ingest(
    port: Port = 29092,
    events: Annotated[int, typer.Option(help="Events of one round, in batches.")] = 60_000,
    rate: Annotated[int, typer.Option(help="Single events a second.")] = 1_000,
    count: Rounds = 3,
    out: Out = _OUT,
) -> None:
    """Measure events over HTTP. Example: python -m deploy.bench ingest"""
    with prepared(port) as ground:
        text = report.ingest(http_ingest.measure(ground, events=events, rounds=count, rate=rate))
    report.write(out, {"ingest": text})
    console.print(text, markup=False, highlight=False)


@app.command("snmp")
def only_snmp(
    devices: Annotated[int, typer.Option(help="Devices to poll once a minute.")] = snmp.DEVICES,
    seconds: Annotated[float, typer.Option(help="How long to watch them, in seconds.")] = 120.0,
    out: Out = _OUT,
) -> None:
    """Measure how many SNMP devices one process polls a minute. Example: python -m deploy.bench snmp"""
    text = snmp.section(snmp.measure(_tell, devices=devices, seconds=seconds), report.table)
    report.write(out, {"snmp": text})
    console.print(text, markup=False, highlight=False)


@app.command("cameras")
def only_cameras(
    seconds: Annotated[float, typer.Option(help="Length of the main window, in seconds.")] = 120.0,
    count: Annotated[int, typer.Option("--rounds", help="Rounds with and without dead cameras.")] = 4,
    out: Out = _OUT,
) -> None:
    """Measure how many cameras one connector watches. Example: python -m deploy.bench cameras"""
    from deploy.bench import camera_section, cameras

    text = camera_section.section(cameras.measure(_tell, seconds=seconds, rounds=count))
    report.write(out, {"cameras": text})
    console.print(text, markup=False, highlight=False)


@app.command("alerts")
def only_alerts(
    port: Port = 29092,
    per_minute: Annotated[int, typer.Option(help="Alerts that are opened a minute.")] = 1_000,
    seconds: Annotated[float, typer.Option(help="How long alerts are opened, in seconds.")] = 600.0,
    rate: Annotated[int, typer.Option(help="Samples a second beside which alerts are measured.")] = 10_000,
    beside: Annotated[float, typer.Option(help="How long that lasts, in seconds.")] = 60.0,
    out: Out = _OUT,
) -> None:
    """Measure how long alerts take to arrive. Example: python -m deploy.bench alerts --seconds 120"""
    from deploy.bench import alerts

    with prepared(port) as ground:
        flooded = alerts.flood(ground, _tell, per_minute=per_minute, seconds=seconds)
        loaded = alerts.beside(ground, _tell, rate=rate, seconds=beside)
    text = alerts.section(flooded, loaded, report.table)
    report.write(out, {"alerts": text})
    console.print(text, markup=False, highlight=False)


@app.command("history")
def only_history(
    port: Port = 29092,
    share: Annotated[
        float,
        typer.Option(
            help="How much of the whole history is made: 1 is three years of dossiers, a year of devices."
        ),
    ] = 1.0,
    seconds: Annotated[float, typer.Option(help="How long planners ask, in seconds.")] = 120.0,
    out: Out = _OUT,
    state: Annotated[
        Path | None,
        typer.Option(help="Folder for the servers; it needs some 25 GB. Without it, a temporary one."),
    ] = None,
) -> None:
    """Measure questions to a province's history of years. Example: python -m deploy.bench history --share 0.1"""
    from deploy.bench.history import command
    from deploy.bench.history.province import scaled

    with prepared(port, state) as ground:
        found = command.measure(ground, scaled(share), _tell, seconds=seconds)
    report.write(out, {"history": found.section})
    command.write_plans(out.parent / "reference" / "plans.md", found.plans)
    console.print(found.section, markup=False, highlight=False)


@app.command("alert-list")
def only_alert_list(port: Port = 29092, out: Out = _OUT) -> None:
    """Measure lists of ten thousand open alerts. Example: python -m deploy.bench alert-list"""
    from deploy.bench import alert_list

    with prepared(port) as ground:
        text = alert_list.section(alert_list.measure(ground, _tell), report.table)
    report.write(out, {"alertlist": text})
    console.print(text, markup=False, highlight=False)


@app.command("walls")
def only_walls(
    port: Port = 29092,
    seconds: Annotated[float, typer.Option(help="How long cost is measured, in seconds.")] = 60.0,
    soak: Annotated[float, typer.Option(help="How long memory is watched, in minutes.")] = 10.0,
    out: Out = _OUT,
) -> None:
    """Measure fifty open walls. Example: python -m deploy.bench walls --soak 60"""
    from deploy.bench import walls

    with prepared(port) as ground:
        found = walls.measure(ground, _tell, seconds=seconds, soak_s=soak * 60)
    text = walls.section(found, report.table, walls.PLOT)
    report.write(out, {"walls": text})
    (out.parent / walls.PLOT).write_text(walls.plot(found))
    console.print(text, markup=False, highlight=False)


@app.command("forecast")
def only_forecast(
    log: Annotated[Path, typer.Option(help="The log: CSV, XLSX, JSON Lines or XES.")],
    mapping: Annotated[str, typer.Option(help="Name or file of the mapping that reads it.")] = "coselog",
    unit: Annotated[str, typer.Option(help="Code of the unit that its dossiers belong to.")] = "coselog",
    every: Annotated[int, typer.Option(help="Worked days between two origins.")] = 5,
    port: Port = 29092,
    out: Annotated[Path, typer.Option(help="The page whose marked part is written anew.")] = _FORECASTS,
) -> None:
    """Hold forecasts against a real log. Example: python -m deploy.bench forecast --log permits-receipt.csv"""
    from deploy.bench import forecast
    from ioc.forecast import report as tables

    with prepared(port) as ground:
        found = forecast.measure(ground, log, mapping, unit, every, _tell)
    forecast.write(out, found)
    console.print(tables.text(found), markup=False, highlight=False)


def main() -> None:
    """Run the command; errors of ours are told without a traceback."""
    try:
        app(prog_name="python -m deploy.bench")
    except IocError as error:
        console.print(f"{error.message}\n{error.remedy or ''}", markup=False, highlight=False)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
