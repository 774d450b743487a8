"""What connectors keep on this machine's disk about single dossiers: found, and taken away where that can be done.

Checkpoints (SQLite) name dossiers: the version last sent of each, its unit, its other codes. Spools hold events that
wait for Kafka; those go there once it answers, where the stream worker passes an erased dossier's by, and their
segments are deleted then. What was set aside as damaged is not sent any more: such files go when they name it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

#: Columns that hold a dossier's code, by table.
COLUMNS: Final = {
    "snapshot": ("subject",),
    "unit": ("subject",),
    "code": ("code", "canonical"),
    "used": ("code",),
    "merge": ("retired", "canonical"),
    "conflict": ("alias", "code"),
}
_WAIT_S: Final = 5.0
_PIECE: Final = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class OnDisk:
    """What was found."""

    rows: int = 0
    """Of checkpoints; taken away if asked."""
    waiting: int = 0
    """Segments of spools that name it: they drain by themselves."""
    aside: int = 0
    """Files of damaged stretches that name it; taken away if asked."""
    busy: tuple[str, ...] = ()
    """Checkpoints that could not be opened; their connector has to be stopped first."""


def named(state_dir: Path, codes: Sequence[str]) -> OnDisk:
    """Count what names a dossier under any of its codes."""
    return _look(state_dir, codes, take=False)


def take_away(state_dir: Path, codes: Sequence[str]) -> OnDisk:
    """Delete what names a dossier; what waits to be sent stays."""
    return _look(state_dir, codes, take=True)


def _look(state_dir: Path, codes: Sequence[str], *, take: bool) -> OnDisk:
    found = OnDisk()
    for path in sorted((state_dir / "checkpoints").glob("**/*.sqlite")):
        try:
            found.rows += _rows(path, codes, take=take)
        except sqlite3.Error as error:
            log.warning("checkpoint can't be looked at", file=path.name, error=str(error))
            found.busy = (*found.busy, path.name)
    needles = [code.encode() for code in codes]
    for path in sorted((state_dir / "spool").glob("*/*.seg")):
        found.waiting += _names(path, needles)
    for path in sorted((state_dir / "spool").glob("*/aside/*")):
        if _names(path, needles):
            found.aside += 1
            if take:
                path.unlink(missing_ok=True)
    return found


def _rows(path: Path, codes: Sequence[str], *, take: bool) -> int:
    marks = ",".join("?" * len(codes))
    count = 0
    with closing(sqlite3.connect(path, timeout=_WAIT_S)) as database, database:
        if take:
            database.execute("pragma secure_delete = on")
        tables = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
        for table in sorted(tables & COLUMNS.keys()):
            where = " or ".join(f"{column} in ({marks})" for column in COLUMNS[table])
            values = list(codes) * len(COLUMNS[table])
            # names of our own tables; the codes are parameters
            what = "delete" if take else "select count(*)"
            cursor = database.execute(f"{what} from {table} where {where}", values)
            count += cursor.rowcount if take else cursor.fetchone()[0]
    if take and count:
        with closing(sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)) as database:
            database.execute("pragma wal_checkpoint(truncate)")
    return count


def _names(path: Path, needles: Sequence[bytes]) -> bool:
    """Whether a file holds one of some short texts; read piece by piece."""
    longest = max(map(len, needles))
    last = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                whole = last + piece
                if any(needle in whole for needle in needles):
                    return True
                last = whole[-longest:]
    except OSError:  # drained meanwhile
        return False
    return False
