"""The first password: made at the first start, told to whoever started the platform, until it is changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import psycopg

from ioc.access.passwords import fits, generate, hash_password
from ioc.access.readers import ADMIN
from ioc.access.roles import Role
from ioc.errors import UnavailableError
from ioc.settings import Settings

#: One process at a time makes the first reader.
_LOCK: Final = 0x696F6304


def first_password_file(settings: Settings) -> Path:
    """Where the first password is kept in the clear, for its owner only."""
    return settings.state_dir / "secrets" / "first-password"


def ensure_first_password(settings: Settings) -> str | None:
    """Make the reader ``admin`` with a generated password where there is none yet.

    The password is kept in the clear in the state folder (mode 600) before its hash is stored, so that a crash
    between the two loses nothing. A database that was wiped gets the password that is in the folder.

    :returns: the first password while it is still in use; None once it was changed, or was made elsewhere.
    :raises UnavailableError: the database does not answer or is not prepared.
    """
    path = first_password_file(settings)
    try:
        with psycopg.connect(settings.database_dsn, connect_timeout=5) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            row = connection.execute(
                "SELECT password_hash FROM ioc.reader WHERE name = %s", (ADMIN,)
            ).fetchone()
            kept = path.read_text(encoding="utf-8").strip() if path.exists() else None
            if row is not None:
                return kept if kept and fits(kept, row[0]) else None
            password = kept or generate()
            if kept is None:
                _keep(path, password)
            connection.execute(
                "INSERT INTO ioc.reader (name, password_hash, role) VALUES (%s, %s, %s)",
                (ADMIN, hash_password(password), Role.ADMIN.value),
            )
            return password
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
        raise UnavailableError(
            "The first password can't be made: the database does not answer or is not prepared.",
            remedy="Run: ioc prepare",
        ) from error


def _keep(path: Path, password: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(password + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
