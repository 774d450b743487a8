"""A line over time as SVG, the same for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

_WIDTH: Final = 720
_HEIGHT: Final = 300
_LEFT: Final = 60
_RIGHT: Final = 16
_TOP: Final = 34
_BOTTOM: Final = 44
_MARKS: Final = 5
_LETTERS: Final = 'font-family="sans-serif" font-size="13" fill="#333"'


def line(points: Sequence[tuple[float, float]], *, title: str, across: str, up: str, limit: float) -> str:
    """Draw it from zero to the limit, so that what looks flat is flat.

    :param points: across and up, in order.
    :param limit: drawn as a dashed line.
    """
    most_x = max((x for x, _ in points), default=1.0) or 1.0
    most_y = max(limit, max((y for _, y in points), default=0.0)) * 1.05

    def at(x: float, y: float) -> tuple[str, str]:
        place_x = _LEFT + x / most_x * (_WIDTH - _LEFT - _RIGHT)
        place_y = _HEIGHT - _BOTTOM - y / most_y * (_HEIGHT - _TOP - _BOTTOM)
        return f"{place_x:.1f}", f"{place_y:.1f}"

    def text(x: str, y: str, said: str, anchor: str = "middle") -> str:
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(said)}</text>'

    left, bottom = at(0, 0)
    right, _ = at(most_x, 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" {_LETTERS}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        text(left, "20", f"{title}: {up}", "start"),
    ]
    for mark in range(_MARKS + 1):
        x, _ = at(most_x * mark / _MARKS, 0)
        parts.append(text(x, f"{float(bottom) + 18:.1f}", f"{most_x * mark / _MARKS:.0f}"))
    step = 100.0 if most_y > 200 else 50.0
    value = 0.0
    while value <= most_y:
        _, y = at(0, value)
        parts.append(f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="#ddd"/>')
        parts.append(text(f"{float(left) - 8:.1f}", f"{float(y) + 4:.1f}", f"{value:.0f}", "end"))
        value += step
    _, y = at(0, limit)
    parts.append(
        f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="#b3261e" stroke-dasharray="6 4"/>'
    )
    drawn = " ".join(",".join(at(*point)) for point in points)
    parts.append(f'<polyline points="{drawn}" fill="none" stroke="#0b5394" stroke-width="2"/>')
    parts.append(text(f"{(float(left) + float(right)) / 2:.1f}", f"{_HEIGHT - 8}", across))
    parts.append("</svg>\n")
    return "\n".join(parts)
