"""Brings rosters and people on duty into the database, as a part of applying a pack."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ioc.district.model import Pack
from ioc.duty.editions import Stored, StoredPerson, plain

#: What the newest edition says is what comes with it, or a new one begins; never before the one that is there.
_EDITION = """
INSERT INTO ioc.duty_edition (since, time_zone, working_time, rosters, people)
SELECT greatest(coalesce(%(at)s::timestamptz, now()), max(e.since) + interval '1 microsecond'),
       %(zone)s, %(working)s::jsonb, %(rosters)s::jsonb, %(people)s::jsonb
  FROM ioc.duty_edition e
HAVING NOT EXISTS (SELECT FROM ioc.duty_edition n WHERE n.since = max(e.since)
                      AND (n.time_zone, n.working_time, n.rosters, n.people)
                          = (%(zone)s, %(working)s::jsonb, %(rosters)s::jsonb, %(people)s::jsonb))
"""


def apply_rosters(cursor: psycopg.Cursor[Any], pack: Pack, *, at: datetime | None = None) -> int:
    """Bring rosters and people to what a pack says, within the caller's transaction; return how many changed.

    What held before stays, for its time: see ``ioc.duty_edition``.

    :param at: from when on it holds; None is now.
    """
    people = pack.people
    stored = {
        "rosters": _json([Stored(roster.unit or pack.root, plain(roster)) for roster in pack.rosters]),
        "people": _json(
            [
                StoredPerson(p.code, p.unit, p.valid_from, p.valid_to)
                for p in sorted(people, key=lambda p: p.code)
            ]
        ),
    }
    cursor.execute("SELECT rosters::text FROM ioc.duty_edition ORDER BY since DESC LIMIT 1")
    newest = cursor.fetchone()
    before = msgspec.json.decode(newest[0], type=list[Stored]) if newest else []
    after = msgspec.json.decode(stored["rosters"], type=list[Stored])
    touched = len({one.roster.code for one in (*before, *after) if one not in before or one not in after})
    cursor.execute(_EDITION, {"at": at, "zone": pack.time_zone, "working": pack.calendar.to_json(), **stored})
    touched += _gone(cursor, "duty_person", [person.code for person in people])
    for person in people:
        cursor.execute(
            "INSERT INTO ioc.duty_person AS p (code, name, title, unit_code, valid_from, valid_to, contacts)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (code) DO UPDATE SET name = excluded.name,"
            " title = excluded.title, unit_code = excluded.unit_code, valid_from = excluded.valid_from,"
            " valid_to = excluded.valid_to, contacts = excluded.contacts"
            " WHERE (p.name, p.title, p.unit_code, p.valid_from, p.valid_to, p.contacts) IS DISTINCT FROM"
            " (excluded.name, excluded.title, excluded.unit_code, excluded.valid_from, excluded.valid_to,"
            " excluded.contacts)",
            (
                person.code,
                person.name,
                person.title,
                person.unit,
                person.valid_from,
                person.valid_to,
                Jsonb(dict(person.contacts)),
            ),
        )
        touched += max(cursor.rowcount, 0)
    return touched


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _gone(cursor: psycopg.Cursor[Any], table: str, codes: list[str]) -> int:
    cursor.execute(f"DELETE FROM ioc.{table} WHERE code <> ALL (%s)".encode(), (codes,))  # noqa: S608
    return max(cursor.rowcount, 0)
