"""POST over HTTP, and what an answer or its absence means for a message."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

from ioc.delivery.channels.interface import ChannelError, PermanentError, TemporaryError

#: Carries a message's key: what is sent twice can be told from two messages.
KEY_HEADER: Final = "X-IOC-Idempotency-Key"
_MOST_BYTES: Final = 256 * 1024
_LONGEST_WAIT_S: Final = 3600.0
_LATER: Final = frozenset({408, 421, 425, 429})


@dataclass(frozen=True)
class Reply:
    """An answer; of its body the first 256 KiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def client(timeout_s: float) -> httpx.Client:
    """A client for one channel, for any number of threads. Uses the environment's proxies, follows no redirects."""
    return httpx.Client(
        timeout=timeout_s,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=4, keepalive_expiry=30.0),
        headers={"User-Agent": "ioc-delivery"},
    )


def key_value(key: str) -> str:
    """A message's key as a header carries it: what headers can't hold is written with ``%``."""
    return quote(key, safe="!#$&'()*+,-./:;=?@[]_~|^{}")


def checked_url(text: str, *, what: str) -> str:
    """A URL of http or https with a host.

    :raises ChannelError: it is none; it is not repeated, it may hold a secret.
    """
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        httpx.URL(text)
    except (ValueError, httpx.InvalidURL):
        fits = False
    if not fits or any(sign <= " " or sign == "\x7f" for sign in text):
        raise ChannelError(
            f"The {what} is no address of http or https.",
            remedy="Write the whole address, such as https://example.org/path, into the channel's secret.",
        )
    return text


def post(session: httpx.Client, url: str, *, content: bytes, headers: Mapping[str, str]) -> Reply:
    """POST and return the answer, whatever its status.

    :raises TemporaryError: there was none.
    """
    try:
        with session.stream("POST", url, content=content, headers=dict(headers)) as answer:
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) >= _MOST_BYTES:
                    break
            return Reply(answer.status_code, dict(answer.headers), body[:_MOST_BYTES])
    except httpx.HTTPError as error:
        raise no_answer(error) from None
    except (OSError, ValueError) as error:
        raise TemporaryError(f"The request could not be made: {type(error).__name__}.") from None


def no_answer(error: BaseException) -> TemporaryError:
    """Say why there was no answer; the error's own text may name the address, so only its kind is told."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TemporaryError(
                f"The server's certificate is not trusted: {cause.verify_message}.",
                remedy="Renew it there, or let SSL_CERT_FILE name the authority that signed it.",
            )
        if isinstance(cause, ssl.SSLError):
            return TemporaryError(
                f"No TLS with the server: {cause.reason or 'refused'}.",
                remedy="See whether it speaks TLS there.",
            )
        if isinstance(cause, ConnectionRefusedError):
            return TemporaryError(
                "The server refuses connections.", remedy="See whether it runs and its port is right."
            )
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException):
        return TemporaryError("The server did not answer in time.", remedy="See whether it is slow or away.")
    if isinstance(error, httpx.ConnectError):
        return TemporaryError(
            "The server can't be reached.", remedy="See whether its name is right and the network is up."
        )
    return TemporaryError(
        "The connection to the server broke.", remedy="See whether it is overloaded or restarting."
    )


def judge(status: int, *, retry_after: str | None = None, said: str = "") -> None:
    """Raise what a status means; nothing where it is a success.

    :param retry_after: the header of that name: seconds, or a date.
    :param said: what the server says of it, already cleaned of secrets.
    :raises TemporaryError: it may work later: 408, 421, 425, 429, 5xx.
    :raises PermanentError: it won't: any other.
    """
    if 200 <= status < 300:
        return
    said = f": {said}" if said else ""
    if status in _LATER or status >= 500:
        raise TemporaryError(
            f"The server answered {status}{said}.",
            remedy="It is tried again.",
            retry_after_s=wait_of(retry_after),
        )
    remedy = {
        401: "See whether the channel's secret is right.",
        403: "See whether the channel's secret is right and it may write there.",
        404: "See whether the channel's address is right.",
    }.get(status, "See whether the channel's address and the person's are right.")
    if 300 <= status < 400:
        remedy = "It has moved: write the new address into the channel's secret."
    raise PermanentError(f"The server answered {status}{said}.", remedy=remedy)


def wait_of(retry_after: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, at most an hour; None when there is none that can be read."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WAIT_S)
