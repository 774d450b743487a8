"""References to secrets: a pack names where one is kept, never the secret itself."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from ioc.errors import InputError
from ioc.logs import keep_out

_REFERENCE: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,99}|file:[^\x00-\x1f]{1,500}")
_MOST_BYTES: Final = 4096
HOW: Final = (
    "Write env:NAME, or file:PATH (from the pack's folder on); the secret itself never belongs in a pack."
)


def is_reference(text: str) -> bool:
    """Whether a text has the form of a reference; nothing is looked up."""
    return _REFERENCE.fullmatch(text) is not None


def read_secret(reference: str, folder: Path) -> SecretStr:
    """Look a secret up; blanks and line ends around it are dropped.

    :param folder: the pack's folder, from which relative paths count.
    :raises InputError: when the reference leads to nothing; the secret is never part of the message.
    """
    if not is_reference(reference):
        raise InputError("A secret's reference can't be read.", remedy=HOW)
    kind, _, place = reference.partition(":")
    if kind == "env":
        found = os.environ.get(place, "").strip()
        missing = f"The environment has no {place}."
    else:
        found, missing = (
            _from_file(folder / place),
            f"The secret's file {place} is missing, empty or unreadable.",
        )
    if not found:
        raise InputError(
            missing, remedy="Create it for the user that runs the platform, or correct the reference."
        )
    keep_out(found)
    return SecretStr(found)


def _from_file(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
