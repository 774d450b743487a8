"""The parameters that ask for series: the same for one, for several, and for a file of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from ioc.kpi.question import Asked

Ids = Annotated[
    str, Query(description="Indicators, separated by commas.", examples=["dossier.received,dossier.open"])
]
Units = Annotated[
    str | None, Query(description="Units, separated by commas; without it, the reader's whole scope.")
]
_Period = Annotated[
    str | None,
    Query(
        description="Instead of from and to: today, yesterday, this-week, last-week, likewise month, quarter and year; "
        "last-N-days, last-N-months.",
        examples=["last-month"],
    ),
]
_From = Annotated[
    str | None,
    Query(
        alias="from",
        description="Start, included: date or time, in the unit's zone without an offset.",
        examples=["2026-10-01"],
    ),
]
_To = Annotated[str | None, Query(alias="to", description="End, not included; without it, now.")]
_Bucket = Annotated[
    str | None,
    Query(description="1min, 15min, 1h, 1d or 1mo; without it 1d, of `index766.*` 1mo.", examples=["1d"]),
]
_By = Annotated[str | None, Query(description="Dimension to split by.", examples=["channel"])]
_Where = Annotated[
    list[str] | None, Query(description="DIM=VALUE; may be repeated.", examples=[["channel=online"]])
]
_AsOf = Annotated[
    str | None, Query(description="As known at this moment; of devices while samples are kept.")
]
Areas = Annotated[
    str | None,
    Query(
        description="as_was (also without it): figures of units as they were at the time. remapped: of the areas of "
        "today's units, continued backwards through the units that they came from; a share of a unit is an estimate."
    ),
]


def wanted_series(
    period: _Period = None,
    start: _From = None,
    end: _To = None,
    bucket: _Bucket = None,
    by: _By = None,
    where: _Where = None,
    as_of: _AsOf = None,
    areas: Areas = None,
) -> Asked:
    """Return what a request asks for, unread; of which unit is the route's own parameter."""
    return Asked(
        period=period,
        start=start,
        end=end,
        bucket=bucket,
        by=by,
        where=tuple(where or ()),
        as_of=as_of,
        areas=areas,
    )


WantedSeries = Annotated[Asked, Depends(wanted_series)]
