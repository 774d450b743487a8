"""HTML and SVG written by hand, where many browsers are shown the same: texts in it are escaped, always."""

from __future__ import annotations

from html import escape
from typing import Final

_EMPTY: Final = frozenset({"br", "path", "circle", "rect", "line", "polyline", "polygon"})


class Markup(str):
    """A text that is HTML already; only :func:`tag` and :func:`join` make one."""

    __slots__ = ()


def tag(
    name: str,
    *children: str | None,
    attributes: dict[str, str | float | None] | None = None,
    cls: str = "",
) -> Markup:
    """An element.

    :param children: elements, and texts, which are escaped; None is left out.
    :param attributes: those that are None are left out.
    :param cls: its classes.
    """
    given = {"class": cls or None, **(attributes or {})}
    head = "".join(f' {key}="{escape(str(value))}"' for key, value in given.items() if value is not None)
    if name in _EMPTY:
        return Markup(f"<{name}{head}/>" if name != "br" else "<br>")
    return Markup(f"<{name}{head}>{join(*children)}</{name}>")


def join(*parts: str | None) -> Markup:
    """Elements and texts one after another."""
    return Markup(
        "".join(part if isinstance(part, Markup) else escape(part) for part in parts if part is not None)
    )
