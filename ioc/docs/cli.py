"""``cli.md``: every command with its options, from the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer

from ioc.cli.main import build
from ioc.docs.markdown import code, document, table

_EXITS = (
    ("0", "done"),
    ("1", "something is wrong, or was found wrong; the message says what"),
    ("2", "asked for something that does not exist or makes no sense, or a setting can't be used"),
    ("3", "a file, record or answer from outside can't be read; `ioc status`: the platform is not up"),
    ("4", "a server that the platform leans on does not answer"),
    ("130", "interrupted"),
)


def commands() -> dict[str, Any]:
    """Return every command that does something, by what is typed, in the order of ``--help``."""
    return dict(_walk("ioc", typer.main.get_command(build())))


def page() -> str:
    """Return the page."""
    exits = "## Exit codes\n\n" + table(("code", "meaning"), _EXITS)
    return document(
        "Commands", "Every command has `--help`.", exits, *(_command(n, c) for n, c in commands().items())
    )


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for word in below:
        if not below[word].hidden:
            yield from _walk(f"{name} {word}", below[word])


def _command(name: str, command: Any) -> str:
    text = "\n\n".join(_paragraph(part) for part in (command.help or "").strip().split("\n\n"))
    rows = [
        (_spelling(option), option.help or "", "" if option.required else _default(option.default))
        for option in command.params
        if not getattr(option, "hidden", False) and option.name != "help"
    ]
    options = "\n\n" + table(("argument or option", "meaning", "default"), rows) if rows else ""
    return f"## {name}\n\n{text}{options}"


def _paragraph(text: str) -> str:
    """Keep an example's command line as code."""
    words = " ".join(text.replace("\b", "").split())
    label, colon, example = words.partition("Example: ")
    return f"{label}Example: `{example}`" if colon else words


def _spelling(option: Any) -> str:
    if option.param_type_name == "argument":
        return code((option.metavar or option.name).upper())
    return ", ".join(code(word) for word in (*option.opts, *option.secondary_opts))


def _default(value: object) -> str:
    if value is None or callable(value) or value in ((), [], ""):
        return ""
    if isinstance(value, bool):
        return "on" if value else ""
    return code(str(value.value if isinstance(value, Enum) else value))
