"""Rosters and people as each pack gave them, kept for the time in which they held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import msgspec

from ioc.district.worktime import stored_calendar
from ioc.duty.model import Change, Edition, Person, Plan, Roster

#: The newest edition and those between two instants, the first for all time before; rosters are the reader's.
EDITIONS: Final = """
WITH edition AS (
    SELECT *, lag(since) OVER w AS before, lead(since) OVER w AS until
      FROM ioc.duty_edition WINDOW w AS (ORDER BY since)
)
SELECT since, time_zone, working_time::text, people::text,
       (SELECT coalesce(jsonb_agg(one ORDER BY place), '[]')::text
          FROM jsonb_array_elements(rosters) WITH ORDINALITY AS r (one, place)
         WHERE one ->> 'unit' IN (SELECT s.code FROM ioc.unit_scope(%s, NULL) s))
  FROM edition
 WHERE until IS NULL OR ((%s::timestamptz IS NULL OR until > %s)
                         AND (%s::timestamptz IS NULL OR before IS NULL OR since < %s))
 ORDER BY since
"""
#: Codes of every roster that a reader may see, or might while it was there.
EVER: Final = """
SELECT DISTINCT one -> 'roster' ->> 'code' FROM ioc.duty_edition, jsonb_array_elements(rosters) AS r (one)
 WHERE one ->> 'unit' IN (SELECT s.code FROM ioc.unit_scope(%s, NULL) s)
"""


class Stored(msgspec.Struct, frozen=True):
    """A roster, and the unit whose readers may ask for it."""

    unit: str
    roster: Roster


class StoredPerson(msgspec.Struct, frozen=True):
    """What decides whether somebody can be on duty; names are kept apart."""

    code: str
    unit: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


def plain(roster: Roster) -> Roster:
    """The roster without where it stood in its file."""
    return replace(roster, line=0, rotations=tuple(replace(r, line=0) for r in roster.rotations))


def assemble(
    rows: Sequence[Sequence[Any]], names: Mapping[str, tuple[str, str]], changes: Sequence[Change]
) -> Plan:
    """The plan of editions, as :data:`EDITIONS` gives them, and changes.

    :param names: code → name and title; who is gone from the pack goes by the code.
    """
    editions = [_edition(row, names) for row in rows]
    if not editions:
        return Plan((), {}, changes, stored_calendar("Asia/Ho_Chi_Minh", None))
    newest = editions[-1]
    return Plan(
        newest.rosters,
        newest.people,
        changes,
        newest.calendar,
        newest.since if len(editions) > 1 else None,
        tuple(editions[:-1]),
    )


def _edition(row: Sequence[Any], names: Mapping[str, tuple[str, str]]) -> Edition:
    since, zone, working, people, rosters = row
    return Edition(
        since,
        tuple(stored.roster for stored in msgspec.json.decode(rosters, type=list[Stored])),
        dict(_people(msgspec.json.decode(people, type=list[StoredPerson]), names)),
        stored_calendar(zone, working),
    )


def _people(
    stored: Sequence[StoredPerson], names: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[str, Person]]:
    for one in stored:
        name, title = names.get(one.code, (one.code, ""))
        yield one.code, Person(one.code, name, title, one.unit, one.valid_from, one.valid_to)
