"""What commands that ask the history have in common: the connection, files, and how figures are printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from ioc.access.changes import By
    from ioc.history.table import Table
    from ioc.kpi.query import Answer, Steps


class Format(StrEnum):
    """How figures are printed."""

    JSON = "json"
    CSV = "csv"
    TABLE = "table"


class Form(StrEnum):
    """How answers are printed that are more than one table."""

    JSON = "json"
    TABLE = "table"


@contextmanager
def database() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the platform's database.

    :raises UnavailableError: it does not answer, or is of another version.
    """
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


def export(
    steps: Steps[Table], path: Path, *, what: str, filters: Mapping[str, object], bom: bool = False
) -> int:
    """Write a table to a file whose name says the format; return how many rows it has.

    The file appears under its name when it is whole. Noted in the access log, like an export over HTTP.
    """
    from ioc.errors import UsageError
    from ioc.history import access_log
    from ioc.history.exporting import Export
    from ioc.history.formats import Format as Kind
    from ioc.history.formats import of_file
    from ioc.kpi.query import SYSTEM_READER, answer, change
    from ioc.settings import load

    kind = of_file(path)
    if bom and kind is not Kind.CSV:
        raise UsageError("--bom goes with CSV.", remedy="Leave it out, or let the file's name end in .csv.")
    settings = load()
    partial = path.with_name(f".{path.name}.partial")
    outcome = access_log.Outcome.FAILED
    with database() as connection:
        table = answer(connection, steps, timeout_s=settings.question_timeout_s)
        number = change(
            connection, access_log.begin(SYSTEM_READER, f"export.{what}", {**filters, "format": kind})
        )
        running = Export(settings.database_dsn, table, kind, timeout_s=settings.export_timeout_s, bom=bom)
        try:
            with partial.open("wb") as file:
                while (piece := running.next()) is not None:
                    file.write(piece)
            partial.rename(path)
            outcome = access_log.Outcome.GIVEN
        except OSError as error:
            raise UsageError(
                f"{path} can't be written: {error.strerror}.", remedy="Name a file in a folder that exists."
            ) from error
        finally:
            running.close()
            partial.unlink(missing_ok=True)
            connection.execute(*access_log.end(number, rows=running.rows, outcome=outcome))
    return running.rows


def noted(
    connection: psycopg.Connection[Any], what: str, filters: Mapping[str, object], *, rows: int
) -> None:
    """Note in the access log that single dossiers are shown; without the entry they are not."""
    from ioc.history import access_log
    from ioc.kpi.query import SYSTEM_READER, change

    number = change(connection, access_log.begin(SYSTEM_READER, what, filters))
    connection.execute(*access_log.end(number, rows=rows, outcome=access_log.Outcome.GIVEN))


def district_zone(connection: psycopg.Connection[Any]) -> ZoneInfo:
    """Zone of the district."""
    from ioc.kpi.query import SYSTEM_READER

    ((name,),) = connection.execute("SELECT ioc.unit_zone(%s, NULL)", (SYSTEM_READER,)).fetchall()
    return ZoneInfo(name)


def who(by: str | None) -> str:
    """Who makes a change: the name given, else the login name."""
    import getpass

    from ioc.errors import UsageError

    try:
        found = (by or getpass.getuser()).strip()[:100]
    except (KeyError, OSError):
        found = ""
    if not found:
        raise UsageError("Nobody is named who makes the change.", remedy="Give --by.")
    return found


def by() -> By:
    """Who changes accounts and keys, for the trail: the login name."""
    from ioc.access.changes import SYSTEM, By, Via
    from ioc.errors import UsageError

    try:
        return By(who(None), Via.COMMAND)
    except UsageError:  # a container's user may have no name
        return SYSTEM


# -- printing -------------------------------------------------------------------------------------------


def print_answers(found: Sequence[Answer], output: Format, names: Mapping[str, str]) -> None:
    """Print series: one as the contract's document, several as a list of them.

    :param names: what values of the dimension are called; in tables they stand beside their codes.
    """
    from ioc.kpi.document import series_csv, series_document

    if output is Format.JSON:
        documents = [series_document(answer) for answer in found]
        print_json(documents[0] if len(documents) == 1 else {"series": documents})
    elif output is Format.CSV and len(found) == 1:
        typer.echo(series_csv(found[0]), nl=False)
    elif output is Format.CSV:
        _print_long_csv(found)
    else:
        for place, answer in enumerate(found):
            if place:
                typer.echo("")
            _print_series(answer, names)


def _print_long_csv(found: Sequence[Answer]) -> None:
    from ioc.history.columns import in_batches
    from ioc.history.formats import Format as Kind
    from ioc.history.formats import encode
    from ioc.history.series import answers_table

    columns, rows = answers_table(found)
    pieces = encode(Kind.CSV, columns, in_batches(rows), zone=found[0].zone)
    for piece in pieces:
        typer.echo(piece.decode(), nl=False)


def _print_series(found: Answer, names: Mapping[str, str]) -> None:
    from ioc.kpi.query import REASONS
    from ioc.kpi.targets import judge

    question = found.question
    judged = bool(found.targets.by_kpi)
    header = (
        "time",
        *([question.by] if question.by else []),
        *(["name"] if names else []),
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
                *([names.get(point.dim or "", "—")] if names else []),
                mark + _shown(point.value, share=share),
                mark + _shown(point.numerator),
                mark + _shown(point.denominator),
                *(beside if judged else ()),
            )
        )
    typer.echo(f"{question.kpi.name_vi} ({question.kpi.name_en}), {question.kpi.unit_of_measure}")
    typer.echo(f"{found.unit or 'every unit'}, {question.bucket}, {found.zone}")
    print_table(header, rows)
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


def print_json(document: Mapping[str, Any]) -> None:
    """Print a document."""
    import json

    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def print_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as CSV."""
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    typer.echo(text.getvalue(), nl=False)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, tuple("─" * width for width in widths), *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_rows(output: Format, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows as a table or as CSV."""
    if output is Format.CSV:
        print_csv(columns, rows)
    else:
        print_table(columns, rows)


def agree(question: str, *, yes: bool) -> None:
    """Ask before something that can't be undone.

    :raises UsageError: the answer is no, or nobody is there to be asked.
    """
    import sys

    from ioc.errors import UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("Nothing was done: nobody is there to be asked.", remedy="Give --yes.")
    if not typer.confirm(question):
        raise UsageError("Nothing was done.")
