"""Errors of questions about indicators. Each has the name that the API gives it in its problem documents."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ioc.errors import UsageError


class KpiError(UsageError):
    """A question about an indicator can't be answered as it was put."""

    slug = "bad-question"
    status = 422


class UnknownKpiError(KpiError):
    """There is no indicator with this id."""

    slug = "unknown-kpi"
    status = 404

    def __init__(self, kpi_id: str, known: Iterable[str]) -> None:
        candidates = tuple(known)
        near = difflib.get_close_matches(kpi_id, candidates, n=3, cutoff=0.5)
        if not near:
            word = kpi_id.rsplit(".", 1)[-1]
            near = [known_id for known_id in candidates if word and word in known_id][:3]
        remedy = f"Did you mean {' or '.join(near)}?" if near else "ioc kpi list shows all of them."
        super().__init__(f"There is no indicator {kpi_id!r}.", remedy=remedy)


class UnknownUnitError(KpiError):
    """There is no such unit, or this reader may not know of it; the two can't be told apart."""

    slug = "unknown-unit"
    status = 404


class BadQuestionError(KpiError):
    """A range, bucket, dimension or moment makes no sense."""


class TooManyPointsError(KpiError):
    """The answer would hold more points than are given at once."""

    slug = "too-many-points"


class TooSlowError(KpiError):
    """The database took longer over the question than is allowed."""

    slug = "too-slow"
    status = 503
    exit_code = 4
