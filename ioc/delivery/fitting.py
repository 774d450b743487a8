"""Texts as long as a channel takes them, counted as text messages and Telegram count. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

from ioc.delivery.channels.interface import Outgoing

#: Two segments of a text message with Vietnamese letters: 67 UTF-16 units each.
SHORT: Final = 134
_LINK: Final = "Xác nhận hoặc hoãn / Acknowledge or snooze"
_CUT: Final = "… còn {n} ký tự nữa / … {n} more characters"


def long_text(outgoing: Outgoing, most: int | None = None, *, links: bool = True) -> str:
    """The body with its links, cut to ``most`` UTF-16 units: links stay, and how much was cut is said."""
    tail = ""
    url = (outgoing.ack_url or outgoing.view_url) if links else None
    if url:
        tail = f"\n\n{_LINK}:\n{url}"
    return cut(outgoing.body, None if most is None else most - units(tail)) + tail


def short_text(outgoing: Outgoing) -> str:
    """One text message: the link stays whole where at least a third of it is left for words."""
    url = outgoing.ack_url or outgoing.view_url
    if url and units(url) + 1 <= SHORT * 2 // 3:
        return f"{fit(outgoing.short, SHORT - units(url) - 1)} {url}"
    return fit(outgoing.short, SHORT)


def cut(text: str, most: int | None) -> str:
    """Text of at most ``most`` UTF-16 units; what is cut says how many characters are missing."""
    if most is None or units(text) <= most:
        return text
    reserve = 60
    kept = _first(text, max(0, most - reserve))
    missing = len(text) - len(kept)
    return kept + "\n" + _CUT.format(n=missing)


def fit(text: str, most: int) -> str:
    """One line of at most ``most`` UTF-16 units."""
    text = one_line(text)
    return text if units(text) <= most else _first(text, most - 1).rstrip() + "…"


def one_line(text: str, most: int | None = None) -> str:
    """Text without line ends, control characters and marks that turn its direction; cut to ``most`` characters."""
    kept = "".join(
        " " if sign.isspace() else sign
        for sign in unicodedata.normalize("NFC", text)
        if sign.isspace() or sign == "\u200d" or unicodedata.category(sign)[0] != "C"
    )
    line = " ".join(kept.split())
    return line if most is None or len(line) <= most else line[: most - 1].rstrip() + "…"


def units(text: str) -> int:
    """Length as text messages and Telegram count it."""
    return len(text) + sum(1 for sign in text if sign > "\uffff")


def _first(text: str, most: int) -> str:
    """The longest beginning of at most ``most`` UTF-16 units."""
    kept = text[:most]
    while units(kept) > most:
        kept = kept[: len(kept) - max(1, (units(kept) - most) // 2)]
    return kept
