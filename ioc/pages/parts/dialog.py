"""A dialog of the browser's own: it keeps the focus, Escape closes it, and the focus goes back to where it was."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from ioc.pages.parts.text import Text

#: What a form sends: name of each field → text; of several values the last.
Fields = dict[str, str]
_SEND = "(e) => { e.preventDefault(); emit(Object.fromEntries(new FormData(e.target, e.submitter))); }"


class Dialog:
    """One dialog of a page; what is in it is made anew each time that it opens.

    :param forget: take away what is in it when it is closed, in whatever way: it showed a secret.
    """

    def __init__(self, name: str, *, forget: bool = False) -> None:
        self._box = (
            ui.element("dialog").classes("ops-dialog").props(f'id="{name}" aria-labelledby="{name}-title"')
        )
        self._name = name
        if forget:
            self._box.on("close", self._box.clear)

    def open(self, title: str, draw: Callable[[], None]) -> None:
        """Show it with this title, and what is drawn."""
        self._box.clear()
        with self._box:
            Text("h2", title).props(f'id="{self._name}-title"')
            draw()
        self._run("if (!box.open) box.showModal()")

    def close(self) -> None:
        """Put it away."""
        self._run("box.close()")

    def _run(self, script: str) -> None:
        with self._box.client:
            # after the elements arrived
            ui.run_javascript(
                f"setTimeout(() => {{ const box = document.getElementById({json.dumps(self._name)}); {script} }}, 0)"
            )


def form(send: Callable[[Fields], Awaitable[None]]) -> ui.element:
    """A form whose fields are given to ``send``; they stay as they are until something else is drawn."""

    async def sent(event: GenericEventArguments) -> None:
        given: Any = event.args
        fields = given if isinstance(given, dict) else {}
        await send({str(name): str(value)[:20_000] for name, value in fields.items()})

    return ui.element("form").props('autocomplete="off"').on("submit", sent, js_handler=_SEND)


def field(label: str, name: str, tag: str = "input", hint: str = "", **given: str) -> ui.element:
    """A labelled field of a form; ``given``: its attributes, with ``_`` for ``-``."""
    with ui.element("div").classes("ops-field"):
        Text("label", label).props["for"] = f"f-{name}"
        made = ui.element(tag)
        made.props["id"], made.props["name"] = f"f-{name}", name
        for key, value in given.items():
            made.props[key.rstrip("_").replace("_", "-")] = value
        if hint:
            Text("small", hint).classes("ops-dim").props["id"] = f"f-{name}-hint"
            made.props["aria-describedby"] = f"f-{name}-hint"
    return made


def choices(element: ui.element, options: dict[str, str], chosen: str | None = None) -> None:
    """Fill a ``select`` with options: value → what people read."""
    with element:
        for value, text in options.items():
            option = Text("option", text)
            option.props["value"] = value
            if value == chosen:
                option.props["selected"] = True
