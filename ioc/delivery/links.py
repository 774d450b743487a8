"""Signed links by which somebody acknowledges without logging in.

A link's token holds a message's number, a person, what may be done and until when, and a MAC of 128 bits over all of
it. Whoever has the link can use it: it is made for one message to one person and ends after a day. Tokens are never
logged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import struct
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ioc.delivery.answering import Doing
from ioc.errors import IocError, SettingsError
from ioc.settings import Settings

#: How long a link works.
LIFE: Final = timedelta(hours=24)
#: Path below which links live.
PATH: Final = "/a/"
NO_PUBLIC_URL: Final = (
    "Messages carry no link to acknowledge by: IOC_PUBLIC_URL is not set. Set it to the address at which phones of "
    "people on duty reach this platform, such as https://ioc.example.gov.vn."
)
BAD_PUBLIC_URL: Final = (
    "Messages carry no link to acknowledge by: IOC_PUBLIC_URL is no address of http or https. Write it like "
    "https://ioc.example.gov.vn."
)
OWN_PUBLIC_URL: Final = (
    "Messages carry links that only this machine can open: IOC_PUBLIC_URL names the machine itself. Set it to the "
    "address at which phones of people on duty reach this platform."
)
_VERSION: Final = 1
#: Version, key, message (48 bits), minutes since 1970, actions.
_HEAD: Final = struct.Struct(">BBHIIB")
_MAC_BYTES: Final = 16
_KEY_BYTES: Final = 32
_LONGEST: Final = 400
_KEYS_KEPT: Final = 2
_BITS: Final[Mapping[Doing, int]] = {Doing.ACKNOWLEDGE: 1, Doing.SNOOZE: 2, Doing.COMMENT: 4}


class LinkError(IocError):
    """A link that can't be used."""


class WrongLinkError(LinkError):
    """It was cut, changed, or made with a key that is gone."""


class ExpiredLinkError(LinkError):
    """It was good, and is too old."""


@dataclass(frozen=True)
class Claim:
    """What a link says."""

    message_id: int
    person: str
    expires_at: datetime
    """To the minute; a fraction counts as begun."""
    actions: frozenset[Doing] = frozenset(Doing)


class Links:
    """Makes and reads links with the keys of the state folder; the first one is made when it is needed.

    :param public_url: address at which people reach the platform. Without one, or with what is none, there are no
        links: messages go all the same.
    :param file: keeps the keys, newest first, a line each; readable by its owner alone.
    """

    def __init__(self, public_url: str | None, file: Path) -> None:
        self.public_url: str | None = None
        self.problem: str | None = None
        """What is wrong with links, or why there are none, and what to do about it."""
        if public_url is None:
            self.problem = NO_PUBLIC_URL
        elif (found := _checked(public_url)) is None:
            self.problem = BAD_PUBLIC_URL
        else:
            self.public_url = found
            if urlsplit(found).hostname in ("localhost", "127.0.0.1", "::1"):
                self.problem = OWN_PUBLIC_URL
        self._file = file
        self._guard = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._keys: dict[int, bytes] = {}

    @classmethod
    def of(cls, settings: Settings) -> Links:
        """Those of this installation; the processes that send and that answer must share the state folder."""
        return cls(settings.public_url, settings.state_dir / "secrets" / "links")

    def url(self, message_id: int, person: str, now: datetime) -> str | None:
        """The link to a message for a person; None where there is no public address.

        :raises SettingsError: keys can't be kept.
        """
        if self.public_url is None:
            return None
        return self.public_url + PATH + self.sign(Claim(message_id, person, now + LIFE))

    def sign(self, claim: Claim) -> str:
        """The token that says this."""
        number, key = next(iter(self._current().items()))
        minutes = -int(-claim.expires_at.timestamp() // 60)
        bits = sum(_BITS[doing] for doing in claim.actions)
        message = claim.message_id
        said = _HEAD.pack(_VERSION, number, message >> 32, message & 0xFFFFFFFF, minutes, bits)
        said += claim.person.encode()
        token = base64.urlsafe_b64encode(said + _mac(key, said)).rstrip(b"=").decode()
        if len(token) > _LONGEST:
            raise SettingsError("A person's code is too long for a link.", remedy="Shorten it in people.csv.")
        return token

    def read(self, token: str, now: datetime) -> Claim:
        """What a token says.

        :raises WrongLinkError: it was not made here, or with a key that is gone.
        :raises ExpiredLinkError: it is too old.
        """
        try:
            if not token.isascii() or len(token) > _LONGEST:
                raise ValueError
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            said, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
            version, number, high, low, minutes, bits = _HEAD.unpack_from(said)
            canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == token
        except (ValueError, struct.error, binascii.Error):
            raise WrongLinkError("The link is not whole.", remedy="Open it from the message again.") from None
        key = self._known(number)
        # compared even where there is no such key, so that the time tells nothing
        fits = hmac.compare_digest(mac, _mac(key or bytes(_KEY_BYTES), said))
        if not (fits and canonical and key is not None and version == _VERSION):
            raise WrongLinkError(
                "The link is not one of this platform.", remedy="Open it from the message again."
            )
        expires_at = datetime.fromtimestamp(minutes * 60, UTC)
        if now >= expires_at:
            raise ExpiredLinkError("The link has expired.", remedy="Use a newer message, or log in.")
        actions = frozenset(doing for doing, bit in _BITS.items() if bits & bit)
        return Claim(high << 32 | low, said[_HEAD.size :].decode(), expires_at, actions)

    def rotate(self) -> None:
        """Sign with a new key from now on. Links of the key before still work; those of older ones don't.

        Done twice, no link that was sent works any more.
        """
        with self._guard:
            kept = list(self._load().items())
            newest = (kept[0][0] + 1) % 256 if kept else 0
            keys = [(newest, secrets.token_bytes(_KEY_BYTES)), *kept][:_KEYS_KEPT]
            self._write("".join(f"{number} {key.hex()}\n" for number, key in keys), replace=True)

    # -- keys ------------------------------------------------------------------------------------------

    def _current(self) -> dict[int, bytes]:
        with self._guard:
            found = self._load()
            if not found:
                self._write(f"0 {secrets.token_hex(_KEY_BYTES)}\n", replace=False)
                found = self._load()
            return found

    def _known(self, number: int) -> bytes | None:
        with self._guard:
            return self._load().get(number)

    def _load(self) -> dict[int, bytes]:
        """The keys, read again when the file changed."""
        try:
            state = self._file.stat()
            seen = (state.st_mtime_ns, state.st_ino)
            if seen == self._seen:
                return self._keys
            lines = self._file.read_text("ascii").split("\n")
            keys = {
                int(number): bytes.fromhex(key) for number, key in (line.split() for line in lines if line)
            }
            if not keys or any(len(key) != _KEY_BYTES or not 0 <= n < 256 for n, key in keys.items()):
                raise ValueError
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"The keys of links in {self._file} can't be read.",
                remedy="Let this user read the file, or remove it: links that were sent then work no more.",
            ) from error
        self._seen, self._keys = seen, keys
        return keys

    def _write(self, text: str, *, replace: bool) -> None:
        """Write whole or not at all; without ``replace``, whoever is first stays."""
        folder = self._file.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=folder, prefix=".links-")  # made with mode 0600
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                if os.geteuid() == 0:  # whoever runs the platform has to read it
                    owner = (self._file if self._file.exists() else folder).stat()
                    os.chown(name, owner.st_uid, owner.st_gid)
                if replace:
                    Path(name).replace(self._file)
                else:
                    self._file.hardlink_to(name)
            except FileExistsError:
                pass
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise SettingsError(
                f"The keys of links can't be kept in {folder}: {error.strerror}.",
                remedy="Let this user write there, or set IOC_STATE_DIR.",
            ) from error


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, b"ioc link\x00" + said, hashlib.sha256).digest()[:_MAC_BYTES]


def _checked(url: str) -> str | None:
    try:
        parts = urlsplit(url.strip())
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
        fits = fits and not (parts.query or parts.fragment or parts.username) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or any(sign <= " " for sign in url.strip()):
        return None
    return url.strip().rstrip("/")
