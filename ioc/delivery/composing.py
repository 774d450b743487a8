"""Messages that were claimed, as channels take them: their texts, links, and the addresses they go to.

Addresses are read here and nowhere else, at the moment of sending; they are in no log, error or answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import structlog

from ioc.alerts.model import Severity
from ioc.delivery import texts
from ioc.delivery.channels.interface import Outgoing
from ioc.delivery.claiming import Claimed
from ioc.delivery.facts import Facts, facts_of
from ioc.errors import IocError
from ioc.kpi.query import Steps

log = structlog.get_logger(__name__)

#: Kinds that say what stands in their content.
_NOTICES: Final = frozenset({"digest", "hand_over", "gap"})
#: Kinds that somebody can acknowledge.
_ANSWERED: Final = frozenset({"alert", "reminder"})

_ADDRESSES: Final = "SELECT code, contacts->>%s FROM ioc.duty_person WHERE code = ANY (%s)"
_TOLD: Final = """
SELECT DISTINCT l.alert_id, m.person FROM ioc.alert_message_alert l JOIN ioc.alert_message m USING (message_id)
WHERE l.alert_id = ANY (%s) AND m.person IS NOT NULL AND m.state IN ('sent', 'sending') ORDER BY 1, 2
"""


class LinkMaker(Protocol):
    """Makes the link by which a person acknowledges a message; see :class:`ioc.delivery.links.Links`."""

    def url(self, message_id: int, person: str, now: datetime) -> str | None: ...


def compose(
    claimed: Sequence[Claimed], channel: str, links: LinkMaker | None, now: datetime, zone: ZoneInfo
) -> Steps[list[tuple[Claimed, Outgoing | None]]]:
    """Steps to what goes to the channel, beside each message; None where it can't be put into words."""
    people = sorted({one.person for one in claimed if one.person is not None})
    addresses: dict[str, str | None] = dict((yield _ADDRESSES, (channel, people))) if people else {}
    alerts = sorted({alert for one in claimed for alert in one.alerts})
    found = (yield from facts_of(alerts)) if alerts else []
    told: dict[int, list[str]] = {}
    single = [one.alerts[0] for one in claimed if len(one.alerts) == 1 and one.kind in _ANSWERED]
    if single:
        for alert, person in (yield _TOLD, (single,)):
            told.setdefault(alert, []).append(person)
    made: list[tuple[Claimed, Outgoing | None]] = []
    for one in claimed:
        try:
            made.append((one, _outgoing(one, found, told, addresses, links, now, zone)))
        except Exception as fault:
            # the others go all the same
            log.error("a message can't be put into words", message=one.message_id, fault=type(fault).__name__)
            made.append((one, None))
    return made


def _outgoing(
    claimed: Claimed,
    found: Sequence[Facts],
    told: dict[int, list[str]],
    addresses: dict[str, str | None],
    links: LinkMaker | None,
    now: datetime,
    zone: ZoneInfo,
) -> Outgoing:
    about = set(claimed.alerts)
    facts = [one for one in found if one.alert_id in about]
    others = [
        person
        for person in (told.get(claimed.alerts[0], []) if len(claimed.alerts) == 1 else [])
        if person != claimed.person
    ]
    text = _text(claimed, facts, others, zone)
    return Outgoing(
        key=claimed.key,
        kind=claimed.kind,
        severity=Severity(claimed.severity),
        subject=text.subject,
        body=text.body,
        short=text.short,
        address=addresses.get(claimed.person or ""),
        message_id=claimed.message_id,
        ack_url=_link(claimed, links, now),
        items=texts.items_of(facts),
        total=len(claimed.alerts),
    )


def _link(claimed: Claimed, links: LinkMaker | None, now: datetime) -> str | None:
    if links is None or claimed.person is None or claimed.kind not in _ANSWERED:
        return None
    try:
        return links.url(claimed.message_id, claimed.person, now)
    except IocError as error:
        # better a message without a link than none
        log.warning("a message goes without a link", message=claimed.message_id, error=error.message)
        return None


def _text(claimed: Claimed, facts: Sequence[Facts], told: Sequence[str], zone: ZoneInfo) -> texts.Text:
    if claimed.kind in _NOTICES:
        said: dict[str, Any] = dict(claimed.content)
        return texts.notice_text(
            texts.Notice(said["subject_vi"], said["subject_en"], said["lines_vi"], said["lines_en"])
        )
    if claimed.kind == "test":
        return texts.trial_text()
    return texts.alert_text(claimed.kind, facts, zone=zone, total=len(claimed.alerts), told=told)
