"""A small line of how a figure went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ioc.pages.parts.markup import Markup, tag

WIDTH: Final = 160
HEIGHT: Final = 40
_EDGE: Final = 4


def sparkline(values: Sequence[float | None], said: str) -> Markup:
    """Draw it; where nothing is known the line is broken.

    :param values: one for each bucket, the newest last.
    :param said: the same in words.
    """
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    span = high - low

    def place(index: int, value: float) -> tuple[float, float]:
        x = _EDGE + index * (WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
        share = (value - low) / span if span else 0.5
        return round(x, 1), round(HEIGHT - _EDGE - share * (HEIGHT - 2 * _EDGE), 1)

    path, drawing, last = [], False, None
    for index, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        last = place(index, value)
        path.append(f"{'L' if drawing else 'M'}{last[0]:g} {last[1]:g}")
        if not drawing and (index + 1 == len(values) or values[index + 1] is None):
            path.append("h.1")  # a bucket between unknown ones is a dot
        drawing = True
    return tag(
        "svg",
        tag("path", attributes={"d": "".join(path) or "M0 0"}, cls="spark-line"),
        tag("path", attributes={"d": f"M{last[0]:g} {last[1]:g}h.1"}, cls="spark-last") if last else None,
        attributes={
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "role": "img",
            "aria-label": said,
            "preserveAspectRatio": "none",
        },
        cls="spark",
    )
