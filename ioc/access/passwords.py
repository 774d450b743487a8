"""Passwords: made, hashed with Argon2id, checked. Nothing here prints or logs one."""

from __future__ import annotations

import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

#: Letters and digits that are not mistaken for one another on paper.
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH: Final = 20
_hasher = PasswordHasher()
#: Checked against when there is no such reader, so that the time taken tells nothing.
_NOBODY: Final = _hasher.hash(secrets.token_hex(16))


def generate() -> str:
    """Return a new random password of about 115 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, salt and cost included."""
    return _hasher.hash(password)


def fits(password: str, stored: str | None) -> bool:
    """Whether a password belongs to a stored hash; takes as long when there is none."""
    try:
        matches = _hasher.verify(stored or _NOBODY, password)
    except (Argon2Error, InvalidHashError):
        return False
    return bool(matches) if stored is not None else False
