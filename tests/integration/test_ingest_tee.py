"""The tee: an upstream portal gets every call byte for byte, and facts are kept beside it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ioc import topics
from ioc.cli.district import shipped_pack
from ioc.settings import Settings
from tests.integration.ingesting import Ingest, ingest, make_key, records
from tests.integration.portal_calls import (
    ALL_PERSONAL,
    SECRETS,
    OneStop,
    dossier,
    login,
    progress,
    step,
    upsert,
)
from tests.integration.streaming import wait_until
from tests.peers.upstream_portal import UpstreamPortal, upstream_portal
from tests.servers import Servers


@pytest.fixture(scope="module")
def module_portal() -> Iterator[UpstreamPortal]:
    with upstream_portal() as found:
        yield found


@pytest.fixture(scope="module")
def running(servers: Servers, module_portal: UpstreamPortal) -> Iterator[Ingest]:
    settings = servers.new_settings(
        database=servers.new_database(),
        key_refresh_s=0.3,
        portal_upstream=module_portal.url,
        portal_timeout_s=1.5,
    )
    with ingest(settings) as process:
        yield process


@pytest.fixture
def portal(module_portal: UpstreamPortal) -> UpstreamPortal:
    module_portal.seen.clear()
    fresh = UpstreamPortal()
    module_portal.status, module_portal.headers, module_portal.body = 200, fresh.headers, fresh.body
    module_portal.compressed = False
    module_portal.hold.set()
    return module_portal


@pytest.fixture
def onestop(running: Ingest, portal: UpstreamPortal) -> OneStop:
    return OneStop(f"{running.url}/ingest/v1/dvcqg")


def codes(settings: Settings) -> set[str]:
    return {record["subject"] for record in records(settings, topics.DOSSIERS)}


def test_every_call_arrives_byte_for_byte_and_the_answer_comes_back_as_it_was(
    running: Ingest, onestop: OneStop, portal: UpstreamPortal
) -> None:
    portal.body = '{"error_code":"00",  "message":"Thành công","result":[{"x":1.50}]}'.encode()
    portal.headers = {"Content-Type": "application/json;charset=UTF-8", "Set-Cookie": "a=b", "X-Odd": "1"}
    strange = b'{"service":"DongBoHoSoMC", "madonvi":"H53","data":[{"MaHoSo":"bytes", "x" : 1.0E+2}]  }\n'
    for body in (
        strange,
        b'{"service": "DichVuLa", "x": "\\u00e1"}',
        b"\xff\xfe not json at all",
        b"",
        json.dumps(login()).encode(),
    ):
        answer = onestop.call(body, Authorization="Basic eDp5", **{"X-Mine": "kept"})
        seen = portal.seen[-1]
        assert seen.body == body
        assert seen.path == "/mapi/g"
        assert (seen.headers["authorization"], seen.headers["x-mine"]) == ("Basic eDp5", "kept")
        assert "x-forwarded-for" not in seen.headers
        if b"username" not in body:
            assert answer.content == portal.body
        assert (answer.headers["set-cookie"], answer.headers["x-odd"]) == ("a=b", "1")
        assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert len(portal.seen) == 5
    assert "bytes" in codes(running.settings), "a dossier with little in it is a fact all the same"


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 404, 500, 503])
def test_status_and_redirects_are_passed_on_unfollowed(
    onestop: OneStop, portal: UpstreamPortal, status: int
) -> None:
    portal.status = status
    portal.headers = {"Location": "http://127.0.0.1:1/elsewhere"}
    answer = onestop.call({"service": "LayThuTuc", "session": "s"})
    assert (answer.status_code, answer.content) == (status, portal.body)
    assert len(portal.seen) == 1


def test_compressed_answers_paths_queries_and_methods_pass_through(
    running: Ingest, portal: UpstreamPortal
) -> None:
    portal.compressed = True
    url = f"{running.url}/ingest/v1/dvcqg"
    assert httpx.post(f"{url}/login?x=1%202", json={"a": 1}).content == portal.body
    assert portal.seen[-1].path == "/mapi/g/login?x=1%202"
    assert httpx.get(url).status_code == 200
    assert portal.seen[-1].method == "GET"
    for path in ("/../../secret", "/%2e%2e/%2e%2e/secret", "//127.0.0.1:1/x", "/@127.0.0.1:1/"):
        httpx.post(url + path, json={})
        assert portal.seen[-1].path.startswith("/mapi/g"), path


def test_dossiers_and_steps_are_recorded_beside(
    running: Ingest, onestop: OneStop, portal: UpstreamPortal
) -> None:
    onestop.call(upsert(dossier("tee-1"), session="s"))
    onestop.call(progress(step("tee-1"), session="s"))
    found = [r for r in records(running.settings) if r["subject"] == "tee-1"]
    assert [r["type"] for r in found] == ["ioc.dossier.recorded.v1", "ioc.dossier.progressed.v1"]


def test_a_dead_upstream_looks_dead_and_the_facts_are_kept(
    running: Ingest, onestop: OneStop, portal: UpstreamPortal
) -> None:
    portal.hold.clear()
    slow = onestop.call(upsert(dossier("tee-slow"), session="s"))
    portal.hold.set()
    assert slow.status_code == 504
    assert slow.json()["error_code"] == "10"
    wait_until(lambda: "tee-slow" in codes(running.settings), within_s=30, what="the fact is in Kafka")


def test_an_upstream_that_is_not_there(servers: Servers) -> None:
    settings = servers.new_settings(
        database=servers.new_database(), portal_upstream="http://127.0.0.1:1/mapi/g", key_refresh_s=0.3
    )
    with ingest(settings) as process:
        system = OneStop(f"{process.url}/ingest/v1/dvcqg")
        answer = system.call(upsert(dossier("gone")))
        assert (answer.status_code, answer.json()["error_code"]) == (502, "10")
        wait_until(lambda: "gone" in codes(settings), within_s=30, what="the fact is in Kafka")


def test_calls_from_elsewhere_are_forwarded_and_recorded_only_with_a_proof(
    servers: Servers, portal: UpstreamPortal
) -> None:
    settings = servers.new_settings(
        database=servers.new_database(),
        portal_upstream=portal.url,
        portal_clients="10.0.0.0/8",
        key_refresh_s=0.3,
    )
    key = make_key(settings)
    with ingest(settings) as process:
        system = OneStop(f"{process.url}/ingest/v1/dvcqg")
        assert system.call(upsert(dossier("unproven"), session="?")).status_code == 200
        assert system.call(
            upsert(dossier("by-network"), session="?"), **{"X-Forwarded-For": "10.1.2.3"}
        ).is_success
        assert system.call(upsert(dossier("by-key"), session="?"), **{"X-API-Key": key}).is_success
        assert system.log_in() == "upstream-session"
        assert system.call(upsert(dossier("by-session"))).is_success
        assert system.call(
            upsert(dossier("wrong-key"), session="?"), **{"X-API-Key": key[:-2] + "zz"}
        ).is_success
        wait_until(lambda: "by-session" in codes(settings), within_s=30, what="the facts are in Kafka")
        assert codes(settings) == {"by-network", "by-key", "by-session"}
        assert "ioc_portal_unrecorded_total{" in httpx.get(f"{process.url}/metrics").text
        assert process.log.read_text().count("portal.not_recorded") == 1, "said once, counted always"
    forwarded = [json.loads(seen.body)["data"][0]["MaHoSo"] for seen in portal.seen if b"data" in seen.body]
    assert forwarded == ["unproven", "by-network", "by-key", "by-session", "wrong-key"]
    assert all("x-api-key" not in seen.headers for seen in portal.seen)


def test_systems_of_the_pack_have_addresses_of_their_own(
    servers: Servers, portal: UpstreamPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_STOP_LOGIN", f"{SECRETS[1]}:{SECRETS[0]}")
    pack = tmp_path / "pack"
    shutil.copytree(shipped_pack(), pack)
    (pack / "sources.csv").write_text(
        "code,kind,address,secret,unit,valid_from,options\n"
        f"mot-cua-1,portal,{portal.url},,,,clients=10.0.0.0/8 192.0.2.7\n"
        "mot-cua-2,portal,,env:ONE_STOP_LOGIN,25663,2025-07-01,\n"
        "torn,portal,no address,,,,\n"
    )
    settings = servers.new_settings(database=servers.new_database(), pack=pack)
    with ingest(settings) as process:
        base = f"{process.url}/ingest/v1/dvcqg"
        first, second, nobody = OneStop(f"{base}/mot-cua-1"), OneStop(f"{base}/mot-cua-2"), OneStop(base)
        first.call(upsert(dossier("of-first"), session="?"), **{"X-Forwarded-For": "192.0.2.7"})
        assert portal.seen[-1].path == "/mapi/g", "the system's name is not part of the upstream's address"
        second.log_in()
        assert second.call(upsert(dossier("of-second", DonViXuLy="Lạ"))).json()["error_code"] == "00"
        assert nobody.log_in(), "without a name in the address, the login tells the system"
        assert nobody.call(upsert(dossier("of-second-2"))).json()["error_code"] == "00"
        assert OneStop(base).call(upsert(dossier("x"), session="?")).status_code == 404
        wait_until(lambda: len(records(settings)) == 3, within_s=30, what="three facts")
    found = {r["subject"]: r for r in records(settings)}
    assert {code: r["source"].rsplit(":", 1)[1] for code, r in found.items()} == {
        "of-first": "mot-cua-1",
        "of-second": "mot-cua-2",
        "of-second-2": "mot-cua-2",
    }
    assert found["of-second"]["data"]["unit"] == "25663"


def test_recording_never_holds_the_answer_back_for_long(running: Ingest, onestop: OneStop) -> None:
    """While the process parses and records big calls, small ones are answered all the same."""
    big = json.dumps(upsert(*(dossier(f"big-{n}") for n in range(3000)), session="s")).encode()
    threads = [threading.Thread(target=onestop.call, args=(big,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    assert onestop.call({"service": "LayThuTuc", "session": "s"}).status_code == 200
    waited = time.monotonic() - began
    for thread in threads:
        thread.join()
    assert waited < 30
    wait_until(lambda: "big-2999" in codes(running.settings), within_s=60, what="the big call is recorded")


def test_nothing_personal_and_no_credential_is_kept(
    running: Ingest, onestop: OneStop, portal: UpstreamPortal
) -> None:
    portal.body = json.dumps({"error_code": "00", "result": [{"ChuHoSo": ALL_PERSONAL[0]}]}).encode()
    onestop.log_in()
    onestop.call(upsert(dossier("private")))
    onestop.call({"service": "TraCuuHoSo", "mahoso": "private", "session": "upstream-session"})
    kept = json.dumps(records(running.settings), ensure_ascii=False) + running.log.read_text()
    for path in running.settings.state_dir.rglob("*"):
        if path.is_file():
            kept += path.read_bytes().decode("utf-8", "replace")
    for text in (*ALL_PERSONAL, "upstream-session"):
        assert text not in kept
