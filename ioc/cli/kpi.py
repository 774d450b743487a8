"""``ioc kpi``: indicators on the command line, as the API gives them; questions by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ioc.cli._asking import Format, database, export, print_answers, print_csv, print_json, print_table

if TYPE_CHECKING:
    from ioc.history.questions import Wording

app = typer.Typer(
    no_args_is_help=True, help="Indicators: what they mean, and their figures.\n\nExample: ioc kpi list"
)

_FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]
_Units = Annotated[
    list[str] | None,
    typer.Option(
        "--unit", help="Code of a unit, with all below it; may be repeated. Without it, the whole district."
    ),
]
_Period = Annotated[
    str | None,
    typer.Option(
        help="Instead of --from and --to: today, yesterday, this-week, last-week, and so with month, quarter and year; "
        "last-N-days, last-N-months."
    ),
]
_From = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Start, included: a date or time, in the unit's time zone unless it has an offset. Without it, an "
        "hour (1min), a day (15min), two days (1h), 30 days (1d) or a year (1mo) before the end.",
    ),
]
_To = Annotated[str | None, typer.Option("--to", help="End, not included; without it, now.")]
_Bucket = Annotated[
    str | None,
    typer.Option(help="1min, 15min, 1h, 1d or 1mo in the unit's time zone; without it 1d, of index766 1mo."),
]
_By = Annotated[
    str | None, typer.Option(metavar="DIM", help="Split by a dimension; ioc kpi list names them.")
]
_Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIM=VALUE",
        help="Only figures with this value; may be repeated: the same dimension twice means either. "
        "DIM= means those without a value.",
    ),
]
_AsOf = Annotated[
    str | None, typer.Option(help="As known at this earlier moment; of devices while samples are kept.")
]
_Remap = Annotated[
    bool,
    typer.Option(
        "--remap",
        help="Figures of the areas of today's units, continued backwards through the units that they came from. "
        "Without it, of units as they were at the time.",
    ),
]
_Output = Annotated[
    Path | None,
    typer.Option(
        "--output", help="Write to this file instead: its name ends in .csv, .xlsx, .parquet or .arrow."
    ),
]
_Bom = Annotated[bool, typer.Option("--bom", help="Begin a CSV file with a mark by which Excel knows UTF-8.")]
_Name = Annotated[str, typer.Argument(help="The question's name: small letters, digits and dashes.")]


@app.command("list")
def list_kpis(output: _FormatOption = Format.TABLE) -> None:
    """List every indicator with its name, unit and dimensions.

    Example: ioc kpi list --format json
    """
    from ioc.kpi.catalogue import CATALOGUE
    from ioc.kpi.document import kpi_document

    if output is Format.JSON:
        print_json({"kpis": [kpi_document(kpi) for kpi in CATALOGUE.values()]})
        return
    header = ("id", "version", "name_vi", "name_en", "unit_of_measure", "dimensions")
    rows = [
        (kpi.id, str(kpi.version), kpi.name_vi, kpi.name_en, kpi.unit_of_measure, " ".join(kpi.dimensions))
        for kpi in CATALOGUE.values()
    ]
    if output is Format.CSV:
        print_csv(header, rows)
    else:
        print_table(header, rows)


@app.command("show")
def show(
    kpi_id: Annotated[str, typer.Argument(metavar="ID", help="The indicator, such as dossier.on_time_rate.")],
    unit: _Units = None,
    period: _Period = None,
    start: _From = None,
    end: _To = None,
    bucket: _Bucket = None,
    by: _By = None,
    where: _Where = None,
    as_of: _AsOf = None,
    remap: _Remap = False,
    output: _FormatOption = Format.TABLE,
    file: _Output = None,
    bom: _Bom = False,
) -> None:
    """Show an indicator's figures as a series without gaps; what is unknown is empty, never zero.

    With --remap, figures that hold a share of a whole unit's are estimates and marked with ≈.

    Example: ioc kpi show dossier.on_time_rate --unit go-dau --from 2026-01-01 --bucket 1mo --by field --format csv
    """
    from ioc.history.questions import Wording

    _show(
        Wording(
            kpis=(kpi_id,),
            units=tuple(unit or ()),
            period=period,
            start=start,
            end=end,
            bucket=bucket,
            by=by,
            where=tuple(where or ()),
            as_of=as_of,
            areas="remapped" if remap else None,
        ),
        output,
        file,
        bom=bom,
    )


@app.command("targets")
def show_targets(
    unit: Annotated[str | None, typer.Option(help="Code of a unit; without it, the whole district.")] = None,
    output: _FormatOption = Format.TABLE,
) -> None:
    """List the targets in force for a unit: its own, else those of the units above, else those for every unit.

    Example: ioc kpi targets --unit 25663
    """
    from ioc.kpi import targets
    from ioc.kpi.catalogue import ids
    from ioc.kpi.document import target_document
    from ioc.kpi.query import SYSTEM_READER, answer, clock

    with database() as connection:
        in_force = answer(connection, targets.ask(SYSTEM_READER, ids(), [unit]))
        zone, _ = answer(connection, clock(SYSTEM_READER, unit))
    found = [
        {"kpi": kpi, **target_document(target, zone)} for kpi in ids() for target in in_force.of(kpi, unit)
    ]
    if output is Format.JSON:
        print_json({"unit": unit, "targets": found})
        return
    header = ("kpi", "from", "to", "value", "warning", "strict", "each", "unit", "certainty")
    rows = [tuple("" if part[name] is None else str(part[name]) for name in header) for part in found]
    if output is Format.CSV:
        print_csv(header, rows)
    else:
        print_table(header, rows)


@app.command("ask")
def ask(
    name: _Name,
    output: _FormatOption = Format.TABLE,
    file: _Output = None,
    bom: _Bom = False,
) -> None:
    """Ask a question that is kept by name: one of this machine's, or one that a reader shares.

    Example: ioc kpi ask late-last-month --output late.xlsx
    """
    from ioc.history import questions
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        saved = answer(connection, questions.find(SYSTEM_READER, name))
    _show(saved.wording, output, file, bom=bom)


@app.command("save")
def save(
    name: _Name,
    kpi_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Indicators that it asks for.")],
    unit: _Units = None,
    period: _Period = None,
    start: _From = None,
    end: _To = None,
    bucket: _Bucket = None,
    by: _By = None,
    where: _Where = None,
    as_of: _AsOf = None,
    remap: _Remap = False,
    title: Annotated[str, typer.Option(help="What people call it.")] = "",
    shared: Annotated[bool, typer.Option("--shared", help="Let every reader ask it.")] = False,
) -> None:
    """Keep a question by name, in place of an earlier one of this name. One that can't be answered is refused.

    Example: ioc kpi save late-last-month dossier.overdue --period last-month --by field --shared
    """
    from ioc.history import questions
    from ioc.kpi.query import SYSTEM_READER, change

    wording = questions.Wording(
        kpis=tuple(kpi_ids),
        units=tuple(unit or ()),
        period=period,
        start=start,
        end=end,
        bucket=bucket,
        by=by,
        where=tuple(where or ()),
        as_of=as_of,
        areas="remapped" if remap else None,
    )
    body = questions.Body(question=wording, title=title, shared=shared)
    with database() as connection:
        is_new = change(connection, questions.save(SYSTEM_READER, name, body))
    typer.echo(f"The question {name} is {'kept' if is_new else 'changed'}. Ask it: ioc kpi ask {name}")


@app.command("questions")
def list_questions(output: _FormatOption = Format.TABLE) -> None:
    """List the questions that are kept by name.

    Example: ioc kpi questions
    """
    import msgspec

    from ioc.history import questions
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        found = answer(connection, questions.listed(SYSTEM_READER))
    if output is Format.JSON:
        print_json({"questions": [msgspec.to_builtins(saved) for saved in found]})
        return
    header = ("name", "title", "reader", "shared", "indicators", "period")
    rows = [
        (
            saved.name,
            saved.title,
            saved.reader,
            "yes" if saved.shared else "no",
            " ".join(saved.wording.kpis),
            saved.wording.period or f"{saved.wording.start or ''} to {saved.wording.end or 'now'}",
        )
        for saved in found
    ]
    if output is Format.CSV:
        print_csv(header, rows)
    else:
        print_table(header, rows)


@app.command("forget")
def forget(name: _Name) -> None:
    """Forget a question that was kept on this machine.

    Example: ioc kpi forget late-last-month
    """
    from ioc.history import questions
    from ioc.kpi.query import SYSTEM_READER, change

    with database() as connection:
        change(connection, questions.delete(SYSTEM_READER, name))
    typer.echo(f"The question {name} is forgotten.")


def _show(wording: Wording, output: Format, file: Path | None, *, bom: bool) -> None:
    from ioc.errors import UsageError
    from ioc.history import questions, series
    from ioc.kpi.names import ask_names
    from ioc.kpi.query import SYSTEM_READER, answer

    if file is None:
        if bom:
            raise UsageError("--bom goes with --output.", remedy="Name a file: --output figures.csv")
        series.check(wording.kpis, wording.places, wording.asked)
        with database() as connection:
            found = answer(connection, questions.answers(SYSTEM_READER, wording))
            named: dict[str, str] = {}
            if output is Format.TABLE and found:
                told = [point.dim for one in found for point in one.points]
                named = answer(connection, ask_names(found[0].question.by, told))
        print_answers(found, output, named)
        return
    steps = series.table(SYSTEM_READER, wording.kpis, wording.places, wording.asked)
    noted: dict[str, object] = {
        "kpis": list(wording.kpis),
        "unit": list(wording.units),
        "bucket": wording.bucket,
        "by": wording.by,
    }
    rows = export(steps, file, what="series", filters=noted, bom=bom)
    typer.echo(f"{rows} rows written to {file}.", err=True)
