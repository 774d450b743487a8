"""A secret that was just made: shown this once, and taken off the page when its dialog is closed."""

from __future__ import annotations

from nicegui import ui

from ioc.pages.admin import words
from ioc.pages.parts.dialog import Dialog
from ioc.pages.parts.text import Text
from ioc.pages.visit import Visit


def copyable(label: str, text: str) -> ui.element:
    """A line that is marked whole when it is entered, to be copied."""
    made = ui.element("input").classes("ops-copy").props("readonly")
    made.props["aria-label"] = label
    made.props["value"] = text
    made.props["onfocus"] = "this.select()"
    return made


def show(visit: Visit, dialog: Dialog, title: str, why: str, label: str, secret: str) -> None:
    """Show a secret in a dialog, which must be one that forgets."""

    def fill() -> None:
        Text("p", why)
        copyable(label, secret).props("autofocus data-secret")
        with ui.element("div").classes("ops-form-end"):
            close = Text("button", visit.say(words.CLOSE)).props('type="button"')
            close.classes("ops-act ops-act-first").on("click", dialog.close)

    dialog.open(title, fill)
