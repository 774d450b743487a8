"""How alerts stand, as people ask for them."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How an alert stands."""

    OPEN = "open"
    WAITING = "waiting"
    """Open, and nobody acknowledged it."""
    ACKNOWLEDGED = "acknowledged"
    """Open, and somebody did."""
    CLEARED = "cleared"
    ALL = "all"


class Held(StrEnum):
    """Why nobody is called for an open alert."""

    INHIBITED = "inhibited"
    SNOOZED = "snoozed"
    MAINTENANCE = "maintenance"
    FLAPPING = "flapping"
    NOT = "not"
    """Nothing of these."""
