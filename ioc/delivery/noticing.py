"""Puts what people are to be told of duty into the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from ioc.alerts.model import Channel
from ioc.delivery.contacts import contacts_of
from ioc.delivery.escalation import NO_CHANNEL
from ioc.delivery.outbox import Wanted, key_of, put
from ioc.delivery.reach import ways
from ioc.duty.notices import Notice
from ioc.kpi.query import Steps

#: Driver of channels that are seen by whoever is in the room.
_ROOM: Final = "siren"


def tell(notices: Sequence[Notice], channels: Mapping[str, Channel], now: datetime) -> Steps[int]:
    """Steps that tell notices; those for nobody by name are shown in the room. Returns how many messages they are."""
    if not notices:
        return 0
    contacts = yield from contacts_of(person for notice in notices for person in notice.people)
    wanted: list[Wanted] = []
    for notice in notices:
        lines: list[tuple[str | None, str]] = [
            (person, code)
            for person in notice.people
            for code in ways(contacts.get(person, ()), channels, notice.severity) or (NO_CHANNEL,)
        ]
        if not notice.people:
            lines = [(None, code) for code, channel in channels.items() if channel.driver == _ROOM]
        wanted += [
            Wanted(
                key=key_of(notice.key, person or "", code),
                kind=notice.kind,
                severity=notice.severity,
                channel=code,
                person=person,
                content=notice.content,
                error="There is no way to reach this person." if code == NO_CHANNEL else None,
            )
            for person, code in lines
        ]
    return len((yield from put(wanted, now)))
