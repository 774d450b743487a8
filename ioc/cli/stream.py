"""``ioc stream``: the worker that turns Kafka's records into facts and indicators."""

from __future__ import annotations

from typing import Annotated

import typer

from ioc import topics


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def stream(
        topic: Annotated[
            list[str] | None, typer.Option(help="Work on this topic only, e.g. ioc.cameras; may be repeated.")
        ] = None,
    ) -> None:
        """Read facts from Kafka into the database, each exactly once, until SIGTERM.

        Example: ioc stream
        """
        from ioc import settings
        from ioc.errors import UsageError
        from streams.worker import run

        chosen = tuple(topic) if topic else topics.STREAM_TOPICS
        unknown = [name for name in chosen if name not in topics.STREAM_TOPICS]
        if unknown:
            raise UsageError(
                f"There is no topic {unknown[0]}.", remedy=f"Topics are: {', '.join(topics.STREAM_TOPICS)}"
            )
        run(settings.load(), only=chosen)
