"""Links. The framework's own are relative to the pages' root; these lead anywhere in the platform."""

from __future__ import annotations

import json

from nicegui import ui

from ioc.pages.parts.text import Text


class Link(Text):
    """A link to an address of the platform, such as ``/ops/devices`` or ``/api/v1/exports/...``."""

    def __init__(self, text: str, where: str) -> None:
        super().__init__("a", text)
        self._props["href"] = where


def go(where: str) -> None:
    """Lead the browser to an address of the platform."""
    ui.run_javascript(f"window.location.assign({json.dumps(where)})")
