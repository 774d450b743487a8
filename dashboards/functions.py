"""The functions of ``ioc_board`` that queries may call, and which of them are asked about a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Whether a function takes the time that is shown: both of its ends, or, of the index, its end alone.
BOTH_ENDS: Final = frozenset({"$__timeFrom()", "$__timeTo()"})
ITS_END: Final = frozenset({"$__timeTo()"})
ANY_TIME: Final[frozenset[str]] = frozenset()

FUNCTIONS: Final[Mapping[str, frozenset[str]]] = {
    "alert_counts": ANY_TIME,
    "alert_marks": BOTH_ENDS,
    "alerts": ANY_TIME,
    "alerts_opened": BOTH_ENDS,
    "connectors": ANY_TIME,
    "day_marks": BOTH_ENDS,
    "device_states": BOTH_ENDS,
    "devices": ANY_TIME,
    "duty_notices": BOTH_ENDS,
    "index766": ITS_END,
    "index766_losses": ITS_END,
    "kpi_before": BOTH_ENDS,
    "kpi_now": ANY_TIME,
    "kpi_parts": ANY_TIME,
    "kpi_series": BOTH_ENDS,
    "kpi_target": BOTH_ENDS,
    "kpi_units": ANY_TIME,
    "messages": BOTH_ENDS,
    "partitions": ANY_TIME,
    "points": ANY_TIME,
    "processes": ANY_TIME,
    "readings": ANY_TIME,
    "rosters": ANY_TIME,
    "units": ANY_TIME,
}
