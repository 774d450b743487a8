"""Brings standing maintenance windows into the database, as a part of applying a pack."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import psycopg

from ioc.alerts.window import COLUMNS, Window, window_of
from ioc.district.maintenance import MADE_BY

# One that somebody ended by hand counts as there: it comes back when its line changes, not with the next application.
_KNOWN: Final = (
    f"SELECT {COLUMNS} FROM ioc.maintenance m"  # noqa: S608 - of names above
    " WHERE m.made_by = %s AND (m.withdrawn_at IS NULL OR m.withdrawn_by <> m.made_by)"
)
_WITHDRAW: Final = (
    "UPDATE ioc.maintenance SET withdrawn_at = now(), withdrawn_by = %s WHERE maintenance_id = ANY (%s)"
)
_INSERT: Final = """
INSERT INTO ioc.maintenance (name, rules, units, points, subjects, starts_at, length_s, recurs, time_zone, reason,
    made_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def apply_maintenance(cursor: psycopg.Cursor[Any], windows: Iterable[Window]) -> int:
    """Bring the pack's windows to what it says, within the caller's transaction; return the rows touched.

    Windows that people made are left alone. One whose line changed is withdrawn, and another one made.
    """
    wanted = {_said(window): window for window in windows}
    known = [window_of(row) for row in cursor.execute(_KNOWN.encode(), (MADE_BY,)).fetchall()]
    gone = [window.id for window in known if window.withdrawn_at is None and _said(window) not in wanted]
    if gone:
        cursor.execute(_WITHDRAW, (MADE_BY, gone))
    new = wanted.keys() - {_said(window) for window in known}
    rows = [_row(window) for said, window in wanted.items() if said in new]
    if rows:
        cursor.executemany(_INSERT, rows)
    return len(gone) + len(rows)


def _row(window: Window) -> tuple[Any, ...]:
    parts = (window.rules, window.units, window.points, window.subjects)
    return (
        window.name,
        *(list(part) for part in parts),
        window.starts_at,
        window.length.total_seconds(),
        window.recurs,
        window.time_zone,
        window.reason,
        MADE_BY,
    )


def _said(window: Window) -> tuple[Any, ...]:
    return tuple(tuple(part) if isinstance(part, list) else part for part in _row(window))
