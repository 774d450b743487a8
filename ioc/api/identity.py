"""Who asks: a reader by HTTP Basic, or by the session of a browser; else the guest."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import Annotated, Final
from weakref import WeakValueDictionary

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from ioc.access import GUEST, sessions
from ioc.access.lockout import Lockout
from ioc.access.passwords import fits
from ioc.access.roles import require
from ioc.api.database import Database

_log = structlog.get_logger(__name__)
_MOST_HELD: Final = 1024
#: Methods that change nothing.
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _Basic(HTTPBasic):
    """HTTP Basic with names and passwords in UTF-8, as the challenge says; the framework's own knows ASCII only."""

    async def __call__(  # type: ignore[override]  # the parent declares less than it returns
        self, request: HTTPConnection
    ) -> HTTPBasicCredentials | None:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise _refused("The Authorization header can't be read.")
        return HTTPBasicCredentials(username=name, password=password)


_basic = _Basic(
    auto_error=False, realm="ioc", description="A reader of the platform; without one, the guest."
)


class Gate:
    """Checks names and passwords.

    Argon2 is slow on purpose, and Basic sends the password with every request: pairs that fitted are remembered by
    a keyed digest that also covers the stored hash, so a changed password or a closed reader is refused at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key = secrets.token_bytes(32)
        self._fitted: OrderedDict[bytes, None] = OrderedDict()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        #: Waits after wrong passwords.
        self.lockout = Lockout()

    async def reader(self, credentials: HTTPBasicCredentials | None, origin: str = "") -> str:
        """Return the name of the reader who asks.

        :param origin: the address that asks.
        :raises HTTPException: 401, when name and password do not fit, or none are given and the guest is closed;
            429, with the seconds to wait, after too many wrong passwords.
        """
        name = GUEST if credentials is None else credentials.username
        rows = (
            []
            if "\x00" in name
            else await self._database.rows(
                "SELECT password_hash FROM ioc.reader WHERE name = %s AND active", (name,)
            )
        )
        stored: str | None = rows[0][0] if rows else None
        if credentials is None:
            if not rows:
                raise _refused("Anonymous reading is closed here: give a reader's name and password.")
            return GUEST
        await self._check(credentials, stored, origin)
        return name

    async def _check(self, credentials: HTTPBasicCredentials, stored: str | None, origin: str) -> None:
        name = credentials.username
        # one at a time, or many guesses at once would all pass before the first is counted
        turn = self._turns.setdefault((name, origin), asyncio.Lock())
        async with turn:
            wait = self.lockout.wait_s(name, origin)
            if wait:
                raise HTTPException(
                    429,
                    detail=f"Too many wrong passwords for this name. Wait {wait} s, then try again.",
                    headers={"Retry-After": str(wait)},
                )
            if await self._fits(credentials, stored):
                self.lockout.fitted(name, origin)
                return
            wait = self.lockout.failed(name, origin)
        if wait and stored is not None:
            # only names that exist: in the field people type passwords, too
            _log.warning("login.waits", reader=name, wait_s=wait)
        raise _refused("Name and password do not fit.")

    async def who(self, request: HTTPConnection) -> str:
        """Return the name of the reader whom a request is of: by its header, else by its session, else the guest.

        :raises HTTPException: 401, as :meth:`reader`; 403: another site made the browser send it.
        """
        return await self.of(request, await _basic(request))

    async def of(self, request: HTTPConnection, credentials: HTTPBasicCredentials | None) -> str:
        """The same, with what its header says."""
        _from_here(request)
        token = request.cookies.get(sessions.COOKIE)
        if credentials is None and token:
            reader = await self._database.change(sessions.reader_of(token))
            if reader is not None:
                return reader
        return await self.reader(credentials, origin_of(request))

    async def _fits(self, credentials: HTTPBasicCredentials, stored: str | None) -> bool:
        secret = "\x00".join((credentials.username, credentials.password, stored or "")).encode()
        digest = hmac.new(self._key, secret, hashlib.sha256).digest()
        if digest in self._fitted:
            self._fitted.move_to_end(digest)
            return True
        if not await run_in_threadpool(fits, credentials.password, stored):
            return False
        self._fitted[digest] = None
        while len(self._fitted) > _MOST_HELD:
            self._fitted.popitem(last=False)
        return True


def origin_of(request: HTTPConnection) -> str:
    """The address that a request comes from; behind a proxy, the proxy's."""
    return "" if request.client is None else request.client.host


def _from_here(request: HTTPConnection) -> None:
    """Refuse what another site lets a browser change: it would come with the reader's session or password.

    Programs send neither header; browsers send the first, and very old ones the second.
    """
    if request.scope.get("method", "GET") in _SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # a proxy may speak TLS for us: the name alone is compared
    other = origin is not None and origin.partition("://")[2] != request.headers.get("host")
    if site not in ("same-origin", "none") if site is not None else other:
        raise HTTPException(403, detail="This is for pages of the platform itself.")


def _refused(detail: str) -> HTTPException:
    return HTTPException(
        401, detail=detail, headers={"WWW-Authenticate": 'Basic realm="ioc", charset="UTF-8"'}
    )


async def _reader(
    request: Request, credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)]
) -> str:
    gate: Gate = request.app.state.gate
    return await gate.of(request, credentials)


def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def _named(reader: Annotated[str, Depends(_reader)]) -> str:
    if reader == GUEST:
        raise _refused("This is for readers by name: give a reader's name and password.")
    return reader


async def _acting(
    reader: Annotated[str, Depends(_named)], database: Annotated[Database, Depends(_database)]
) -> str:
    await database.answer(require(reader))
    return reader


#: Name of the reader who asks, when his role must let him act: operator, leader or admin.
ActingReader = Annotated[str, Depends(_acting)]
#: Name of the reader who asks, when it must not be the guest.
NamedReader = Annotated[str, Depends(_named)]
#: Name of the reader who asks.
CurrentReader = Annotated[str, Depends(_reader)]
#: The application's database.
CurrentDatabase = Annotated[Database, Depends(_database)]
