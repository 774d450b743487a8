"""Plain elements of HTML, with attributes that may hold anything: forms that the browser itself sends."""

from __future__ import annotations

from collections.abc import Iterable

from ioc.pages.parts.text import Text


class Tag(Text):
    """An element with its attributes; those that are None or False are left out.

    A name that Python keeps for itself ends in an underscore (``for_``); other underscores stand for dashes.
    """

    def __init__(
        self, tag: str, text: str = "", /, *, css: str = "", **attributes: str | int | bool | None
    ) -> None:
        super().__init__(tag, text)
        if css:
            self.classes(css)
        for name, value in attributes.items():
            if value is not None and value is not False:
                self._props[name.rstrip("_").replace("_", "-")] = value


def choice(
    name: str, label: str, options: Iterable[tuple[str, str]], chosen: str, *, label_css: str = ""
) -> Tag:
    """A labelled choice of one; returns the ``select``. A value that is not among the options is kept as one."""
    known = list(options)
    if chosen not in {value for value, _ in known}:
        known.append((chosen, chosen))
    with Tag("label", css=f"ops-field {label_css}".strip()):
        Tag("span", label)
        with Tag("select", name=name) as found:
            for value, text in known:
                Tag("option", text, value=value, selected=value == chosen)
    return found


def entry(
    name: str,
    label: str,
    value: str,
    *,
    kind: str = "text",
    longest: int = 300,
    hint: str = "",
    suggestions: str | None = None,
) -> Tag:
    """A labelled line to type in; returns the ``input``."""
    with Tag("label", css="ops-field"):
        Tag("span", label)
        # "value" itself would be set anew whenever the framework looks at the page again, over what is typed meanwhile
        found = Tag(
            "input",
            name=name,
            type=kind,
            maxlength=longest,
            defaultValue=value,
            list=suggestions,
            step=_step(kind),
        )
        if hint:
            Tag("small", hint, css="ops-dim")
    return found


def tick(name: str, label: str, value: str, *, ticked: bool, kind: str = "checkbox", **more: str) -> Tag:
    """A labelled box to tick; returns the ``label``."""
    with Tag("label", css="ops-tick", **more) as found:
        Tag("input", type=kind, name=name, value=value, checked=ticked)
        Tag("span", label)
    return found


def _step(kind: str) -> str | None:
    return "any" if kind == "datetime-local" else None
