"""Dossiers with known facts in the ledger, and the index's live components once more in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from ioc.district.worktime import WorkCalendar
from ioc.dossiers.ledger import entries
from ioc.dossiers.reducer import Dossier, Fact, reduce
from ioc.events import Channel, DossierRecord
from tests.integration import kpi_data

Connection = psycopg.Connection[Any]
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = WorkCalendar(holidays_of=None)


@dataclass(frozen=True)
class Case:
    """A dossier: its code, and what is said of it at which moments."""

    code: str
    said: Sequence[tuple[datetime, DossierRecord]]
    learned: Mapping[int, datetime] = field(default_factory=dict, hash=False)

    @property
    def facts(self) -> list[Fact]:
        return [
            Fact(at, "", f"{self.code}-{n}", self.learned.get(n, at), record)
            for n, (at, record) in enumerate(self.said)
        ]


def empty(connection: Connection) -> None:
    connection.execute("DELETE FROM ioc.index766_fact")
    connection.execute("DELETE FROM ioc.dossier")
    kpi_data.empty(connection)


def add_cases(connection: Connection, cases: Sequence[Case]) -> None:
    """Write the ledger and the projection as the sink does."""
    series: dict[Any, int] = {}
    rows: list[tuple[object, ...]] = []
    for case in cases:
        dossier = reduce(case.facts)
        dossier_id = _one(
            connection,
            "INSERT INTO ioc.dossier (code, unit_id, due_at, recorded_at, received_at, completed_at, withdrawn_at,"
            " field, procedure)"
            " SELECT %s, unit_id, %s, %s, %s, %s, %s, %s, %s FROM ioc.unit WHERE code = %s RETURNING dossier_id",
            (
                case.code,
                dossier.due_at,
                max(f.recorded_at for f in case.facts),
                dossier.accepted_at,
                dossier.completed_at,
                dossier.withdrawn_at,
                dossier.field,
                dossier.procedure,
                dossier.unit,
            ),
        )
        for entry in entries(case.facts, lambda _: CALENDAR):
            of = entry.series
            if of not in series:
                series[of] = _one(
                    connection,
                    "INSERT INTO ioc.dossier_series (unit_id, channel, field, procedure)"
                    " SELECT unit_id, %s, %s, %s FROM ioc.unit WHERE code = %s RETURNING series_id",
                    (of.channel, of.field, of.procedure, of.unit),
                )
            sign = 1 if entry.delta > 0 else -1
            row = (
                dossier_id,
                series[of],
                int(entry.measure),
                entry.amount,
                sign,
                entry.effective_at,
                entry.recorded_at,
            )
            rows += [row] * abs(entry.delta)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ioc.dossier_ledger (dossier_id, series_id, measure, amount, delta, effective_at, recorded_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            rows,
        )


def _one(connection: Connection, statement: str, parameters: tuple[object, ...]) -> int:
    row = connection.execute(statement.encode(), parameters).fetchone()
    assert row is not None
    return int(row[0])


def live_shares(
    dossiers: Sequence[Dossier], start: datetime, end: datetime
) -> dict[str, tuple[float | None, float]]:
    """Numerator and denominator of each live component of a month, counted dossier by dossier."""
    accepted = [d for d in dossiers if d.accepted_at is not None and d.merged_into is None]
    received = [d for d in accepted if start <= _at(d.accepted_at) < end]
    completed = [
        d
        for d in accepted
        if d.completed_at is not None and d.completed_at == d.ended_at and start <= d.completed_at < end
    ]
    carried = [
        d for d in accepted
        if _at(d.accepted_at) < start and (d.ended_at is None or max(d.ended_at, _at(d.accepted_at)) >= start)
    ]  # fmt: skip
    late = [d for d in [*completed, *carried, *received] if _late(d, start, end)]
    handled = len(received) + len(carried)
    fee = [d for d in received if d.fee_due]
    fee_procedures = {d.procedure for d in fee if d.procedure}
    told = any(d.paid_online is not None for d in received)
    paid_procedures = {d.procedure for d in received if d.paid_online and d.procedure}
    procedures_told = any(d.paid_online is not None and d.procedure in fee_procedures for d in received)
    return {
        "progress.on_time": (max(handled - len({id(d) for d in late}), 0), handled),
        "online_services.dossiers": (sum(d.channel is Channel.ONLINE for d in received), len(received)),
        "online_payment.dossiers": (
            sum(bool(d.paid_online) for d in received) if told or not fee else None,
            len(fee),
        ),
        "online_payment.procedures": (
            len(paid_procedures) if procedures_told and fee_procedures else None,
            len(fee_procedures),
        ),
        "digitisation.e_result": _marked(completed, "result_digital"),
        "digitisation.digitised": _marked(received, "digitised"),
        "digitisation.reused": _marked(received, "reused"),
    }


def late_in(dossiers: Mapping[str, Dossier], start: datetime, end: datetime) -> Counter[str]:
    return Counter(code for code, d in dossiers.items() if d.accepted_at is not None and _late(d, start, end))


def _at(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


def _late(dossier: Dossier, start: datetime, end: datetime) -> bool:
    due, done = dossier.due_at, dossier.ended_at
    if due is None or _at(dossier.accepted_at) >= end:
        return False
    if done is not None and done < end:
        return done >= start and done == dossier.completed_at and _day(done) > _day(due)
    return _day(end - timedelta(microseconds=1)) > _day(due)  # as it stands when the month's last day ends


def _day(moment: datetime) -> Any:
    return moment.astimezone(ZONE).date()


def _marked(among: Sequence[Dossier], mark: str) -> tuple[float | None, float]:
    said = [getattr(d, mark) for d in among]
    return (sum(bool(s) for s in said) if not among or any(s is not None for s in said) else None, len(among))
