"""Texts in elements that say what they are: headings, cells, buttons."""

from __future__ import annotations

from nicegui.elements.mixins.text_element import TextElement


class Text(TextElement):
    """A text in an element such as ``h2``, ``th`` or ``button``. What it says is never read as HTML."""

    def __init__(self, tag: str, text: str = "") -> None:
        super().__init__(tag=tag, text=text)
