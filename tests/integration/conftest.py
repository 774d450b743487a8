"""Databases that the tests of one module share; a module that wants more in them has fixtures of its own."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ioc.settings import Settings
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
