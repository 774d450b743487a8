"""Which codes are one dossier: facts are keyed by the code that was seen first, whatever code a source calls it by.

One SQLite file in the state folder, shared by every connector of a machine (importer, poller, portal protocol), so
that all give a dossier the same Kafka key. A fact's id keeps to the code that its source uses: ids don't depend on
what this machine has learned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from connectors.shared.snapshots import from_microseconds, microseconds
from connectors.shared.sqlite_file import open_file
from ioc.errors import UnavailableError
from ioc.events import DossierEvent, DossierMerge, DossierMerged, DossierRecorded, event_id

SOURCE: Final = "urn:ioc:aliases"
_MOST_ALIASES: Final = 8
_MOST_CODES: Final = 16
"""Codes of one dossier; a code that ties more together is a placeholder, not a code."""
_SCHEMA: Final = """
create table if not exists code (
    number integer primary key, code text not null unique, canonical text not null
);
create index if not exists code_canonical on code (canonical);
create table if not exists used (
    code text not null, source text not null, primary key (code, source)
) without rowid;
create table if not exists merge (
    retired text primary key, canonical text not null, unit text not null, time_us integer not null,
    sent integer not null default 0
) without rowid;
create table if not exists conflict (
    alias text not null, code text not null, source text not null, primary key (alias, code, source)
) without rowid;
"""

E = TypeVar("E", bound=DossierEvent)


@dataclass(frozen=True, slots=True)
class Named:
    """A dossier as a source names it.

    :param code: the code that the source itself uses.
    :param source: the source (CloudEvents ``source``).
    :param unit: the dossier's unit; said of a merge.
    :param aliases: other codes that the source gives for it.
    """

    code: str
    source: str
    unit: str
    aliases: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A second code that two dossiers of one source claim; it stays with the first."""

    alias: str
    code: str
    source: str


class AliasStore:
    """Codes, which of them belong together, and merges that still have to be told.

    Safe to share between processes: every call is one transaction.

    :param path: the file; its folder is made.
    :raises UnavailableError: when it can't be opened or another process holds it for over 30 s.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._database = open_file(path, _SCHEMA, any_thread=True)
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from None

    def resolve(self, dossiers: Sequence[Named]) -> list[str]:
        """Return the code that counts for each dossier, in order; takes in the aliases that they name.

        Where two codes that both were used turn out to be one dossier, the one seen first counts, and a merge is
        written down for the other one: see :meth:`pending`. Two codes that one source uses for dossiers of its own
        are never tied together by a third one that both claim: that is written down as a conflict.
        """
        with self._transaction():
            for dossier in dossiers:
                self._take(dossier)
            return [self._canonical(dossier.code) or dossier.code for dossier in dossiers]

    def pending(self) -> list[DossierMerged]:
        """Merges that are not known to have reached Kafka, oldest first."""
        with self._transaction():
            rows = self._database.execute(
                "select retired, canonical, unit, time_us from merge where sent = 0"
                " order by time_us, retired limit 1000"
            ).fetchall()
        return [_merged(*row) for row in rows]

    def confirm(self, merges: Iterable[DossierMerged]) -> None:
        """Kafka, or the spool, has these."""
        with self._transaction():
            self._database.executemany(
                "update merge set sent = 1 where retired = ? and canonical = ?",
                [(merge.subject, merge.data.into) for merge in merges],
            )

    def conflicts(self, most: int = 1000) -> list[Conflict]:
        """Second codes that two dossiers claim."""
        with self._transaction():
            rows = self._database.execute(
                "select alias, code, source from conflict order by alias, code limit ?", (most,)
            ).fetchall()
        return [Conflict(*row) for row in rows]

    def _take(self, dossier: Named) -> None:
        code, source = dossier.code, dossier.source
        own = self._canonical(code)
        if own is None:
            own = code
            self._add(code, code)
        self._database.execute("insert or ignore into used values (?, ?)", (code, source))
        for alias in list(dict.fromkeys(dossier.aliases))[:_MOST_ALIASES]:
            other = self._canonical(alias)
            if other == own or alias == code:
                continue
            if other is None:
                if self._size(own) < _MOST_CODES:
                    self._add(alias, own)
            elif self._one(dossier, alias, own, other):
                own = self._merge(own, other, dossier.unit)
            else:
                self._database.execute(
                    "insert or ignore into conflict values (?, ?, ?)", (alias, code, source)
                )

    def _one(self, dossier: Named, alias: str, own: str, other: str) -> bool:
        """Whether two groups of codes may be one dossier."""
        if self._size(own) + self._size(other) > _MOST_CODES:
            return False
        if self._database.execute(
            "select 1 from used where code = ? and source = ?", (alias, dossier.source)
        ).fetchone():
            return True  # the source itself says that two codes of its own are one
        return (
            self._database.execute(
                "select 1 from used a join code x on x.code = a.code and x.canonical = ?"
                " join used b on b.source = a.source join code y on y.code = b.code and y.canonical = ? limit 1",
                (own, other),
            ).fetchone()
            is None
        )

    def _merge(self, one: str, other: str, unit: str) -> str:
        """Tie two groups together under the code that was seen first; returns it."""
        keeper, retired = (
            str(code)
            for (code,) in self._database.execute(
                "select code from code where code in (?, ?) order by number", (one, other)
            ).fetchall()
        )
        self._database.execute("update code set canonical = ? where canonical = ?", (keeper, retired))
        # a group is made for a code that a source uses, so that facts may stand under the retired one
        self._database.execute(
            "insert or replace into merge (retired, canonical, unit, time_us) values (?, ?, ?, ?)",
            (retired, keeper, unit, microseconds(datetime.now(UTC))),
        )
        return keeper

    def _canonical(self, code: str) -> str | None:
        row = self._database.execute("select canonical from code where code = ?", (code,)).fetchone()
        return None if row is None else str(row[0])

    def _size(self, canonical: str) -> int:
        row = self._database.execute("select count(*) from code where canonical = ?", (canonical,)).fetchone()
        return int(row[0])

    def _add(self, code: str, canonical: str) -> None:
        self._database.execute("insert into code (code, canonical) values (?, ?)", (code, canonical))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")
        except sqlite3.Error as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"The codes of dossiers in {self._path} can't be used: {error}.",
            remedy="Look at the folder's owner and the disk's free space.",
        )

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def store_path(state_dir: Path) -> Path:
    """The file that the connectors of this machine share."""
    return state_dir / "checkpoints" / "aliases.sqlite"


def rekey(store: AliasStore, events: Sequence[E]) -> list[E]:
    """Return dossier events under the code that counts; takes in the aliases that views among them name.

    Merges that this brings about wait in the store: publish :meth:`AliasStore.pending` after these, and confirm them.
    """
    views = [event for event in events if isinstance(event, DossierRecorded) and event.data.aliases]
    if views:
        store.resolve([_named(event) for event in views])
    codes = store.resolve([_named(event) for event in events])
    return [_under(event, code) for event, code in zip(events, codes, strict=True)]


def _named(event: DossierEvent) -> Named:
    aliases = event.data.aliases if isinstance(event, DossierRecorded) else ()
    return Named(event.subject, event.source, event.data.unit, aliases)


def _under(event: E, code: str) -> E:
    if event.subject == code:
        return event
    if isinstance(event, DossierRecorded):
        others = dict.fromkeys((event.subject, *event.data.aliases))
        others.pop(code, None)
        data = msgspec.structs.replace(event.data, aliases=tuple(others)[:_MOST_ALIASES])
        return msgspec.structs.replace(event, subject=code, data=data)
    return msgspec.structs.replace(event, subject=code)


def _merged(retired: str, canonical: str, unit: str, time_us: int) -> DossierMerged:
    time = from_microseconds(time_us)
    return DossierMerged(
        specversion="1.0",
        id=event_id(SOURCE, retired, f"ioc.dossier.merged.v1/{canonical}", time),
        source=SOURCE,
        subject=retired,
        time=time,
        data=DossierMerge(unit=unit, into=canonical),
    )
