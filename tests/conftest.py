"""Fixtures that every test may ask for. The servers are real; see :mod:`tests.servers`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack import EmbeddedKafka, EmbeddedPostgres, ensure_installed, topics
from ioc.settings import Settings, load
from tests.servers import Servers, stack_settings, state_folder

_KEPT = {"IOC_SHARED", "IOC_SOFTWARE_DIR", "IOC_TEST_PORTS"}
_SERVER_FIXTURES = {
    "servers",
    "kafka",
    "postgres",
    "database",
    "settings",
    "private_kafka",
    "private_postgres",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a server is marked, so that ``-m 'not servers'`` runs the rest alone."""
    for item in items:
        if _SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("servers")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """Settings of the person who runs the tests must not reach them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("IOC_") and name not in _KEPT]:
            patch.delenv(name)
        load.cache_clear()
        yield
    load.cache_clear()


@pytest.fixture(autouse=True)
def _fresh_settings() -> None:
    """Settings are read once per process: what one test set must not reach the next."""
    load.cache_clear()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project (``IOC_SHARED``, else ``../shared``)."""
    folder = Path(os.environ.get("IOC_SHARED") or Path(__file__).parents[2] / "shared").resolve()
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data at {folder}; name its folder in IOC_SHARED")
    return folder


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The session's Kafka and PostgreSQL, each started when first used."""
    with state_folder() as folder:
        found = Servers(stack_settings(folder / "state"))
        try:
            yield found
        finally:
            found.close()


@pytest.fixture(scope="session")
def kafka(servers: Servers) -> EmbeddedKafka:
    """The session's Kafka, running. Don't stop or wipe it; ask for ``private_kafka`` instead."""
    return servers.kafka


@pytest.fixture(scope="session")
def postgres(servers: Servers) -> EmbeddedPostgres:
    """The session's PostgreSQL, running. Don't stop or wipe it; ask for ``private_postgres`` instead."""
    return servers.postgres


@pytest.fixture
def database(servers: Servers) -> Iterator[str]:
    """URL of a fresh database with the newest schema."""
    url = servers.new_database()
    yield url
    servers.drop_database(url)


@pytest.fixture
def settings(servers: Servers, database: str) -> Iterator[Settings]:
    """Settings with a fresh database, and fresh, empty topics on the session's Kafka."""
    found = servers.new_settings(database=database)
    yield found
    topics.delete(found)


@pytest.fixture
def private_kafka() -> Iterator[EmbeddedKafka]:
    """A Kafka of this test's own, running, to be stopped, frozen or wiped."""
    with state_folder() as folder:
        found = stack_settings(folder / "state")
        ensure_installed(found)
        with EmbeddedKafka(found) as server:
            yield server


@pytest.fixture
def private_postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this test's own, running and empty, to be stopped, frozen or wiped."""
    with state_folder() as folder:
        found = stack_settings(folder / "state")
        ensure_installed(found)
        with EmbeddedPostgres(found) as server:
            yield server
