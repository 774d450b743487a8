"""A throw-away SQLite file between reading and sending: nothing is sent before the whole file was read,
memory stays bounded whatever the file's size, and the order of rows can't matter."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from connectors.shared.snapshots import from_microseconds, microseconds

_SCHEMA: Final = """
create table view (
    code text, slot integer, rank_us integer, fingerprint blob, content blob, contents integer default 1,
    primary key (code, slot)
) without rowid;
create table event (
    time_us integer, sequence text, id text primary key, code text, version integer, payload blob
) without rowid;
create table alias (code text, alias text, unit text, primary key (code, alias)) without rowid;
"""

_KEEP_LATEST: Final = """
insert into view (code, slot, rank_us, fingerprint, content) values (?, ?, ?, ?, ?)
on conflict (code, slot) do update set
    contents = max(contents, case when fingerprint <> excluded.fingerprint then 2 else 1 end),
    content = case when (excluded.rank_us, excluded.fingerprint) > (rank_us, fingerprint)
        then excluded.content else content end,
    fingerprint = case when (excluded.rank_us, excluded.fingerprint) > (rank_us, fingerprint)
        then excluded.fingerprint else fingerprint end,
    rank_us = max(rank_us, excluded.rank_us)
"""


@dataclass(frozen=True)
class View:
    """The content of a dossier that a file ends with, or one of its dated contents."""

    code: str
    latest: datetime
    fingerprint: bytes
    content: bytes


@dataclass(frozen=True)
class Waiting:
    """An encoded event that waits to be sent; ``version`` is set for a dossier's snapshot, else None."""

    code: str
    version: int | None
    payload: bytes


class Staging:
    """Facts of one file, on disk. The file is removed at the end, whatever happens.

    :param path: where to put it; its folder is made.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        path.unlink(missing_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = off", "synchronous = off", "temp_store = file", "cache_size = -16384"):
            self._database.execute(f"pragma {pragma}")
        self._database.executescript(_SCHEMA)
        self._database.execute("begin")

    def add_view(self, view: View, dated: bool) -> None:
        """Keep a row's view of a dossier.

        :param dated: the row has the source's own change time, so that every content is a fact of its own; otherwise
            only the view of the row with the latest moment is kept (of equal ones the greater fingerprint: any rule
            will do that does not ask for the rows' order).
        """
        rank = microseconds(view.latest)
        if dated:
            slot = int.from_bytes(view.fingerprint[:7], "big") ^ rank
            self._database.execute(
                "insert or ignore into view (code, slot, rank_us, fingerprint, content) values (?, ?, ?, ?, ?)",
                (view.code, slot & (2**63 - 1), rank, view.fingerprint, view.content),
            )
        else:
            self._database.execute(_KEEP_LATEST, (view.code, 0, rank, view.fingerprint, view.content))

    def views(self) -> Iterator[View]:
        """Every kept view, by code."""
        for code, rank, fingerprint, content in self._database.execute(
            "select code, rank_us, fingerprint, content from view order by code, rank_us"
        ):
            yield View(code, from_microseconds(rank), fingerprint, content)

    def add_alias(self, code: str, alias: str, unit: str) -> None:
        """Keep a second code of a dossier."""
        self._database.execute("insert or ignore into alias values (?, ?, ?)", (code, alias, unit))

    def aliases(self) -> Iterator[tuple[str, str, str]]:
        """Every second code, as code, alias, unit."""
        yield from self._database.execute("select code, alias, unit from alias order by code, alias")

    def add_event(self, time: datetime, sequence: str, event_id: str, waiting: Waiting) -> bool:
        """Keep an encoded event; returns False when one with this id is there already.

        Of two with one id the greater payload is kept (they can differ in the handler, which makes no id), so that
        the order of rows can't matter.
        """
        cursor = self._database.execute(
            "insert or ignore into event values (?, ?, ?, ?, ?, ?)",
            (microseconds(time), sequence, event_id, waiting.code, waiting.version, waiting.payload),
        )
        if cursor.rowcount == 1:
            return True
        self._database.execute(
            "update event set payload = max(payload, ?) where id = ?", (waiting.payload, event_id)
        )
        return False

    def events(self) -> Iterator[Waiting]:
        """Every kept event in order of time, sequence, id."""
        for code, version, payload in self._database.execute(
            "select code, version, payload from event order by time_us, sequence, id"
        ):
            yield Waiting(code, version, payload)

    def dossiers(self) -> int:
        return self._number("select count(*) from (select code from view union select code from event)")

    def disagreeing(self) -> int:
        """Dossiers whose rows hold different contents without a change time to tell them apart."""
        return self._number("select count(*) from view where contents > 1")

    def event_count(self) -> int:
        return self._number("select count(*) from event")

    def _number(self, query: str) -> int:
        return int(self._database.execute(query).fetchone()[0])

    def close(self) -> None:
        self._database.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
