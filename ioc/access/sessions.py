"""Sessions of browsers: begun with name and password, known by a cookie, ended by their reader or by time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

import msgspec

from ioc.kpi.steps import Steps

COOKIE: Final = "ioc_session"
#: A session that nobody used for this long is over, in hours.
IDLE_HOURS: Final = 12
#: However much it is used, it is over after this long, in days.
LONGEST_DAYS: Final = 30
#: Sessions of one reader; the one that was used longest ago makes room for a new one.
MOST_OF_ONE: Final = 20
_TOKEN_BYTES: Final = 32
_MOST_TOKEN: Final = 64
_MOST_AGENT: Final = 200
#: A use is written down once in this time, in minutes.
_NOTED_MINUTES: Final = 5
_MAKE_ROOM: Final = """
DELETE FROM ioc.session WHERE session_id IN
    (SELECT session_id FROM ioc.session WHERE reader = %s ORDER BY seen_at DESC, session_id DESC OFFSET %s)
"""
_BEGIN: Final = """
INSERT INTO ioc.session (digest, reader, expires_at, agent) VALUES (%s, %s, now() + make_interval(hours => %s), %s)
"""
_READER: Final = """
SELECT s.reader, s.seen_at < now() - make_interval(mins => %s)
FROM ioc.session s JOIN ioc.reader r ON r.name = s.reader
WHERE s.digest = %s AND s.expires_at > now() AND r.active
"""
_NOTE: Final = """
UPDATE ioc.session SET seen_at = now(),
       expires_at = least(now() + make_interval(hours => %s), made_at + make_interval(days => %s))
WHERE digest = %s
"""
_LIST: Final = """
SELECT session_id, reader, made_at, seen_at, expires_at, agent FROM ioc.session
WHERE expires_at > now() AND (%(reader)s::text IS NULL OR reader = %(reader)s)
ORDER BY seen_at DESC, session_id DESC LIMIT 1000
"""


class Session(msgspec.Struct, frozen=True):
    """A browser that a reader logged in with.

    :param agent: what the browser says it is, cut short.
    """

    id: int
    reader: str
    made_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str


def begin(reader: str, agent: str) -> Steps[str]:
    """Begin a session; returns the secret for the cookie, which is kept nowhere."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    yield "DELETE FROM ioc.session WHERE expires_at <= now()", ()
    yield _MAKE_ROOM, (reader, MOST_OF_ONE - 1)
    yield _BEGIN, (_digest(token), reader, IDLE_HOURS, agent[:_MOST_AGENT].replace("\x00", ""))
    return token


def reader_of(token: str) -> Steps[str | None]:
    """Name of the reader whose session this is; None when it is over, or was never one. Notes that it was used."""
    if len(token) > _MOST_TOKEN:
        return None
    found = yield _READER, (_NOTED_MINUTES, _digest(token))
    if not found:
        return None
    reader, unnoted = found[0]
    if unnoted:
        yield _NOTE, (IDLE_HOURS, LONGEST_DAYS, _digest(token))
    return str(reader)


def end(token: str) -> Steps[None]:
    """End the session of this secret, if it is one."""
    yield "DELETE FROM ioc.session WHERE digest = %s", (_digest(token),)


def end_one(session_id: int) -> Steps[str | None]:
    """End a session by its number; returns whose it was, None where there was none."""
    gone = yield "DELETE FROM ioc.session WHERE session_id = %s RETURNING reader", (session_id,)
    return str(gone[0][0]) if gone else None


def end_all(reader: str, *, keep: str | None = None) -> Steps[int]:
    """End every session of a reader, but the one of the secret ``keep``; returns how many ended."""
    kept = b"" if keep is None else _digest(keep)
    gone = yield "DELETE FROM ioc.session WHERE reader = %s AND digest <> %s RETURNING 1", (reader, kept)
    return len(gone)


def of(reader: str | None = None) -> Steps[list[Session]]:
    """Sessions that go on, of one reader or of all, the newest use first."""
    rows = yield _LIST, {"reader": reader}
    return [Session(*row) for row in rows]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
