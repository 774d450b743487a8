"""The answer to a login challenge of RTSP or HTTP: Digest (RFC 7616) before Basic (RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Final

_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_PARAMETERS: Final = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def authorization(challenges: list[str], user: str, password: str, method: str, uri: str) -> str | None:
    """Answer the best challenge on offer: Digest (SHA-256, MD5), else Basic; None when neither is offered.

    :param challenges: values of the answer's WWW-Authenticate headers.
    :param method: of the request to be sent, such as ``DESCRIBE``.
    :param uri: as the request names it.
    """
    best: dict[str, str] | None = None
    for offer in challenges:
        if offer.lower().startswith("digest "):
            found = {key.lower(): quoted or bare for key, quoted, bare in _PARAMETERS.findall(offer[7:])}
            algorithm = found.get("algorithm", "MD5").upper()
            if algorithm in _HASHES and (best is None or algorithm == "SHA-256"):
                best = found
    if best is not None:
        return _digest(best, user, password, method, uri)
    if any(offer.lower().startswith("basic") for offer in challenges):
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return None


def _digest(offer: dict[str, str], user: str, password: str, method: str, uri: str) -> str:
    algorithm = offer.get("algorithm", "MD5").upper()
    hashed = _HASHES[algorithm]
    realm, nonce = offer.get("realm", ""), offer.get("nonce", "")
    secret = hashed(f"{user}:{realm}:{password}".encode())
    asked = hashed(f"{method}:{uri}".encode())
    parts = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    extra = ""
    if "auth" in re.split(r"[,\s]+", offer.get("qop", "")):
        own = secrets.token_hex(8)
        parts["response"] = hashed(f"{secret}:{nonce}:00000001:{own}:auth:{asked}".encode())
        extra = f', qop=auth, nc=00000001, cnonce="{own}"'
    else:
        parts["response"] = hashed(f"{secret}:{nonce}:{asked}".encode())
    if "opaque" in offer:
        parts["opaque"] = offer["opaque"]
    if "algorithm" in offer:
        extra += f", algorithm={offer['algorithm']}"
    quoted = ", ".join(f'{key}="{value}"' for key, value in parts.items())
    return f"Digest {quoted}{extra}"
