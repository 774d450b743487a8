"""Calls to a controller's HTTP interface: bounded in number, time and size; who refuses is left alone."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, TypeVar

import httpx
import msgspec

from connectors.shared.budget import CallBudget

_MOST_BYTES: Final = 32 * 1024 * 1024
"""A controller of a thousand access points answers with half of it."""
_BUSY: Final = frozenset({429, 503})
_NO_ENTRY: Final = frozenset({401, 403})

T = TypeVar("T")


class ControllerError(Exception):
    """A call brought nothing. Internal to the probes; holds nothing of a login.

    :param answered: the controller itself said so: it is there.
    """

    def __init__(self, reason: str, *, answered: bool, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answered = answered
        self.status = status


@dataclass(frozen=True)
class Answer:
    """What came back."""

    body: bytes
    headers: httpx.Headers = field(repr=False)

    def read(self, kind: type[T]) -> T:
        """The body as JSON of a kind; what the kind does not name is not kept.

        :raises ControllerError: when it is something else.
        """
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ControllerError("the controller's answer can't be read", answered=True) from None


class Api:
    """One controller's interface. Use it as an asynchronous context.

    :param budget: shared by all that call this host.
    :param ca: certificate (PEM) to trust instead of the system's; a controller's own will do: its name is then not
        checked.
    :raises OSError: when the certificate can't be read.
    """

    def __init__(self, url: str, budget: CallBudget, *, timeout_s: float, ca: Path | None = None) -> None:
        trust = ssl.create_default_context(cafile=None if ca is None else str(ca))
        if ca is not None:
            trust.check_hostname = False
        self._budget = budget
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"), timeout=timeout_s, verify=trust, follow_redirects=False, trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def call(
        self, method: str, path: str, *, json: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Call once, when the budget allows.

        :raises ControllerError: when the controller is silent, refuses, or answers with too much.
        """
        wait_s = self._budget.closed_for_s
        if wait_s > 0:  # a probe does not wait for it: the next one asks again
            raise ControllerError(
                f"the controller asked to be left alone for {wait_s:.0f} s more", answered=True
            )
        await self._budget.spend()
        try:
            async with self._client.stream(method, path, json=json, headers=headers) as response:
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise ControllerError("the controller's answer is too long", answered=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ControllerError(
                f"the controller does not answer: {type(error).__name__}", answered=False
            ) from None
        status = response.status_code
        if status in _BUSY:
            self._budget.refused(retry_after(response.headers.get("retry-after")))
            raise ControllerError(
                f"the controller refuses more calls ({status})", answered=True, status=status
            )
        if status in _NO_ENTRY:
            raise ControllerError(
                f"the controller refuses the login ({status})", answered=True, status=status
            )
        if not 200 <= status < 300:
            raise ControllerError(f"the controller answers with {status}", answered=True, status=status)
        self._budget.answered()
        return Answer(bytes(body), response.headers)

    def keep_away(self) -> None:
        """The login was refused: trying it again at once could lock the account."""
        self._budget.refused()

    def forget_login(self) -> None:
        """Drop cookies."""
        self._client.cookies.clear()


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3): a number or a date; None when it says neither."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
