"""Work over connections that are lost: it goes on, and the log has each loss and each end of one, once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from structlog.testing import capture_logs

from ioc.storage import lasting
from tests.integration.kpi_data import Connection
from tests.servers import Servers


def test_each_loss_is_told_once_and_so_is_its_end(servers: Servers) -> None:
    url = servers.new_database()
    stop, rounds, refused = threading.Event(), [0], [0]

    def connect() -> Connection:
        if refused[0] > 0:
            refused[0] -= 1
            raise OSError("no way to the database")
        return psycopg.connect(url, autocommit=True)

    def work(connection: Connection, well: Callable[[], None]) -> None:
        well()
        rounds[0] += 1
        if rounds[0] == 3:
            stop.set()
            return
        refused[0] = 3
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with capture_logs() as logs:
        lasting.run(connect, work, stop, away="away", back="back", retry_s=0.001, who="clerk")
    servers.drop_database(url)
    assert rounds == [3]
    assert [(entry["event"], entry["who"]) for entry in logs] == [
        ("away", "clerk"),
        ("back", "clerk"),
        ("away", "clerk"),
        ("back", "clerk"),
    ]
    assert not any(entry.get("exc_info") for entry in logs)
    assert "\n" not in logs[0]["error"]


def test_what_it_does_not_outlive_ends_it_and_what_it_does_has_a_traceback(servers: Servers) -> None:
    stop = threading.Event()

    def fails(connection: Connection, well: Callable[[], None]) -> None:
        if connection.info.parameter_status("application_name") == "last":
            stop.set()
        raise ValueError("a bug with a secret")

    def connect() -> Connection:
        names.append("first" if not names else "last")
        return psycopg.connect(url, application_name=names[-1])

    url, names = servers.new_database(), list[str]()
    with pytest.raises(ValueError, match="a bug"):
        lasting.run(connect, fails, stop, away="away", back="back", retry_s=0.001)

    names.clear()
    with capture_logs() as logs:
        lasting.run(
            connect,
            fails,
            stop,
            away="away",
            back="back",
            retry_s=0.001,
            outlives=(Exception,),
            say=lambda error: type(error).__name__,
        )
    servers.drop_database(url)
    assert names == ["first", "last"]
    assert [(entry["event"], entry["error"], entry["exc_info"]) for entry in logs] == [
        ("away", "ValueError", True)
    ]
