"""What people write about alerts, before it is kept: bounded, and nothing in it that hides what it says."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from ioc.alerts.errors import AlertError

#: Characters that a comment or a reason may have.
LONGEST: Final = 2000
#: Alerts that may be named in one call.
MOST_AT_ONCE: Final = 1000
_LONGEST_NAME: Final = 200
_GREATEST_ID: Final = 2**63 - 1
_BREAKS: Final = "\n\t"
#: Control characters, halves of characters, and marks that turn the direction of reading.
_HIDDEN: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED: Final = frozenset({"Cc", "Cs"})


def text(given: str, what: str, *, needed: bool = False) -> str:
    """Return a comment or a reason without space around it.

    :param what: names it in the error.
    :raises AlertError: it is empty and may not be, too long, or holds characters that can't be shown.
    """
    found = given.strip()
    if needed and not found:
        raise AlertError(f"The {what} is empty.", remedy="Say in a few words what you know or decided.")
    if len(found) > LONGEST:
        raise AlertError(
            f"The {what} has {len(found)} characters, more than {LONGEST}.",
            remedy="Keep the short form here, and the long one where it can be linked to.",
        )
    _check_characters(found, what, _BREAKS)
    return found


def name(given: str, what: str) -> str:
    """Return a name in one line: of who acts, or of whom an alert is given to.

    :raises AlertError: see :func:`text`.
    """
    found = given.strip()
    if not 0 < len(found) <= _LONGEST_NAME:
        raise AlertError(f"The {what} has {len(found)} characters; it needs 1 to {_LONGEST_NAME}.")
    _check_characters(found, what, "")
    return found


def alert_ids(given: Iterable[int]) -> list[int]:
    """Return the numbers of alerts, each once, in order.

    :raises AlertError: there are none, too many, or one can't be an alert's.
    """
    found = sorted(set(given))
    if not found:
        raise AlertError(
            "No alert is named.", remedy="Give one number or more; the list of alerts shows them."
        )
    if len(found) > MOST_AT_ONCE:
        raise AlertError(
            f"{len(found)} alerts are named, more than {MOST_AT_ONCE} at once.",
            remedy=f"Send them in parts of {MOST_AT_ONCE}; a maintenance window covers what is still to come.",
        )
    if found[0] < 1 or found[-1] > _GREATEST_ID:
        wrong = found[0] if found[0] < 1 else found[-1]
        raise AlertError(f"{wrong} can't be an alert's number.", remedy="Take it from the list of alerts.")
    return found


def moment(given: datetime, now: datetime, what: str, *, most: timedelta) -> datetime:
    """Return an end that lies ahead.

    :param most: how far ahead it may lie.
    :raises AlertError: it is past, too far ahead, or has no offset.
    """
    if given.tzinfo is None:
        raise AlertError(f"The {what} has no offset from UTC.", remedy="Write 2026-11-24T08:00:00+07:00.")
    if given <= now:
        raise AlertError(f"The {what} {given.isoformat()} is past.", remedy="Give a moment that lies ahead.")
    if given > now + most:
        raise AlertError(
            f"The {what} {given.isoformat()} is more than {most.days} days ahead.",
            remedy="Silence alerts for long with a maintenance window: it is seen and ends by itself.",
        )
    return given


def _check_characters(found: str, what: str, allowed: str) -> None:
    for place, character in enumerate(found):
        if character in allowed:
            continue
        if character in _HIDDEN or unicodedata.category(character) in _REFUSED:
            raise AlertError(
                f"The {what} holds a character that can't be shown (U+{ord(character):04X}, at {place + 1}).",
                remedy="Leave it out.",
            )
