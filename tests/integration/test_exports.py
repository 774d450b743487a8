"""Exports from ``ioc serve`` as it runs: memory does not grow with the rows, who goes away or is slow holds nothing."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import openpyxl
import psycopg
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.integration.history_place import PASSWORD, add_places, add_samples, day, serving, wait_for
from tests.integration.kpi_data import Connection
from tests.servers import Servers

_DEVICES = 100
_EACH = 10_000
_SINCE = day("2026-03-01")
_PLANNER = ("planner", PASSWORD)
_EXPORTING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = 'ioc export' AND datname = current_database()"
)


@pytest.fixture(scope="module")
def connection(servers: Servers) -> Iterator[Connection]:
    """A million samples of access points."""
    url = servers.new_database()
    with psycopg.connect(url, autocommit=True) as found:
        add_places(found)
        add_samples(found, devices=_DEVICES, each=_EACH, since=_SINCE)
        yield found
    servers.drop_database(url)


@pytest.fixture(scope="module")
def url(connection: Connection) -> str:
    info = connection.info
    return f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"


@pytest.fixture(scope="module")
def served(servers: Servers, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with serving(url, tmp_path_factory.mktemp("state")) as found:
        yield found


def _address(kind: str, until: datetime) -> str:
    return (
        f"/api/v1/exports/samples?kind=wifi&format={kind}&from=2026-03-01T05:00Z&to={until:%Y-%m-%dT%H:%M}Z"
    )


def _until(each: int) -> datetime:
    return _SINCE + timedelta(minutes=each)


def _most_memory(process: int) -> int:
    """Highest memory of a process so far, in KiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1])


def _fetch(served: tuple[str, int], address: str, file: Path) -> Path:
    with (
        httpx.stream("GET", served[0] + address, auth=_PLANNER, timeout=300) as answer,
        file.open("wb") as out,
    ):
        assert answer.status_code == 200
        for piece in answer.iter_bytes():
            out.write(piece)
    return file


def _rows(file: Path, kind: str) -> int:
    if kind == "csv":
        with file.open("rb") as lines:
            return sum(1 for _ in lines) - 1
    if kind == "parquet":
        return parquet.read_metadata(file).num_rows
    if kind == "xlsx":
        (sheet,) = openpyxl.load_workbook(file, read_only=True).worksheets
        return sheet.max_row - 1
    with pa.OSFile(str(file)) as raw:
        return sum(batch.num_rows for batch in pa.ipc.open_stream(raw))


@pytest.mark.parametrize(
    ("kind", "few", "many"),
    [("csv", 500, _EACH), ("arrow", 500, _EACH), ("parquet", 1_000, 4_000), ("xlsx", 60, 300)],
)
def test_many_rows_take_no_more_memory_than_a_few(
    served: tuple[str, int], tmp_path: Path, kind: str, few: int, many: int
) -> None:
    file = tmp_path / f"file.{kind}"
    # the first ones also load what is needed once: libraries, the database's plans
    for _ in range(2):
        assert _rows(_fetch(served, _address(kind, _until(few)), file), kind) == few * _DEVICES
    before = _most_memory(served[1])
    assert _rows(_fetch(served, _address(kind, _until(many)), file), kind) == many * _DEVICES
    assert _most_memory(served[1]) - before < 16 * 1024


def test_a_client_that_goes_away_ends_its_export(served: tuple[str, int], connection: Connection) -> None:
    for kind in ("csv", "parquet", "xlsx"):
        with httpx.Client(auth=_PLANNER, timeout=60) as client:
            request = client.build_request("GET", served[0] + _address(kind, _until(_EACH)))
            if kind == "xlsx":  # sends nothing for long: the client gives up while it waits
                with pytest.raises(httpx.ReadTimeout):
                    client.get(str(request.url), timeout=1.0)
            else:
                answer = client.send(request, stream=True)
                assert next(answer.iter_raw())
                answer.close()
        wait_for(connection, _EXPORTING, 0)
        wait_for(
            connection, "SELECT outcome FROM ioc.access_log ORDER BY access_id DESC LIMIT 1", "broken off"
        )
    rows = connection.execute("SELECT rows FROM ioc.access_log WHERE outcome = 'broken off'").fetchall()
    assert all(count < _DEVICES * _EACH for (count,) in rows)


def test_who_does_not_wait_for_the_first_rows_ends_the_statement(
    served: tuple[str, int], url: str, connection: Connection
) -> None:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE ioc.wifi_sample IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(served[0] + _address("csv", _until(10)), auth=_PLANNER, timeout=2)
        wait_for(connection, _EXPORTING, 0)
        wait_for(
            connection, "SELECT outcome FROM ioc.access_log ORDER BY access_id DESC LIMIT 1", "broken off"
        )


def _open(served: tuple[str, int], reader: str) -> socket.socket:
    """An export whose client asks and does not read."""
    host, port = served[0].removeprefix("http://").split(":")
    found = socket.create_connection((host, int(port)))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    request = httpx.Request("GET", served[0] + _address("csv", _until(_EACH)))
    basic = next(httpx.BasicAuth(reader, PASSWORD).auth_flow(request)).headers["authorization"]
    path = request.url.raw_path.decode()
    found.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic}\r\n\r\n".encode())
    return found


def test_few_exports_run_at_once_and_one_a_reader(served: tuple[str, int], connection: Connection) -> None:
    address = served[0] + _address("csv", _until(10))
    with _open(served, "planner"):
        wait_for(connection, _EXPORTING, 1)
        own = httpx.get(address, auth=_PLANNER, timeout=60)
        assert (own.status_code, own.json()["type"]) == (429, "/problems/too-many-exports")
        assert int(own.headers["retry-after"]) > 0
        assert httpx.get(address, auth=("clerk", PASSWORD), timeout=60).status_code == 200
        # its place is free once its end is noted, a moment after the last byte
        wait_for(connection, "SELECT outcome FROM ioc.access_log ORDER BY access_id DESC LIMIT 1", "given")
        with _open(served, "clerk"):
            wait_for(connection, _EXPORTING, 2)
            third = httpx.get(address, auth=("chief", PASSWORD), timeout=60)
            assert (third.status_code, third.json()["type"]) == (503, "/problems/too-many-exports")
            assert int(third.headers["retry-after"]) > 0
            # other questions are answered as ever
            figures = httpx.get(f"{served[0]}/api/v1/kpis/dossier.open/series", auth=_PLANNER, timeout=60)
            assert figures.status_code == 200
    wait_for(connection, _EXPORTING, 0)


def test_an_export_ends_with_its_time_limit(
    servers: Servers, url: str, connection: Connection, tmp_path: Path
) -> None:
    with serving(url, tmp_path, IOC_EXPORT_TIMEOUT_S="2") as served:
        # a client that does not read
        with _open(served, "planner"):
            wait_for(connection, _EXPORTING, 1)
            wait_for(connection, _EXPORTING, 0)
        wait_for(
            connection, "SELECT outcome FROM ioc.access_log ORDER BY access_id DESC LIMIT 1", "broken off"
        )
        # a statement that does not come to its end
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE ioc.wifi_sample IN ACCESS EXCLUSIVE MODE")
            slow = httpx.get(served[0] + _address("csv", _until(10)), auth=_PLANNER, timeout=60)
            assert (slow.status_code, slow.json()["type"]) == (503, "/problems/too-slow")
            assert "IOC_EXPORT_TIMEOUT_S" in slow.json()["remedy"]
            wait_for(connection, _EXPORTING, 0)
        wait_for(
            connection, "SELECT outcome FROM ioc.access_log ORDER BY access_id DESC LIMIT 1", "broken off"
        )


def test_half_a_file_does_not_pass_for_a_whole_one(served: tuple[str, int], connection: Connection) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        _read_while_the_database_goes(served[0] + _address("csv", _until(_EACH)), connection)
    wait_for(connection, "SELECT outcome FROM ioc.access_log ORDER BY access_id DESC LIMIT 1", "failed")


def _read_while_the_database_goes(address: str, connection: Connection) -> None:
    with httpx.stream("GET", address, auth=_PLANNER, timeout=120) as answer:
        pieces = answer.iter_raw()
        assert next(pieces)
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'ioc export' AND datname = current_database()"
        )
        for piece in pieces:
            assert piece
