"""``ioc repair``: named repairs of what the platform will not decide by itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Held(StrEnum):
    """What becomes of records that were held."""

    send = "send"
    leave = "leave"


class Edge(StrEnum):
    """Where to go on."""

    start = "start"
    end = "end"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="repair")

    @group.callback()
    def _group() -> None:
        """Repairs that only a person may choose.

        Example: ioc repair offsets ioc.cameras
        """

    @group.command()
    def offsets(
        topic: Annotated[str, typer.Argument(help="Topic of the halted partition, e.g. ioc.cameras.")],
        partition: Annotated[
            int | None, typer.Argument(help="Its number; without it, all halted partitions of the topic.")
        ] = None,
        to: Annotated[
            Edge,
            typer.Option(
                help="start: read all that Kafka still holds (facts known already are not counted again); "
                "end: give up what the log holds now."
            ),
        ] = Edge.start,
    ) -> None:
        """Let a partition go on whose stored offset Kafka does not have.

        Kafka was wiped, the topic was made again, or the records had expired before they were read.

        Example: ioc repair offsets ioc.cameras 3 --to start
        """
        from ioc import settings
        from ioc.platform.repair import repair_offsets

        for done in repair_offsets(settings.load(), topic, partition, "start" if to is Edge.start else "end"):
            typer.echo(
                f"{done.topic}/{done.partition}: was halted ({done.reason}) at offset {done.was},"
                f" goes on from {done.now}"
            )

    @group.command()
    def source(
        topic: Annotated[str, typer.Argument(help="Topic of the halted source, e.g. ioc.wifi.")],
        name: Annotated[str, typer.Argument(help="The source as ioc status names it.")],
        held: Annotated[
            Held,
            typer.Option(
                help="send: put the records that were held into Kafka once more; "
                "leave: they stay among the unreadable records."
            ),
        ] = Held.send,
    ) -> None:
        """Let a source go on that was halted because too many of its records could not be read.

        Mend the source first: while its records stay bad it is halted again.

        Example: ioc repair source ioc.wifi urn:ioc:wifi --held send
        """
        from ioc import settings
        from ioc.cli._progress import progress
        from ioc.platform.repair import release_source

        with progress() as tick:
            done = release_source(
                settings.load(),
                topic,
                name,
                send=held is Held.send,
                tell=lambda sent, of: tick("sending held records", sent, of),
            )
        typer.echo(
            f"{done.topic}: {done.source} {'goes on' if done.was_halted else 'was not halted any more'}; "
            f"{done.sent} held records sent once more, {done.left} left among the unreadable"
        )
