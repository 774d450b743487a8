"""No question holds the database beyond its time limit."""

from __future__ import annotations

import psycopg
import pytest

from ioc.kpi.errors import TooSlowError
from ioc.kpi.query import Steps, answer
from ioc.settings import Settings
from tests.integration.asking import asking
from tests.integration.history_place import PASSWORD, Case, add_cases, add_places, day, wait_for
from tests.servers import Servers

_BUSY = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ioc serve' AND state <> 'idle'"
    " AND datname = current_database()"
)


async def test_a_heavy_question_is_ended_at_its_limit_and_the_database_is_free(
    servers: Servers, database: str
) -> None:
    state = servers.settings.state_dir.parent / "limits-state"
    state.mkdir(exist_ok=True)
    settings = Settings.model_validate(
        {
            **servers.settings.model_dump(),
            "database_url": database,
            "state_dir": state,
            "question_timeout_s": 1.0,
        }
    )
    with psycopg.connect(database, autocommit=True) as connection:
        add_places(connection)
        add_cases(connection, [Case(code="d-1", received=day("2026-03-01"))])
        async with asking(settings, ("planner", PASSWORD)) as client:
            with psycopg.connect(database) as other:
                # whoever reads a dossier's entries now waits longer than any question may take
                other.execute("LOCK TABLE ioc.dossier_ledger IN ACCESS EXCLUSIVE MODE")
                for address in ("/api/v1/dossiers", "/api/v1/dossiers?state=late"):
                    slow = await client.get(address)
                    assert (slow.status_code, slow.json()["type"]) == (503, "/problems/too-slow")
                    assert "shorter range" in slow.json()["remedy"]
                    assert slow.headers["retry-after"]
                    wait_for(connection, _BUSY, 0)
            assert (await client.get("/api/v1/dossiers")).status_code == 200


def _steps(count: int) -> Steps[int]:
    for _ in range(count):
        yield "SELECT pg_sleep(0.2)", ()
    return count


def test_the_limit_is_that_of_all_steps_together(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        with pytest.raises(TooSlowError):
            answer(connection, _steps(1000), timeout_s=1.0)
        # the connection goes on as it was
        assert answer(connection, _steps(1), timeout_s=60.0) == 1
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
