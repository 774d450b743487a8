"""Moments as people write them, within years that a roster can be asked about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from ioc.duty.errors import DutyError
from ioc.kpi.question import read_moment

_YEARS: Final = range(1990, 2200)


def written(text: str, zone: ZoneInfo, *, what: str) -> datetime:
    """The instant, in UTC, that somebody wrote: a date or time, without an offset in ``zone``.

    :raises KpiError: it is neither, or too far away.
    """
    found = read_moment(text, zone, what=what)
    if found.year not in _YEARS:
        raise DutyError(
            f"{text!r} of {what} is too far away.", remedy=f"Years go from {_YEARS[0]} to {_YEARS[-1]}."
        )
    return found.astimezone(UTC)
