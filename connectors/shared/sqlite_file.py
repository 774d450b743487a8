"""One way to open the small SQLite files that connectors keep on a machine's disk."""

from __future__ import annotations

import fcntl
import sqlite3
from pathlib import Path
from typing import Literal

_PATIENCE_S = 30.0


def open_file(
    path: Path, schema: str, *, synchronous: Literal["full", "normal"] = "full", any_thread: bool = False
) -> sqlite3.Connection:
    """Open a file with a write-ahead log and bring its tables about; safe when processes do so at one moment.

    :param path: the file; its folder is made. ``:memory:`` is taken as SQLite takes it.
    :param schema: statements that may run again and again.
    :param synchronous: ``full`` keeps every commit through a power cut; ``normal`` may lose the last ones.
    :param any_thread: whether threads share the connection (the caller keeps them apart).
    :raises OSError: when the folder can't be written.
    :raises sqlite3.Error: when the file is none of SQLite's, or is held for over 30 s.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(
        path, isolation_level=None, timeout=_PATIENCE_S, check_same_thread=not any_thread
    )
    try:
        # SQLite refuses a change to the write-ahead log at once when another process makes it too: its own
        # patience does not hold there, so openers queue up at a lock of ours
        if str(path) == ":memory:":
            _prepare(database, schema, synchronous)
        else:
            with path.with_name(f"{path.name}.opening").open("w") as gate:
                fcntl.flock(gate, fcntl.LOCK_EX)
                _prepare(database, schema, synchronous)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, schema: str, synchronous: str) -> None:
    database.execute("pragma journal_mode = wal")
    database.execute(f"pragma synchronous = {synchronous}")
    database.executescript(schema)
