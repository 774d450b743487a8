"""What each role may do over HTTP: every operation that is not a mere question has its decision here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest
import pytest_asyncio

from ioc.access import readers
from ioc.access.roles import ACTING, Role
from ioc.api import create_app
from ioc.settings import Settings
from tests.integration.asking import asking
from tests.integration.history_place import PASSWORD, add_places
from tests.integration.kpi_data import Connection

#: For operators, leaders and administrators.
ACTS = "acts"
#: Changes only what is the reader's own, or nothing at all: for every reader by name.
OWN = "own"
#: Asked by systems with a key or a signature, not by readers.
SYSTEMS = "systems"
DECIDED = {
    "POST /api/v1/alerts/actions": ACTS,
    "POST /api/v1/alerts/{alert}/{action}": ACTS,
    "POST /api/v1/alerts/echo": SYSTEMS,
    "POST /api/v1/duty/changes": ACTS,
    "DELETE /api/v1/duty/changes/{number}": ACTS,
    "POST /api/v1/duty/preview": OWN,
    "POST /api/v1/duty/log": ACTS,
    "POST /api/v1/maintenance": ACTS,
    "DELETE /api/v1/maintenance/{window}": ACTS,
    "PUT /api/v1/questions/{name}": OWN,
    "DELETE /api/v1/questions/{name}": OWN,
    "POST /api/v1/siren/shown": ACTS,
    "POST /api/v1/siren/acknowledge": ACTS,
}
#: Bodies that reach the decision where a body is read before it.
BODIES = {
    "POST /api/v1/duty/changes": {"kind": "leave", "person": "an", "from": "2030-01-01", "to": "2030-01-02"},
    "POST /api/v1/duty/log": {"roster": "truc", "text": "x"},
    "POST /api/v1/siren/shown": {"messages": [1], "sound": True},
    "POST /api/v1/siren/acknowledge": {"alerts": [1]},
}


def _operations(settings: Settings) -> Iterator[str]:
    for path, methods in create_app(settings).openapi()["paths"].items():
        for method in methods:
            if method in ("post", "put", "patch", "delete"):
                yield f"{method.upper()} {path}"


@pytest.fixture(scope="module")
def roles(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as session:
        add_places(session)
        for role in Role:
            readers.add(session, f"a-{role.value}", PASSWORD, role=role)
        yield session


@pytest_asyncio.fixture
async def client(place: Settings, roles: Connection) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place) as found:
        yield found


def test_every_changing_operation_is_decided(place: Settings) -> None:
    found = {one for one in _operations(place) if not one.split()[1].startswith("/ingest/")}
    assert found == set(DECIDED), "decide who may do what is new, here and in its endpoint"


async def test_only_who_acts_changes_what_is_everybodys(client: httpx.AsyncClient) -> None:
    for operation in [name for name, decided in DECIDED.items() if decided == ACTS]:
        method, path = operation.split()
        address = path.format(alert=1, action="ack", number=1, window=1)
        body = BODIES.get(operation, {})
        for role in Role:
            answer = await client.request(method, address, json=body, auth=(f"a-{role.value}", PASSWORD))
            if role in ACTING:
                assert answer.status_code not in (401, 403), (operation, role)
                continue
            found = answer.json()
            assert (answer.status_code, found["type"]) == (403, "/problems/role"), (operation, role)
            assert "operator or leader or admin" in found["detail"]
            assert "ioc user role" in found["remedy"]
        assert (await client.request(method, address, json=body)).status_code == 401, operation


async def test_a_role_holds_from_the_next_question_on(client: httpx.AsyncClient, roles: Connection) -> None:
    auth = ("a-operator", PASSWORD)
    assert (await client.post("/api/v1/alerts/1/ack", json={}, auth=auth)).status_code == 404
    roles.execute("UPDATE ioc.reader SET role = 'planner' WHERE name = 'a-operator'")
    assert (await client.post("/api/v1/alerts/1/ack", json={}, auth=auth)).status_code == 403
    assert (await client.get("/api/v1/alerts", auth=auth)).status_code == 200


async def test_a_viewer_keeps_questions_of_his_own(client: httpx.AsyncClient) -> None:
    auth = ("a-viewer", PASSWORD)
    kept = {"question": {"kpis": ["dossier.received"]}}
    answer = await client.put("/api/v1/questions/mine", json=kept, auth=auth)
    assert answer.status_code == 201
    assert (await client.delete("/api/v1/questions/mine", auth=auth)).status_code == 204
