"""``ioc dead-letters``: records that could not be read. They may hold personal data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ioc.cli._asking import Format, by, database, print_json, print_rows, who

app = typer.Typer(
    no_args_is_help=True,
    help="Records that could not be read: why, how many, and sending them once more.\n\nExample: ioc dead-letters list",
)
_Topic = Annotated[str | None, typer.Option("--topic", help="Only those of this topic, e.g. ioc.wifi.")]
_Reason = Annotated[
    str | None, typer.Option("--reason", help="Only those set aside for this reason, e.g. unknown-unit.")
]


@app.command("list")
def list_all(
    topic: _Topic = None,
    reason: _Reason = None,
    each: Annotated[
        bool, typer.Option("--each", help="Single records, newest first; never their content.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most records that are listed.")] = 50,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
) -> None:
    """Count them by topic and reason; with --each or a filter, list single ones.

    Example: ioc dead-letters list --topic ioc.dossiers
    """
    from dataclasses import asdict

    from ioc.kpi.query import answer
    from ioc.platform import dead_letters

    with database() as connection:
        if each or topic or reason:
            letters = answer(connection, dead_letters.listed(topic=topic, reason=reason, limit=limit))
            if output is Format.JSON:
                print_json({"records": [asdict(one) for one in letters]})
                return
            print_rows(
                output,
                ("number", "set aside", "topic", "source", "reason", "octets", "detail"),
                [
                    (
                        str(one.number),
                        _moment(one.recorded_at),
                        one.topic,
                        one.source,
                        one.reason,
                        str(one.size),
                        one.detail[:120],
                    )
                    for one in letters
                ],
            )
            return
        found = answer(connection, dead_letters.groups())
    if output is Format.JSON:
        print_json({"groups": [asdict(one) for one in found]})
        return
    print_rows(
        output,
        ("topic", "reason", "records", "oldest", "newest", "number"),
        [
            (
                one.topic,
                one.reason,
                str(one.records),
                _moment(one.oldest),
                _moment(one.newest),
                str(one.newest_number),
            )
            for one in found
        ],
    )


@app.command("show")
def show(number: Annotated[int, typer.Argument(help="The record's number, as list gives it.")]) -> None:
    """Show one record with its content, which may hold personal data: who looked is kept in the access log.

    Example: ioc dead-letters show 4711
    """
    from ioc.kpi.query import change
    from ioc.platform import dead_letters

    with database() as connection:
        found = change(connection, dead_letters.look(who(None), number))
    one = found.letter
    typer.echo(
        f"{one.topic}/{one.partition} at {one.offset}, from {one.source}, set aside {_moment(one.recorded_at)}"
    )
    typer.echo(f"{one.reason}: {one.detail}")
    if not one.is_whole:
        typer.echo(f"{one.kept} of {one.size} octets were kept: it can't be sent once more.")
    typer.echo(found.text)


@app.command("retry")
def retry(
    number: Annotated[int | None, typer.Argument(help="Number of one record.")] = None,
    topic: _Topic = None,
    reason: _Reason = None,
    everything: Annotated[bool, typer.Option("--all", help="All that there are.")] = False,
) -> None:
    """Send records to Kafka once more, when what made them unreadable is mended. What is still bad is set aside again.

    Those of a halted source wait for: ioc repair source.

    Example: ioc dead-letters retry --topic ioc.cameras --reason unknown-device
    """
    from ioc.cli._progress import progress
    from ioc.errors import UsageError
    from ioc.platform import dead_letters
    from ioc.settings import load

    if number is None and not (topic or reason or everything):
        raise UsageError("Which records?", remedy="Give a number, --topic, --reason, or --all.")
    wanted = dead_letters.Wanted(number=number, topic=topic, reason=reason)
    with progress() as tick:
        done = dead_letters.retry(
            load(),
            wanted,
            by(),
            tell=lambda sent, of: tick("sending records", sent, of),
        )
    left = f"; {done.left} stay, since they are cut short or empty" if done.left else ""
    typer.echo(f"{done.sent} records sent once more{left}.")


def _moment(moment: datetime) -> str:
    from zoneinfo import ZoneInfo

    return moment.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y-%m-%d %H:%M:%S")
