"""A webhook: each message as a CloudEvent, signed where the channel has a key."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from ioc.alerts.model import Channel
from ioc.delivery import fitting
from ioc.delivery.channels import http
from ioc.delivery.channels.bounded import Bounded
from ioc.delivery.channels.interface import ChannelError, Outgoing, PermanentError, Receipt

#: ``t=SECONDS,v1=HEX``: HMAC-SHA256 with the channel's key over the seconds, a full stop and the body.
SIGNATURE_HEADER: Final = "X-IOC-Signature"
_SHORTEST_KEY: Final = 16
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class Webhook:
    """POSTs each message to one address.

    :param secret: the address, and after a blank or a line end the key that signs, where there is one. ``{address}`` in
        the address stands for the person's own.
    :param clock: seconds since 1970, for the signature.
    :raises ChannelError: the address is none, or the key is too short.
    """

    def __init__(self, channel: Channel, secret: str, clock: Callable[[], float] = time.time) -> None:
        url, *more = secret.split(maxsplit=1) or [""]
        self._key = more[0].strip().encode() if more else b""
        if self._key and len(self._key) < _SHORTEST_KEY:
            raise ChannelError(
                f"The webhook's key is shorter than {_SHORTEST_KEY} characters.",
                remedy="Make a long one, such as by openssl rand -hex 32, and write it after the address.",
            )
        http.checked_url(url.replace("{address}", "a"), what="webhook's address")
        self._url = url
        self._clock = clock
        self._bounded = Bounded(channel.timeout.total_seconds(), name=channel.code)
        self._session = http.client(self._bounded.timeout_s)

    def send(self, outgoing: Outgoing) -> Receipt:
        """See :class:`ioc.delivery.channels.interface.Driver`. An ``id`` in the answer is the receipt's."""
        url = self._url
        if "{address}" in url:
            if not outgoing.address:
                raise PermanentError(
                    "The person has no address at this channel.", remedy="Write it into people.csv."
                )
            url = url.replace("{address}", quote(outgoing.address, safe=""))
        content = body_of(outgoing)
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            http.KEY_HEADER: http.key_value(outgoing.key),
        }
        if self._key:
            headers[SIGNATURE_HEADER] = sign(self._key, int(self._clock()), content)
        reply = self._bounded.run(lambda: http.post(self._session, url, content=content, headers=headers))
        http.judge(reply.status, retry_after=reply.headers.get("retry-after"))
        return Receipt(_id(reply.body), {"status": reply.status})

    def close(self) -> None:
        """Give connections back."""
        self._session.close()


def sign(key: bytes, seconds: int, content: bytes) -> str:
    """The signature header of a body sent at this time."""
    digest = hmac.new(key, f"{seconds}.".encode() + content, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def body_of(outgoing: Outgoing) -> bytes:
    """A message as a CloudEvent in JSON; the same message gives the same bytes."""
    data: dict[str, Any] = {
        "kind": outgoing.kind,
        "severity": outgoing.severity.word,
        "subject": outgoing.subject,
        "text": outgoing.body,
        "short": fitting.short_text(outgoing),
        "to": outgoing.address,
        "acknowledge": outgoing.ack_url,
        "view": outgoing.view_url,
        "total": outgoing.total,
        "alerts": [
            {
                "id": item.alert_id,
                "rule": item.rule,
                "severity": item.severity.word,
                "subject": item.subject,
                "unit": item.unit,
                "point": item.point,
                "since": item.since,
                "value": item.value,
                "cleared": item.cleared,
            }
            for item in outgoing.items
        ],
    }
    event = {
        "specversion": "1.0",
        "id": outgoing.key,
        "source": "/ioc/delivery",
        "type": "ioc.alert.message.v1",
        "datacontenttype": "application/json",
        "data": {name: value for name, value in data.items() if value is not None},
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _id(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    given = found.get("id") if isinstance(found, dict) else None
    return given if isinstance(given, str) and _ID.fullmatch(given) else None
