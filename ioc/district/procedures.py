"""Brings a pack's procedures into the database: how long each may take, for whoever checks due dates."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from ioc.district.model import Pack

_WRITE: Final = """
WITH said AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::int[])
        AS s (code, field, name_vi, name_en, working_days, calendar_days)
), gone AS (
    DELETE FROM ioc.procedure p WHERE NOT EXISTS (SELECT FROM said WHERE said.code = p.code) RETURNING 1
), written AS (
    INSERT INTO ioc.procedure AS p (code, field, name_vi, name_en, working_days, calendar_days)
    SELECT * FROM said
    ON CONFLICT (code) DO UPDATE
       SET field = excluded.field, name_vi = excluded.name_vi, name_en = excluded.name_en,
           working_days = excluded.working_days, calendar_days = excluded.calendar_days
     WHERE (p.field, p.name_vi, p.name_en, p.working_days, p.calendar_days)
           IS DISTINCT FROM (excluded.field, excluded.name_vi, excluded.name_en, excluded.working_days,
                             excluded.calendar_days)
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)
"""


def replace_procedures(cursor: psycopg.Cursor[Any], pack: Pack) -> int:
    """Make the stored procedures those of the pack; returns how many rows that took."""
    rows = [
        (
            found.code,
            found.field,
            found.name_vi,
            found.name_en,
            None if found.calendar_days is not None else found.working_days,
            found.calendar_days,
        )
        for found in pack.procedures
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(6)]
    row = cursor.execute(_WRITE, columns).fetchone()
    return 0 if row is None else int(row[0])
