"""Tries a channel: one message that says so, to one person or address."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from ioc.alerts.model import Channel, Severity
from ioc.alerts.store import channels_of
from ioc.delivery import texts
from ioc.delivery.channels.interface import Outgoing
from ioc.errors import UsageError
from ioc.kpi.query import Steps

_CONTACT = "SELECT contacts->>%s FROM ioc.duty_person WHERE code = %s"


@dataclass(frozen=True)
class Trial:
    """What is to be tried."""

    channel: Channel
    outgoing: Outgoing


def trial(code: str, to: str | None) -> Steps[Trial]:
    """Steps to a test message.

    :param code: the channel's.
    :param to: code of a person of the district pack, or an address; None where the channel has one for all.
    :raises UsageError: there is no such channel, or the person has no address there.
    """
    channels = yield from channels_of()
    if code not in channels:
        raise UsageError(
            f"There is no channel {code!r}.",
            remedy=f"Channels are: {', '.join(channels) or 'none'}; ioc district apply brings those of channels.toml.",
        )
    address = to
    if to is not None:
        rows = yield _CONTACT, (code, to)
        if rows:
            address = rows[0][0]
            if not address:
                raise UsageError(
                    f"{to} has no address at channel {code}.",
                    remedy=f"Write {code}=ADDRESS into the column contacts of people.csv and apply the pack.",
                )
    said = texts.trial_text()
    outgoing = Outgoing(
        key=f"test:{uuid.uuid4()}",
        kind="test",
        severity=Severity.INFO,
        subject=said.subject,
        body=said.body,
        short=said.short,
        address=address,
    )
    return Trial(channels[code], outgoing)
