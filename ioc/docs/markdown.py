"""The little Markdown that generated pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

NOTICE: Final = "<!-- Generated from the code by `python -m ioc.docs`; edit the code, not this page. -->"


def document(title: str, *parts: str) -> str:
    """Return a page with its title and the notice that it is generated."""
    return "\n\n".join([f"# {title}", NOTICE, *(part.strip() for part in parts if part.strip())]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells may hold any text."""
    lines = [_line(header), "|" + " --- |" * len(header)]
    lines.extend(_line(row) for row in rows)
    return "\n".join(lines)


def code(text: str) -> str:
    """Return inline code, or nothing for nothing."""
    return f"`{text}`" if text else ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"
