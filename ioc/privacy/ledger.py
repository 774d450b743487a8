"""The erasure ledger: keyed digests of the codes of dossiers that were erased, in the database and in a file.

The database's copy is what stream workers ask. The file stands beside the backups and is only added to: a backup that
is older than an erasure is restored with it. Codes follow a pattern, so that a plain digest could be led back by
trying all; the key is a file of the installation's (``secrets/erasure.key``), which no database dump holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg

from ioc.errors import InputError, SettingsError, UnavailableError
from ioc.settings import Settings

DIGEST_BYTES: Final = 16
_KEY_BYTES: Final = 32
_PURPOSE: Final = b"ioc erased"


class Line(msgspec.Struct, frozen=True):
    """One erased code, as the file has it."""

    digest: str
    """32 hexadecimal characters."""
    erased_at: datetime
    reason: str
    erased_by: str


@dataclass(frozen=True, slots=True)
class Key:
    """Makes digests of codes."""

    secret: bytes

    def digest(self, code: str) -> bytes:
        """The digest of a dossier's code, 16 bytes."""
        return hashlib.blake2b(
            code.encode(), key=self.secret, digest_size=DIGEST_BYTES, person=_PURPOSE
        ).digest()

    @property
    def fingerprint(self) -> bytes:
        """Tells one key from another, and nothing of it."""
        return hashlib.blake2b(self.secret, digest_size=DIGEST_BYTES, person=b"ioc fingerprint").digest()


def key_path(settings: Settings) -> Path:
    """File of the key, for its owner's eyes only."""
    return settings.state_dir / "secrets" / "erasure.key"


def read_key(settings: Settings) -> Key | None:
    """The installation's key; None before the first erasure.

    :raises InputError: the file holds no key.
    """
    path = key_path(settings)
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        return None
    except ValueError:
        secret = b""
    except OSError as error:
        raise UnavailableError(f"{path} can't be read: {error.strerror}.") from error
    if len(secret) != _KEY_BYTES:
        raise InputError(
            f"{path} does not hold 64 hexadecimal characters.", remedy="Restore it from a backup."
        )
    return Key(secret)


def make_key(settings: Settings) -> Key:
    """The installation's key, made when there is none."""
    path = key_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    found = read_key(settings)
    if found is None:
        raise UnavailableError(f"{path} was taken away while it was being made.")
    return found


_FINGERPRINT: Final = "SELECT fingerprint FROM ioc.erasure_key"
_SET_FINGERPRINT: Final = "INSERT INTO ioc.erasure_key (fingerprint) VALUES (%s) ON CONFLICT DO NOTHING"


def wrong_key(key: Key | None, settings: Settings) -> SettingsError:
    """What to tell where this machine's key is missing, or does not fit the fingerprint in the database."""
    state = "is missing" if key is None else "is another one than the erasure ledger was made with"
    return SettingsError(
        f"The key of erased dossiers {state} ({key_path(settings)}).",
        remedy="Put the file of the first installation, or of its backup, there.",
    )


def fitting_key(connection: psycopg.Connection[Any], settings: Settings, *, make: bool = True) -> Key:
    """This machine's key, noted in the database.

    :param make: where there is none anywhere; otherwise that is an error.
    :raises SettingsError: there is none, or the database knows another one.
    """
    row = connection.execute(_FINGERPRINT).fetchone()
    fingerprint = None if row is None else row[0]
    key = read_key(settings)
    if fingerprint is None and key is None and make:
        key = make_key(settings)
    if key is None or (fingerprint is not None and key.fingerprint != bytes(fingerprint)):
        raise wrong_key(key, settings)
    if fingerprint is None:
        connection.execute(_SET_FINGERPRINT, (key.fingerprint,))
    return key


def path_of(settings: Settings) -> Path:
    """The ledger's file."""
    return settings.backup_path / "erasures.jsonl"


def append(path: Path, lines: Iterable[Line]) -> None:
    """Add lines; once this returns they outlive a power cut.

    :raises UnavailableError: the file can't be written.
    """
    data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data  # a line that a crash cut short was promised to nobody
            if os.write(descriptor, data) != len(data):
                raise OSError(28, "No space left on device")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnavailableError(
            f"The erasure ledger {path} can't be written: {error.strerror}; nothing was erased.",
            remedy="See that the disk has room and the folder can be written.",
        ) from error


def read(path: Path) -> list[Line]:
    """All lines; an unfinished one is left out.

    :raises InputError: the file can't be read: erasures must not be forgotten without a word.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"The erasure ledger {path} can't be read: {error.strerror}.") from error
    found = []
    pieces = data.split(b"\n")
    for number, piece in enumerate(pieces, start=1):
        if not piece:
            continue
        try:
            line = msgspec.json.decode(piece, type=Line)
            if len(bytes.fromhex(line.digest)) != DIGEST_BYTES:
                raise ValueError
        except ValueError:
            if b'"digest"' in piece[:12] and not piece.endswith(b"}"):
                continue  # cut short by a crash, before anything was erased
            raise InputError(
                f"Line {number} of the erasure ledger {path} can't be read.",
                remedy="Put the copy of another backup folder there, or take that line out by hand.",
            ) from None
        found.append(line)
    return found
