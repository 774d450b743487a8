"""Cursors of lists: opaque texts that say where the page before ended. They name no person and hold no secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TypeVar

import msgspec

from ioc.kpi.errors import KpiError

_T = TypeVar("_T", bound=msgspec.Struct)
_LONGEST = 1024


class BadCursorError(KpiError):
    """A cursor that this list did not give, or gave for another question."""

    slug = "bad-cursor"


class _Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    question: str
    place: msgspec.Raw


def _digest(question: object) -> str:
    return hashlib.sha256(msgspec.json.encode(question, order="deterministic")).hexdigest()[:16]


def write(place: msgspec.Struct, question: object) -> str:
    """Return the cursor of the page that follows ``place`` in the answer to ``question`` (its filters and order)."""
    envelope = [_digest(question), msgspec.Raw(msgspec.json.encode(place))]
    return base64.urlsafe_b64encode(msgspec.json.encode(envelope)).decode().rstrip("=")


def read(cursor: str, kind: type[_T], question: object) -> _T:
    """Return the place that a cursor stands for.

    :raises BadCursorError: it is not one of this list, or belongs to another question.
    """
    try:
        if len(cursor) > _LONGEST:
            raise ValueError
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        envelope = msgspec.json.decode(raw, type=_Envelope)
        place = msgspec.json.decode(envelope.place, type=kind)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise BadCursorError(
            "The cursor can't be read.",
            remedy="Give `next` of the page before as it was, or leave it out to begin anew.",
        ) from None
    if envelope.question != _digest(question):
        raise BadCursorError(
            "The cursor belongs to a list with other filters or another order.",
            remedy="Repeat the filters of the page before, or leave the cursor out to begin anew.",
        )
    return place
