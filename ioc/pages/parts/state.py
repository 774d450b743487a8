"""How a device is: a sign, a word and a colour, so that colour alone tells nothing."""

from __future__ import annotations

from typing import Final

from ioc.pages.parts.text import Text
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase

#: The word of each state of a device; its sign and colour are the style sheet's.
STATES: Final[dict[str, Phrase]] = {
    "down": Phrase("Hỏng", "Down"),
    "unknown": Phrase("Không rõ", "Unknown"),
    "degraded": Phrase("Kém", "Degraded"),
    "maintenance": Phrase("Bảo trì", "Maintenance"),
    "ok": Phrase("Tốt", "OK"),
}


class State(Text):
    """A device's state; :meth:`tell` changes it where it stands."""

    def __init__(self, visit: Visit, state: str, tag: str = "span") -> None:
        super().__init__(tag)
        self._visit = visit
        self.classes("ops-state")
        self.tell(state)

    def tell(self, state: str) -> None:
        """Show another state."""
        if self.props.get("data-state") != state:
            self.props["data-state"] = state
            self.text = self._visit.say(STATES[state])
