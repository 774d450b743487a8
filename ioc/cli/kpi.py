"""``ioc kpi list`` and ``ioc kpi show``: indicators on the command line, as the API gives them."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from ioc.kpi.query import Answer

app = typer.Typer(no_args_is_help=True, help="Indicators: what they mean, and their figures.")


class Format(StrEnum):
    """How figures are printed."""

    JSON = "json"
    CSV = "csv"
    TABLE = "table"


_FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]


@app.command("list")
def list_kpis(output: _FormatOption = Format.TABLE) -> None:
    """List every indicator with its name, unit and dimensions.

    Example: ioc kpi list --format json
    """
    from ioc.kpi.catalogue import CATALOGUE
    from ioc.kpi.document import kpi_document

    if output is Format.JSON:
        _print_json({"kpis": [kpi_document(kpi) for kpi in CATALOGUE.values()]})
        return
    header = ("id", "version", "name_vi", "name_en", "unit_of_measure", "dimensions")
    rows = [
        (kpi.id, str(kpi.version), kpi.name_vi, kpi.name_en, kpi.unit_of_measure, " ".join(kpi.dimensions))
        for kpi in CATALOGUE.values()
    ]
    if output is Format.CSV:
        _print_csv(header, rows)
    else:
        _print_table(header, rows)


@app.command("show")
def show(
    kpi_id: Annotated[str, typer.Argument(metavar="ID", help="The indicator, such as dossier.on_time_rate.")],
    unit: Annotated[
        str | None, typer.Option(help="Code of a unit, with all below it; without it, the whole district.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Start, included: a date or time, in the unit's time zone unless it has an offset. Without it, an "
            "hour (1min), a day (15min), two days (1h), 30 days (1d) or a year (1mo) before the end.",
        ),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End, not included; without it, now.")] = None,
    bucket: Annotated[
        str | None, typer.Option(help="1min, 15min, 1h, 1d or 1mo in the unit's time zone; without it, 1d.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="DIM", help="Split by a dimension; ioc kpi list names them.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIM=VALUE",
            help="Only figures with this value; may be repeated: the same dimension twice means either. "
            "DIM= means those without a value.",
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="As known at this earlier moment; dossier indicators only.")
    ] = None,
    remap: Annotated[
        bool,
        typer.Option(
            "--remap",
            help="Figures of the areas of today's units, continued backwards through the units that they came from. "
            "Without it, of units as they were at the time.",
        ),
    ] = False,
    output: _FormatOption = Format.TABLE,
) -> None:
    """Show an indicator's figures as a series without gaps; what is unknown is empty, never zero.

    With --remap, figures that hold a share of a whole unit's are estimates and marked with ≈.

    Example: ioc kpi show dossier.on_time_rate --unit go-dau --from 2026-01-01 --bucket 1mo --by field --format csv
    """
    from ioc.kpi.catalogue import find
    from ioc.kpi.document import series_csv, series_document
    from ioc.kpi.query import SYSTEM_READER, answer, ask
    from ioc.kpi.question import Areas, Asked

    find(kpi_id)
    asked = Asked(
        unit=unit,
        start=start,
        end=end,
        bucket=bucket,
        by=by,
        where=tuple(where or ()),
        as_of=as_of,
        areas=Areas.REMAPPED if remap else None,
    )
    with _database() as connection:
        found = answer(connection, ask(SYSTEM_READER, kpi_id, asked))
    if output is Format.JSON:
        _print_json(series_document(found))
    elif output is Format.CSV:
        typer.echo(series_csv(found), nl=False)
    else:
        _print_series(found)


@app.command("targets")
def show_targets(
    unit: Annotated[str | None, typer.Option(help="Code of a unit; without it, the whole district.")] = None,
    output: _FormatOption = Format.TABLE,
) -> None:
    """List the targets in force for a unit: its own, else those of the units above, else those for every unit.

    Example: ioc kpi targets --unit 25663
    """
    from zoneinfo import ZoneInfo

    from ioc.kpi import targets
    from ioc.kpi.catalogue import ids
    from ioc.kpi.document import target_document
    from ioc.kpi.query import SYSTEM_READER, answer

    with _database() as connection:
        in_force = answer(connection, targets.ask(SYSTEM_READER, ids(), [unit]))
        row = connection.execute("SELECT ioc.unit_zone(%s, %s)", (SYSTEM_READER, unit)).fetchone()
    zone = ZoneInfo(row[0] if row else "UTC")
    found = [
        {"kpi": kpi, **target_document(target, zone)} for kpi in ids() for target in in_force.of(kpi, unit)
    ]
    if output is Format.JSON:
        _print_json({"unit": unit, "targets": found})
        return
    header = ("kpi", "from", "to", "value", "warning", "strict", "each", "unit", "certainty")
    rows = [tuple("" if part[name] is None else str(part[name]) for name in header) for part in found]
    if output is Format.CSV:
        _print_csv(header, rows)
    else:
        _print_table(header, rows)


@contextmanager
def _database() -> Iterator[psycopg.Connection[Any]]:
    import psycopg

    from ioc.errors import UnavailableError
    from ioc.settings import load

    try:
        connection = psycopg.connect(load().database_dsn, connect_timeout=5, autocommit=True)
    except psycopg.OperationalError as error:
        raise UnavailableError(
            "The database does not answer.", remedy="Run ioc status, and ioc doctor when it is not up."
        ) from error
    try:
        with connection:
            yield connection
    except psycopg.Error as error:
        raise UnavailableError(
            f"The database can't answer: {str(error).splitlines()[0]}.",
            remedy="Run ioc status; where the platform is newer than its database, ioc up brings that up to date.",
        ) from error


def _print_series(found: Answer) -> None:
    from ioc.kpi.query import REASONS
    from ioc.kpi.targets import judge

    question = found.question
    judged = bool(found.targets.by_kpi)
    header = (
        "time",
        *([question.by] if question.by else []),
        "value",
        "numerator",
        "denominator",
        *(["target", "status"] if judged else []),
    )
    rows = []
    for point in found.points:
        share, mark = question.kpi.is_ratio, "≈ " if point.estimated else ""
        target = found.target_of(point)
        beside = (
            ("—", "—")
            if target is None
            else (_shown(target.value, share=share), judge(question.kpi, target, point.value).value)
        )
        rows.append(
            (
                point.time.astimezone(found.zone).strftime("%Y-%m-%d %H:%M %z"),
                *([point.dim or "—"] if question.by else []),
                mark + _shown(point.value, share=share),
                mark + _shown(point.numerator),
                mark + _shown(point.denominator),
                *(beside if judged else ()),
            )
        )
    typer.echo(f"{question.kpi.name_vi} ({question.kpi.name_en}), {question.kpi.unit_of_measure}")
    typer.echo(f"{found.unit or 'every unit'}, {question.bucket}, {found.zone}")
    _print_table(header, rows)
    for reason in sorted({point.reason for point in found.points if point.reason}):
        typer.echo(f"— {REASONS[reason]}")
    for part in (found.areas or {}).get("shares", ()):
        typer.echo(f"{part['unit']}: {part['share']:g} of its figures")
    for part in (found.areas or {}).get("left_out", ()):
        typer.echo(f"{part['unit']}: left out, nobody has said which share of it went to {part['into']}")


def _shown(value: float | None, *, share: bool = False) -> str:
    if value is None:
        return "—"
    return f"{value:.4f}" if share or not value.is_integer() else f"{value:.0f}"


def _print_json(document: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _print_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    typer.echo(text.getvalue(), nl=False)


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, tuple("─" * width for width in widths), *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
