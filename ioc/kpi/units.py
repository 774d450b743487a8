"""Units of any day: what the API and the command line both say of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from ioc.kpi.errors import BadQuestionError

#: Units that a reader may ask about; ``reader`` is his name, ``day`` a date or null for units of all days.
UNITS: Final = """
SELECT u.code, u.name_vi, u.name_en, u.kind, u.parent_code, u.time_zone, u.valid_from, u.valid_to, u.declared,
       u.predecessors, u.successors, u.groups, u.phone, u.contact
FROM ioc.reader_unit u
WHERE u.reader = %(reader)s
  AND (%(day)s::date IS NULL OR (coalesce(u.valid_from <= %(day)s, true) AND coalesce(%(day)s < u.valid_to, true)))
ORDER BY u.code
"""


def read_day(text: str, *, what: str = "at") -> date:
    """Read a day, such as 2025-06-30.

    :raises BadQuestionError: the text is none.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadQuestionError(f"{text!r} of {what} is no day.", remedy="Write it as 2025-06-30.") from None


def units_document(day: date | None, rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Return the rows of :data:`UNITS` as both surfaces give them.

    :param day: the day that was asked for, None for all.
    """
    return {
        "at": None if day is None else day.isoformat(),
        "units": [
            {
                "code": code,
                "name": {"vi": name_vi, "en": name_en},
                "kind": kind,
                "parent": parent,
                "time_zone": zone,
                "valid_from": start and start.isoformat(),
                "valid_to": end and end.isoformat(),
                "declared": declared,
                "predecessors": predecessors,
                "successors": successors,
                "groups": [part for part in groups if day is None or _holds_on(part, day)],
                "phone": phone,
                "contact": contact,
            }
            for (
                code,
                name_vi,
                name_en,
                kind,
                parent,
                zone,
                start,
                end,
                declared,
                predecessors,
                successors,
                groups,
                phone,
                contact,
            ) in rows
        ],
    }


def _holds_on(part: dict[str, Any], day: date) -> bool:
    start, end = part["from"], part["to"]
    return (start is None or start <= day.isoformat()) and (end is None or day.isoformat() < end)
