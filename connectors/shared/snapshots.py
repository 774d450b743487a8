"""What a source last said about each subject, so that an upsert without a change time gets the right id.

Equal content keeps its version; changed content gets the next one: 4, 5, 4 is three facts, a re-sent 4 is none.
A version number is written down *before* its event goes to Kafka, so that a crash can never make two contents share
one; it counts as known only *after* Kafka acknowledged it.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from connectors.shared.sqlite_file import open_file
from ioc.errors import UnavailableError

_SCHEMA: Final = """
create table if not exists snapshot (
    subject text primary key,
    version integer not null,
    fingerprint blob not null,
    time_us integer not null,
    acknowledged integer not null default 0
) without rowid
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, exact."""
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def from_microseconds(value: int) -> datetime:
    """Inverse of :func:`microseconds`, in UTC."""
    seconds, rest = divmod(value, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


@dataclass(frozen=True)
class Version:
    """One content of a subject: its number, fingerprint and event time."""

    subject: str
    number: int
    fingerprint: bytes
    time: datetime
    known: bool
    """Kafka had acknowledged this very version before."""


class SnapshotStore:
    """Last version per subject of one source, in one SQLite file (write-ahead log, bounded memory).

    :param path: the file; its folder is made.
    :raises UnavailableError: when another process has it open.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UnavailableError(
                f"Another import of this source is running ({path}).", remedy="Wait for it, or stop it."
            ) from None
        self._database = open_file(path, _SCHEMA)

    def resolve(self, subject: str, fingerprint: bytes, latest: datetime) -> Version:
        """Tell which version this content is. Changes nothing.

        :param latest: latest moment that the content knows; a later version never gets an earlier time than the
            one before it, so that a correction that takes a date away still comes last.
        """
        last = self.last(subject)
        if last is None:
            return Version(subject, 1, fingerprint, latest, False)
        if last.fingerprint == fingerprint:
            return last
        return Version(subject, last.number + 1, fingerprint, max(latest, last.time), False)

    def last(self, subject: str) -> Version | None:
        """Return the newest version that was written down; None when there is none."""
        row = self._database.execute(
            "select version, fingerprint, time_us, acknowledged from snapshot where subject = ?", (subject,)
        ).fetchone()
        if row is None:
            return None
        return Version(subject, row[0], row[1], from_microseconds(row[2]), bool(row[3]))

    def reserve(self, versions: Iterable[Version]) -> None:
        """Write version numbers down before their events are sent."""
        rows = [(v.subject, v.number, v.fingerprint, microseconds(v.time)) for v in versions if not v.known]
        with _transaction(self._database):
            self._database.executemany(
                "insert into snapshot (subject, version, fingerprint, time_us) values (?, ?, ?, ?)"
                " on conflict (subject) do update set version = excluded.version, time_us = excluded.time_us,"
                " fingerprint = excluded.fingerprint, acknowledged = 0",
                rows,
            )

    def acknowledge(self, versions: Iterable[tuple[str, int]]) -> None:
        """Mark (subject, version number) pairs as known to Kafka."""
        with _transaction(self._database):
            self._database.executemany(
                "update snapshot set acknowledged = 1 where subject = ? and version = ?", versions
            )

    def close(self) -> None:
        self._database.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _transaction:  # noqa: N801 (used like a function)
    """One SQLite write transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("begin immediate")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.execute("commit" if kind is None else "rollback")
