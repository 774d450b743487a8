"""The portal protocol without an upstream, into a real Kafka, and further into the database."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.onestop.aliases import AliasStore, Named, store_path
from ioc import topics
from tests.integration.ingesting import Ingest, bearer, ingest, make_key, records
from tests.integration.portal_calls import SECRETS, OneStop, dossier, login, progress, step, upsert
from tests.integration.streaming import fetch, run_ioc, wait_counted, wait_until, worker
from tests.servers import Servers


@pytest.fixture(scope="module")
def running(servers: Servers) -> Iterator[Ingest]:
    settings = servers.new_settings(
        database=servers.new_database(),
        key_refresh_s=0.3,
        portal_login=f"{SECRETS[1]}:{SECRETS[0]}",
    )
    assert run_ioc(settings, "district", "apply").returncode == 0
    with ingest(settings) as process:
        yield process


@pytest.fixture
def onestop(running: Ingest) -> OneStop:
    system = OneStop(f"{running.url}/ingest/v1/dvcqg")
    system.log_in()
    return system


def facts(running: Ingest, code: str) -> list[dict[str, Any]]:
    return [r for r in records(running.settings, topics.DOSSIERS) if r["subject"] == code]


def test_login_comes_first_and_sessions_are_checked(running: Ingest) -> None:
    system = OneStop(f"{running.url}/ingest/v1/dvcqg")
    assert system.call(upsert(dossier("none"))).json()["error_code"] == "03"
    assert system.call({"username": SECRETS[1], "password": "sai"}).json()["error_code"] == "02"
    assert system.call(upsert(dossier("none"), session="made-up")).json()["error_code"] == "03"
    system.log_in()
    assert system.call(upsert(dossier("some"))).json()["error_code"] == "00"
    assert facts(running, "none") == []


def test_guessing_passwords_ends_and_the_right_system_still_gets_in(running: Ingest) -> None:
    system = OneStop(f"{running.url}/ingest/v1/dvcqg")
    guesses = [system.call({"username": "khac", "password": str(n)}) for n in range(12)]
    assert guesses[-1].status_code == 429
    assert guesses[-1].json()["error_code"] == "07"
    assert system.log_in()


def test_a_dossier_becomes_a_fact_with_what_may_be_kept(running: Ingest, onestop: OneStop) -> None:
    answer = onestop.call(
        upsert(
            dossier(
                "full",
                TrangThaiHoSo="10",
                NgayKetThucXuLy="20251106090000",
                NgayTra="20251106100000",
                NgayHenTra="20251107170000",
                DanhSachHoSoBoSung=[
                    {
                        "HoSoBoSungId": "1",
                        "NguoiYeuCauBoSung": "Lê Văn Mật",
                        "NgayBoSung": "20251103080000",
                        "NgayTiepNhanBoSung": "20251104080000",
                        "NgayHenTraTruoc": "20251105170000",
                        "NgayHenTraMoi": "20251107170000",
                    }
                ],
                DanhSachGiayToKetQua=[{"TenGiayTo": "KQ", "DuongDanTepTinKetQua": "https://vidu.example/kq"}],
            )
        )
    )
    assert answer.status_code == 200
    assert answer.json()["error_code"] == "00"
    assert answer.json()["result"] == [{"MaHoSo": "full", "error_code": "00", "message": "Thành công / Done"}]
    asked, received, recorded = facts(running, "full")
    assert (asked["type"], asked["time"], asked["data"]["received"]) == (
        "ioc.dossier.supplemented.v1",
        "2025-11-03T01:00:00Z",
        False,
    )
    assert received["data"]["new_due_at"] == "2025-11-07T10:00:00Z"
    assert received["data"]["old_due_at"] == "2025-11-05T10:00:00Z"
    assert recorded["type"] == "ioc.dossier.recorded.v1"
    assert recorded["time"] == "2025-11-06T03:00:00Z", "the latest moment that the view knows"
    data = recorded["data"]
    assert data == {
        "unit": "25663",  # by the pack: UBND xã Phước Thạnh, since July 2025
        "channel": "online",
        "field": "Hộ tịch",
        "procedure": "1.004873",
        "applicant": "person",
        "status": 10,
        "submitted_at": "2025-11-01T16:00:00Z",
        "received_at": "2025-11-02T01:00:00Z",
        "due_at": "2025-11-07T10:00:00Z",
        "completed_at": "2025-11-06T02:00:00Z",
        "returned_at": "2025-11-06T03:00:00Z",
        "fee_vnd": 23000,
        "paid_online": True,
        "digitised": True,
        "reused": False,
        "result_digital": True,
    }


def test_4_5_4_is_three_facts_and_a_re_sent_4_none(running: Ingest, onestop: OneStop) -> None:
    for status in ("4", "5", "4", "4"):
        assert onestop.call(upsert(dossier("flip", TrangThaiHoSo=status))).json()["error_code"] == "00"
    found = facts(running, "flip")
    assert [fact["data"]["status"] for fact in found] == [4, 5, 4]
    assert len({fact["id"] for fact in found}) == 3
    assert [fact["sequence"] for fact in found] == sorted(fact["sequence"] for fact in found)
    times = [datetime.fromisoformat(fact["time"]) for fact in found]
    assert times == sorted(times)
    assert times[0] == datetime(2025, 11, 2, 1, tzinfo=UTC)
    assert datetime.now(UTC) - times[1] < timedelta(minutes=10), (
        "a change without a date happens when it is sent"
    )


def test_contradictions_in_one_call_keep_their_order(running: Ingest, onestop: OneStop) -> None:
    answer = onestop.call(
        upsert(
            dossier("both", TrangThaiHoSo="4"),
            dossier("both", TrangThaiHoSo="9", NgayKetThucXuLy="20251103090000"),
            dossier("both", TrangThaiHoSo="9", NgayKetThucXuLy="20251103090000"),
        )
    )
    assert [result["error_code"] for result in answer.json()["result"]] == ["00"] * 3
    assert [fact["data"]["status"] for fact in facts(running, "both")] == [4, 9]


def test_bad_dossiers_are_named_and_the_others_taken(running: Ingest, onestop: OneStop) -> None:
    ahead = (datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")) + timedelta(days=365)).strftime("%Y%m%d%H%M%S")
    answer = onestop.call(
        upsert(
            dossier("good-1"),
            dossier("bad-1", NgayTiepNhan="2025-11-02"),
            dossier("bad-2", NgayTiepNhan=ahead),
            dossier("x" * 51),
            "no object",
            dossier("bad\x003"),
            dossier("bad-4", TrangThaiHoSo="xong"),
            dossier("good-2", TrangThaiHoSo="11", LoaiDoiTuong="9", KenhThucHien="8"),
        )
    )
    found = answer.json()
    assert found["error_code"] == "05"
    assert [result["error_code"] for result in found["result"]] == ["00"] + ["01"] * 6 + ["00"]
    assert "NgayTiepNhan" in found["result"][1]["message"]
    assert "future" in found["result"][2]["message"]
    assert [result["MaHoSo"] for result in found["result"][3:6]] == [None, None, None]
    assert len(facts(running, "good-1")) == 1
    (kept,) = facts(running, "good-2")
    assert kept["data"]["status"] == 11, "unknown codes are kept"
    assert "channel" not in kept["data"]
    assert facts(running, "bad-1") == facts(running, "bad-2") == []


def test_steps_take_their_dossiers_unit(running: Ingest, onestop: OneStop) -> None:
    onestop.call(upsert(dossier("stepped")))
    for _ in range(2):
        assert (
            onestop.call(progress(step("stepped"), step("stepped", TrangThai="9"))).json()["error_code"]
            == "00"
        )
    recorded, *steps = facts(running, "stepped")
    assert [s["data"].get("status") for s in steps] == [4, 9] * 2
    assert len({s["id"] for s in steps}) == 2, "the same steps again are the same facts"
    assert {s["data"]["unit"] for s in steps} == {recorded["data"]["unit"]}
    assert steps[0]["data"]["step"] == "Bộ phận Tư pháp"
    assert steps[0]["time"] == "2025-11-03T02:00:00Z"
    missing = onestop.call(progress(step("stepped", ThoiDiemXuLy="")))
    assert missing.json()["result"][0]["message"] == "ThoiDiemXuLy is missing"


def test_names_that_no_row_explains_lose_no_dossier(running: Ingest, onestop: OneStop) -> None:
    assert onestop.call(upsert(dossier("odd", DonViXuLy="Phòng Không Ai Biết"))).json()["error_code"] == "00"
    (fact,) = facts(running, "odd")
    assert fact["data"]["unit"] == "000.19.H53", "the calling agency's code stands in"


def test_one_agency_before_and_after_the_reform(running: Ingest, onestop: OneStop) -> None:
    """The pack dates its names: what the old commune's office received is the old commune's."""
    early = {
        "NgayNopHoSo": "20250602080000",
        "NgayTiepNhan": "20250602090000",
        "NgayHenTra": "20250620170000",
    }
    assert onestop.call(upsert(dossier("before", **early), dossier("after"))).json()["error_code"] == "00"
    assert [facts(running, code)[0]["data"]["unit"] for code in ("before", "after")] == [
        "go-dau.phuoc-thanh", "25663"
    ]  # fmt: skip


def test_a_dossier_keeps_the_key_under_which_it_was_seen_first(running: Ingest, onestop: OneStop) -> None:
    with AliasStore(store_path(running.settings.state_dir)) as aliases:
        aliases.resolve([Named("first-code", "urn:test:file", "unit-1", ("second-code",))])
    assert onestop.call(upsert(dossier("second-code"))).json()["result"][0]["MaHoSo"] == "second-code"
    (fact,) = facts(running, "first-code")
    assert fact["data"]["aliases"] == ["second-code"]


def test_look_ups_and_unknown_services(running: Ingest, onestop: OneStop) -> None:
    everything = onestop.call({"service": "LayThuTuc", "session": onestop.session}).json()
    assert everything["error_code"] == "00"
    first = everything["result"][0]
    one = onestop.call({"service": "LayThuTuc", "session": onestop.session, "maTTHC": first["MATTHC"]}).json()
    assert one["result"] == [first]
    assert first["LINHVUCTHUCHIEN"][0]["TENLINHVUC"]
    nothing = onestop.call({"service": "TraCuuHoSo", "session": onestop.session, "mahoso": "không có"}).json()
    assert (nothing["error_code"], nothing["result"]) == ("00", [])
    assert onestop.call({"service": "XoaHoSo", "session": onestop.session}).json()["error_code"] == "04"
    assert onestop.call({"session": onestop.session}).json()["error_code"] == "04"


def test_an_api_key_stands_for_a_session_within_its_limits(running: Ingest, onestop: OneStop) -> None:
    key = make_key(running.settings, "portal-key", units=["000.19.H53"])
    stranger = OneStop(onestop.url)
    body = upsert(dossier("keyed", DonViXuLy="Lạ"), dossier("keyed-2"), session="none")
    answer = wait_until(
        lambda: (a := stranger.call(body, **bearer(key))).status_code == 200 and a,
        within_s=30,
        what="the key is known",
    )
    assert [result["error_code"] for result in answer.json()["result"]] == ["00", "01"]
    assert len(facts(running, "keyed")) == 1
    assert facts(running, "keyed-2") == []
    assert stranger.call(body, **bearer(key[:-4] + "0000")).json()["error_code"] == "08"


def test_an_upsert_reaches_the_indicators_and_can_be_looked_up(running: Ingest, onestop: OneStop) -> None:
    onestop.call(upsert(dossier("counted", TrangThaiHoSo="9", NgayKetThucXuLy="20251104090000")))
    with worker(running.settings):
        wait_counted(running.settings, [topics.DOSSIERS], within_s=120)
    ((status, due),) = fetch(
        running.settings, "SELECT status, due_at FROM ioc.dossier WHERE code = 'counted'"
    )
    assert (status, due) == (9, datetime(2025, 11, 5, 10, tzinfo=UTC))
    assert fetch(running.settings, "SELECT count(*) FROM ioc.unreadable") == [(0,)]
    found = onestop.call({"service": "TraCuuHoSo", "session": onestop.session, "mahoso": "counted"}).json()
    assert found["result"][0]["NgayHenTra"] == "20251105170000"
    assert found["result"][0]["TrangThaiHoSo"] == "9"

    # a correction takes back what was said: it was late, and then it was not done at all
    late = dossier(
        "counted", TrangThaiHoSo="9", NgayKetThucXuLy="20251107090000", NgayHenTra="20251106170000"
    )
    taken_back = dossier("counted", TrangThaiHoSo="4", NgayHenTra="20251110170000")
    stored = "SELECT status, due_at, completed_at FROM ioc.dossier WHERE code = 'counted'"
    for sent, wanted in (
        (late, (9, datetime(2025, 11, 6, 10, tzinfo=UTC), datetime(2025, 11, 7, 2, tzinfo=UTC))),
        (taken_back, (4, datetime(2025, 11, 10, 10, tzinfo=UTC), None)),
    ):
        onestop.call(upsert(sent))
        with worker(running.settings):
            wait_counted(running.settings, [topics.DOSSIERS], within_s=120)
        assert fetch(running.settings, stored) == [wanted]


def test_versions_and_names_without_a_unit_outlive_the_process(servers: Servers) -> None:
    settings = servers.new_settings(database=servers.new_database(), portal_login=":".join(reversed(SECRETS)))
    assert run_ioc(settings, "district", "apply").returncode == 0
    sent: list[str] = []
    for status in ("4", "5"):
        with ingest(settings) as process:
            system = OneStop(f"{process.url}/ingest/v1/dvcqg/portal")
            system.log_in()
            for _ in range(2):
                again = dossier("again", TrangThaiHoSo=status, DonViXuLy="Phòng Không Ai Biết")
                assert system.call(upsert(again)).json()["error_code"] == "00"
            assert process.stop() in (0, -signal.SIGTERM)
        sent.append(status)
    found = records(settings, topics.DOSSIERS)
    assert [fact["data"]["status"] for fact in found] == [4, 5]
    assert json.dumps(login()) not in json.dumps(found)
    listed = run_ioc(settings, "district", "agencies")
    assert listed.returncode == 0, listed.stderr
    assert "4x" in listed.stdout, (
        "four calls of two processes, for the administrator to explain in agencies.csv"
    )
    assert "'Phòng Không Ai Biết'" in listed.stdout
    assert "ioc district agencies" in run_ioc(settings, "doctor").stdout, "who looks is led there"
