"""What an address or a form gives, as the database can take it."""

from __future__ import annotations


def as_text(given: str | None, longest: int) -> str | None:
    """A text without what surrounds it and no longer than that; None where nothing is left.

    :param longest: characters.
    """
    # the database can't take a zero character
    return (given or "").replace("\x00", "").strip()[:longest] or None
