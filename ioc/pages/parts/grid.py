"""Tables of many cells in one element: texts alone, never HTML."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from nicegui.element import Element


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a cell says.

    :param text: in the cell; ``note`` below it, smaller.
    :param href: where it leads.
    :param css: classes: ``num`` is right-aligned; ``ok``, ``warn``, ``bad`` and ``unknown`` colour the note.
    :param value: the bare figure, for programs; an empty one is unknown.
    """

    text: str = ""
    note: str = ""
    href: str = ""
    css: str = ""
    value: str | None = None
    title: str = ""


class Grid(Element, component="grid.js"):
    """A table with a caption. Rows are read by screen readers with their first cell as head.

    With ``stacked``, a phone shows each row as a card, with the head of each cell before it.
    """

    def __init__(
        self,
        caption: str,
        head: Sequence[Cell],
        rows: Sequence[Sequence[Cell]],
        *,
        hidden_caption: bool = False,
        stacked: bool = False,
    ) -> None:
        super().__init__()
        self._props["caption"] = caption
        self._props["hiddenCaption"] = hidden_caption
        self._props["stacked"] = stacked
        self.fill(head, rows)

    def fill(self, head: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> None:
        """Show other cells."""
        self._props["head"] = msgspec.to_builtins(list(head))
        self._props["rows"] = msgspec.to_builtins([list(row) for row in rows])
