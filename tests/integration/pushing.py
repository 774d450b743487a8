"""A Grafana to push to: the double, and the live one of ``IOC_GRAFANA_URL`` and ``IOC_GRAFANA_TOKEN`` if there is one.

A live one is only used while it is empty of what a push makes: nobody's installation is a test bed. It is left so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from pydantic import SecretStr

from dashboards import role
from dashboards import source as sources
from dashboards.alerting import FOLDER, Alerting, Contact
from dashboards.model import DATA_SOURCE_UID, DATABASE_ROLE, Board, Folder
from dashboards.push.carrying import carry_out
from dashboards.push.finding import Plan, Wanted
from dashboards.push.marks import TAG
from dashboards.push.plan import make
from dashboards.push.server import Grafana
from dashboards.source import Source
from ioc.settings import Settings
from tests.grafana_double import TOKEN, Double, running
from tests.servers import Servers

#: Read when tests are collected: later the settings of whoever runs them are out of reach.
LIVE = {
    name: os.environ.get(f"IOC_{name.upper()}")
    for name in ("grafana_url", "grafana_token", "grafana_database")
}
FOLDERS = (
    Folder(uid="ioc-vi", title="Trung tâm điều hành (IOC)"),
    Folder(uid="ioc-en", title="Operations center (IOC)"),
)
WEBHOOK = Contact(
    "ioc-health-webhook", "webhook", {"url": "http://127.0.0.1:9/hook-s3cret", "httpMethod": "POST"}
)


def board(name: str, language: str = "vi", *, title: str = "", text: str = "as built") -> Board:
    """A board with one panel."""
    uid, title = f"ioc-{name}-{language}", title or f"{name} ({language})"
    panel = {
        "id": 1,
        "type": "text",
        "title": "About",
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 4},
        "options": {"content": text, "mode": "markdown"},
    }
    document = {
        "uid": uid,
        "title": title,
        "tags": ["ioc"],
        "schemaVersion": 37,
        "panels": [panel],
        "timezone": "browser",
    }
    return Board(uid=uid, folder_uid=f"ioc-{language}", title=title, document=document)


BOARDS = (board("wall"), board("wall", "en"), board("queues"))


def some_source(**changed: Any) -> Source:
    """A data source for the double, which knows no database."""
    facts: dict[str, Any] = {
        "uid": DATA_SOURCE_UID,
        "name": "IOC TimescaleDB",
        "address": "127.0.0.1:5432",
        "database": "ioc",
        "user": DATABASE_ROLE,
        "tls": "disable",
        "password": SecretStr("only-for-tests"),
    }
    return Source(**{**facts, **changed})


@dataclass
class Bench:
    """A Grafana, and what is pushed to it."""

    settings: Settings
    source: Source
    double: Double | None = None

    @cached_property
    def grafana(self) -> Grafana:
        return Grafana.connect(self.settings)

    @property
    def own(self) -> Double:
        assert self.double is not None
        return self.double

    def plan(
        self,
        boards: Sequence[Board] = BOARDS,
        *,
        overwrite: bool = False,
        alerting: Alerting | None = None,
        source: Source | None = None,
    ) -> Plan:
        wanted = Wanted(
            folders=FOLDERS,
            boards=tuple(boards),
            source=source or self.source,
            alerting=alerting or Alerting(),
        )
        return make(self.grafana, wanted, overwrite=overwrite)

    def push(self, boards: Sequence[Board] = BOARDS, **options: Any) -> Plan:
        plan = self.plan(boards, **options)
        carry_out(self.grafana, plan)
        return plan

    def version(self, uid: str) -> int:
        found = self.grafana.board(uid)
        assert found is not None
        return int(found["dashboard"]["version"])

    def document(self, uid: str) -> Mapping[str, Any]:
        found = self.grafana.board(uid)
        assert found is not None
        document: Mapping[str, Any] = found["dashboard"]
        return document

    def edit(self, uid: str, *, folder_uid: str | None = None, **changed: Any) -> None:
        """Save a board as somebody would in the browser."""
        found = self.grafana.board(uid)
        assert found is not None
        self.grafana.save_board(
            {
                "dashboard": {**found["dashboard"], **changed},
                "folderUid": found["meta"]["folderUid"] if folder_uid is None else folder_uid,
                "message": "",
                "overwrite": False,
            }
        )


@contextmanager
def on_double(double: Double | None = None) -> Iterator[Bench]:
    """A bench with the double, which may have moods."""
    with running(double or Double()) as served:
        settings = Settings.model_validate({"grafana_url": served.url, "grafana_token": TOKEN})
        yield Bench(settings, some_source(), served)


@contextmanager
def on_live(servers: Servers, place: Settings) -> Iterator[Bench]:
    """A bench with the live Grafana, which reaches the database of ``place``."""
    named = {name: value for name, value in LIVE.items() if value}
    settings = Settings.model_validate({**place.model_dump(), **named})
    bench = Bench(settings, sources.of(settings, role.ensure(settings, admin_dsn=servers.admin_dsn(place))))
    taken = [one["uid"] for one in bench.grafana.pages(f"/search?type=dash-db&tag={TAG}&")]
    if taken or bench.grafana.find(f"/datasources/uid/{DATA_SOURCE_UID}") is not None:
        pytest.skip("the Grafana of IOC_GRAFANA_URL has boards of the platform: tests use an empty one")
    try:
        yield bench
    finally:
        _empty(bench.grafana)


def _empty(grafana: Grafana) -> None:
    for kind in ("alert-rules", "contact-points"):
        for one in grafana.find(f"/v1/provisioning/{kind}") or []:
            if str(one.get("uid")).startswith("ioc-health-"):
                grafana.ask("DELETE", f"/v1/provisioning/{kind}/{one['uid']}")
    for folder in (*FOLDERS, FOLDER, Folder(uid="ioc-test-other", title="")):
        if grafana.find(f"/folders/{folder.uid}") is not None:
            grafana.ask("DELETE", f"/folders/{folder.uid}")
    for one in grafana.pages(f"/search?type=dash-db&tag={TAG}&"):
        grafana.delete_board(one["uid"])
    if grafana.find(f"/datasources/uid/{DATA_SOURCE_UID}") is not None:
        grafana.ask("DELETE", f"/datasources/uid/{DATA_SOURCE_UID}")
