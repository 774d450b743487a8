"""``ioc import``: bring files of other systems in as facts."""

from __future__ import annotations

import sqlite3
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ioc import settings as settings_module
from ioc.cli._progress import progress
from ioc.errors import InputError, UnavailableError, UsageError
from ioc.settings import Settings

if TYPE_CHECKING:
    from connectors.onestop.mapping import Mapping, UnitTable
    from connectors.onestop.report import Report, RowReport


class Form(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(
    name="import",
    no_args_is_help=True,
    help="Bring files of other systems in as facts (nhập dữ liệu).\n\n"
    "Example: ioc import dossiers dossiers.csv --mapping motcua --dry-run",
)


def register(parent: typer.Typer) -> None:
    """Put the commands of this file under ``parent``."""
    parent.add_typer(app)


@app.command("dossiers")
def dossiers(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV, XLSX, JSON Lines or XES (.xes, .xes.gz): seen from its content."
        ),
    ],
    mapping: Annotated[str, typer.Option(help="A mapping file (.toml), or the name of a shipped one.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and report row by row; send nothing.")
    ] = False,
    rows: Annotated[
        int | None,
        typer.Option(
            min=0, max=100_000, help="How many rows to list one by one; 50 with --dry-run, else none."
        ),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How to write the report.")] = Form.TEXT,
) -> None:
    """Import dossiers (hồ sơ) from a file, as its mapping says.

    The whole file is read and checked before anything is sent. Rows that can't be read are left out, listed and
    written to a report; the good ones are sent all the same. Importing a file again changes nothing. The report names
    lines, columns and reasons, never a value.

    Exit codes: 0 all rows imported, 2 wrong use, 3 the file or some rows can't be read,
    4 Kafka or the database is away.

    Example: ioc import dossiers permits.csv --mapping coselog --dry-run
    """
    from connectors.onestop.importing import Importer
    from connectors.shared.publisher import Publisher

    settings = settings_module.load()
    meaning = load_mapping(mapping)
    listed = rows if rows is not None else 50 if dry_run else 0
    importer = Importer(
        meaning, settings.state_dir, future_tolerance_s=settings.future_tolerance_s, list_rows=listed
    )
    opened: list[Publisher] = []

    def sink() -> Publisher:
        if meaning.unit is not None:
            make_unit(settings, meaning.unit)
        opened.append(Publisher(settings, client_id=f"ioc-import-{meaning.name}"))
        return opened[0]

    try:
        with progress() as tick:
            report = importer.run(file, None if dry_run else sink, tick=tick)
    except (OSError, sqlite3.Error) as error:
        raise state_unusable(settings, error) from None
    finally:
        for publisher in opened:
            publisher.close()
    typer.echo(report.as_json() if form is Form.JSON else describe(report))
    if report.rejected:
        raise typer.Exit(InputError.exit_code)


@app.command("aliases")
def aliases() -> None:
    """List second codes that two dossiers of one source claim; each stays with the first.

    Example: ioc import aliases
    """
    from connectors.onestop.aliases import AliasStore, store_path

    with AliasStore(store_path(settings_module.load().state_dir)) as store:
        conflicts = store.conflicts()
    for conflict in conflicts:
        typer.echo(f"{conflict.alias}  claimed by {conflict.code} of {conflict.source}")
    typer.echo(f"{len(conflicts)} conflicts")


@app.command("forget")
def forget(
    mapping: Annotated[
        str | None, typer.Option(help="Mapping of the source whose persons are to be forgotten.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The source itself, as its facts name it; instead of a mapping.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Destroy the key of a source's pseudonyms, so that no hash can be led back to a person.

    Example: ioc import forget --mapping my-onestop.toml --yes
    """
    from connectors.shared.privacy import destroy_key, key_path

    if (mapping is None) == (source is None):
        raise UsageError(
            "Name either a mapping or a source.", remedy="ioc import forget --mapping my-onestop.toml"
        )
    name = load_mapping(mapping).source if mapping is not None else str(source)
    path = key_path(settings_module.load().state_dir, name)
    if not yes:
        typer.confirm(f"Destroy {path}? This can't be undone", abort=True)
    typer.echo(f"Destroyed {path}." if destroy_key(path) else f"There was no key {path}.")


def load_mapping(name: str) -> Mapping:
    """Read a mapping by path or shipped name.

    :raises UsageError: when there is none of that name.
    :raises InputError: when it can't be used.
    """
    from connectors.onestop import mapping

    return mapping.load(mapping.resolve(name, Path(str(files("deploy") / "mappings"))))


def make_unit(settings: Settings, unit: UnitTable) -> None:
    """See to it that the unit which owns an import exists, outside the district's tree.

    :raises UnavailableError: when the database does not answer.
    """
    import psycopg

    from ioc.district.units import ensure_unit

    try:
        with psycopg.connect(settings.database_dsn, connect_timeout=10) as connection:
            ensure_unit(
                connection,
                code=unit.code,
                name_vi=unit.name_vi,
                name_en=unit.name_en,
                time_zone=unit.time_zone,
                parent=None,
            )
    except psycopg.OperationalError as error:
        raise UnavailableError(
            f"The database does not answer: {str(error).splitlines()[0]}. Nothing was published.",
            remedy="Start it with `ioc up`, or set IOC_DATABASE_URL.",
        ) from None


def describe(report: Report) -> str:
    """The report of an import as lines for people."""
    verb = "would be published" if report.dry_run else "published"
    lines = [
        f"{report.file}: {report.format}, {report.rows:,} rows, {report.dossiers:,} dossiers",
        f"  events {verb}: {report.would_publish if report.dry_run else report.published:,}",
        f"  repeated rows, not sent again: {report.repeated:,}",
        f"  dossiers unchanged since the last import (same ids, count once): {report.unchanged:,}",
        f"  rows rejected: {report.rejected:,}",
    ]
    lines += [
        f"    line {fault.line}: {fault.column or 'row'} ({fault.found}): {fault.reason}"
        for fault in report.rejections
    ]
    if report.rejected > len(report.rejections):
        lines.append(f"    … and {report.rejected - len(report.rejections):,} more; by reason:")
        lines += [f"    {fault.rows:,} × {fault.column or 'row'}: {fault.reason}" for fault in report.faults]
    if report.rejected_file:
        lines.append(f"  all of them: {report.rejected_file}")
    if report.facts:
        lines.append("  facts in the rows:")
        lines += [f"    {count:,} × {name}" for name, count in sorted(report.facts.items())]
    if report.listed:
        lines.append("  row by row (fields that are known, never their values):")
        lines += [f"    line {row.line}: {_row(row)}" for row in report.listed]
        if report.rows > len(report.listed):
            lines.append(f"    … and {report.rows - len(report.listed):,} more; --rows lists more")
    if report.merged:
        lines.append(f"  second codes of dossiers that were counted twice until now: {report.merged:,}")
    if report.disagreeing:
        lines.append(
            f"  note: rows of {report.disagreeing:,} dossiers disagree; the row with the latest moment counts"
        )
    lines += [
        f"  note: {count:,} values of {column} are not in the mapping and were left unknown"
        for column, count in sorted(report.unmapped.items())
    ]
    return "\n".join(lines)


def _row(row: RowReport) -> str:
    if row.reason is not None:
        return f"rejected: {row.column or 'row'} ({row.found}): {row.reason}"
    return "; ".join(f"{name.split('.')[2]} ({', '.join(fields)})" for name, fields in row.facts.items())


def state_unusable(settings: Settings, error: Exception) -> UnavailableError:
    """The error for a state folder that is full or closed."""
    return UnavailableError(
        f"The state folder {settings.state_dir} can't be used: {error}.",
        remedy="Free space there or make it writable, or name another in IOC_STATE_DIR.",
    )
