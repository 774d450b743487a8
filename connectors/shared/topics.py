"""Topics with a place for a machine's code, such as ``kiosks/{kiosk}/tickets``."""

from __future__ import annotations

import re

from ioc.errors import UsageError


def topic_filter(topic: str, place: str) -> str:
    """The MQTT filter of a topic.

    :param place: what stands for the machine, such as ``{kiosk}``.
    :raises UsageError: when it is no topic.
    """
    levels = topic.split("/")
    fits = (
        0 < len(topic.encode()) <= 1000
        and topic.isprintable()
        and levels.count(place) <= 1
        and all(level in {place, "+", "#"} or not re.search(r"[{}+#]", level) for level in levels)
        and "#" not in levels[:-1]
    )
    if not fits:
        raise UsageError(
            f"{topic[:100]!r} is no topic.",
            remedy=f"Write one such as site/{place}/state: {place} is the machine's code, + anything, # the rest.",
        )
    return "/".join("+" if level == place else level for level in levels)


def machine_of(topic: str, pattern: str, place: str) -> str | None:
    """The machine that a message's topic names; None when its pattern has no place for it."""
    levels = pattern.split("/")
    return topic.split("/")[levels.index(place)] if place in levels else None
