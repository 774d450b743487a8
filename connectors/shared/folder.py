"""Watches a folder for finished files: each is taken once, then put away."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from connectors.shared import rests
from connectors.shared.health import Health
from ioc.errors import InputError, UnavailableError

_LONGEST_REST_S: Final = 30.0
_KEPT: Final = 1_000
"""Files kept in ``done``; older ones are removed."""

log = structlog.get_logger(__name__)


class Folder:
    """A spool folder. A file is written under another name and renamed to one that ends so when it is complete.

    :param folder: the folder; made with ``done`` and ``rejected`` in it when it is not there.
    :param suffixes: what finished files end with, such as ``.csv``, in small letters; capitals are taken too.
    :param take: imports one file. :class:`InputError` puts it into ``rejected`` with the reason beside it;
        :class:`UnavailableError` leaves it for later.
    :param health: the folder's state, for whoever reports it.
    """

    def __init__(
        self,
        folder: Path,
        suffixes: tuple[str, ...],
        take: Callable[[Path], None],
        *,
        health: Health | None = None,
    ) -> None:
        self._folder = folder
        self._suffixes = suffixes
        self._take = take
        self._health = health or Health("folder")
        for name in ("done", "rejected"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def once(self) -> int:
        """Take every finished file there is, by name; returns how many were imported.

        :raises UnavailableError: when the events can't be delivered; the file stays.
        """
        imported = 0
        for path in sorted(
            path
            for path in self._folder.iterdir()
            if path.name.lower().endswith(self._suffixes) and not path.name.startswith(".") and path.is_file()
        ):
            try:
                self._take(path)
            except InputError as error:
                log.error("file.rejected", file=path.name, reason=error.message)
                moved = self._put(path, "rejected")
                moved.with_name(moved.name + ".reason.txt").write_text(str(error) + "\n", "utf-8")
            else:
                self._put(path, "done")
                imported += 1
        if imported:
            self._prune()
        return imported

    def run(self, stop: threading.Event, poll_s: float) -> None:
        """Take files as they come until ``stop`` is set; waits longer while they can't be delivered."""
        faults = 0
        while not stop.is_set():
            try:
                self.once()
            except (UnavailableError, OSError) as error:
                reason = error.strerror or "" if isinstance(error, OSError) else error.message
                self._health.note(str(self._folder), False, reason)
                faults += 1
            else:
                self._health.note(str(self._folder), True)
                faults = 0
            rest_s = rests.rest_s(faults, first_s=poll_s * 2, longest_s=_LONGEST_REST_S) if faults else 0.0
            stop.wait(max(poll_s, rest_s))

    def _put(self, path: Path, where: str) -> Path:
        target = self._folder / where / path.name
        number = 1
        while target.exists():
            target = self._folder / where / f"{path.stem}.{number}{path.suffix}"
            number += 1
        path.replace(target)
        return target

    def _prune(self) -> None:
        done = sorted(os.scandir(self._folder / "done"), key=lambda entry: entry.stat().st_mtime_ns)
        for entry in done[:-_KEPT]:
            Path(entry.path).unlink(missing_ok=True)
