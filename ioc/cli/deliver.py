"""``ioc deliver``: calls people for alerts, and tells them what they are to know of duty."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def deliver() -> None:
        """Do the steps of escalations that are due, and send messages over the pack's channels, until SIGTERM.

        Any number may run side by side. What is being sent is awaited at the end.

        Example: ioc deliver
        """
        import signal
        import threading

        from ioc.cli.district import shipped_pack
        from ioc.delivery.process import run
        from ioc.settings import load

        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        settings = load()
        run(settings, stop, settings.pack or shipped_pack())
