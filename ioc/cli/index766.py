"""``ioc index766`` and ``ioc import index766``: the index of Decision 766, and what the portal published of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli import imports
from ioc.cli._asking import Form, database, noted, print_json, print_table

if TYPE_CHECKING:
    from connectors.index766.files import Report

app = typer.Typer(
    no_args_is_help=True,
    help="The index of Decision 766 (Bộ chỉ số 766), component by component.\n\n"
    "Example: ioc index766 show --month 2026-03",
)


_Unit = Annotated[
    str | None, typer.Option(help="Code of a unit, with all below it; without it, the district.")
]
_Month = Annotated[str | None, typer.Option(help="Month, as 2026-03; without it, the running one so far.")]
_AsOf = Annotated[str | None, typer.Option(help="As known at this earlier moment.")]
_Format = Annotated[Form, typer.Option("--format", help="How to print.")]


def register(parent: typer.Typer) -> None:
    """Put the commands of this file under ``parent``, and the import beside the others."""
    parent.add_typer(app, name="index766")
    imports.app.command("index766")(import_index766)


@app.command("show")
def show(unit: _Unit = None, month: _Month = None, as_of: _AsOf = None, output: _Format = Form.TABLE) -> None:
    """Show a month's index: each component with its points, what they are made of and where they come from.

    What is unknown is empty, never zero; a group's value needs all its components.

    Example: ioc index766 show --unit go-dau --month 2026-03
    """
    from ioc.index766.grades import read_grades
    from ioc.index766.scores import ask_month, month_document
    from ioc.kpi.query import SYSTEM_READER, answer
    from ioc.settings import load

    with database() as connection:
        found = answer(connection, ask_month(SYSTEM_READER, unit, month, as_of))
    document = month_document(found, read_grades(load().index766_grades))
    if output is Form.JSON:
        print_json(document)
        return
    typer.echo(f"{document['unit'] or 'every unit'}, {document['month']}: {_total(document)}")
    rows: list[tuple[str, ...]] = []
    for group in document["groups"]:
        rows.append((group["group"], "", _shown(group["value"]), _known(group), "", ""))
        rows += [
            (
                "",
                part["name"]["vi"],
                _shown(part["points"]),
                f"{part['of']:g}",
                f"{_shown(part['numerator'])} / {_shown(part['denominator'])}",
                part["origin"] or "unknown",
            )
            for part in group["components"]
        ]
    print_table(("group", "component", "points", "of", "share", "origin"), rows)


@app.command("losses")
def losses(
    unit: _Unit = None,
    month: _Month = None,
    as_of: _AsOf = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Most late dossiers to list.")] = 200,
    output: _Format = Form.TABLE,
) -> None:
    """Show what a month's points were lost on: procedures by points, and the late dossiers.

    Example: ioc index766 losses --unit go-dau --month 2026-03
    """
    from ioc.index766.scores import ask_month, losses_document
    from ioc.kpi.names import ask_names
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        found = answer(connection, ask_month(SYSTEM_READER, unit, month, as_of, losses=True, late=limit))
        document = losses_document(found, with_dossiers=True)
        noted(connection, "dossiers.losses", {"unit": unit, "as_of": as_of}, rows=len(found.late))
        if output is Form.JSON:
            print_json(document)
            return
        codes = [loss["procedure"] for part in document["components"] for loss in part["procedures"]]
        named = answer(connection, ask_names("procedure", codes))
    rows: list[tuple[str, ...]] = []
    for part in document["components"]:
        rows.append((part["component"], "", _shown(part["missing"]), _shown(part["lost"])))
        rows += [
            (
                "",
                f"{loss['procedure']} {named.get(loss['procedure'], '')}".rstrip()
                if loss["procedure"]
                else "—",
                _shown(loss["missing"]),
                _shown(loss["points"]),
            )
            for loss in part["procedures"]
        ]
        rows += [
            (
                "",
                f"  {late['code']} ({late['how']}, {_shown(late['days_late'])} days)",
                "1",
                _shown(late["points"]),
            )
            for late in part.get("dossiers") or ()
        ]
    typer.echo(f"{document['unit'] or 'every unit'}, {document['month']}")
    print_table(("component", "lost on", "missing", "points"), rows)
    if document["unknown"]:
        typer.echo(f"unknown: {', '.join(document['unknown'])}")


@app.command("template")
def template(
    unit: Annotated[str, typer.Option(help="Code of the unit to write into each row.")],
    month: Annotated[str, typer.Option(help="Month, as 2026-03.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Also the components that are computed here.")
    ] = False,
) -> None:
    """Print a CSV file for ``ioc import index766`` with a row for each component that the portal has to give.

    Example: ioc index766 template --unit 25663 --month 2026-03
    """
    import csv
    import io
    from datetime import UTC, datetime

    from ioc.index766.facts import COLUMNS
    from ioc.index766.formulas import in_force
    from ioc.index766.scores import read_month

    formula = in_force(read_month(month, datetime.now(UTC).date()))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for component in formula.component if formula is not None else ():
        if everything or component.live is None:
            writer.writerow((month, unit, component.id, "", "", "", ""))
    typer.echo(text.getvalue(), nl=False)


def import_index766(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV (UTF-8) or XLSX: seen from its content.")],
    source: Annotated[str, typer.Option(help="Who published the figures.")] = "dichvucong.gov.vn",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and report row by row; store nothing.")
    ] = False,
    form: Annotated[
        imports.Form, typer.Option("--format", help="How to write the report.")
    ] = imports.Form.TEXT,
) -> None:
    """Import what the national portal published of the index of Decision 766.

    Columns: period (2026-03), unit, component, points, numerator, denominator, published_at; give points, or both
    counts, or all three. Counts of 0 say that there was nothing. Points ``withdrawn`` take a figure back. Importing a
    file again changes nothing; another figure of the same publication is a correction, and both stay.

    Exit codes: 0 all rows imported, 2 wrong use, 3 the file or some rows can't be read, 4 the database is away.

    Example: ioc import index766 thang-3.csv
    """
    import msgspec

    from connectors.index766.files import import_file
    from ioc.errors import InputError, UsageError
    from ioc.settings import load

    if not 1 <= len(source) <= 200 or not source.isprintable():
        raise UsageError("--source has 1 to 200 printable characters.")
    report = import_file(file, None if dry_run else load().database_dsn, source=source)
    typer.echo(msgspec.json.encode(report).decode() if form is imports.Form.JSON else describe(report))
    if report.rejected:
        raise typer.Exit(InputError.exit_code)


def describe(report: Report) -> str:
    """The report of an import as lines for people."""
    lines = [f"{report.file}: {report.rows:,} rows"]
    if report.dry_run:
        lines.append("  read only: units are not looked up, nothing is stored")
    else:
        lines += [
            f"  new: {report.new:,}",
            f"  corrections: {report.corrected:,}",
            f"  unchanged: {report.unchanged:,}",
        ]
    lines.append(f"  rows rejected: {report.rejected:,}")
    lines += [f"    line {fault.line}: {fault.column}: {fault.reason}" for fault in report.rejections]
    if report.rejected > len(report.rejections):
        lines.append(f"    … and {report.rejected - len(report.rejections):,} more")
    lines += [
        f"  note: line {line}: the points are not those that the formula gives for the counts; the points count"
        for line in report.disagreeing[:50]
    ]
    return "\n".join(lines)


def _total(document: dict[str, Any]) -> str:
    grade = f", {document['grade']}" if document["grade"] else ""
    if document["value"] is not None:
        return f"{document['value']:.2f} of {document['of']:g}{grade}"
    return (
        f"unknown; {_shown(document['points_known'])} of the {document['of_known']:g} points that are known"
    )


def _known(group: dict[str, Any]) -> str:
    return (
        f"{group['of']:g}"
        if group["value"] is not None
        else f"{_shown(group['points_known'])} of {group['of_known']:g}"
    )


def _shown(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:g}" if float(value).is_integer() else f"{value:.3f}"
