"""What is known of a board in Grafana: its versions and who made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from dashboards.push.marks import mark_of
from dashboards.push.server import Grafana

#: Newest versions of a board among which ours is looked for; Grafana keeps 20 unless it is told otherwise.
_VERSIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a board."""

    number: int
    message: str
    created: str


def versions(grafana: Grafana, uid: str, most: int = _VERSIONS) -> tuple[Version, ...]:
    """The newest versions of a board, newest first; none where there is no such board."""
    found = grafana.find(f"/dashboards/uid/{quote(uid, safe='')}/versions?limit={most}")
    # newer releases wrap the list
    listed = found.get("versions", []) if isinstance(found, Mapping) else found or []
    every = [
        Version(int(one["version"]), str(one.get("message") or ""), str(one.get("created") or ""))
        for one in listed
    ]
    return tuple(sorted(every, key=lambda one: -one.number))


def newest_version(grafana: Grafana, uid: str) -> Version | None:
    """The newest version; None where there is no such board."""
    found = versions(grafana, uid, most=5)
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Known:
    """A board as it stands in Grafana."""

    board: Mapping[str, Any]
    """``dashboard`` and ``meta``."""
    versions: tuple[Version, ...]

    @property
    def folder_uid(self) -> str:
        return str(self.board["meta"].get("folderUid") or "")

    @property
    def is_provisioned(self) -> bool:
        """Whether files on Grafana's disk made it, which it then guards against everybody else."""
        return bool(self.board["meta"].get("provisioned"))

    @property
    def mark(self) -> str | None:
        """The digest that the newest version tells; None when it was not pushed."""
        return mark_of(self.versions[0].message) if self.versions else None

    @property
    def pushed(self) -> Version | None:
        """The newest version that a push made."""
        return next((one for one in self.versions if mark_of(one.message)), None)


def known(grafana: Grafana, uid: str) -> Known | None:
    """Read a board; None where there is none."""
    board = grafana.board(uid)
    return None if board is None else Known(board, versions(grafana, uid))


def document_of(grafana: Grafana, uid: str, version: Version) -> Mapping[str, Any] | None:
    """The document of one version; None where Grafana no longer has it."""
    found = grafana.find(f"/dashboards/uid/{quote(uid, safe='')}/versions/{version.number}")
    return None if found is None else found.get("data")
