"""How a REST source of dossiers is asked: a small TOML file, checked before anything is asked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import httpx
import msgspec

from connectors.onestop import mapping as mappings
from connectors.onestop.cells import parser_of
from connectors.onestop.mapping import Mapping
from ioc.district.secrets import HOW, is_reference
from ioc.errors import InputError, UsageError

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]{0,1000}")


class RequestTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for."""

    url: str
    """http or https address of the list, without a login in it."""
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    ca_file: str | None = None
    """Certificates of a private authority (PEM); relative to this file."""


class AuthTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How it is asked."""

    scheme: Literal["bearer", "basic", "header"]
    secret: str
    """``env:NAME`` or ``file:PATH``; for ``basic`` it leads to ``user:password``."""
    header: str = "X-Api-Key"
    """Name of the header that holds the secret; for ``header`` only."""


class PageTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a long list comes in pages."""

    style: Literal["none", "offset", "page", "next"] = "none"
    items: str = ""
    """Path of the list in an answer; empty when the answer is the list."""
    param: str = ""
    """Parameter that holds the offset or the page's number."""
    first: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    """Number of the first page."""
    size_param: str = ""
    size: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    next: str = ""
    """Path of the next page's link in an answer; the link must lead to the same host."""


class CursorTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when on the source is asked for changes."""

    param: str
    field: str
    """Path of an item's change time."""
    format: str = "iso"
    """As in a mapping's ``time.format``; also how the time is asked for."""
    time_zone: str = "Asia/Ho_Chi_Minh"
    start: datetime | None = None
    """Where to begin when nothing was read yet; without it, everything."""
    overlap_s: Annotated[float, msgspec.Meta(ge=0, le=30 * 86_400)] = 300.0
    """How far back each round reaches, for rows that a source shows late."""
    sorted: bool = False
    """Items come in order of their change time, so that a round that is cut off goes on where it was."""


class PollTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often and how much."""

    interval_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 60.0
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 20.0
    calls: Annotated[float, msgspec.Meta(ge=1, le=10_000)] = 30.0
    per_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 60.0
    """Most ``calls`` in ``per_s`` seconds, over all sources of this host."""
    most_pages: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1_000
    most_bytes: Annotated[int, msgspec.Meta(ge=1024, le=64 * 1024 * 1024)] = 8 * 1024 * 1024
    """Longest answer, unpacked."""


class RestSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source file."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    mapping: str
    """A mapping file relative to this one, or the name of a shipped one; its columns are paths in an item."""
    request: RequestTable
    auth: AuthTable | None = None
    page: PageTable = PageTable()
    cursor: CursorTable | None = None
    poll: PollTable = PollTable()


class Source(msgspec.Struct, frozen=True):
    """A source with all that it refers to.

    ``folder`` is where references to secrets begin.
    """

    config: RestSource
    mapping: Mapping
    folder: Path
    url: httpx.URL

    @property
    def origin(self) -> str:
        """Scheme, host and port: nothing else is ever asked."""
        return origin_of(self.url)


def origin_of(url: httpx.URL) -> str:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return f"{url.scheme}://{url.host}:{port}"


def load(
    path: Path,
    shipped: Path,
    *,
    url: str | None = None,
    secret: str | None = None,
    interval_s: float | None = None,
    folder: Path | None = None,
) -> Source:
    """Read and check a source file and its mapping. Secrets are looked up when they are needed.

    :param shipped: folder of the shipped mappings.
    :param url: counts instead of the file's, as a district pack's line says; likewise ``secret`` and ``interval_s``.
    :param folder: where references to secrets begin; the file's own folder when absent.
    :raises InputError: naming the file, and the line or key that can't be used, and why.
    """
    try:
        config = msgspec.convert(tomllib.loads(path.read_text("utf-8")), RestSource)
    except OSError as error:
        raise _bad(path, error.strerror or "it can't be read") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _bad(path, str(error)) from None
    replace = msgspec.structs.replace
    if url is not None:
        config = replace(config, request=replace(config.request, url=url))
    if secret is not None:
        auth = config.auth or AuthTable("bearer", secret)
        config = replace(config, auth=replace(auth, secret=secret))
    if interval_s is not None:
        config = replace(config, poll=replace(config.poll, interval_s=max(1.0, interval_s)))
    try:
        address = httpx.URL(config.request.url)
    except (httpx.InvalidURL, TypeError):
        raise _bad(path, "request.url is no address") from None
    for why in _faults(config, address):
        raise _bad(path, why)
    ca_file = config.request.ca_file
    if ca_file is not None:
        config = replace(config, request=replace(config.request, ca_file=str(path.parent / ca_file)))
    local = path.parent / config.mapping
    try:
        found = local if local.is_file() else mappings.resolve(config.mapping, shipped)
    except UsageError as error:
        raise _bad(path, f"mapping: {error}") from None
    return Source(config, mappings.load(found), folder or path.parent, address)


def _faults(config: RestSource, url: httpx.URL) -> Iterator[str]:
    if url.scheme not in ("http", "https") or not url.host:
        yield "request.url needs http:// or https:// and a host"
    if url.userinfo:
        yield "request.url holds a login; name it in auth.secret"
    auth = config.auth
    if auth is not None and not is_reference(auth.secret):
        yield f"auth.secret is no reference. {HOW}"
    names = [*config.request.headers, *([auth.header] if auth is not None else [])]
    if not all(_TOKEN.fullmatch(name) for name in names) or not all(
        _PRINTABLE.fullmatch(value) for value in config.request.headers.values()
    ):
        yield "request.headers or auth.header holds a header that can't be sent"
    if any(name.lower() in ("authorization", "cookie") for name in config.request.headers):
        yield "request.headers holds a login; name it in auth.secret"
    page = config.page
    if page.style in ("offset", "page") and not page.param:
        yield f"page.param is needed for the style {page.style}"
    if page.style == "next" and not page.next:
        yield "page.next is needed for the style next"
    if config.cursor is not None:
        try:
            parser_of(config.cursor.format)
            mappings.zone_of(config.cursor.time_zone)
        except ValueError as error:
            yield f"cursor: {error}"
        if config.cursor.start is not None and config.cursor.start.tzinfo is None:
            yield "cursor.start needs an offset, such as +07:00"


def _bad(path: Path, why: str) -> InputError:
    return InputError(
        f"The source {path} can't be used: {why}.",
        remedy="docs/connectors/onestop.md explains every key; deploy/sources has an example.",
    )
