"""Hostile input to a running ingest process: clear answers, bounded memory, nothing personal left, and it lives."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ioc import topics
from tests.integration.ingesting import Ingest, bearer, ingest, make_key, raw_records, records, ticket
from tests.integration.portal_calls import (
    ALL_PERSONAL,
    PERSONAL,
    SECRETS,
    OneStop,
    dossier,
    progress,
    step,
    upsert,
)
from tests.integration.streaming import fetch, run_ioc, wait_counted, wait_until, worker
from tests.servers import Servers

MANY = "application/cloudevents-batch+json"
LIMIT = 4 * 1024 * 1024


class Target:
    """A running process with a key and a session."""

    def __init__(self, process: Ingest, key: str) -> None:
        self.process, self.key = process, key
        self.onestop = OneStop(f"{process.url}/ingest/v1/dvcqg")
        self.onestop.log_in()

    def events(self, body: Any, media: str = MANY, **headers: str) -> httpx.Response:
        return httpx.post(
            f"{self.process.url}/ingest/v1/events",
            content=body,
            headers={"Content-Type": media, **bearer(self.key), **headers},
            timeout=60,
        )

    def portal(self, body: bytes, **headers: str) -> httpx.Response:
        return self.onestop.call(body, **headers)


@pytest.fixture(scope="module")
def target(servers: Servers) -> Iterator[Target]:
    settings = servers.new_settings(
        database=servers.new_database(),
        portal_login=f"{SECRETS[1]}:{SECRETS[0]}",
        ingest_max_bytes=LIMIT,
        ingest_max_events=5000,
        ingest_body_s=3.0,
    )
    assert run_ioc(settings, "district", "apply").returncode == 0
    key = make_key(settings, quota_per_minute=10_000_000)
    with ingest(settings) as process:
        yield Target(process, key)


def _deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


UNREADABLE = {
    "cut off": b'[{"specversion":"1.0"',
    "NaN": b'[{"a":NaN}]',
    "Infinity": b'[{"a":-Infinity}]',
    "a name twice": b'[{"id":"1","id":"2"}]',
    "nested deep": _deep(200_000),
    "UTF-16": '[{"a":"ắ"}]'.encode("utf-16"),
    "windows-1258": b'[{"a":"\xf0\xfe"}]',
    "a very long number": b"[" + b"9" * 10_000 + b"]",
    "empty lists": b"[" + b"[]," * 700_000 + b"[]]",
    "nothing": b"",
    "NUL": b"\x00" * 1000,
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><log><trace>&b;',
    "a workbook": b"PK\x03\x04\x14\x00\x06\x00\x08\x00[Content_Types].xml",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_is_no_json_is_a_clear_error(target: Target, body: bytes) -> None:
    events = target.events(body)
    assert events.status_code in (400, 422), events.text
    assert events.headers["content-type"] == "application/problem+json"
    assert events.json()["detail"]
    portal = target.portal(body)
    assert portal.status_code == 400, portal.text
    assert portal.json()["error_code"] == "01"
    assert target.process.running


def test_wrong_character_sets_and_types_are_refused(target: Target) -> None:
    assert target.events(b"[]", f"{MANY}; charset=utf-16").status_code == 415
    assert target.events(b"<x/>", "application/xml").status_code == 415
    assert target.events(b"[]", **{"Content-Encoding": "br"}).status_code == 415
    assert target.portal(b"{}", **{"Content-Type": "application/json; charset=tis-620"}).status_code == 415


def test_texts_that_no_database_takes_are_named(target: Target) -> None:
    batch = [ticket(1), ticket(2, service="a\x00b"), {**ticket(3), "id": "\ud800"}]
    answer = target.events(json.dumps(batch).encode())
    assert answer.status_code == 422
    assert [fault["index"] for fault in answer.json()["errors"]] == [1, 2]
    portal = target.onestop.call(
        json.dumps(
            upsert(dossier("a\ud800"), dossier("nul", TenLinhVuc="a\x00"), session=target.onestop.session)
        ).encode()
    )
    assert [result["error_code"] for result in portal.json()["result"]] == ["01", "01"]
    assert target.portal(b'{"service":"\\ud800","session":"\\udfff"}').status_code == 200


def test_a_clock_ahead_by_a_year_is_named(target: Target) -> None:
    ahead = {**ticket(1), "time": (datetime.now(UTC) + timedelta(days=365)).isoformat()}
    answer = target.events(json.dumps([ahead]).encode())
    assert (answer.status_code, answer.json()["errors"][0]["index"]) == (422, 0)
    assert "far-future" in answer.json()["errors"][0]["what"]


def test_large_bodies_and_bombs_take_no_memory(target: Target) -> None:
    before = target.process.memory_mib("VmHWM")

    def hundred_mb() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * (1024 * 1024)

    declared = target.events(hundred_mb(), **{"Content-Length": str(100 * 1024 * 1024)})
    assert (declared.status_code, declared.json()["type"]) == (413, "/problems/too-large")
    assert target.events(hundred_mb()).status_code == 413, "without a declared length too"
    assert target.onestop.call(b" " * (LIMIT + 1)).json()["error_code"] == "06"
    for name in ("tickets", "dvcqg"):
        answer = httpx.post(
            f"{target.process.url}/ingest/v1/{name}",
            content=hundred_mb(),
            headers={"Content-Type": "application/json", **bearer(target.key)},
            timeout=60,
        )
        assert answer.status_code == 413, name
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b" " * (1024 * 1024)) for _ in range(400)) + packer.flush()
    assert len(bomb) < 1024 * 1024
    for answer in (
        target.events(bomb, **{"Content-Encoding": "gzip"}),
        target.portal(bomb, **{"Content-Encoding": "gzip"}),
    ):
        assert answer.status_code == 413
    for torn in (bomb[:1000], b"no gzip", gzip.compress(b"[]") * 100):
        assert target.events(torn, **{"Content-Encoding": "gzip"}).status_code == 400
    many = b"[" + b",".join([b"{}"] * 5001) + b"]"
    assert target.events(many).status_code == 400
    assert target.portal(b'{"service":"DongBoHoSoMC","data":' + many + b"}").status_code == 400
    lists = b"[" + b"[[]]," * 100_000 + b"[]]"
    tickets = httpx.post(
        f"{target.process.url}/ingest/v1/tickets",
        content=b"[" + b"[]," * 1_300_000 + b"[]]",
        headers={"Content-Type": "application/json", **bearer(target.key)},
        timeout=60,
    )
    assert tickets.status_code == 400
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(target.events(lists).status_code)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {400, 408, 503}
    assert target.process.memory_mib("VmHWM") - before < 250
    assert target.process.running


def test_slow_clients_are_cut_and_hold_nobody_up(target: Target) -> None:
    host, port = "127.0.0.1", target.process.settings.ingest_port
    slow = []
    for _ in range(20):
        connection = socket.create_connection((host, port), timeout=30)
        connection.sendall(
            b"POST /ingest/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: "
            + MANY.encode()
            + b"\r\nAuthorization: Bearer "
            + target.key.encode()
            + b"\r\n\r\n["
        )
        slow.append(connection)
    assert target.events(json.dumps([ticket(1)]).encode()).status_code == 200
    for connection in slow:
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")
        connection.close()


def test_no_personal_field_is_left_anywhere(target: Target) -> None:
    """Every personal field in both services, in good, bad and unreadable shapes; all that is kept is read."""
    onestop, settings = target.onestop, target.process.settings
    people = {**PERSONAL, "NguoiXuLy": ALL_PERSONAL[0], "NoiDungXuLy": ALL_PERSONAL[-2]}
    answers = [
        onestop.call(upsert(dossier("personal", **people))),
        onestop.call(progress(step("personal", **people))),
        onestop.call(upsert(dossier("personal-bad", NgayTiepNhan=PERSONAL["ChuHoSo"], **people))),
        onestop.call(upsert(dossier("personal-bad", TrangThaiHoSo=PERSONAL["ChuHoSo"]))),
        onestop.call(upsert(PERSONAL["ChuHoSo"], [PERSONAL["Email"]], {**people})),
        onestop.call(upsert(dossier("p", TaiLieuNop=PERSONAL["ChuHoSo"], DanhSachLePhi=[PERSONAL["Email"]]))),
        onestop.call(upsert(data=PERSONAL["ChuHoSo"])),
        onestop.call(upsert(session=[PERSONAL["ChuHoSo"]])),
        onestop.call({"service": PERSONAL["ChuHoSo"], "session": onestop.session}),
        onestop.call(json.dumps(upsert(dossier(**people)), ensure_ascii=False).encode()[:-20]),
        onestop.call(json.dumps(people, ensure_ascii=False).encode("utf-16")),
        target.events(json.dumps([{**ticket(1), "type": PERSONAL["ChuHoSo"], "data": people}]).encode()),
        target.events(json.dumps([{**ticket(2), "data": {**ticket(2)["data"], **people}}]).encode()),
        target.events(
            json.dumps([{**ticket(3), PERSONAL["Email"]: 1, "time": PERSONAL["ChuHoSo"]}]).encode()
        ),
        # no day: the edge believes it, the worker does not, and keeps the record as unreadable
        target.events(
            json.dumps(
                [{**ticket(4), "data": {**ticket(4)["data"], **people, "date": "2026-02-30"}}]
            ).encode()
        ),
        httpx.post(
            f"{target.process.url}/ingest/v1/tickets",
            json={
                "happened": "issued",
                "number": 7,
                "kiosk": "k-personal",
                "unit": "unit-1",
                **people,
                "time": datetime.now(UTC).isoformat(),
            },
            headers=bearer(target.key),
            timeout=60,
        ),
    ]
    assert [answer.status_code for answer in answers[-2:]] == [200, 200]
    with worker(settings):
        wait_counted(settings, [topics.DOSSIERS, topics.QUEUES], within_s=120)
    kept = "".join(answer.text for answer in answers) + target.process.log.read_text()
    unreadable = [bytes(row[0]).decode() for row in fetch(settings, "SELECT bytes FROM ioc.unreadable")]
    assert any("2026-02-30" in record for record in unreadable)
    kept += "".join(unreadable)  # as text: the tables below show bytes as digits
    for topic in topics.ALL_TOPICS:
        kept += "".join(value.decode() for value in raw_records(settings, topic))
    for path in settings.state_dir.rglob("*"):
        if path.is_file():
            kept += path.read_bytes().decode("utf-8", "replace")
    tables = fetch(
        settings, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'ioc'"
    )
    for (table,) in tables:
        kept += "".join(str(row) for row in fetch(settings, f"SELECT t::text FROM {table} t"))  # noqa: S608
    assert "personal" in kept
    for text in (*ALL_PERSONAL, onestop.session):
        assert text not in kept, text
        assert json.dumps(text)[1:-1] not in kept, text


def test_the_process_still_takes_facts_after_all_that(target: Target) -> None:
    assert target.events(json.dumps([ticket(99, kiosk="after")]).encode()).json()["accepted"] == 1
    wait_until(
        lambda: any(r["subject"] == "after" for r in records(target.process.settings, topics.QUEUES)),
        within_s=30,
        what="the fact is in Kafka",
    )
