"""The single changes that a push makes, each with the way back.

Taking back looks at what is there first: a change may have been made though its answer was lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from dashboards.model import Folder
from dashboards.push.marks import digest, mark_of, message
from dashboards.push.reading import newest_version
from dashboards.push.server import Grafana, RefusedError
from ioc.errors import UnavailableError

_PRECONDITION: Final = 412


class Change(ABC):
    """One change of a Grafana."""

    @property
    @abstractmethod
    def text(self) -> str:
        """What it does, for people."""

    @abstractmethod
    def make(self, grafana: Grafana) -> None:
        """Make it."""

    @abstractmethod
    def take_back(self, grafana: Grafana) -> None:
        """Restore what was before, whether it was made or not."""


@dataclass(frozen=True, slots=True)
class MakeFolder(Change):
    """Make a folder that is missing."""

    folder: Folder

    @property
    def text(self) -> str:
        return f"make folder “{self.folder.title}” ({self.folder.uid})"

    def make(self, grafana: Grafana) -> None:
        grafana.make_folder(self.folder.uid, self.folder.title)

    def take_back(self, grafana: Grafana) -> None:
        # whoever put a board into it meanwhile keeps it
        inside = any(
            one.get("folderUid") == self.folder.uid for one in grafana.pages("/search?type=dash-db&")
        )
        if not inside and grafana.find(_folder(self.folder.uid)) is not None:
            grafana.ask("DELETE", _folder(self.folder.uid))


@dataclass(frozen=True, slots=True)
class NameFolder(Change):
    """Give a folder of ours its title again."""

    folder: Folder
    before: str

    @property
    def text(self) -> str:
        return f"name folder {self.folder.uid} “{self.folder.title}”, it was “{self.before}”"

    def make(self, grafana: Grafana) -> None:
        self._name(grafana, self.folder.title)

    def take_back(self, grafana: Grafana) -> None:
        self._name(grafana, self.before)

    def _name(self, grafana: Grafana, title: str) -> None:
        found = grafana.ask("GET", _folder(self.folder.uid))
        if found["title"] != title:
            grafana.name_folder(self.folder.uid, title, int(found.get("version", 1)))


@dataclass(frozen=True, slots=True)
class SaveSource(Change):
    """Make the data source, or bring it to what the boards expect, and see that it reaches the database."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    """Without the password."""
    password: str
    why: str = ""

    def __repr__(self) -> str:
        return f"SaveSource({self.after.get('uid')})"  # the password stays out of every message

    @property
    def text(self) -> str:
        done = "make" if self.before is None else "change"
        return f"{done} data source “{self.after['name']}” ({self.after['uid']}){self.why}"

    def make(self, grafana: Grafana) -> None:
        body = {**self.after, "secureJsonData": {"password": self.password}}
        if self.before is None:
            grafana.ask("POST", "/datasources", body)
        else:
            grafana.ask("PUT", _source(self.after["uid"]), body)
        said = source_fault(grafana, self.after["uid"])
        if said is not None:
            raise UnavailableError(
                f"Grafana does not reach the database at {self.after['url']} as {self.after['user']}: {said}",
                remedy="Set IOC_GRAFANA_DATABASE to host:port as Grafana reaches it, and IOC_GRAFANA_DATABASE_TLS to"
                " what the database server offers.",
            )

    def take_back(self, grafana: Grafana) -> None:
        found = grafana.find(_source(self.after["uid"]))
        if self.before is not None:
            # without a password Grafana keeps the one that it has, which is the one that the role has
            grafana.ask("PUT", _source(self.after["uid"]), dict(self.before))
        elif found is not None:
            grafana.ask("DELETE", _source(self.after["uid"]))


@dataclass(frozen=True, slots=True)
class SaveBoard(Change):
    """Make a board, or bring it to what was built."""

    document: Mapping[str, Any]
    """With our tag."""
    folder_uid: str
    before: Mapping[str, Any] | None
    """``dashboard`` and ``meta`` as they were read; None where there is none yet."""
    before_mark: str | None
    """What the newest version said of itself."""
    why: str = ""

    @property
    def text(self) -> str:
        done = "make" if self.before is None else "change"
        return f"{done} board “{self.document['title']}” ({self.document['uid']}){self.why}"

    def make(self, grafana: Grafana) -> None:
        document = {**self.document, "id": None}
        if self.before is not None:
            # Grafana refuses when somebody saved another version since we looked
            document |= {
                "id": self.before["dashboard"].get("id"),
                "version": self.before["dashboard"]["version"],
            }
        _save(grafana, document, self.folder_uid, message(digest(self.document)))

    def take_back(self, grafana: Grafana) -> None:
        uid = str(self.document["uid"])
        newest = newest_version(grafana, uid)
        if newest is None or mark_of(newest.message) != digest(self.document):
            return  # it was not made, or somebody has saved another one by now
        if self.before is None:
            grafana.delete_board(uid)
            return
        if newest.number == self.before["dashboard"]["version"]:
            return
        document = {**self.before["dashboard"], "version": newest.number}
        text = message(self.before_mark, taken_back=True) if self.before_mark else "taken back"
        _save(grafana, document, _folder_of(self.before), text)


@dataclass(frozen=True, slots=True)
class DeleteBoard(Change):
    """Delete a board of ours that is not built any more."""

    before: Mapping[str, Any]
    before_mark: str | None

    @property
    def text(self) -> str:
        board = self.before["dashboard"]
        return f"delete board “{board.get('title')}” ({board['uid']}), which is not built any more"

    def make(self, grafana: Grafana) -> None:
        grafana.delete_board(self.before["dashboard"]["uid"])

    def take_back(self, grafana: Grafana) -> None:
        if grafana.board(self.before["dashboard"]["uid"]) is not None:
            return
        document = {**self.before["dashboard"], "id": None}
        document.pop("version", None)
        text = message(self.before_mark, taken_back=True) if self.before_mark else "taken back"
        _save(grafana, document, _folder_of(self.before), text)


@dataclass(frozen=True, slots=True)
class SaveProvisioned(Change):
    """Make or change something of alerting: a rule, or a contact point."""

    kind: str
    """``alert-rules`` or ``contact-points``."""
    what: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"SaveProvisioned({self.kind}, {self.after.get('uid')})"  # an address may hold a token

    @property
    def text(self) -> str:
        return f"{'make' if self.before is None else 'change'} {self.what}"

    def make(self, grafana: Grafana) -> None:
        if self.before is None:
            grafana.ask("POST", f"/v1/provisioning/{self.kind}", self.after)
        else:
            grafana.ask("PUT", _provisioned(self.kind, self.after["uid"]), self.after)

    def take_back(self, grafana: Grafana) -> None:
        if self.before is not None:
            grafana.ask("PUT", _provisioned(self.kind, self.after["uid"]), self.before)
        else:
            _delete_provisioned(grafana, self.kind, self.after["uid"])


@dataclass(frozen=True, slots=True)
class DeleteProvisioned(Change):
    """Delete something of alerting that is not built any more."""

    kind: str
    what: str
    before: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"DeleteProvisioned({self.kind}, {self.before.get('uid')})"

    @property
    def text(self) -> str:
        return f"delete {self.what}"

    def make(self, grafana: Grafana) -> None:
        _delete_provisioned(grafana, self.kind, self.before["uid"])

    def take_back(self, grafana: Grafana) -> None:
        there = grafana.ask("GET", f"/v1/provisioning/{self.kind}")
        if all(one.get("uid") != self.before["uid"] for one in there):
            grafana.ask("POST", f"/v1/provisioning/{self.kind}", self.before)


def source_fault(grafana: Grafana, uid: str) -> str | None:
    """What Grafana says when it asks the data source something; None when the database answers."""
    try:
        return grafana.query_fault(uid, "SELECT 1 AS answers")
    except RefusedError as error:
        return error.message


def _save(grafana: Grafana, document: Mapping[str, Any], folder_uid: str, text: str) -> None:
    """Save one version of a board; refused where somebody saved another one since it was read."""
    try:
        grafana.save_board(
            {"dashboard": document, "folderUid": folder_uid, "message": text, "overwrite": False}
        )
    except RefusedError as error:
        if error.status != _PRECONDITION:
            raise
        raise RefusedError(
            f"Board {document['uid']} can't be saved as it was planned: {error.message}.",
            status=error.status,
            remedy="Somebody changed something while this push was under way. Push again: it then tells what.",
        ) from None


def _delete_provisioned(grafana: Grafana, kind: str, uid: str) -> None:
    there = grafana.ask("GET", f"/v1/provisioning/{kind}")
    if any(one.get("uid") == uid for one in there):
        grafana.ask("DELETE", _provisioned(kind, uid))


def _folder(uid: str) -> str:
    return f"/folders/{quote(uid, safe='')}"


def _source(uid: str) -> str:
    return f"/datasources/uid/{quote(uid, safe='')}"


def _provisioned(kind: str, uid: str) -> str:
    return f"/v1/provisioning/{kind}/{quote(uid, safe='')}"


def _folder_of(board: Mapping[str, Any]) -> str:
    return str(board["meta"].get("folderUid") or "")
