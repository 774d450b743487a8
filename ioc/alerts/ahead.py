"""What is known to begin later: when it is noted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ioc.alerts.conditions import Found

#: A situation is noted as a signal this long before it begins; what lies further ahead is found by the evaluator's
#: sweep in time. So a dossier that is due in three weeks costs its partition nothing.
AHEAD: Final = timedelta(hours=1)


def near(found: Found, now: datetime) -> Found:
    """The same, less what lies too far ahead to be noted."""
    if found.holds and found.since is not None and found.since > now + AHEAD:
        return replace(found, holds=False, since=None, until=None)
    return found
