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
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import psycopg

from ioc.access.changes import SYSTEM, By, note
from ioc.errors import UsageError
from ioc.kpi.steps import Steps, run

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
_MOST_QUOTA: Final = 2**31 - 1
_INSERT: Final = f"""
INSERT INTO ioc.api_key (id, name, digest, scopes, sources, topics, units, quota_per_minute, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608 - constant columns
_LIST: Final = f"SELECT {_COLUMNS} FROM ioc.api_key ORDER BY created_at, id"  # noqa: S608 - constant columns
_LIST_USABLE: Final = f"""
SELECT {_COLUMNS} FROM ioc.api_key
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) ORDER BY created_at, id
"""  # noqa: S608 - constant columns
_REVOKE: Final = f"""
UPDATE ioc.api_key SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(key)s OR (name = %(key)s AND revoked_at IS NULL) RETURNING {_COLUMNS}
"""  # noqa: S608 - constant columns


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


def creating(
    by: By,
    name: str,
    *,
    scopes: Iterable[str] = SCOPES,
    sources: Iterable[str] = (),
    topics: Iterable[str] = (),
    units: Iterable[str] = (),
    quota_per_minute: int = DEFAULT_QUOTA,
    expires_at: datetime | None = None,
) -> Steps[tuple[Key, str]]:
    """Steps that make a key; to it and its text, which is kept nowhere.

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
    if not 1 <= quota_per_minute <= _MOST_QUOTA:
        raise UsageError(f"A quota is 1 to {_MOST_QUOTA} events a minute.")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise UsageError("The key would be expired already.", remedy="Name a day to come.")
    key_id, secret = secrets.token_hex(6), secrets.token_hex(24)
    limits = [list(dict.fromkeys(given)) or None for given in (sources, topics, units)]
    rows = yield (
        _INSERT,
        (key_id, name, digest_of(key_id, secret), list(wanted), *limits, quota_per_minute, expires_at),
    )
    if not rows:
        raise UsageError(
            f"There is a key {name!r} already.", remedy="Revoke it first, or choose another name."
        )
    yield from note(by, "key.made", name, {"id": key_id})
    return _key(rows[0]), f"ioc_{key_id}_{secret}"


def listed(*, usable: bool = False) -> Steps[list[Key]]:
    """Steps to the keys in the order in which they were made.

    :param usable: leave out what is revoked or expired.
    """
    return [_key(row) for row in (yield (_LIST_USABLE if usable else _LIST), ())]


def revoking(by: By, name_or_id: str) -> Steps[Key]:
    """Steps that make a key useless for good; harmless when it is already.

    :raises UsageError: when there is no such key in use.
    """
    rows = [] if "\x00" in name_or_id else (yield _REVOKE, {"key": name_or_id})
    if not rows:
        raise UsageError(f"There is no key {name_or_id!r} in use.", remedy="ioc key list shows all.")
    found = _key(rows[0])
    yield from note(by, "key.revoked", found.name, {"id": found.id})
    return found


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
    by: By = SYSTEM,
) -> tuple[Key, str]:
    """Make a key; see :func:`creating`."""
    steps = creating(
        by,
        name,
        scopes=scopes,
        sources=sources,
        topics=topics,
        units=units,
        quota_per_minute=quota_per_minute,
        expires_at=expires_at,
    )
    return run(connection, steps)


def list_keys(connection: psycopg.Connection[Any], *, usable: bool = False) -> list[Key]:
    """Return the keys in the order in which they were made; see :func:`listed`."""
    return run(connection, listed(usable=usable))


def revoke(connection: psycopg.Connection[Any], name_or_id: str, *, by: By = SYSTEM) -> Key:
    """Make a key useless for good; see :func:`revoking`."""
    return run(connection, revoking(by, name_or_id))


def note_use(connection: psycopg.Connection[Any], used: Mapping[str, datetime]) -> None:
    """Write down when keys were used last."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE ioc.api_key SET last_used_at = greatest(last_used_at, %s) WHERE id = %s",
            [(moment, key_id) for key_id, moment in used.items()],
        )


def _key(row: Sequence[Any]) -> Key:
    (
        key_id,
        name,
        digest,
        scopes,
        sources,
        topics,
        units,
        quota,
        created_at,
        expires_at,
        last_used_at,
        revoked_at,
    ) = row
    return Key(
        id=key_id,
        name=name,
        digest=bytes(digest),
        scopes=tuple(scopes),
        quota_per_minute=quota,
        created_at=created_at,
        sources=None if sources is None else tuple(sources),
        topics=None if topics is None else tuple(topics),
        units=None if units is None else tuple(units),
        expires_at=expires_at,
        last_used_at=last_used_at,
        revoked_at=revoked_at,
    )
