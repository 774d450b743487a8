"""What somebody does about a message's alerts from where the message reached them: a link, a button."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final

from ioc.alerts import actions
from ioc.alerts.actions import Acted
from ioc.alerts.writing import MOST_AT_ONCE
from ioc.delivery.facts import Facts, alerts_of, facts_of
from ioc.kpi.query import SYSTEM_READER, Steps

#: How long a snooze from a message lasts.
SNOOZE: Final = timedelta(hours=1)
_PERSON: Final = "SELECT EXISTS (SELECT FROM ioc.duty_person WHERE code = %s)"


class Doing(StrEnum):
    """What can be done from a message."""

    ACKNOWLEDGE = "ack"
    SNOOZE = "snooze"
    COMMENT = "comment"


@dataclass(frozen=True)
class Found:
    """A message's alerts as they are now, worst first."""

    facts: Sequence[Facts]
    acted: Sequence[Acted] = ()
    """What was done to each; empty where nothing was asked for."""

    @property
    def changed(self) -> int:
        """How many alerts the action changed."""
        return sum(one.changed for one in self.acted)


def look(message_id: int) -> Steps[Found]:
    """Steps to what a message is about, changing nothing."""
    ids = yield from alerts_of(message_id)
    return Found((yield from facts_of(ids)) if ids else [])


def act(message_id: int, doing: Doing, person: str, now: datetime, via: str, text: str = "") -> Steps[Found]:
    """Steps by which a person acts on all alerts of a message; repeating it changes nothing, but for a comment.

    The message was addressed, so the person may act on its alerts whatever a reader of this name may see.

    :param via: where it was done, for the trail: a channel's code, or ``link``.
    :param text: the comment; of nothing else.
    :raises AlertError: the comment is empty or too long.
    """
    ids = yield from alerts_of(message_id)
    acted: list[Acted] = []
    left = iter(sorted(ids))
    while part := list(islice(left, MOST_AT_ONCE)):
        if doing is Doing.ACKNOWLEDGE:
            acted += yield from actions.acknowledge(SYSTEM_READER, part, person, now, via=via)
        elif doing is Doing.COMMENT:
            acted += yield from actions.comment(SYSTEM_READER, part, person, now, text, via=via)
        else:
            acted += yield from actions.snooze(SYSTEM_READER, part, person, now, now + SNOOZE, via=via)
    return Found((yield from facts_of(ids)) if ids else [], acted)


def still_known(person: str) -> Steps[bool]:
    """Steps to whether somebody is still among the people of the district."""
    ((known,),) = yield _PERSON, (person,)
    return bool(known)
