"""Dossiers of April 2024 with facts of every kind, and what is kept where of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.events import (
    Applicant,
    Channel,
    DossierApologised,
    DossierApology,
    DossierMerge,
    DossierMerged,
    DossierPaid,
    DossierPayment,
    DossierProgress,
    DossierProgressed,
    DossierRated,
    DossierRating,
    DossierRecord,
    DossierRecorded,
    DossierSupplement,
    DossierSupplemented,
)

BEGIN = datetime(2024, 4, 1, 2, tzinfo=UTC)
#: The dossier that is erased, its code in the national portal, and one that turned out to be a second code of it.
CODE, PORTAL, SECOND = "H53.12-240401-0007", "000.00.12-0007", "H53.12-240401-0099"


def of(kind: Any, code: str, hours: float, data: Any, mark: str = "") -> Any:
    """An event so many hours after the beginning."""
    return kind(
        specversion="1.0",
        id=f"{code}/{hours}/{mark}",
        source="//onestop",
        subject=code,
        time=BEGIN + timedelta(hours=hours),
        data=data,
    )


def dossier(code: str, start: float, *, days: float | None, aliases: tuple[str, ...] = ()) -> list[Any]:
    """A dossier that is due after a day, completed after some days, and late where these are more than one."""
    at = BEGIN + timedelta(hours=start)
    record = DossierRecord(
        unit="u1",
        aliases=aliases,
        channel=Channel.ONLINE,
        field="land",
        procedure="1.0001",
        applicant=Applicant.PERSON,
        status=2,
        received_at=at,
        due_at=at + timedelta(days=1),
        fee_vnd=50_000,
        payable_online=True,
        digitised=True,
    )
    found = [
        of(DossierRecorded, code, start, record),
        of(
            DossierProgressed,
            code,
            start + 1,
            DossierProgress(unit="u1", status=4, step="land desk", handler="0123456789abcdef"),
        ),
        of(
            DossierPaid,
            code,
            start + 2,
            DossierPayment(unit="u1", amount_vnd=20_000, online=True, payment="R1"),
        ),
        of(
            DossierPaid,
            code,
            start + 3,
            DossierPayment(unit="u1", amount_vnd=30_000, online=True, payment="R1"),
        ),
        of(DossierPaid, code, start + 3, DossierPayment(unit="u1", amount_vnd=5_000), "other"),
        of(DossierSupplemented, code, start + 4, DossierSupplement(unit="u1", received=False)),
        of(DossierSupplemented, code, start + 5, DossierSupplement(unit="u1", received=True)),
    ]
    if days is None:
        return found
    end = start + days * 24
    if days > 1:
        promise = DossierApology(unit="u1", reason="R-2", new_due_at=at + timedelta(days=days + 1))
        found.append(of(DossierApologised, code, start + 30, promise))
    return [
        *found,
        of(DossierProgressed, code, end, DossierProgress(unit="u1", status=9)),
        of(DossierRated, code, end + 1, DossierRating(unit="u1", satisfied=days <= 1, score=80)),
    ]


def all_events() -> list[Any]:
    """Some dossiers, one of them with a second code and a merged one, one still in hand."""
    found: list[Any] = []
    for n in range(12):
        found += dossier(f"H53.12-240402-{n:04d}", 10 + n * 3, days=0.5 + n % 3)
    found += dossier(CODE, 5, days=3, aliases=(PORTAL,))
    found += dossier(SECOND, 8, days=1)
    found.append(of(DossierMerged, SECOND, 90, DossierMerge(unit="u1", into=CODE)))
    found += dossier("H53.12-240403-0001", 60, days=None)
    return found


def batches(events: Sequence[Any], size: int = 7) -> list[Sequence[Any]]:
    return [events[start : start + size] for start in range(0, len(events), size)]
