"""Figures of a whole period as one bucket: what a report says of a week, and the history page above its chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ioc.kpi.query import Steps

_SPAN: Final = "SELECT kpi, unit, value, numerator, denominator FROM ioc.kpi_span(%s, %s, %s, %s, %s)"


class Whole(NamedTuple):
    """One figure of a whole period; None is unknown."""

    value: float | None
    numerator: float | None
    denominator: float | None


Wholes = Mapping[tuple[str, str | None], Whole]


def wholes(
    reader: str, kpis: Sequence[str], units: Sequence[str | None], start: datetime, end: datetime
) -> Steps[Wholes]:
    """Steps to the figures of some indicators for some units (None: the reader's whole scope), by both.

    Unlike a sum over buckets it is right for quantiles; gauges are read just before the end.

    :raises KpiError: there is no such unit, or the question is too large.
    """
    rows = yield _SPAN, (reader, list(kpis), list(units), start, end)
    return {(kpi, unit): Whole(*values) for kpi, unit, *values in rows}
