"""Texts as people type them in a hurry: small letters without marks."""

from __future__ import annotations

import re
import unicodedata


def folded(text: str) -> str:
    """Small letters without marks: ``Đúng hạn`` is ``dung han``. The pages' script folds what is typed likewise."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")


def slug(text: str, longest: int = 63) -> str:
    """A name of small letters, digits and dashes; empty where the text has none of them."""
    return re.sub(r"[^a-z0-9]+", "-", folded(text)).strip("-")[:longest].strip("-")
