"""Builds every board in every language from one source."""

from __future__ import annotations

import json
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import PLANS
from dashboards.frame import Plan, built, uid_of
from dashboards.model import Board, Bundle, DataSource, Folder, Language

#: Folder of each language.
FOLDERS: Final = {
    Language.VI: Folder(uid="ioc-vi", title="Trung tâm điều hành (IOC)"),
    Language.EN: Folder(uid="ioc-en", title="Operations center (IOC)"),
}
#: Where the operations room is when nobody says: on the machine that looks.
DEFAULT_URL: Final = "http://127.0.0.1:18080"


def build(*, public_url: str | None = None) -> Bundle:
    """Return folders, boards and data source; twice the same for the same program and address.

    :param public_url: under which people reach the operations room (``IOC_PUBLIC_URL``); boards link to it.
    """
    url = (public_url or DEFAULT_URL).rstrip("/")
    return Bundle(
        languages=tuple(Language),
        folders=tuple(FOLDERS.values()),
        boards=tuple(_board(plan, language, url) for language in Language for plan in PLANS),
        data_source=DataSource(),
    )


def _board(plan: Plan, language: Language, url: str) -> Board:
    document = json.loads(json.dumps(built(plan, language, url), cls=JSONEncoder))
    return Board(
        uid=uid_of(plan.key, language),
        folder_uid=FOLDERS[language].uid,
        title=plan.title.said(language),
        document=document,
    )
