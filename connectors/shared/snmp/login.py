"""How an agent is asked to let us read: a v2c community, or a v3 user (USM, RFC 3414)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, Literal

import msgspec
from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    DesKey,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    User,
)
from gufo.snmp.user import KeyExpansion, KeyType

from ioc.errors import InputError

_AUTH: Final = {
    "MD5": Md5Key,
    "SHA": Sha1Key,
    "SHA-224": Sha224Key,
    "SHA-256": Sha256Key,
    "SHA-384": Sha384Key,
    "SHA-512": Sha512Key,
}
_PRIV: Final = {"DES": DesKey, "AES": Aes128Key, "AES-192": Aes192Key, "AES-256": Aes256Key}
_LEAST_PASSWORD: Final = 8
"""RFC 3414, 11.2: shorter ones are to be refused, and agents do."""


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user of SNMP v3. Without ``auth`` nothing is signed, without ``priv`` nothing is secret.

    ``cisco_keys``: AES-192 and AES-256 keys are stretched as Cisco's devices do it, not after Blumenthal.
    """

    user: str
    auth: Literal["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] | None = None
    auth_password: str = ""
    priv: Literal["DES", "AES", "AES-192", "AES-256"] | None = None
    priv_password: str = ""
    cisco_keys: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.user.encode()) <= 32:
            raise ValueError("an SNMP v3 user's name has 1 to 32 bytes")
        if self.priv is not None and self.auth is None:
            raise ValueError("SNMP v3 knows no priv without auth")
        for kind, password in ((self.auth, self.auth_password), (self.priv, self.priv_password)):
            if kind is not None and len(password.encode()) < _LEAST_PASSWORD:
                raise ValueError(f"a password for {kind} has at least {_LEAST_PASSWORD} bytes")

    def __repr__(self) -> str:
        return f"Login({self.user!r}, {self.auth}, {self.priv})"


Credentials = str | Login
"""A v2c community, or a v3 user."""


def parse_secret(text: str) -> Credentials:
    """Read a secret: a JSON object is a v3 user, anything else a v2c community.

    :raises InputError: when the object is no usable user; nothing of it is repeated.
    """
    if not text.startswith("{"):
        return text
    try:
        return msgspec.json.decode(text, type=Login)
    except msgspec.DecodeError:
        raise InputError(
            "The SNMP v3 user of a secret can't be read.",
            remedy='Write {"user": "…", "auth": "SHA-256", "auth_password": "…", "priv": "AES", "priv_password": "…"}; '
            "passwords have at least 8 bytes.",
        ) from None


@lru_cache(maxsize=4096)
def user_of(login: Login, engine_id: bytes = b"") -> User:
    """The user for the library.

    :param engine_id: the agent's engine, once it is known: the keys are then localised here (RFC 3414, A.2) and kept,
        because making them from passwords costs milliseconds every time. Keys that the library has to stretch are not.
    """
    auth = priv = None
    if login.auth is not None:
        kind = _AUTH[login.auth]
        auth = _key(kind, kind, login.auth_password.encode(), engine_id)
        if login.priv is not None:
            wanted = _PRIV[login.priv]
            known = engine_id if wanted.KEY_LENGTH <= kind.KEY_LENGTH else b""
            priv = _key(kind, wanted, login.priv_password.encode(), known)
    expansion = KeyExpansion.Cisco if login.cisco_keys else KeyExpansion.Blumenthal
    return User(login.user, auth_key=auth, priv_key=priv, key_expansion=expansion)


def _key(hashed_by: Any, kind: Any, password: bytes, engine_id: bytes) -> Any:
    if not engine_id:
        return kind(password)
    local = hashed_by.get_localized_key(hashed_by.get_master_key(password), engine_id)
    return kind(local[: kind.KEY_LENGTH], key_type=KeyType.Localized)
