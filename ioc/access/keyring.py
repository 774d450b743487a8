"""The keys as a running process holds them: in memory, and as a snapshot on disk for when the database is away."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import psycopg
import structlog

from ioc.access import keys
from ioc.access.keys import NOBODY, Key
from ioc.settings import Settings

_MOST_BYTES: Final = 16 * 1024 * 1024
#: Keys that nobody knows can't make it ask the database more often, in seconds.
_LEAST_S: Final = 1.0

log = structlog.get_logger(__name__)


class _Snapshot(msgspec.Struct):
    taken_at: datetime
    keys: tuple[Key, ...]


def snapshot_file(settings: Settings) -> Path:
    """Where the snapshot is kept: ids, limits and digests, never a secret; readable by its owner only."""
    return settings.state_dir / "secrets" / "api-keys.json"


class Keyring:
    """Knows every usable key. :meth:`verify` never waits; a thread of its own asks the database.

    A key that was revoked or made is known within :attr:`Settings.key_refresh_s` while the database answers. While it
    is away, the keys of the last refresh go on working until they expire, over restarts too.

    :param settings: database, state folder and refresh interval.
    """

    def __init__(self, settings: Settings) -> None:
        self._dsn = settings.database_dsn
        self._path = snapshot_file(settings)
        self._refresh_s = settings.key_refresh_s
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._used: dict[str, datetime] = {}
        self._away = False
        self._held: dict[str, Key] = {key.id: key for key in self._stored()}
        self.refreshed_at: datetime | None = None
        """When the database was last heard; None before the first time."""

    def verify(self, text: str, now: datetime | None = None) -> Key | None:
        """Return the key that ``text`` is, or None when it is unknown, wrong, revoked or expired."""
        moment = now or datetime.now(UTC)
        parts = keys.split(text)
        if parts is None:
            return None
        known = self._held.get(parts[0], NOBODY)
        if known is NOBODY:
            self._wake.set()  # it may have been made a moment ago
        if not known.fits(parts[1]) or known is NOBODY or not known.valid_at(moment):
            return None
        self._used[known.id] = moment
        return known

    def knows(self, text: str) -> bool:
        """Whether there is a key with this one's id."""
        parts = keys.split(text)
        return parts is not None and parts[0] in self._held

    def refresh(self) -> bool:
        """Read the keys anew and write down which were used; returns whether the database answered."""
        with self._lock:
            used, self._used = self._used, {}
            try:
                with psycopg.connect(
                    self._dsn, connect_timeout=5, options="-c statement_timeout=5000"
                ) as connection:
                    found = keys.list_keys(connection, usable=True)
                    keys.note_use(connection, used)
            except psycopg.Error as error:
                self._used = {**used, **self._used}
                if not self._away:
                    log.warning("keys.database_away", reason=type(error).__name__, held=len(self._held))
                self._away = True
                return False
            if self._away:
                log.info("keys.database_back")
            self._away = False
            self._held = {key.id: key for key in found}
            self.refreshed_at = datetime.now(UTC)
            self._store(tuple(found))
            return True

    def start(self) -> None:
        """Refresh once, then go on in the background until :meth:`close`."""
        self.refresh()
        self._thread = threading.Thread(target=self._run, name="keyring", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop refreshing and write down what was used."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(15)
            self.refresh()

    def _run(self) -> None:
        while not self._stop.wait(min(_LEAST_S, self._refresh_s)):
            self._wake.wait(max(0.0, self._refresh_s - _LEAST_S))
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                self.refresh()
            except Exception:
                log.exception("keys.refresh_failed")

    def _stored(self) -> tuple[Key, ...]:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(_MOST_BYTES), type=_Snapshot).keys
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            # Only the database is the truth; without it nobody is let in, which the answers say.
            log.error("keys.snapshot_unusable", file=self._path.name, reason=type(error).__name__)
            return ()

    def _store(self, found: tuple[Key, ...]) -> None:
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(_Snapshot(datetime.now(UTC), found)))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        except OSError as error:
            log.error("keys.snapshot_unwritten", file=self._path.name, reason=error.strerror)
            with suppress(OSError):
                partial.unlink(missing_ok=True)
