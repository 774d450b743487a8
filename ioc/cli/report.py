"""``ioc report``: the day, the week or the month on a few pages, as PDF and XLSX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ioc.cli._asking import Format, database, print_json, print_table
from ioc.reports.period import Kind
from ioc.reports.words import Language

app = typer.Typer(
    no_args_is_help=True,
    help="Reports for leaders: what changed, who misses targets, late dossiers without apology, outages, forecasts."
    "\n\nExample: ioc report day --output bao-cao-ngay.pdf",
)

_Of = Annotated[
    str | None, typer.Option("--of", help="A day of the period; without it, the newest that has ended.")
]
_Unit = Annotated[
    str | None, typer.Option(help="Code of a unit, with all below it; without it, the district.")
]
_Output = Annotated[
    Path | None,
    typer.Option(help="File to write: its name ends in .pdf or .xlsx. Without it, both are written here."),
]
_Language = Annotated[Language, typer.Option("--lang", help="Language of the report.")]


@app.command()
def day(of: _Of = None, unit: _Unit = None, output: _Output = None, lang: _Language = Language.VI) -> None:
    """Make a day's report and keep it.

    Example: ioc report day --of 2026-11-24 --output bao-cao.pdf
    """
    _make(Kind.DAY, of, unit, output, lang)


@app.command()
def week(of: _Of = None, unit: _Unit = None, output: _Output = None, lang: _Language = Language.VI) -> None:
    """Make the report of a week, Monday to Sunday, and keep it.

    Example: ioc report week --of 2026-11-18
    """
    _make(Kind.WEEK, of, unit, output, lang)


@app.command()
def month(of: _Of = None, unit: _Unit = None, output: _Output = None, lang: _Language = Language.VI) -> None:
    """Make a month's report and keep it.

    Example: ioc report month --of 2026-10-01 --output bao-cao-thang-10.xlsx
    """
    _make(Kind.MONTH, of, unit, output, lang)


@app.command("list")
def list_(
    unit: _Unit = None,
    kind: Annotated[Kind | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries; the newest are shown.")] = 60,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
) -> None:
    """Show the reports that are kept.

    Example: ioc report list --kind month
    """
    from dataclasses import asdict
    from zoneinfo import ZoneInfo

    from ioc.kpi.query import SYSTEM_READER, answer
    from ioc.reports.store import listed

    with database() as connection:
        found = answer(connection, listed(SYSTEM_READER, unit, kind, limit))
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    rows = [
        {name: str(value) for name, value in asdict(entry).items()}
        | {"made_at": entry.made_at.astimezone(zone).isoformat(timespec="seconds")}
        for entry in found
    ]
    if output is Format.JSON:
        print_json({"reports": rows})
    else:
        heads = ("kind", "first", "last", "unit", "language", "made_at")
        print_table(heads, [tuple(row[head] for head in heads) for row in rows])


def _make(kind: Kind, of: str | None, unit: str | None, output: Path | None, language: Language) -> None:
    from ioc.errors import UsageError
    from ioc.kpi.query import SYSTEM_READER, answer, clock
    from ioc.kpi.units import read_day
    from ioc.reports.period import Period
    from ioc.reports.store import make

    if output is not None and output.suffix.lower() not in (".pdf", ".xlsx"):
        raise UsageError(
            f"The name {output.name} does not say a format.", remedy="Let it end in .pdf or .xlsx."
        )
    with database() as connection:
        if of is not None:
            period = Period.around(kind, read_day(of, what="--of"))
        else:
            zone, now = answer(connection, clock(SYSTEM_READER, unit))
            period = Period.newest_whole(kind, now.astimezone(zone).date())
        report = make(connection, unit, period, language)
    stem = f"bao-cao-{kind.value}-{period.first.isoformat()}-{report.content.unit.code}"
    if language is not Language.VI:
        stem += f"-{language.value}"
    targets = [output] if output is not None else [Path(f"{stem}.pdf"), Path(f"{stem}.xlsx")]
    for target in targets:
        try:
            target.write_bytes(report.pdf if target.suffix.lower() == ".pdf" else report.workbook)
        except OSError as error:
            raise UsageError(
                f"{target} can't be written: {error.strerror}.", remedy="Name a file in a folder that exists."
            ) from error
        typer.echo(str(target))
