"""How much JSON is read at once: a text of empty lists takes forty times its size in memory."""

from __future__ import annotations

from typing import Final

MOST_CONTAINERS: Final = 500_000
"""Most objects and lists of one text; facts have far fewer."""


def holds_too_many(text: bytes, most: int = MOST_CONTAINERS) -> bool:
    """Whether a text may hold more objects and lists than ``most``, told before it is read.

    Brackets within strings count too: what holds half a million of them is no fact either.
    """
    return text.count(b"[") + text.count(b"{") > most
