"""The key and the check of what comes back over the platform's own API: nobody else can say that an alert arrived."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Final

import msgspec
import psycopg

from ioc.errors import InputError, UnavailableError
from ioc.kpi.query import Steps
from ioc.settings import Settings

#: Where it comes back to, below the platform's address.
PATH: Final = "/api/v1/alerts/echo"
#: A signature is good for so many seconds.
GOOD_FOR_S: Final = 300
_SIGNATURE: Final = re.compile(r"t=(\d{1,12}),v1=[0-9a-f]{64}")
_MAKE: Final = "INSERT INTO ioc.echo_key (key) VALUES (%s) ON CONFLICT DO NOTHING"
_KEY: Final = "SELECT key FROM ioc.echo_key"


class _Message(msgspec.Struct):
    """What is read of the message that came back: a CloudEvent whose id is the message's key."""

    id: str


def address(settings: Settings) -> str:
    """Where messages are sent to come back: the public address where there is one, since people come that way."""
    return (settings.echo_url or settings.public_url or settings.api_url).rstrip("/") + PATH


def key_of() -> Steps[bytes]:
    """Steps to the key that signs; made where there is none."""
    rows = yield _KEY, ()
    if not rows:
        yield _MAKE, (secrets.token_bytes(32),)
        rows = yield _KEY, ()
    return bytes(rows[0][0]).hex().encode()


def read_key(settings: Settings) -> bytes:
    """The same, over a connection of its own.

    :raises UnavailableError: the database does not answer.
    """
    from ioc.kpi.steps import run

    try:
        with psycopg.connect(settings.database_dsn, autocommit=True, connect_timeout=5) as connection:
            return run(connection, key_of())
    except psycopg.Error as error:
        raise UnavailableError("The database does not answer.", remedy="Run ioc status.") from error


def signed_at(header: str) -> int | None:
    """Seconds since 1970 at which a signature header says it was made; None where it is none."""
    found = _SIGNATURE.fullmatch(header)
    return int(found[1]) if found else None


def fits(header: str, expected: str, now_s: float) -> bool:
    """Whether a signature is the one expected and not old.

    :param expected: what the body's signature at that time is.
    """
    at = signed_at(header)
    return at is not None and abs(now_s - at) <= GOOD_FOR_S and hmac.compare_digest(header, expected)


def message_key(body: bytes) -> str:
    """Key of the message that came back.

    :raises InputError: the body is no message of ours.
    """
    try:
        return msgspec.json.decode(body, type=_Message).id
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InputError("The body is no message of this platform.") from error
