"""Builds every board in every language from one source."""

from __future__ import annotations

from typing import Final

from dashboards.model import Board, Bundle, DataSource, Folder, Language

#: Folder of each language.
FOLDERS: Final = {
    Language.VI: Folder(uid="ioc-vi", title="Trung tâm điều hành (IOC)"),
    Language.EN: Folder(uid="ioc-en", title="Operations center (IOC)"),
}


def build() -> Bundle:
    """Return folders, boards and data source; twice the same for the same program."""
    boards: tuple[Board, ...] = ()
    return Bundle(
        languages=tuple(Language), folders=tuple(FOLDERS.values()), boards=boards, data_source=DataSource()
    )
