"""``settings.md``: every setting with the words under it in the code."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from pathlib import Path
from types import NoneType
from typing import Any, Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ioc.docs.markdown import code, document, table
from ioc.settings import Settings

_COMPUTED: Final = {"_default_state_dir": "`/var/lib/ioc` for root, else `ioc` in the user's state folder"}


def descriptions() -> dict[str, str]:
    """Return the text under each setting; empty where there is none."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(Settings)))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    found: dict[str, str] = {}
    for place, node in enumerate(body):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        after = body[place + 1] if place + 1 < len(body) else None
        text = ""
        if (
            isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            text = " ".join(after.value.value.replace("``", "`").split())
        found[node.target.id] = text
    return found


def page() -> str:
    """Return the page."""
    words = descriptions()
    intro = (
        "Environment variables come first, then `ioc.toml` in the working folder (the name without `IOC_`, in lower "
        "case), then the defaults. Secrets are never printed."
    )
    rows = table(
        ("variable", "meaning", "type", "default"),
        (
            (code(f"IOC_{name.upper()}"), words[name], _kind(field.annotation), _default(field))
            for name, field in Settings.model_fields.items()
        ),
    )
    return document("Settings", intro, rows)


def _kind(annotation: Any) -> str:
    options = [option for option in typing.get_args(annotation) if option is not NoneType] or [annotation]
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(map(code, options))
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        Path: "path",
        SecretStr: "secret",
    }
    return " or ".join(names.get(option, getattr(option, "__name__", str(option))) for option in options)


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:  # what it gives depends on who runs the platform: said in words
        return _COMPUTED[field.default_factory.__name__]
    if field.default is None or field.default is PydanticUndefined:
        return "none"
    return code(str(field.default)) or "empty"
