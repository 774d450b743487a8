"""The same figure at the same moment: on the wall, in Grafana's query, in the API and in the report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dashboards import role
from dashboards.build import build
from dashboards.check import as_opened, ask
from dashboards.model import Language as BoardLanguage
from dashboards.query import tile
from dashboards.reading import queries
from ioc.access import readers
from ioc.access.roles import Role
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.definition import Window
from ioc.kpi.query import SYSTEM_READER, answer
from ioc.pages.wall.choice import KPIS
from ioc.reports.content import FIGURES, gather
from ioc.reports.period import Kind, Period
from ioc.reports.words import Language, figure
from ioc.settings import Settings
from tests.browser.conftest import visiting
from tests.integration.board_place import seed
from tests.integration.history_place import PASSWORD, serving
from tests.servers import Servers

#: Shares and medians of the last hour move with the clock; two looks at them may lie on both sides of a rounding.
_PATIENCE_S = 60.0
#: A day's report says of a day that runs what "today" and "now" say elsewhere; of other windows it says another period.
_ALSO_IN_THE_REPORT = [kpi for kpi in FIGURES if CATALOGUE[kpi].current_window in (Window.TODAY, Window.NOW)]


@dataclass(frozen=True)
class Place:
    settings: Settings
    url: str
    grafana: str


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Place]:
    url = servers.new_database()
    settings = servers.new_settings(database=url, with_topics=False, topic_prefix="")
    with psycopg.connect(url, autocommit=True) as owner:
        seed(owner)
        readers.add(owner, "chief", PASSWORD, role=Role.OPERATOR)
    name = str(conninfo_to_dict(url)["dbname"])
    admin = make_conninfo(servers.postgres.admin_dsn, dbname=name)
    grafana = role.dsn(settings, role.ensure(settings, admin_dsn=admin))
    with serving(url, settings.state_dir) as (address, _):
        yield Place(settings, address, grafana)
    servers.drop_database(url)


def _on_the_wall(page: Page) -> dict[str, str]:
    return {
        kpi: page.locator(f'[id="tile-{kpi}"] .tile-value').inner_text().replace("\xa0", " ") for kpi in KPIS
    }


def _in_grafana(place: Place) -> dict[str, float | None]:
    """By the queries of the board's own tiles, as it opens."""
    found: dict[str, float | None] = {}
    wall = next(board for board in build().boards if board.uid == "ioc-wall-vi")
    with closing(psycopg.connect(place.grafana, autocommit=True)) as session:
        asked = as_opened(wall, session, datetime.now(UTC), [])
        on_board = {one.sql for one in queries(wall)}
        for kpi in KPIS:
            query = tile(kpi, BoardLanguage.VI).raw_sql
            given = ask(session, query, asked)
            assert not isinstance(given, str), given
            found[kpi] = given.rows[0][0]
            if kpi == "dossier.received":
                assert query in on_board
    return found


def _in_the_api(place: Place) -> dict[str, float | None]:
    given = httpx.get(
        f"{place.url}/api/v1/kpis/current", params={"ids": ",".join(KPIS)}, auth=("chief", PASSWORD)
    )
    assert given.status_code == 200
    return {one["kpi"]: one["value"] for one in given.json()["figures"]}


def _in_the_report(place: Place) -> dict[str, float | None]:
    with psycopg.connect(place.settings.database_dsn, autocommit=True) as connection:
        row = connection.execute("SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date").fetchone()
        assert row is not None
        content = answer(connection, gather(SYSTEM_READER, None, Period.around(Kind.DAY, row[0])))
    return {one.kpi: one.value for one in content.figures if one.kpi in _ALSO_IN_THE_REPORT}


def _said(found: dict[str, float | None]) -> dict[str, str]:
    return {kpi: figure(CATALOGUE[kpi], value, Language.VI) for kpi, value in found.items()}


def test_a_figure_is_the_same_on_every_surface(place: Place, chromium: Browser) -> None:
    with visiting(chromium, place.url) as visitor:
        visitor.log_in("chief", PASSWORD)
        visitor.page.locator('[id="tile-dossier.open"] .tile-value b').wait_for()
        until = time.monotonic() + _PATIENCE_S
        while True:
            before, api = _on_the_wall(visitor.page), _in_the_api(place)
            grafana, report = _in_grafana(place), _in_the_report(place)
            wall = _on_the_wall(visitor.page)
            agree = (
                before == wall == _said(api) == _said(grafana)
                and {kpi: wall[kpi] for kpi in report if kpi in wall} == _said(_only(report, wall))
                and all(report[kpi] == api[kpi] == grafana[kpi] for kpi in report if kpi in api)
            )
            if agree or time.monotonic() > until:
                break
        # and the tile leads to the same figure's history
        visitor.page.locator('[id="tile-dossier.open"]').click()
        chosen = visitor.page.locator('input[name="ids"][value="dossier.open"]')
        expect(chosen).to_be_checked()
    assert wall == _said(api)
    assert wall == _said(grafana)
    compared = _only(report, wall)
    assert {kpi: wall[kpi] for kpi in compared} == _said(compared)
    for kpi, value in compared.items():
        assert value == api[kpi] == grafana[kpi], kpi

    # and there was something to compare, of every subject
    assert {"dossier.open", "dossier.received", "dossier.overdue"} <= compared.keys()
    known = {kpi.split(".")[0] for kpi, value in api.items() if value is not None}
    assert {"dossier", "queue", "camera", "wifi"} <= known


def _only(report: dict[str, float | None], wall: dict[str, str]) -> dict[str, float | None]:
    return {kpi: value for kpi, value in report.items() if kpi in wall}
