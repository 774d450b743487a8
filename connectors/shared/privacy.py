"""Personal data stops at the edge: persons are dropped, or replaced by a keyed hash whose key can be destroyed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path

from ioc.errors import InputError


def key_path(state_dir: Path, source: str) -> Path:
    """File that holds the key of a source's pseudonyms."""
    return state_dir / "secrets" / f"pseudonyms-{slug(source)}.key"


def slug(text: str) -> str:
    """Turn a name into one that is safe as a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:80] or "source"


class Pseudonymiser:
    """Replaces a person's name by a keyed hash: equal names give equal hashes while the key exists.

    A pseudonym is still personal data. When the key file is destroyed, no hash made with it can be led back to a name
    by trying names, and later imports make new, unrelated ones.

    :param path: key file; made with 32 random bytes, readable by its owner only, at first use.
    :raises InputError: when the file exists and holds no key.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
        try:
            self._key = bytes.fromhex(path.read_text().strip())
        except ValueError:
            self._key = b""
        if len(self._key) != 32:
            raise InputError(
                f"The key file {path} does not hold 64 hexadecimal characters.",
                remedy="Restore it from a backup, or remove it to begin with new pseudonyms.",
            )

    def __call__(self, name: str) -> str:
        """Return the pseudonym of a name: 32 hexadecimal characters. Case and outer blanks don't matter."""
        return hashlib.blake2b(name.strip().casefold().encode(), key=self._key, digest_size=16).hexdigest()


def destroy_key(path: Path) -> bool:
    """Overwrite and remove a key file; returns whether there was one.

    Backups and copies of the file are the caller's to destroy.
    """
    try:
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return False
    return True
