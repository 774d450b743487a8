"""One-stop systems that speak the portal protocol: who they are, and where their calls go besides."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from ioc.district.model import Pack
from ioc.district.secrets import read_secret
from ioc.errors import IocError, SettingsError
from ioc.settings import Settings

Network: TypeAlias = IPv4Network | IPv6Network

log = structlog.get_logger(__name__)

#: Name of the source that settings alone describe.
DEFAULT_NAME: Final = "portal"


@dataclass(frozen=True)
class PortalSource:
    """One system.

    :param name: part of its address here, ``/ingest/v1/dvcqg/<name>``.
    :param uri: CloudEvents source of its facts; part of their ids.
    :param unit: unit of its dossiers where ``DonViXuLy`` is explained by no row of the pack.
    :param upstream: where its calls are forwarded to; None: they are answered here.
    :param login: ``user:password`` with which it logs in here.
    :param clients: networks from which its calls are recorded beside an upstream without further proof.
    :param hash_handlers: officers' names become keyed hashes, so that the load of departments can be told; else they
        are dropped.
    """

    name: str
    uri: str
    unit: str | None = None
    upstream: str | None = None
    login: SecretStr | None = None
    clients: tuple[Network, ...] = ()
    hash_handlers: bool = False

    def logs_in(self, username: str, password: str) -> bool:
        """Whether these are its user and password; takes as long when they are not."""
        wanted = self.login.get_secret_value() if self.login is not None else ""
        given = f"{username}:{password}"
        same = hmac.compare_digest(
            wanted.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass")
        )
        return same and bool(wanted)

    def is_client(self, address: str) -> bool:
        """Whether an address belongs to its networks."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in self.clients)


def checked_upstream(address: str, what: str) -> str:
    """Return an upstream's address.

    :param what: names the setting or row for the error.
    :raises SettingsError: when it is no http or https address, or holds a login.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.fragment:
        raise SettingsError(
            f"{what} is no address of a portal.",
            remedy="Write http(s)://host[:port]/path, without user and password: clients bring their own.",
        )
    return address


def networks(text: str, what: str) -> tuple[Network, ...]:
    """Read networks that are separated by commas or blanks.

    :raises SettingsError: when one can't be read.
    """
    try:
        return tuple(ip_network(part, strict=False) for part in text.replace(",", " ").split())
    except ValueError as error:
        raise SettingsError(
            f"{what} holds no list of networks: {error}.", remedy="Write 10.1.2.0/24, 10.9.8.7."
        ) from None


def from_settings(settings: Settings) -> PortalSource | None:
    """The source that settings describe; None when they name neither an upstream nor a login.

    :raises SettingsError: when a setting can't be used.
    """
    upstream, login = settings.portal_upstream, settings.portal_login
    if upstream is None and login is None:
        return None
    if login is not None and ":" not in login.get_secret_value().strip(":"):
        raise SettingsError("IOC_PORTAL_LOGIN is not written user:password.")
    return PortalSource(
        name=DEFAULT_NAME,
        uri=f"urn:ioc:onestop:{DEFAULT_NAME}",
        upstream=None if upstream is None else checked_upstream(upstream, "IOC_PORTAL_UPSTREAM"),
        login=login,
        clients=networks(settings.portal_clients, "IOC_PORTAL_CLIENTS"),
    )


def from_pack(pack: Pack, folder: Path, today: date) -> Iterator[PortalSource]:
    """The sources of kind ``portal`` that the pack names today; one that can't be used costs only itself.

    :param folder: the pack's, from which the paths of secrets count.
    """
    for line in pack.sources:
        if line.kind.name != "portal" or not line.period.holds_on(today):
            continue
        what = f"sources.csv, {line.code}"
        try:
            login = read_secret(line.secret, folder) if line.secret else None
            yield PortalSource(
                name=line.code,
                uri=line.uri,
                unit=line.unit,
                upstream=None if line.address is None else checked_upstream(line.address, what),
                login=login,
                clients=networks(line.options.get("clients", ""), what),
                hash_handlers=_hashes(line.options.get("handlers", "drop"), what),
            )
        except IocError as error:
            log.error("portal.source_unusable", source=line.code, reason=error.message, remedy=error.remedy)


def _hashes(text: str, what: str) -> bool:
    if text not in ("drop", "hash"):
        raise SettingsError(
            f"{what}: handlers is neither drop nor hash.", remedy="Write handlers=hash, or leave it out."
        )
    return text == "hash"
