"""Databases that the tests of one module share; a module that wants more in them has fixtures of its own."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ioc.settings import Settings
from tests.integration import alert_place, delivering
from tests.integration.kpi_data import Connection
from tests.servers import Servers


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    """Settings with a fresh database and no Kafka."""
    with servers.place() as found:
        yield found


@pytest.fixture(scope="module")
def connection(servers: Servers) -> Iterator[Connection]:
    """A session on a fresh database."""
    with servers.place() as found, psycopg.connect(found.database_dsn, autocommit=True) as session:
        yield session


@pytest.fixture(scope="module")
def ready(place: Settings) -> Settings:
    """The same with units, and readers of each of them."""
    with psycopg.connect(place.database_dsn, autocommit=True) as session:
        alert_place.prepare(session)
    return place


@pytest.fixture
def desk(ready: Settings) -> Iterator[alert_place.Place]:
    """Rules in force there, no alert yet, and a clock that the test moves."""
    with psycopg.connect(ready.database_dsn, autocommit=True) as session:
        yield alert_place.begin(session)


@pytest.fixture(scope="module")
def staffed(connection: Connection) -> Connection:
    """A session on a database with the units that rosters are of."""
    delivering.prepare(connection)
    return connection


@pytest.fixture
def post(staffed: Connection) -> delivering.Post:
    """People on duty and channels there, no alert yet, and a clock that the test moves."""
    return delivering.begin(staffed)
