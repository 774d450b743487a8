"""``ioc access-log``: who asked single dossiers and exports."""

from __future__ import annotations

from typing import Annotated

import typer

from ioc.cli._asking import Format, database, print_csv, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("access-log")(access_log)


def access_log(
    reader: Annotated[str | None, typer.Option(help="Only what this reader asked.")] = None,
    what: Annotated[
        str | None,
        typer.Option(
            help="Only this: dossier, dossiers, export.dossiers, export.series, export.samples, ..."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="From this date or time on, Vietnam's unless it has an offset.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most entries; the newest are shown.")] = 200,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
) -> None:
    """Show who asked single dossiers and exports: what, with which filters, how many rows, when. No personal data.

    Example: ioc access-log --what export.dossiers --since 2026-11-01 --format csv
    """
    import json
    from dataclasses import asdict
    from zoneinfo import ZoneInfo

    from ioc.history.access_log import entries
    from ioc.kpi.question import read_moment

    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    moment = None if since is None else read_moment(since, zone, what="since")
    with database() as connection:
        found = entries(connection, reader=reader, what=what, since=moment, limit=limit)
    if output is Format.JSON:
        print_json(
            {"entries": [{**asdict(entry), "at": entry.at.astimezone(zone).isoformat()} for entry in found]}
        )
        return
    header = ("at", "reader", "what", "filters", "rows", "outcome", "took_ms")
    rows = [
        (
            entry.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %z"),
            entry.reader,
            entry.what,
            json.dumps(entry.filters, ensure_ascii=False),
            "" if entry.rows is None else str(entry.rows),
            entry.outcome or "under way",
            "" if entry.took_ms is None else str(entry.took_ms),
        )
        for entry in found
    ]
    if output is Format.CSV:
        print_csv(header, rows)
    else:
        print_table(header, rows)
