"""The schematic map: every point with the state of its devices, as shape, sign, colour and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from ioc.history.points import DeviceNow, PointNow
from ioc.pages.parts.markup import Markup, join, tag
from ioc.pages.wall import layout, words
from ioc.reports.words import Language

#: The worst first; a point is as its worst device.
_WORST: Final = ("down", "degraded", "unknown", "maintenance", "ok")
_MOST: Final = 80
_SHAPES: Final[Mapping[str, tuple[str, dict[str, str | float | None]]]] = {
    "ok": ("circle", {"cx": 0, "cy": 0, "r": 22}),
    "degraded": ("path", {"d": "M0 -25L26 21H-26Z"}),
    "down": ("path", {"d": "M-10 -24H10L24 -10V10L10 24H-10L-24 10V-10Z"}),
    "unknown": ("path", {"d": "M0 -26L26 0L0 26L-26 0Z"}),
    "maintenance": ("path", {"d": "M-22 -22H22V22H-22Z"}),
    "none": ("circle", {"cx": 0, "cy": 0, "r": 20}),
}
_SIGNS: Final = {
    "ok": "M-10 0L-3 8L11 -9",
    "degraded": "M0 -10V5M0 12V13",
    "down": "M-9 -9L9 9M9 -9L-9 9",
    "unknown": "M-6 -6C-6 -14 7 -13 6 -5C5 0 0 0 0 5M0 12V13",
    "maintenance": "M-9 10L4 -3M-2 -9L10 3",
    "none": "M-7 0H7",
}
_LONG: Final = 12
_LONGEST: Final = 16


def state_of(devices: Iterable[DeviceNow]) -> str:
    """The worst state of some devices; ``none`` where there is no device.

    Nobody asks kiosks how they are: that nothing is known of one says nothing of its point.
    """
    everything = tuple(devices)
    asked = [one for one in everything if (one.kind, one.state) != ("kiosk", "unknown")]
    found = {device.state for device in asked or everything}
    return next((state for state in _WORST if state in found), "none")


def plan(points: Sequence[PointNow], language: Language) -> Markup:
    """Draw the map, with a list that says the same where it is too small to be read."""
    if not points:
        return tag("p", words.NO_POINTS.said(language), cls="ops-dim")
    shown = points[:_MOST]
    names = tuple(short_names(shown, language).values())
    placed = _placed(
        tuple(
            (point.latitude, point.longitude)
            if point.latitude is not None and point.longitude is not None
            else None
            for point in shown
        )
    )
    states = Counter(state_of(point.devices) for point in points)
    told = ", ".join(
        f"{states[state]} {words.STATES[state][1].said(language)}"
        for state in (*_WORST, "none")
        if states[state]
    )
    cards = [
        _card(point, name, corner, placed.scale, language)
        for point, name, corner in zip(shown, names, placed.corners, strict=True)
    ]
    return join(
        tag(
            "svg",
            *cards,
            attributes={
                "viewBox": f"-4 -4 {layout.WIDTH + 8:g} {layout.HEIGHT + 8:g}",
                "role": "group",
                "aria-label": words.MAP.said(language).format(points=len(points), told=told),
            },
            cls="plan",
        ),
        tag(
            "ul",
            *(_line(point, name, language) for point, name in zip(shown, names, strict=True)),
            cls="plan-list",
        ),
    )


def legend(language: Language, *, far: bool) -> Markup:
    """What the shapes and signs mean."""
    return tag(
        "p",
        *(
            tag("span", f"{sign} {word.said(language)}", cls=f"legend state-{state}")
            for state, (sign, word) in words.STATES.items()
            if state != "none"
        ),
        None if far else tag("span", words.SCHEMATIC.said(language), cls="legend ops-dim"),
        cls="plan-legend",
    )


@lru_cache(maxsize=16)
def _placed(positions: tuple[tuple[float, float] | None, ...]) -> layout.Placed:
    return layout.place(positions)


def _said(point: PointNow, name: str, language: Language) -> str:
    """All of a point in words."""
    state = words.STATES[state_of(point.devices)][1].said(language)
    kinds = "; ".join(
        f"{words.KINDS[kind].said(language)} {_counted(devices, language)}"
        for kind, devices in _by_kind(point)
    )
    return f"{name}: {state}" + (f" ({kinds})" if kinds else "")


def _counted(devices: Sequence[DeviceNow], language: Language) -> str:
    found = Counter(device.state for device in devices)
    return ", ".join(
        f"{found[state]} {words.STATES[state][1].said(language)}" for state in _WORST if found[state]
    )


def _by_kind(point: PointNow) -> list[tuple[str, list[DeviceNow]]]:
    found: dict[str, list[DeviceNow]] = {}
    for device in point.devices:
        found.setdefault(device.kind, []).append(device)
    return list(found.items())


def _address(point: PointNow) -> str:
    return f"/ops/devices?point={quote(point.code)}"


def _card(
    point: PointNow, name: str, corner: tuple[float, float], scale: float, language: Language
) -> Markup:
    state = state_of(point.devices)
    shape, attributes = _SHAPES[state]
    lines = _wrapped(name)
    return tag(
        "a",
        tag(
            "rect",
            attributes={"width": layout.CARD_WIDTH, "height": layout.CARD_HEIGHT, "rx": 12},
            cls="plan-card",
        ),
        tag(
            "g",
            tag(shape, attributes=attributes, cls="plan-shape"),
            tag("path", attributes={"d": _SIGNS[state]}, cls="plan-sign"),
            attributes={"transform": "translate(36 36)"},
        ),
        *(
            tag(
                "text",
                line,
                attributes={"x": 68, "y": (45 if len(lines) == 1 else 31) + 25 * number},
                cls="plan-name" if len(lines) == 1 else "plan-name plan-long",
            )
            for number, line in enumerate(lines)
        ),
        tag("text", *_devices(point, language), attributes={"x": 14, "y": 91}, cls="plan-devices"),
        attributes={
            "href": _address(point),
            "data-key": point.code,
            "transform": f"translate({corner[0]:.1f} {corner[1]:.1f}) scale({scale:.3f})",
            "aria-label": _said(point, name, language),
        },
        cls=f"plan-point state-{state}",
    )


def _devices(point: PointNow, language: Language) -> Iterable[Markup]:
    """Each kind with the sign of its worst device, and how many are not well."""
    for number, (kind, devices) in enumerate(_by_kind(point)):
        state = state_of(devices)
        same = sum(device.state == state for device in devices)
        many = f" {same}/{len(devices)}" if same < len(devices) else ""
        yield tag(
            "tspan",
            f"{words.STATES[state][0]} {words.SHORT_KINDS[kind].said(language)}{many}",
            attributes={"dx": 14} if number else None,
            cls=f"state-{state}",
        )


def _line(point: PointNow, name: str, language: Language) -> Markup:
    state = state_of(point.devices)
    return tag(
        "li",
        tag(
            "a",
            tag(
                "span", f"{words.STATES[state][0]} ", attributes={"aria-hidden": "true"}, cls=f"state-{state}"
            ),
            _said(point, name, language),
            attributes={"href": _address(point)},
        ),
        attributes={"data-key": point.code},
    )


def short_names(points: Sequence[PointNow], language: Language) -> dict[str, str]:
    """Names of points by code, without the words that all of them share."""
    said = _names(tuple((point.name_vi, point.name_en) for point in points), language)
    return {point.code: name for point, name in zip(points, said, strict=True)}


@lru_cache(maxsize=16)
def _names(names: tuple[tuple[str, str], ...], language: Language) -> tuple[str, ...]:
    said = [vi if language is Language.VI else en for vi, en in names]
    shared = _shared([name.split() for name in said]) if len(said) > 1 else []
    return tuple(_without(name, shared) for name in said)


def _shared(names: Sequence[list[str]]) -> list[str]:
    first = names[0]
    runs = (first[start:end] for start in range(len(first)) for end in range(len(first), start, -1))
    common = [run for run in runs if all(_find(name, run) is not None for name in names)]
    return max(common, key=len, default=[])


def _find(name: Sequence[str], run: Sequence[str]) -> int | None:
    return next((n for n in range(len(name)) if list(name[n : n + len(run)]) == list(run)), None)


def _without(name: str, shared: Sequence[str]) -> str:
    parts = name.split()
    at = _find(parts, shared) if shared else None
    if at is None:
        return name
    left = " ".join(parts[:at] + parts[at + len(shared) :]) or name
    return left[:1].upper() + left[1:]


def _wrapped(name: str) -> list[str]:
    """One line, or two smaller ones; what does not fit ends in an ellipsis."""
    if len(name) <= _LONG:
        return [name]
    lines = [""]
    for word in name.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= _LONG or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    if len(lines) > 2:
        lines = [lines[0], f"{' '.join(lines[1:])}"]
    return [line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…" for line in lines]
