"""A part of a page that is written once for all who look, and of which each browser is told the changes."""

from __future__ import annotations

from nicegui.element import Element

from ioc.pages.parts.markup import Markup, tag


class Region(Element, component="region.js"):
    """Shows HTML of ours. Cheap to keep in a hundred browsers: one element here, whatever is in it."""

    def __init__(self, html: Markup | None = None) -> None:
        super().__init__()
        self._props["html"] = str(html or tag("span"))

    def show(self, html: Markup) -> None:
        """Show this; the browser is told only where it is something else than before."""
        if self._props["html"] != html:
            self._props["html"] = str(html)
            self.update()
