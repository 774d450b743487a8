"""Where the embedded stack keeps things: one state folder, and a software folder that may be shared."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from ioc.errors import SettingsError
from ioc.settings import Settings


@dataclass(frozen=True)
class Layout:
    """Paths of one state folder. Nothing here touches the disk but :meth:`prepare`."""

    state: Path
    software: Path

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        state = settings.state_dir.absolute()
        return cls(state=state, software=settings.software_path.absolute())

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def run(self) -> Path:
        """Locks, pid and status files: nothing that must survive a restart of the machine."""
        return self.state / "run"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def kafka(self) -> Path:
        return self.state / "kafka"

    @property
    def postgres(self) -> Path:
        return self.state / "postgres"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the one supervisor of this state folder."""
        return self.run / "supervisor.lock"

    @property
    def processes_lock(self) -> Path:
        """Held, shared, by the guard of every process that runs; free once the last one has ended."""
        return self.run / "processes.lock"

    @property
    def status(self) -> Path:
        return self.run / "status.json"

    def prepare(self) -> None:
        """Make the folders. The state folder lets the database's user pass; secrets are the owner's alone.

        :raises SettingsError: the state folder can't be made or written.
        """
        try:
            self._make()
        except OSError as error:
            raise SettingsError(
                f"The state folder {self.state} can't be made: {error.strerror} ({error.filename}).",
                remedy="Set IOC_STATE_DIR to a folder of yours on a disk that can be written.",
            ) from error

    def _make(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self.state.chmod(0o711)
        for folder in (self.logs, self.run, self.kafka):
            folder.mkdir(exist_ok=True, mode=0o750)
        self.secrets.mkdir(exist_ok=True, mode=0o700)
        self.secrets.chmod(0o700)


def nearest_existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there as far as this user can see."""
    for folder in (path, *path.parents):
        with contextlib.suppress(OSError):
            folder.stat()
            return folder
    return Path("/")


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace a file's content at once: a reader sees the old or the new text, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
