"""``ioc district``: looks at a district pack, and brings it into the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import psycopg

    from ioc.district import Problem, Reading

app = typer.Typer(
    no_args_is_help=True,
    help="The district pack: units, reception points, devices, calendars.\n\nExample: ioc district check",
)

_Folder = Annotated[
    Path | None,
    typer.Argument(help="Folder of the pack; without it IOC_PACK, else the Gò Dầu pack.", show_default=False),
]


def shipped_pack() -> Path:
    """Folder of the Gò Dầu pack that comes with the platform."""
    import deploy

    if deploy.__file__ is None:
        raise RuntimeError("the package `deploy` has no folder")
    return Path(deploy.__file__).parent / "packs" / "go-dau"


def pack_folder(named: Path | None) -> Path:
    """Folder to read: the one named, else the setting's, else the shipped one."""
    from ioc.settings import load

    return named or load().pack or shipped_pack()


@contextmanager
def _database() -> Iterator[psycopg.Connection[Any]]:
    import psycopg

    from ioc.errors import UnavailableError
    from ioc.settings import load

    try:
        with psycopg.connect(load().database_dsn, autocommit=True) as connection:
            yield connection
    except psycopg.errors.UndefinedTable as error:
        raise UnavailableError(
            "The database has no tables of the platform yet, or older ones.",
            remedy="Start the platform with `ioc up`.",
        ) from error
    except psycopg.OperationalError as error:
        raise UnavailableError(
            f"The database does not answer: {str(error).strip()}.",
            remedy="Start it with `ioc up`, or set IOC_DATABASE_URL.",
        ) from error


@app.command()
def check(
    folder: _Folder = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Findings as JSON, mistakes and notes together.")
    ] = False,
) -> None:
    """Explain every mistake of a pack with its file and line. Exit status 3 when there are any.

    Example: ioc district check deploy/packs/go-dau
    """
    import msgspec

    from ioc.district import PackError, examine

    place = pack_folder(folder)
    reading = examine(place)
    errors = sorted([*reading.errors, *_as_connectors_read(reading, place)])
    in_order = reading.pack is not None and not errors
    if as_json:
        findings = [*errors, *reading.notes]
        answer = {"folder": str(place), "in_order": in_order, "findings": findings}
        typer.echo(msgspec.json.encode(answer).decode())
        if not in_order:
            raise typer.Exit(PackError.exit_code)
        return
    for note in reading.notes:
        typer.echo(str(note))
    if reading.pack is None or errors:
        raise PackError(place, errors)
    pack = reading.pack
    typer.echo(
        f"{pack.name_vi} ({pack.id} {pack.version}): {len(pack.units)} units, {len(pack.point_codes())} points, "
        f"{len(pack.devices)} devices, {len(pack.sources)} sources, {len(pack.procedures)} procedures, "
        f"{len(pack.agencies)} agency names, {len(pack.targets)} targets, "
        f"{len(pack.rosters)} rosters with {len(pack.people)} people, {len(pack.alerts.rules)} alert rules: in order."
    )


def _as_connectors_read(reading: Reading, folder: Path) -> Iterable[Problem]:
    """Mistakes that only the connectors know: in mappings, topics, options."""
    from connectors.pack import examine_devices
    from connectors.sources import examine_sources
    from ioc.cli.connect_all import context
    from ioc.settings import load

    if reading.usable is None:
        return ()
    return (
        *examine_devices(reading.usable, folder),
        *examine_sources(context(load(), reading.usable, folder)),
    )


@app.command()
def apply(folder: _Folder = None) -> None:
    """Bring the database to what a pack says, in one transaction; harmless when repeated.

    Alert rules, policies and channels with a mistake are left as they are in the database, and named; exit status 3.

    Example: ioc district apply deploy/packs/go-dau
    """
    from ioc.district import PackError

    place = pack_folder(folder)
    left_out = apply_to_database(place)
    if left_out:
        raise PackError(place, left_out)


def apply_to_database(place: Path) -> Sequence[Problem]:
    """Apply a pack and say what came of it.

    :returns: mistakes in what it says of alerts, whose rules, policies and channels were left as they are.
    :raises PackError: it has other mistakes; nothing is applied then.
    """
    from ioc.district import PackError, apply_pack, examine
    from ioc.district.alerts import is_of_alerts

    reading = examine(place)
    pack = reading.usable
    if pack is None or not all(is_of_alerts(problem.file) for problem in reading.errors):
        raise PackError(place, reading.errors)
    with _database() as connection:
        done = apply_pack(connection, pack)
    if done.changed:
        typer.echo(
            f"{pack.id} {pack.version} applied: {done.units} units, {done.successions} successions, "
            f"{done.memberships} members of groups, "
            f"{done.points} points, {done.devices} devices, {done.agencies} agency names, {done.targets} targets, "
            f"{done.procedures} procedures, {done.duty} rosters and people, "
            f"{done.alerts} alert rules, policies and channels written or taken away; "
            f"{done.undeclared_devices} devices are no longer expected."
        )
    else:
        typer.echo(f"{pack.id} {pack.version} was in the database already.")
    return reading.errors


@app.command()
def units(
    at: Annotated[
        str | None,
        typer.Option(help="Only units that hold on this day, such as 2025-06-30; without it, of all days."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, as the API gives it.")] = False,
) -> None:
    """List the units of the database with their validity, and what they came from.

    Example: ioc district units --at 2025-06-30
    """
    import json

    from ioc.kpi.query import SYSTEM_READER
    from ioc.kpi.units import UNITS, read_day, units_document

    day = None if at is None else read_day(at)
    with _database() as connection:
        rows = connection.execute(UNITS.encode(), {"reader": SYSTEM_READER, "day": day}).fetchall()
    found = units_document(day, rows)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for unit in found["units"]:
        came = ", ".join(
            part["unit"] + ("" if part["share"] == 1 else f" ({_share(part['share'])})")
            for part in unit["predecessors"]
        )
        typer.echo(
            f"{unit['code']:24} [{unit['valid_from'] or '…'}, {unit['valid_to'] or '…'})  {unit['kind']:9}"
            f" {unit['name']['vi']}" + (f"  ← {came}" if came else "")
        )


def _share(share: float | None) -> str:
    return "share unknown" if share is None else f"{share:g}"


@app.command()
def agencies() -> None:
    """List the agency names that connectors have met and no row of the pack gives a unit for.

    Example: ioc district agencies
    """
    from ioc.district.agencies import OVERFLOW_KEY, list_unmapped

    with _database() as connection:
        found = list_unmapped(connection)
    if not found:
        typer.echo("Every agency name met so far has a unit.")
        return
    for row in found:
        name = row.name if row.key == OVERFLOW_KEY else repr(row.name)
        typer.echo(
            f"{row.seen}x  {row.first_seen:%Y-%m-%d %H:%M}Z to {row.last_seen:%Y-%m-%d %H:%M}Z  {name}"
        )
    typer.echo("Add a row for each to agencies.csv of the pack, then run `ioc district apply`.")
