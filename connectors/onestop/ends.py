"""What an end date means: the portal's views have one (``NgayKetThucXuLy``) for each way in which a dossier ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ioc.dossiers.reducer import Group, group_of


@dataclass(frozen=True)
class Ends:
    """How a dossier ended, as far as its status allows."""

    rejected_at: datetime | None
    completed_at: datetime | None
    returned_at: datetime | None
    withdrawn_at: datetime | None


def ends_of(
    status: int | None, *, ended: datetime | None, returned: datetime | None, rejected: datetime | None
) -> Ends:
    """Tell by the status what the dates of a view mean.

    With a status that says "done", with an unknown one and without one an end is a completion; with "withdrawn" it is
    the withdrawal; with one that says "in hand" it means nothing. A refusal counts where the dossier was never
    accepted, or nothing is known.
    """
    group = None if status is None else group_of(status)
    closed = group in (None, Group.DONE, Group.OTHER)
    return Ends(
        rejected_at=rejected if group in (None, Group.NEVER_ACCEPTED) else None,
        completed_at=ended if closed else None,
        returned_at=returned if closed else None,
        withdrawn_at=ended if group is Group.WITHDRAWN else None,
    )
