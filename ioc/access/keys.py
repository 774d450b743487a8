"""Keys of sending systems: made, hashed, kept in the database, limited to scopes.

A key reads ``ioc_<id>_<secret>``. The id finds the row; of the secret only SHA-256 is kept. A slow hash such as
Argon2 protects passwords, which people choose; 192 random bits can't be guessed, and a slow hash would let anyone
who sends wrong keys keep the processor busy.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from ioc.errors import UsageError

#: May send facts.
INGEST: Final = "ingest"
SCOPES: Final = (INGEST,)
DEFAULT_QUOTA: Final = 60_000
"""Events a minute that a key may send when nothing else is said."""
_KEY: Final = re.compile(r"ioc_([0-9a-f]{12})_([0-9a-f]{48})")
_COLUMNS: Final = (
    "id, name, digest, scopes, sources, topics, units, quota_per_minute, created_at, expires_at, last_used_at,"
    " revoked_at"
)
_MOST_NAME: Final = 100


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is stored. Lists that are None don't limit.

    :param digest: SHA-256 of the id and the secret.
    :param sources: CloudEvents sources that it may speak for.
    :param topics: topics, without prefix, that it may send to.
    :param units: codes of units that its facts may belong to.
    :param quota_per_minute: most events in a minute.
    """

    id: str
    name: str
    digest: bytes
    scopes: tuple[str, ...]
    quota_per_minute: int
    created_at: datetime
    sources: tuple[str, ...] | None = None
    topics: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def valid_at(self, moment: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

    def fits(self, secret: str) -> bool:
        """Whether the secret is this key's; takes as long when it is not."""
        return hmac.compare_digest(self.digest, digest_of(self.id, secret))


#: Compared with when there is no such key, so that the time taken tells nothing.
NOBODY: Final = Key(
    id="0" * 12,
    name="",
    digest=secrets.token_bytes(32),
    scopes=(),
    quota_per_minute=1,
    created_at=datetime(1970, 1, 1, tzinfo=UTC),
)


def digest_of(key_id: str, secret: str) -> bytes:
    """What is stored of a secret; the id is part of it, so that no digest can be moved to another row."""
    return hashlib.sha256(f"{key_id}:{secret}".encode()).digest()


def split(text: str) -> tuple[str, str] | None:
    """Return id and secret of a key as it is sent, or None when it can't be one."""
    found = _KEY.fullmatch(text)
    return None if found is None else (found[1], found[2])


def create(
    connection: psycopg.Connection[Any],
    name: str,
    *,
    scopes: Iterable[str] = SCOPES,
    sources: Iterable[str] = (),
    topics: Iterable[str] = (),
    units: Iterable[str] = (),
    quota_per_minute: int = DEFAULT_QUOTA,
    expires_at: datetime | None = None,
) -> tuple[Key, str]:
    """Make a key; returns it and its text, which is kept nowhere.

    :param sources: and ``topics``, ``units``: what it is limited to; empty does not limit.
    :raises UsageError: when the name is empty, too long or in use, or a scope does not exist.
    """
    wanted = tuple(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise UsageError(
            f"There is no scope {', '.join(unknown) or 'empty'}.", remedy=f"Scopes: {', '.join(SCOPES)}."
        )
    if not name.strip() or len(name) > _MOST_NAME or not name.isprintable():
        raise UsageError(f"A key's name has 1 to {_MOST_NAME} printable characters.")
    if quota_per_minute < 1:
        raise UsageError("A quota is at least 1 event a minute.")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise UsageError("The key would be expired already.", remedy="Name a day to come.")
    key_id, secret = secrets.token_hex(6), secrets.token_hex(24)
    limits = [list(dict.fromkeys(given)) or None for given in (sources, topics, units)]
    try:
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(
                "INSERT INTO ioc.api_key (id, name, digest, scopes, sources, topics, units, quota_per_minute,"  # noqa: S608 - constant columns
                f" expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}".encode(),
                (
                    key_id,
                    name,
                    digest_of(key_id, secret),
                    list(wanted),
                    *limits,
                    quota_per_minute,
                    expires_at,
                ),
            ).fetchone()
    except errors.UniqueViolation as error:
        raise UsageError(
            f"There is a key {name!r} already.", remedy="Revoke it first, or choose another name."
        ) from error
    if row is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return _key(row), f"ioc_{key_id}_{secret}"


def list_keys(connection: psycopg.Connection[Any], *, usable: bool = False) -> list[Key]:
    """Return the keys in the order in which they were made.

    :param usable: leave out what is revoked or expired.
    """
    only = " WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())" if usable else ""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            f"SELECT {_COLUMNS} FROM ioc.api_key{only} ORDER BY created_at, id".encode()  # noqa: S608 - constant
        ).fetchall()
    return [_key(row) for row in rows]


def revoke(connection: psycopg.Connection[Any], name_or_id: str) -> Key:
    """Make a key useless for good; harmless when it is already.

    :raises UsageError: when there is no such key in use.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "UPDATE ioc.api_key SET revoked_at = coalesce(revoked_at, now())"  # noqa: S608 - constant columns
            f" WHERE id = %(key)s OR (name = %(key)s AND revoked_at IS NULL) RETURNING {_COLUMNS}".encode(),
            {"key": name_or_id},
        ).fetchone()
    if row is None:
        raise UsageError(f"There is no key {name_or_id!r} in use.", remedy="ioc key list shows all.")
    return _key(row)


def note_use(connection: psycopg.Connection[Any], used: Mapping[str, datetime]) -> None:
    """Write down when keys were used last."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE ioc.api_key SET last_used_at = greatest(last_used_at, %s) WHERE id = %s",
            [(moment, key_id) for key_id, moment in used.items()],
        )


def _key(row: Mapping[str, Any]) -> Key:
    def limit(name: str) -> tuple[str, ...] | None:
        return None if row[name] is None else tuple(row[name])

    return Key(
        id=row["id"],
        name=row["name"],
        digest=bytes(row["digest"]),
        scopes=tuple(row["scopes"]),
        quota_per_minute=row["quota_per_minute"],
        created_at=row["created_at"],
        sources=limit("sources"),
        topics=limit("topics"),
        units=limit("units"),
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
