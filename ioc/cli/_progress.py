"""What a command shows while it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar that appears when the work takes longer than two seconds: ``tick(what, done, of)``."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    began = time.monotonic()
    bars: dict[str, TaskID] = {}
    shown = Progress(console=Console(stderr=True), transient=True)

    def tick(what: str, done: int, of: int) -> None:
        if time.monotonic() - began < 2:
            return
        if not bars:
            shown.start()
        if what not in bars:
            bars[what] = shown.add_task(what, total=of)
        shown.update(bars[what], completed=done, total=of)

    try:
        yield tick
    finally:
        if bars:
            shown.stop()
