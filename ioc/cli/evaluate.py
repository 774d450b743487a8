"""``ioc evaluate``: closes windows on committed data, folds measures, samples the platform's own indicators."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def evaluate() -> None:
        """Close windows, fold measures, mirror unreadable records, until SIGTERM.

        Any number may run; one works at a time.

        Example: ioc evaluate
        """
        import signal
        import threading

        from ioc import settings
        from ioc.platform.evaluator import run

        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        run(settings.load(), stop)
