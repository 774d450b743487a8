"""Who sends, by API key; how much more may be sent; and who guesses."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from starlette.requests import Request

from connectors.ingest.errors import RefusedError
from ioc.access import keys
from ioc.access.keyring import Keyring
from ioc.access.keys import Key
from ioc.access.quota import WINDOW_S, Attempts, Quotas, Standing

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="ioc"'}
_SHOWN_OF_KEY: Final = len("ioc_") + 12


class Gate:
    """Checks keys and quotas.

    A wrong key costs one SHA-256; after ten wrong ones for one id from one address within a minute further ones are
    refused unread, so that nobody who knows an id can try secrets, and no other sender is touched.
    """

    def __init__(
        self, keyring: Keyring, *, quotas: Quotas | None = None, attempts: Attempts | None = None
    ) -> None:
        self._keyring = keyring
        self._quotas = quotas or Quotas()
        self._attempts = attempts or Attempts()

    def admit(self, request: Request, scope: str) -> Key:
        """Return the key that the request carries.

        :raises RefusedError: 401 without a valid key, 403 when it lacks the scope, 429 after too many wrong ones.
        """
        text = sent_key(request)
        if text is None:
            raise RefusedError(
                401,
                "no-key",
                "The request carries no API key.",
                remedy="Send it as Authorization: Bearer, or as X-API-Key; ioc key create makes one.",
                headers=_CHALLENGE,
            )
        who = (client_address(request), text[:_SHOWN_OF_KEY])
        wait_s = self._attempts.wait_s(who)
        if wait_s:
            raise RefusedError(
                429,
                "too-many-wrong-keys",
                "Too many wrong keys came from this address.",
                headers={"Retry-After": str(wait_s)},
            )
        key = self._keyring.verify(text)
        if key is None:
            if self._keyring.knows(text):
                self._attempts.failed(who)
            raise RefusedError(
                401,
                "wrong-key",
                "The API key is unknown, revoked or expired.",
                remedy="ioc key list shows the keys in use.",
                headers=_CHALLENGE,
            )
        if scope not in key.scopes:
            raise RefusedError(403, "missing-scope", f"The key lacks the scope {scope!r}.")
        return key

    def optional(self, request: Request, scope: str) -> Key | None:
        """Return the key when there is one that fits, and None otherwise."""
        return self.admit(request, scope) if sent_key(request) is not None else None

    def charge(self, key: Key, count: int, *, paid: int = 0) -> Standing:
        """Take ``count`` events of the key's quota.

        :param paid: events of the same request that were charged before.
        :raises RefusedError: 429 when they are not left, 413 when the quota is smaller than that.
        """
        if count + paid > key.quota_per_minute:
            raise RefusedError(
                413,
                "over-quota",
                f"The request holds {count + paid} events; the key's quota is {key.quota_per_minute} a minute.",
                remedy="Send smaller batches.",
            )
        standing = self._quotas.take(key.id, key.quota_per_minute, count)
        if not standing.allowed:
            raise RefusedError(
                429,
                "quota",
                f"The key's quota of {standing.limit} events a minute is used up.",
                remedy=f"Send again after {standing.retry_s} s.",
                headers={**quota_headers(standing), "Retry-After": str(standing.retry_s)},
            )
        return standing

    def give_back(self, key: Key, count: int) -> None:
        """Return quota for events that were not accepted."""
        self._quotas.give_back(key.id, key.quota_per_minute, count)

    def standing(self, key: Key) -> Standing:
        """How the key stands now."""
        return self._quotas.take(key.id, key.quota_per_minute, 0)


def quota_headers(standing: Standing) -> dict[str, str]:
    """Quota headers of the IETF's draft, in its newest form and in the one that most clients read."""
    return {
        "RateLimit-Policy": f'"minute";q={standing.limit};w={WINDOW_S}',
        "RateLimit": f'"minute";r={standing.remaining};t={standing.reset_s}',
        "RateLimit-Limit": str(standing.limit),
        "RateLimit-Remaining": str(standing.remaining),
        "RateLimit-Reset": str(standing.reset_s),
    }


def sent_key(request: Request) -> str | None:
    """The API key that the request carries, unchecked."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.startswith("ioc_"):
        return token.strip()
    return request.headers.get("x-api-key")


def client_address(request: Request) -> str:
    """Address of the sender; what ``ioc serve`` forwards from this machine names it in X-Forwarded-For."""
    peer = request.client.host if request.client is not None else ""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if forwarded and _is_loopback(peer):
        return forwarded[:64]
    return peer


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def forbidden(key: Key, source: str, topic: str, unit: str) -> str | None:
    """Why a key may not send a fact of this source, topic and unit; None when it may. Names the limit only."""
    if key.sources is not None and source not in key.sources:
        return "the key may not speak for this source"
    if key.topics is not None and topic not in key.topics:
        return "the key may not send to this topic"
    if key.units is not None and unit not in key.units:
        return "the key may not send facts of this unit"
    return None


INGEST: Final = keys.INGEST
