"""A Grafana and what may go wrong in reaching it. Nothing here changes anything by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from grafana_api.grafana_face import GrafanaFace

from ioc.errors import InputError, IocError, SettingsError, UnavailableError
from ioc.settings import Settings

#: Oldest Grafana whose HTTP API has all that a push needs: boards' versions by uid, a list of all alert rules.
OLDEST: Final = (9, 4)
#: Longest wait for one answer, in seconds. To tell that a database does not answer takes Grafana long.
_TIMEOUT_S: Final = 30.0
_HEALTH_TIMEOUT_S: Final = 10.0
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
#: What a token must be allowed to do, as Grafana names it.
_NEEDED: Final = (
    "folders:read",
    "folders:create",
    "folders:write",
    "dashboards:read",
    "dashboards:create",
    "dashboards:write",
    "dashboards:delete",
    "datasources:read",
    "datasources:create",
    "datasources:write",
)
_RIGHTS: Final = "In Grafana, give the token's service account the role Admin: data sources need it."


class RefusedError(IocError):
    """Grafana answered, and said no.

    :param status: its HTTP status.
    """

    exit_code = 3

    def __init__(self, message: str, *, status: int, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Address:
    """The parts of ``IOC_GRAFANA_URL`` as the client wants them."""

    text: str
    protocol: str
    host: str
    port: int | None
    prefix: str


class Grafana:
    """One Grafana, reached with a token.

    Errors are :class:`RefusedError` where it says no and :class:`~ioc.errors.UnavailableError` where it says nothing or
    something else than Grafana would; none of them holds the token.
    """

    def __init__(self, face: GrafanaFace, address: str, token: str, version: tuple[int, ...]) -> None:
        self._face = face
        self._hidden = {token}
        self.address = address
        self.version = version
        self.org = 1
        """Grafana's number of the organization that the token is for."""

    @classmethod
    def connect(cls, settings: Settings) -> Grafana:
        """Return the Grafana of the settings, after a look at whether it is one, how old, and whether the token holds.

        :raises SettingsError: no address or token, or an address that can't be used.
        :raises UnavailableError: nothing answers, or not a Grafana.
        :raises InputError: it is too old.
        :raises RefusedError: the token is unknown or may not do what is needed.
        """
        address = _read(settings.grafana_url)
        # asked without the token: whoever listens there may be anybody
        version_text = _health(address).get("version")
        if settings.grafana_token is None or not (token := settings.grafana_token.get_secret_value().strip()):
            raise SettingsError(
                f"There is no token for the Grafana at {address.text}.",
                remedy="In Grafana make a token for a service account with the role Admin, and set IOC_GRAFANA_TOKEN.",
            )
        face = GrafanaFace(
            auth=token,
            host=address.host,
            port=address.port,
            url_path_prefix=address.prefix,
            protocol=address.protocol,
            timeout=_TIMEOUT_S,
        )
        grafana = cls(face, address.text, token, ())
        grafana.org = int(grafana.ask("GET", "/org")["id"])
        if not version_text:  # an installation may hide it from those who are not logged in
            version_text = (grafana.ask("GET", "/frontend/settings").get("buildInfo") or {}).get("version")
        grafana.version = _version(version_text, address.text)
        grafana._require_rights()
        return grafana

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the JSON answer.

        :param path: below ``/api``, quoted.
        """
        with self._told(f"{method} {path.partition('?')[0]}"):
            try:
                return getattr(self._face.api, method)(path, json=body)
            except ValueError:
                if method != "DELETE":
                    raise
                return (
                    None  # some deletions are answered with nothing, which the client takes for broken JSON
                )

    def find(self, path: str) -> Any | None:
        """Like ``ask("GET", …)``; None where Grafana has no such thing."""
        try:
            return self.ask("GET", path)
        except RefusedError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def board(self, uid: str) -> Mapping[str, Any] | None:
        """A board with its ``dashboard`` and ``meta``; None where there is none."""
        try:
            with self._told(f"read board {uid}"):
                found: Mapping[str, Any] = self._face.dashboard.get_dashboard(quote(uid, safe=""))
                return found
        except RefusedError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def save_board(self, body: Mapping[str, Any]) -> None:
        """Save a board: ``{"dashboard", "folderUid", "message", "overwrite"}``."""
        with self._told(f"save board {body['dashboard'].get('uid')}"):
            self._face.dashboard.update_dashboard(body)

    def delete_board(self, uid: str) -> None:
        """Delete a board; harmless where it is gone."""
        try:
            with self._told(f"delete board {uid}"):
                self._face.dashboard.delete_dashboard(quote(uid, safe=""))
        except RefusedError as error:
            if error.status != _NOT_FOUND:
                raise

    def make_folder(self, uid: str, title: str) -> None:
        """Make a folder."""
        with self._told(f"make folder {title}"):
            self._face.folder.create_folder(title, uid)

    def name_folder(self, uid: str, title: str, version: int) -> None:
        """Give a folder another title.

        :param version: of the folder as it was seen.
        """
        with self._told(f"name folder {title}"):
            self._face.folder.update_folder(quote(uid, safe=""), title, version=version)

    def query_fault(self, source_uid: str, sql: str) -> str | None:
        """Ask a data source something; what was wrong with it, or None when it answered.

        Grafana's health checks would tell more quickly, but older releases have none for PostgreSQL.
        """
        one = {
            "refId": "A",
            "datasource": {"uid": source_uid},
            "rawSql": sql,
            "rawQuery": True,
            "format": "table",
        }
        body = {"queries": [{**one, "intervalMs": 1000, "maxDataPoints": 100}], "from": "now-5m", "to": "now"}
        with self._told("query the data source"):
            try:
                answer = self._face.api.POST("/ds/query", json=body)
            except GrafanaException as error:
                answer = error.response
                if not isinstance(answer, Mapping) or "results" not in answer:
                    raise
        said = answer["results"].get("A", {}).get("error")
        return None if said is None else self.without_secrets(_plain(said))

    def pages(self, path: str, *, size: int = 1000) -> Iterator[Mapping[str, Any]]:
        """Everything that a list with ``limit`` and ``page`` has.

        :param path: with its question mark.
        """
        for page in range(1, 1000):
            found = self.ask("GET", f"{path}limit={size}&page={page}")
            yield from found
            if len(found) < size:
                return

    def _require_rights(self) -> None:
        try:
            rights = self.ask("GET", "/access-control/user/permissions")
        except RefusedError:
            return  # nothing tells beforehand then; a change that is refused is taken back
        if isinstance(rights, Mapping) and (missing := [one for one in _NEEDED if one not in rights]):
            raise RefusedError(
                f"The token of IOC_GRAFANA_TOKEN may not do all that a push needs in the Grafana at {self.address};"
                f" it lacks: {', '.join(missing)}.",
                status=_FORBIDDEN,
                remedy=_RIGHTS,
            )

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Within it, an answer that lacks what Grafana documents is told as such, and not as a fault of ours.

        :raises UnavailableError: something was missing in an answer.
        """
        try:
            yield
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise UnavailableError(
                f"The Grafana at {self.address} answers otherwise than Grafana is documented to:"
                f" {type(error).__name__} {self.without_secrets(str(error))[:200]}.",
                remedy="Look at the proxy in front of it; if there is none, this release is not known here.",
            ) from error

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn the client's errors into ours; ``what`` is what was tried."""
        try:
            yield
        except GrafanaException as error:
            raise self._refusal(what, error) from None
        except (ValueError, TypeError):  # before OSError: the client's error about JSON is both
            raise UnavailableError(
                f"What answers at {self.address} is no Grafana ({what}): its answer is not what Grafana gives.",
                remedy="Set IOC_GRAFANA_URL to Grafana's own address, or look at the proxy in front of it.",
            ) from None
        except OSError as error:  # what the client raises where nothing answers is one
            raise UnavailableError(
                f"The Grafana at {self.address} does not answer ({what}): {type(error).__name__}.",
                remedy="See whether it runs, then push again: a push goes on from where the last one came to.",
            ) from None

    def _refusal(self, what: str, error: GrafanaException) -> RefusedError:
        status = int(error.status_code)
        if status == _UNAUTHORIZED:
            return RefusedError(
                f"The Grafana at {self.address} does not know the token of IOC_GRAFANA_TOKEN.",
                status=status,
                remedy="In Grafana make a token for a service account with the role Admin, and set IOC_GRAFANA_TOKEN.",
            )
        said = self.without_secrets(_said(error.response))
        message = f"The Grafana at {self.address} refuses: {what}: {status} {said}".rstrip()
        remedy = _RIGHTS if status == _FORBIDDEN else ""
        if not isinstance(error, GrafanaClientError):
            remedy = "Look at Grafana's log, then push again."
        return RefusedError(message, status=status, remedy=remedy)

    def hide(self, *secrets: str) -> None:
        """Keep these texts out of every message from now on; the token is kept out anyway."""
        self._hidden |= {secret for secret in secrets if secret}

    def without_secrets(self, text: str) -> str:
        """The text with secrets struck out, should a server repeat them."""
        for secret in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text


def _said(response: object) -> str:
    """Grafana's own words, cut short."""
    return _plain(response.get("message", "") if isinstance(response, Mapping) else "")


def _plain(text: object) -> str:
    return re.sub(r"\s+", " ", str(text))[:300]


def _read(url: str | None) -> _Address:
    """Take the address apart.

    :raises SettingsError: it is missing or can't be used; the message does not repeat it when it holds a password.
    """
    if not url:
        raise SettingsError(
            "There is no Grafana to push to.", remedy="Set IOC_GRAFANA_URL, as http://grafana.example:3000."
        )
    parts = urlsplit(url.strip())
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.username is not None or parts.password is not None:
        raise SettingsError(
            "IOC_GRAFANA_URL holds a name or a password.",
            remedy="Leave them out of the address; the token goes into IOC_GRAFANA_TOKEN.",
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == -1:
        raise SettingsError(
            "IOC_GRAFANA_URL is not an address of a Grafana.",
            remedy="Write it as http://grafana.example:3000, with a path after it where Grafana has one.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path.strip("/")
    text = f"{parts.scheme}://{host}" + (f":{port}" if port else "") + (f"/{path}" if path else "")
    return _Address(text, parts.scheme, host, port, f"{path}/" if path else "")


def _health(address: _Address) -> Mapping[str, Any]:
    try:
        answer = httpx.get(f"{address.text}/api/health", timeout=_HEALTH_TIMEOUT_S, follow_redirects=True)
        found = answer.json()
    except httpx.HTTPError as error:
        raise UnavailableError(
            f"The Grafana at {address.text} does not answer: {type(error).__name__}.",
            remedy="Start it, or mend IOC_GRAFANA_URL.",
        ) from None
    except ValueError:
        found = None
    if not isinstance(found, Mapping) or "database" not in found:
        raise UnavailableError(
            f"What answers at {address.text} is no Grafana.",
            remedy="Set IOC_GRAFANA_URL to Grafana's own address, with its path where it has one.",
        )
    if found["database"] != "ok":
        raise UnavailableError(
            f"The Grafana at {address.text} says that its own database is not well.",
            remedy="Look at Grafana's log; push again when it is well.",
        )
    return found


def _version(text: object, address: str) -> tuple[int, ...]:
    """Read a version as ``9.4.7`` or ``12.2.0-pre``.

    :raises InputError: it is older than we can work with, or can't be told.
    """
    oldest = ".".join(map(str, OLDEST))
    found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", str(text or ""))
    if found is None:
        raise InputError(
            f"The Grafana at {address} does not tell its version.", remedy=f"Use Grafana {oldest} or newer."
        )
    version = tuple(int(part or 0) for part in found.groups())
    if version < OLDEST:
        raise InputError(
            f"The Grafana at {address} is too old: it is {found[0]}, and a push needs {oldest} or newer.",
            remedy="Upgrade Grafana; nothing was changed.",
        )
    return version
