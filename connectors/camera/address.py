"""A camera's address: what to dial, what may be shown. The password is neither."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ioc.errors import UsageError

_PORTS: Final = {"rtsp": 554, "rtsps": 322}
_SECRET: Final = re.compile(r"(?i)pass|pwd|user|login|auth|token|key=")
"""Cheap cameras take the login in the path: ``/user=admin_password=…``."""


@dataclass(frozen=True)
class Address:
    """A camera's RTSP address, credentials apart."""

    host: str
    port: int
    path: str
    """Path with its query, from the slash on; never shown: cheap cameras take passwords in the query."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    scheme: str = "rtsp"
    """``rtsp``, or ``rtsps`` over TLS."""

    @property
    def plain(self) -> str:
        """URL without credentials, as RTSP requests name it. Not for people: see :attr:`shown`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def full(self) -> str:
        """URL with credentials, for the decoder only."""
        if self.user is None:
            return self.plain
        login = quote(self.user, safe="")
        if self.password is not None:
            login += ":" + quote(self.password, safe="")
        return self.plain.replace("://", f"://{login}@", 1)

    @property
    def shown(self) -> str:
        """What may stand in a log or message: host, port, and the path where it can't hold a login."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self._shown_path}"

    @property
    def _shown_path(self) -> str:
        path = re.sub(r"[?#].*", "", self.path)
        return "/…" if _SECRET.search(path) else path

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    @property
    def device(self) -> str:
        """A device id when none was given: host, port and path as one word of 50 characters at most."""
        words = re.sub(r"[^A-Za-z0-9.]+", "-", f"{self.host}-{self.port}-{self._shown_path}")
        return words.strip("-.")[:50].rstrip("-.") or "camera"


def parse(url: str) -> Address:
    """Read an RTSP or RTSPS URL.

    :raises UsageError: when it is none; the message repeats nothing of it, it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _senseless("its host or port can't be read") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        found = scheme if scheme.isalnum() and "://" in url else "none"
        raise _senseless(f"its scheme is {found}, expected was rtsp or rtsps")
    if not parts.hostname or re.search(r"\s", url):
        raise _senseless("it names no host" if not parts.hostname else "it holds blanks")
    if port == 0:
        raise _senseless("its port is 0")
    return Address(parts.hostname, port or _PORTS[scheme], _path(parts), *_login(parts), scheme)


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _login(parts: SplitResult) -> tuple[str | None, str | None]:
    user = None if parts.username is None else unquote(parts.username)
    return user, None if parts.password is None else unquote(parts.password)


def _senseless(why: str) -> UsageError:
    return UsageError(
        f"The camera's URL makes no sense: {why}.",
        remedy="Write it as rtsp://[user:password@]host[:port]/path, or rtsps:// where the camera speaks TLS.",
    )
