"""What building gives: folders, boards and the data source, ready to be checked, pushed or written as files.

Everything here is plain data. A board's document is Grafana's own JSON model, without what Grafana gives itself (id,
version) and without moments of time, so that the same source always gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ioc.reports.words import Language

#: Fixed uid of the data source that every query names.
DATA_SOURCE_UID: Final = "ioc-timescaledb"
#: Role of the database with which Grafana logs in; it reaches the schema ``ioc_board`` alone.
DATABASE_ROLE: Final = "ioc_grafana"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """How the boards reach the database; address, name of the database and password come from where it is set up."""

    uid: str = DATA_SOURCE_UID
    name: str = "IOC TimescaleDB"
    type: str = "postgres"
    """Grafana's id of the plug-in; newer releases read it as ``grafana-postgresql-datasource``."""
    role: str = DATABASE_ROLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of boards: one for each language."""

    uid: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One board in one language."""

    uid: str
    """``ioc-<board>-<language>``."""
    folder_uid: str
    title: str
    document: Mapping[str, Any]
    """Grafana's JSON model of the board."""

    def json(self) -> bytes:
        """Return the document as bytes that depend on nothing but its content: keys sorted, indented by two."""
        return (json.dumps(self.document, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that one build gives."""

    languages: tuple[Language, ...]
    folders: tuple[Folder, ...]
    boards: tuple[Board, ...]
    data_source: DataSource


__all__ = ["DATABASE_ROLE", "DATA_SOURCE_UID", "Board", "Bundle", "DataSource", "Folder", "Language"]
