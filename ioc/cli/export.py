"""``ioc export``: dossiers, samples and states as files, as the API gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ioc.cli._asking import database, export
from ioc.history.dossiers import State

app = typer.Typer(
    no_args_is_help=True,
    help="Dossiers, samples and states as CSV, XLSX, Parquet or Arrow files.\n\n"
    "Example: ioc export dossiers late.xlsx --state late",
)

_Many = list[str] | None
_File = Annotated[
    Path, typer.Argument(help="File to write: its name ends in .csv, .xlsx, .parquet or .arrow.")
]
_Unit = Annotated[str | None, typer.Option(help="Code of a unit, with all below it.")]
_Device = Annotated[str | None, typer.Option(help="Code of one device.")]
_From = Annotated[str | None, typer.Option("--from", help="Start, included: a date or time.")]
_To = Annotated[str | None, typer.Option("--to", help="End, not included.")]
_Bom = Annotated[bool, typer.Option("--bom", help="Begin a CSV file with a mark by which Excel knows UTF-8.")]


@app.command("dossiers")
def dossiers(
    file: _File,
    unit: _Unit = None,
    state: Annotated[State | None, typer.Option(help="How they stand now.")] = None,
    procedure: Annotated[_Many, typer.Option(help="Procedure; repeatable: any of them.")] = None,
    field: Annotated[_Many, typer.Option(help="Field; repeatable.")] = None,
    channel: Annotated[_Many, typer.Option(help="Channel; repeatable.")] = None,
    start: _From = None,
    end: _To = None,
    deidentified: Annotated[
        bool,
        typer.Option(
            "--deidentified",
            help="Counts by month, unit, procedure, channel and outcome in which no small group can be told. Only with "
            "--unit, --from and --to, by whole months.",
        ),
    ] = False,
    bom: _Bom = False,
) -> None:
    """Write accepted dossiers, one a row, or de-identified counts of them.

    Example: ioc export dossiers late.xlsx --state late --unit go-dau
    """
    from ioc.errors import UsageError
    from ioc.history import dossiers as domain
    from ioc.history import editions
    from ioc.kpi.query import SYSTEM_READER, answer, change
    from ioc.settings import load

    wanted = domain.Filter(
        unit=unit,
        state=state,
        procedure=tuple(procedure or ()),
        field=tuple(field or ()),
        channel=tuple(channel or ()),
        start=start,
        end=end,
    )
    noted = wanted.noted
    if not deidentified:
        steps = domain.table(SYSTEM_READER, wanted)
    else:
        if state or procedure or field or channel:
            raise UsageError(
                "--deidentified goes with --unit, --from and --to only.",
                remedy="Take all counts of a unit, and filter the file.",
            )
        settings = load()
        months = editions.Wanted(unit=unit, start=start, end=end)
        with database() as connection:
            found, zone = answer(connection, editions.months(SYSTEM_READER, months, settings.settle_days))
            change(connection, editions.ensure(found, settings.smallest_group))
        noted["deidentified"] = True
        steps = editions.table(SYSTEM_READER, months, found, zone)
    _tell(export(steps, file, what="dossiers", filters=noted, bom=bom), file)


@app.command("samples")
def samples(
    file: _File,
    kind: Annotated[str, typer.Option(help="camera or wifi.")],
    unit: _Unit = None,
    device: _Device = None,
    start: _From = None,
    end: _To = None,
    bom: _Bom = False,
) -> None:
    """Write samples of devices, device by device in order of time; without --from those of a day.

    Example: ioc export samples wifi.parquet --kind wifi --from 2026-11-01 --to 2026-12-01
    """
    from ioc.history import devices
    from ioc.kpi.query import SYSTEM_READER

    wanted = devices.Wanted(kind=kind, unit=unit, device=device, start=start, end=end)
    steps = devices.samples_table(SYSTEM_READER, wanted)
    _tell(export(steps, file, what="samples", filters=wanted.noted, bom=bom), file)


@app.command("states")
def states(
    file: _File,
    kind: Annotated[str | None, typer.Option(help="camera, wifi or kiosk.")] = None,
    unit: _Unit = None,
    device: _Device = None,
    start: _From = None,
    end: _To = None,
    bom: _Bom = False,
) -> None:
    """Write devices' runs of equal state, device by device in order of time; without --from those of a day.

    Example: ioc export states outages.csv --kind camera --from 2026-11-01
    """
    from ioc.history import devices
    from ioc.kpi.query import SYSTEM_READER

    wanted = devices.Wanted(kind=kind, unit=unit, device=device, start=start, end=end)
    steps = devices.states_table(SYSTEM_READER, wanted)
    _tell(export(steps, file, what="states", filters=wanted.noted, bom=bom), file)


def _tell(rows: int, file: Path) -> None:
    typer.echo(f"{rows} rows written to {file}.", err=True)
