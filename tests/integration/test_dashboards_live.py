"""Every query of every board through a live Grafana: what it makes of variables' values and macros agrees with ours.

Only a live Grafana can show it, so that this is skipped where IOC_GRAFANA_URL and IOC_GRAFANA_TOKEN name none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from dashboards import role
from dashboards.build import build
from dashboards.check import as_opened, ask
from dashboards.macros import with_variables
from dashboards.model import DATA_SOURCE_UID, Board
from dashboards.reading import Found, Role, queries
from tests.integration.board_place import seed
from tests.integration.pushing import LIVE, Bench, on_live
from tests.servers import Servers

BUNDLE = build()


@pytest.fixture(scope="module")
def bench(servers: Servers) -> Iterator[Bench]:
    if not (LIVE["grafana_url"] and LIVE["grafana_token"]):
        pytest.skip("no live Grafana: name an empty one in IOC_GRAFANA_URL and IOC_GRAFANA_TOKEN")
    with servers.place() as place, psycopg.connect(place.database_dsn, autocommit=True) as owner:
        seed(owner)
        with on_live(servers, place) as found:
            found.push(BUNDLE.boards)
            yield found


@pytest.mark.parametrize("board", BUNDLE.boards, ids=lambda board: board.uid)
def test_every_query_of_a_board_gives_as_much_through_grafana_as_it_gives_us(
    bench: Bench, board: Board
) -> None:
    dsn = role.dsn(bench.settings, role.password(bench.settings))
    with psycopg.connect(dsn, autocommit=True) as session:
        asked = as_opened(board, session, datetime.now(UTC), [])
        for found in queries(board):
            ours = ask(session, found.sql, asked)
            assert not isinstance(ours, str), (found.where, ours)
            body = {
                "queries": [_query(found, with_variables(found.sql, asked), asked.interval.total_seconds())],
                "from": str(int(asked.start.timestamp() * 1000)),
                "to": str(int(asked.end.timestamp() * 1000)),
            }
            (result,) = bench.grafana.ask("POST", "/ds/query", body)["results"].values()
            assert "error" not in result, (found.where, result)
            theirs = sum(_rows(frame) for frame in result.get("frames", []))
            if found.format == "time_series":
                # Grafana makes columns of names: as many moments, not as many rows
                assert bool(theirs) == bool(ours.rows), found.where
            else:
                assert theirs == len(ours.rows), found.where


def _query(found: Found, sql: str, interval_s: float) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasource": {"uid": DATA_SOURCE_UID},
        "rawSql": sql,
        "rawQuery": True,
        "format": found.format if found.role is Role.PANEL else "table",
        "intervalMs": int(interval_s * 1000),
        "maxDataPoints": 10_000,
    }


def _rows(frame: Mapping[str, Any]) -> int:
    values = frame["data"]["values"]
    return len(values[0]) if values else 0
