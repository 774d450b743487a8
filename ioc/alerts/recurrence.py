"""Times that come again: a part of RFC 5545's recurrence rules, by the wall clock of a zone.

Every occurrence begins at the same local time, whatever the zone's offset is on that day: one that would begin in an
hour that is left out begins as much later as is left out, and of an hour that comes twice the first counts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from ioc.alerts.errors import AlertError

_LONGEST: Final = 500
_MOST: Final = {"INTERVAL": 366, "COUNT": 10_000}
_DAY: Final = "(MO|TU|WE|TH|FR|SA|SU)"


def _list(one: str) -> str:
    return f"{one}(,{one})*"


_PARTS: Final = {
    "INTERVAL": r"\d{1,3}",
    "COUNT": r"\d{1,5}",
    "UNTIL": r"\d{8}(T\d{6}Z?)?",
    "WKST": _DAY,
    "BYDAY": _list(rf"([+-]?([1-9]|[1-4]\d|5[0-3]))?{_DAY}"),
    "BYMONTHDAY": _list(r"[+-]?([1-9]|[12]\d|3[01])"),
    "BYMONTH": _list(r"([1-9]|1[0-2])"),
    "BYSETPOS": _list(r"[+-]?[1-5]"),
}
_COMMON: Final = {"INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH"}
_OF: Final = {
    "DAILY": _COMMON,
    "WEEKLY": _COMMON,
    "MONTHLY": set(_PARTS),
    "YEARLY": set(_PARTS),
}
_EXAMPLES: Final = "Write FREQ=WEEKLY;BYDAY=SU or FREQ=MONTHLY;BYMONTHDAY=-1, as RFC 5545 has it."
#: No zone's clock was ever put on or back by more.
_SLACK: Final = timedelta(days=2)


def read(text: str, start: datetime, zone: ZoneInfo) -> str:
    """Return a rule in the form in which it is kept.

    :param start: the first moment at which an occurrence may begin; its local time is that of all of them.
    :raises AlertError: it is no rule, asks for what is not taken here, or never comes.
    """
    rule = text.strip().upper().removeprefix("RRULE:")
    if len(rule) > _LONGEST:
        raise AlertError(
            f"The recurrence has {len(rule)} characters, more than {_LONGEST}.", remedy=_EXAMPLES
        )
    parts = _parts(rule)
    frequency = parts["FREQ"]
    if "COUNT" in parts and "UNTIL" in parts:
        raise AlertError("The recurrence has both COUNT and UNTIL.", remedy="Leave one of them out.")
    _check_combination(frequency, parts)
    if "UNTIL" in parts:
        parts["UNTIL"] = _local_until(parts["UNTIL"], zone)
    kept = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        first = _occurrences(kept, _local(start, zone)).after(_local(start, zone), inc=True)
    except (ValueError, OverflowError) as error:
        raise AlertError(f"The recurrence can't be read: {error}.", remedy=_EXAMPLES) from None
    if first is None:
        raise AlertError("The recurrence never comes.", remedy="Look at its days, and at its end.")
    return kept


def begins(rule: str, start: datetime, zone: ZoneInfo, low: datetime, high: datetime) -> list[datetime]:
    """The begins of occurrences from ``low`` on and before ``high``, in UTC.

    :param rule: as :func:`read` gave it.
    """
    found = _occurrences(rule, _local(start, zone)).between(
        _local(low, zone) - _SLACK, _local(high, zone) + _SLACK, inc=True
    )
    moments = (local.replace(tzinfo=zone).astimezone(UTC) for local in found)
    return [moment for moment in moments if low <= moment < high]


def next_begin(rule: str, start: datetime, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The first begin from ``now`` on; None where there is none any more."""
    local = _local(now, zone) - _SLACK
    occurrences = _occurrences(rule, _local(start, zone))
    while (found := occurrences.after(local)) is not None:
        moment: datetime = found.replace(tzinfo=zone).astimezone(UTC)
        if moment >= now:
            return moment
        local = found
    return None


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=256)
def _occurrences(rule: str, start: datetime) -> rrule:
    """Occurrences by the wall clock; those that were counted out once are remembered."""
    found = rrulestr(rule, dtstart=start, cache=True)
    if not isinstance(found, rrule):
        raise ValueError("more than one rule")
    return found


def _parts(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, equals, value = part.partition("=")
        if not equals or name in parts:
            raise AlertError(
                f"{part[:40]!r} is no part of a recurrence, or is given twice.", remedy=_EXAMPLES
            )
        parts[name] = value
    frequency = parts.get("FREQ")
    if frequency not in _OF:
        raise AlertError(
            f"The recurrence comes {frequency or 'without FREQ'}; that is not taken.",
            remedy=f"FREQ is one of {', '.join(_OF)}. {_EXAMPLES}",
        )
    for name, value in parts.items():
        if name == "FREQ":
            continue
        if name not in _OF[frequency]:
            raise AlertError(
                f"{name[:40]} does not go with FREQ={frequency} here.",
                remedy=f"What goes with it: {', '.join(sorted(_OF[frequency]))}.",
            )
        if not re.fullmatch(_PARTS[name], value) or (name in _MOST and not 1 <= int(value) <= _MOST[name]):
            raise AlertError(f"{value[:40]!r} can't be {name} of a recurrence.", remedy=_EXAMPLES)
    return parts


def _check_combination(frequency: str, parts: dict[str, str]) -> None:
    """Refuse what the standard leaves unclear, and what a search for the next day might look for in vain for long."""
    counted = any(re.search(r"\d", day) for day in parts.get("BYDAY", "").split(","))
    interval = int(parts.get("INTERVAL", "1"))
    wrong = None
    if counted and frequency in ("DAILY", "WEEKLY"):
        wrong = f"Numbered days of BYDAY do not go with FREQ={frequency}."
    elif counted and ("BYMONTHDAY" in parts or "BYSETPOS" in parts):
        wrong = "Numbered days of BYDAY do not go with BYMONTHDAY and BYSETPOS."
    elif "BYSETPOS" in parts and ("BYDAY" not in parts or "BYMONTHDAY" in parts):
        wrong = "BYSETPOS needs BYDAY, and no BYMONTHDAY."
    elif interval > 1 and frequency == "DAILY" and ("BYDAY" in parts or "BYMONTH" in parts):
        wrong = "INTERVAL does not go with BYDAY and BYMONTH of FREQ=DAILY: use WEEKLY or YEARLY."
    elif interval > 1 and frequency == "MONTHLY" and "BYMONTH" in parts:
        wrong = "INTERVAL does not go with BYMONTH of FREQ=MONTHLY: use YEARLY."
    if wrong is not None:
        raise AlertError(wrong, remedy=_EXAMPLES)


def _local_until(text: str, zone: ZoneInfo) -> str:
    """The end by the wall clock of the zone; a bare day counts to its end."""
    try:
        if "T" not in text:
            datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 - a day of the zone
            return f"{text}T235959"
        moment = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - see below
        if text.endswith("Z"):
            moment = _local(moment.replace(tzinfo=UTC), zone)
    except (ValueError, OverflowError):
        raise AlertError(
            f"{text!r} can't be UNTIL of a recurrence.", remedy="Write UNTIL=20271231."
        ) from None
    return f"{moment:%Y%m%dT%H%M%S}"
