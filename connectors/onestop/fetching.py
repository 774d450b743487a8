"""One host's answers: bounded in time and size, within its budget of calls, and never from another host."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import msgspec

from connectors.onestop.restsource import Source, origin_of
from connectors.shared.budget import CallBudget
from connectors.shared.jsonbounds import MOST_CONTAINERS, holds_too_many
from ioc.district.secrets import read_secret
from ioc.errors import InputError

_MOST_REFUSALS: Final = 5
"""Refusals of one call in a row before the round is given up; the budget stays closed."""
_MOST_REDIRECTS: Final = 3
_REFUSED: Final = (429, 503)


class SourceError(Exception):
    """A source did not answer as it should; the text names no secret and nothing of the answer."""


class Fetcher:
    """Asks one source.

    :param budget: the calls that its host allows, shared with other sources of that host.
    """

    def __init__(self, source: Source, budget: CallBudget) -> None:
        self._source = source
        self._budget = budget
        self._client: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Make ready.

        :raises InputError: when the certificates of a private authority can't be used.
        """
        request = self._source.config.request
        verify: ssl.SSLContext | bool = True
        if request.ca_file is not None:
            try:
                verify = ssl.create_default_context(cafile=request.ca_file)
            except OSError:  # an SSLError is one
                raise InputError(
                    f"The certificates {request.ca_file} of source {self._source.config.name} can't be used."
                ) from None
        # trust_env: an administrator's proxy settings count; a netrc's logins do not
        self._client = httpx.AsyncClient(
            verify=verify,
            follow_redirects=False,
            timeout=httpx.Timeout(self._source.config.poll.timeout_s),
            limits=httpx.Limits(max_connections=2),
            auth=httpx.Auth(),
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def get(self, url: httpx.URL) -> Any:
        """Return the JSON at an address of the source's host.

        Waits for the budget; asks again when the host refuses for the moment.

        :raises SourceError: when there is no such answer.
        :raises InputError: when the secret's reference leads to nothing.
        """
        for _ in range(_MOST_REFUSALS):
            found = await self._ask(url)
            if found is not None:
                return found[0]
        raise SourceError(f"it refused {_MOST_REFUSALS} times in a row")

    async def _ask(self, url: httpx.URL) -> tuple[Any] | None:
        """The answer; None when the host asked to be left alone for a while."""
        for _ in range(_MOST_REDIRECTS + 1):
            if origin_of(url) != self._source.origin:
                raise SourceError("it leads to another host, which is never asked")
            await self._budget.spend()
            try:
                async with asyncio.timeout(self._source.config.poll.timeout_s):
                    status, headers, body = await self._call(url)
            except (TimeoutError, httpx.TimeoutException):
                raise self._failed(f"no answer within {self._source.config.poll.timeout_s:g} s") from None
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError) as error:
                raise self._failed(f"it can't be reached ({type(error).__name__})") from None
            if status in _REFUSED:
                self._budget.refused(_retry_after(headers.get("retry-after")))
                return None
            if status in (301, 302, 303, 307, 308):
                try:
                    url = url.join(headers.get("location", ""))
                except (httpx.InvalidURL, ValueError):
                    raise self._failed("it leads to an address that is none") from None
                continue
            if status in (401, 403):
                raise self._failed("it refused the login")
            if status != 200:
                raise self._failed(f"it answered {status}")
            if holds_too_many(body):
                raise self._failed(f"its answer holds more than {MOST_CONTAINERS} objects and lists")
            try:
                answer = msgspec.json.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise self._failed("its answer is not JSON") from None
            self._budget.answered()
            return (answer,)
        raise self._failed("it leads from address to address")

    async def _call(self, url: httpx.URL) -> tuple[int, httpx.Headers, bytes]:
        if self._client is None:
            raise RuntimeError("open() comes first")
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "ioc-platform",
            **self._source.config.request.headers,
            **self._login(),
        }
        async with self._client.stream("GET", url, headers=headers) as answer:
            if answer.status_code != 200:
                return answer.status_code, answer.headers, b""
            return 200, answer.headers, await self._body(answer)

    async def _body(self, answer: httpx.Response) -> bytes:
        """The unpacked body; unpacked here, since a library would unpack a bomb before it can be measured."""
        most = self._source.config.poll.most_bytes
        packing = answer.headers.get("content-encoding", "").strip().lower()
        if packing not in ("", "identity", "gzip"):
            raise self._failed("its answer is packed in a way that was not asked for")
        unpack = zlib.decompressobj(31) if packing == "gzip" else None
        body = bytearray()
        async for piece in answer.aiter_raw():
            try:
                body += piece if unpack is None else unpack.decompress(piece, most - len(body) + 1)
            except zlib.error:
                raise self._failed("its answer is damaged gzip") from None
            if len(body) > most:
                raise self._failed(f"its answer is longer than {most} bytes (poll.most_bytes)")
        if unpack is not None and not unpack.eof:
            raise self._failed("its answer is cut off")
        return bytes(body)

    def _login(self) -> dict[str, str]:
        auth = self._source.config.auth
        if auth is None:
            return {}
        secret = read_secret(auth.secret, self._source.folder).get_secret_value()
        if auth.scheme == "header":
            name, value = auth.header, secret
        elif auth.scheme == "bearer":
            name, value = "Authorization", f"Bearer {secret}"
        else:
            user, _, password = secret.partition(":")
            request = next(httpx.BasicAuth(user, password).auth_flow(httpx.Request("GET", self._source.url)))
            name, value = "Authorization", request.headers["Authorization"]
        if not value.isascii() or not value.isprintable():
            raise InputError(f"The secret of source {self._source.config.name} can't be sent in a header.")
        return {name: value}

    def _failed(self, why: str) -> SourceError:
        """A fault that keeps everybody away from the host for a while, longer with each in a row."""
        self._budget.refused()
        return SourceError(why)


def _retry_after(text: str | None) -> float | None:
    """Seconds that a Retry-After asks for; None when it says nothing usable."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
