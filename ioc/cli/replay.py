"""``ioc replay``: projections and measures once more from the kept facts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def replay(
        subjects: Annotated[
            list[str] | None,
            typer.Argument(
                help="dossiers, queues, cameras, wifi; without any, all of them.", show_default=False
            ),
        ] = None,
        repair: Annotated[
            bool, typer.Option("--repair", help="Put right what differs; without it nothing is written.")
        ] = False,
        since: Annotated[
            datetime | None,
            typer.Option(
                formats=["%Y-%m-%d"],
                help="Cameras and wifi: look at nothing before this day.",
                show_default=False,
            ),
        ] = None,
    ) -> None:
        """Compute everything anew from the facts that are kept, and prove that what is stored is equal.

        Ends with 5 when something differs (and was not put right with --repair). Workers may go on meanwhile.

        Example: ioc replay dossiers
        """
        import asyncio
        import sys
        from datetime import UTC

        from ioc import settings
        from ioc.errors import UsageError
        from streams.replay.replay import DifferenceError, Subject
        from streams.replay.replay import replay as compute

        try:
            wanted = [Subject(name) for name in subjects or list(Subject)]
        except ValueError as error:
            raise UsageError(
                f"{error} is nothing that can be replayed.".replace(" is not a valid Subject", ""),
                remedy=f"Known are: {', '.join(Subject)}.",
            ) from None
        shown = sys.stderr.isatty()

        def progress(text: str) -> None:
            if shown:
                typer.echo(f"\r\033[K{text}", nl=False, err=True)

        found = asyncio.run(
            compute(
                settings.load(),
                wanted,
                since=since and since.replace(tzinfo=UTC),
                repair=repair,
                progress=progress,
            )
        )
        progress("")
        for finding in found:
            how = "put right" if repair else "different"
            typer.echo(f"{finding.subject}: {finding.checked} checked, {finding.different} {how}")
        wrong = [finding.subject for finding in found if finding.different]
        if wrong and not repair:
            raise DifferenceError(
                f"What is stored does not follow from the facts: {', '.join(wrong)}.",
                remedy="ioc replay --repair puts it right.",
            )
