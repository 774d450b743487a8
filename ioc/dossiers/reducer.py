"""From a dossier's facts to what is known of it.

Pure, and independent of the order in which facts arrive: facts are put in order of ``(time, sequence, id)``
first. Status groups follow the national portal's codes as seen in practice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TypeAlias

from ioc.events import (
    Applicant,
    Channel,
    DossierApology,
    DossierMerge,
    DossierPayment,
    DossierProgress,
    DossierRating,
    DossierRecord,
    DossierSupplement,
)

FactData: TypeAlias = (
    DossierRecord
    | DossierProgress
    | DossierApology
    | DossierRating
    | DossierPayment
    | DossierSupplement
    | DossierMerge
)

_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Group(Enum):
    """What a status code means for the clock and the totals."""

    NEVER_ACCEPTED = "never accepted"
    ACTIVE = "active"
    SUPPLEMENT = "supplement"
    PAUSED = "paused"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    OTHER = "other"


_GROUPS = {
    1: Group.NEVER_ACCEPTED,
    2: Group.ACTIVE,
    3: Group.NEVER_ACCEPTED,
    4: Group.ACTIVE,
    5: Group.SUPPLEMENT,
    6: Group.PAUSED,
    7: Group.WITHDRAWN,
    8: Group.PAUSED,
    9: Group.DONE,
    10: Group.DONE,
}


_REJECTED, _IN_PROGRESS, _SUPPLEMENT_ASKED, _RETURNED = 3, 4, 5, 10


def group_of(status: int) -> Group:
    """Return the group of a status code; codes that nobody has explained keep the dossier in hand."""
    return _GROUPS.get(status, Group.OTHER)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about one dossier."""

    time: datetime
    sequence: str
    id: str
    recorded_at: datetime
    data: FactData
    source: str = ""


def order(fact: Fact) -> tuple[datetime, str, str, str]:
    """Key that puts a dossier's facts in order; the source only tells apart what has the same id by chance."""
    return (fact.time, fact.sequence, fact.id, fact.source)


@dataclass(slots=True)
class Dossier:
    """What is known of a dossier. Absent values are unknown."""

    unit: str | None = None
    channel: Channel | None = None
    field: str | None = None
    procedure: str | None = None
    status: int | None = None
    step: str | None = None
    """Where the dossier stands: the step, or the department that has it."""
    role: str | None = None
    """Position of whoever has it."""
    handler: str | None = None
    """Pseudonym of whoever has it."""
    received_at: datetime | None = None
    completed_at: datetime | None = None
    withdrawn_at: datetime | None = None
    newest_fact: datetime | None = None
    submitted_at: datetime | None = None
    rejected_at: datetime | None = None
    returned_at: datetime | None = None
    applicant: Applicant | None = None
    service_level: int | None = None
    fee_vnd: int | None = None
    payable_online: bool | None = None
    paid_online: bool | None = None
    digitised: bool | None = None
    reused: bool | None = None
    from_store: bool | None = None
    result_digital: bool | None = None
    aliases: set[str] = dataclasses.field(default_factory=set)
    merged_into: str | None = None
    """The code under which this dossier counts, when it is not its own."""
    rating: tuple[datetime, bool, int | None] | None = None
    """The newest rating: when, satisfied or not, score."""
    #: Amount in đồng of each payment, by its source, and its key or (where it has none) its fact.
    payments: dict[tuple[str, bool, str], int] = dataclasses.field(default_factory=dict)
    #: Letters of apology: when, and the date that they promise.
    apologies: list[tuple[datetime, datetime | None]] = dataclasses.field(default_factory=list)
    #: Due dates, each from when it was in force; the first one always.
    due: list[tuple[datetime, datetime]] = dataclasses.field(default_factory=list)
    #: Status codes, each from when it was reached.
    statuses: list[tuple[datetime, int]] = dataclasses.field(default_factory=list)

    @property
    def due_at(self) -> datetime | None:
        """The due date in force."""
        return self.due[-1][1] if self.due else None

    @property
    def original_due_at(self) -> datetime | None:
        return self.due[0][1] if self.due else None

    @property
    def accepted_at(self) -> datetime | None:
        """When the dossier was accepted; None as long as it is not, or was refused."""
        if self.status is not None and group_of(self.status) is Group.NEVER_ACCEPTED:
            return None
        if self.status is None and self.rejected_at is not None:
            return None
        if self.received_at is not None:
            return self.received_at
        return next((at for at, code in self.statuses if group_of(code) is not Group.NEVER_ACCEPTED), None)

    @property
    def ended_at(self) -> datetime | None:
        """When the dossier left the agency's hands: completed or withdrawn, whichever came first."""
        return min((at for at in (self.completed_at, self.withdrawn_at) if at is not None), default=None)

    @property
    def paid_vnd(self) -> int | None:
        """What was paid in all; None when no payment is known."""
        return sum(self.payments.values()) if self.payments else None

    @property
    def fee_due(self) -> bool | None:
        """Whether anything is to be paid for the dossier; None while no source tells."""
        if self.fee_vnd or self.paid_vnd or self.paid_online or self.payable_online:
            return True
        return False if self.fee_vnd == 0 else None


def reduce(facts: Iterable[Fact]) -> Dossier:
    """Return what the facts say together."""
    dossier = Dossier()
    for fact in sorted(facts, key=order):
        advance(dossier, fact)
    return dossier


def advance(dossier: Dossier, fact: Fact) -> None:
    """Take in a fact that comes after all that were taken in before, by :func:`order`."""
    dossier.newest_fact = fact.time
    match fact.data:
        case DossierRecord():
            _take_record(dossier, fact.time, fact.data)
        case DossierProgress():
            _take_progress(dossier, fact.time, fact.data)
        case DossierSupplement():
            _take_supplement(dossier, fact.time, fact.data)
        case DossierPayment():
            _take_payment(dossier, fact, fact.data)
        case DossierApology():
            dossier.apologies.append((fact.time, fact.data.new_due_at))
        case DossierRating():
            dossier.rating = (fact.time, fact.data.satisfied, fact.data.score)
        case DossierMerge():
            dossier.merged_into = fact.data.into
    dossier.unit = dossier.unit or fact.data.unit


#: Of these the last one that is said stands.
_PLAIN = (
    "channel",
    "field",
    "procedure",
    "applicant",
    "service_level",
    "submitted_at",
    "received_at",
    "fee_vnd",
    "payable_online",
    "paid_online",
    "digitised",
    "reused",
    "from_store",
    "result_digital",
)
_ENDS = ("completed_at", "returned_at", "withdrawn_at", "rejected_at")


def _take_record(dossier: Dossier, time: datetime, record: DossierRecord) -> None:
    dossier.unit = record.unit
    dossier.aliases.update(record.aliases)
    for name in _PLAIN:
        said = getattr(record, name)
        if said is not None:
            setattr(dossier, name, said)
    _set_due(dossier, time, record.due_at)
    group = None if record.status is None else group_of(record.status)
    completed_at = record.completed_at
    if group not in (Group.WITHDRAWN, Group.NEVER_ACCEPTED):
        # what was handed over was done by then
        completed_at = completed_at or record.returned_at
    if group in (Group.ACTIVE, Group.SUPPLEMENT, Group.PAUSED) and completed_at is None:
        # The source's whole view says that the dossier is in hand: an end asserted before was a mistake.
        for name in _ENDS:
            setattr(dossier, name, None)
    dossier.completed_at = completed_at or dossier.completed_at
    dossier.returned_at = record.returned_at or dossier.returned_at
    dossier.withdrawn_at = record.withdrawn_at or dossier.withdrawn_at
    dossier.rejected_at = record.rejected_at or dossier.rejected_at
    _set_status(dossier, time, record.status)


def _take_progress(dossier: Dossier, time: datetime, progress: DossierProgress) -> None:
    if progress.step is not None or progress.role is not None or progress.handler is not None:
        # it went on to somebody: what is not said of him is not known of the one before either
        dossier.step = progress.step if progress.step is not None else dossier.step
        dossier.role, dossier.handler = progress.role, progress.handler
    _set_due(dossier, time, progress.due_at)
    _set_status(dossier, time, progress.status)


def _take_supplement(dossier: Dossier, time: datetime, supplement: DossierSupplement) -> None:
    old, new = supplement.old_due_at, supplement.new_due_at
    if old is not None and not dossier.due:
        dossier.due.append((_ALWAYS, old))
    elif old is not None and new is not None:
        # A view without a change time stands before this and holds the newest due date already.
        dossier.due[-1] = (dossier.due[-1][0], old)
    _set_due(dossier, time, new)
    if not supplement.received:
        _set_status(dossier, time, _SUPPLEMENT_ASKED)
    elif dossier.status == _SUPPLEMENT_ASKED:
        _set_status(dossier, time, _IN_PROGRESS)


def _take_payment(dossier: Dossier, fact: Fact, payment: DossierPayment) -> None:
    key = (fact.source, payment.payment is not None, payment.payment or fact.id)
    dossier.payments[key] = payment.amount_vnd
    if payment.online or (payment.online is False and dossier.paid_online is None):
        dossier.paid_online = payment.online


def _set_status(dossier: Dossier, time: datetime, status: int | None) -> None:
    if status is None:
        return
    if status != dossier.status:
        dossier.statuses.append((time, status))
        dossier.status = status
    group = group_of(status)
    if group is Group.DONE and dossier.completed_at is None:
        dossier.completed_at = time
    elif group is Group.WITHDRAWN and dossier.withdrawn_at is None and dossier.completed_at is None:
        dossier.withdrawn_at = time
    if status == _REJECTED:
        dossier.rejected_at = dossier.rejected_at or time
    elif status == _RETURNED:
        dossier.returned_at = dossier.returned_at or time


def _set_due(dossier: Dossier, time: datetime, due_at: datetime | None) -> None:
    if due_at is None or due_at == dossier.due_at:
        return
    dossier.due.append((time if dossier.due else _ALWAYS, due_at))
