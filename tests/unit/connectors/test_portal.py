"""Portal calls as facts: what is read, what it means, and that anything at all is a fact or a reason."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.onestop.importing import Importer
from connectors.onestop.mapping import load
from connectors.onestop.portal import Reading, UnusableError, View, code_of, read_dossier, read_step
from connectors.onestop.portal_call import Service, read_call
from connectors.onestop.portal_sessions import LIFE_S, Sessions
from connectors.onestop.portal_source import PortalSource, checked_upstream, from_settings, networks
from ioc.errors import InputError, SettingsError
from ioc.events import AnyEvent, Applicant, Channel, DossierRecorded, encode
from ioc.settings import Settings
from tests.integration.portal_calls import ALL_PERSONAL, dossier, step
from tests.unit.connectors.onestop import Kept

NOW = datetime(2025, 11, 10, tzinfo=UTC)
READING = Reading("urn:test", NOW, timedelta(minutes=5), lambda name, _at: "u1" if name == "Xã A" else None)
FIELDS = sorted({*dossier(), *step()})
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)


def read(**more: Any) -> View:
    return read_dossier(dossier("d", DonViXuLy="Xã A", **more), READING, lambda: None)


def test_every_field_that_may_be_kept_and_no_other() -> None:
    view = read()
    record = view.record
    assert (view.code, record.unit, record.channel, record.applicant) == (
        "d",
        "u1",
        Channel.ONLINE,
        Applicant.PERSON,
    )
    assert (record.field, record.procedure, record.status) == ("Hộ tịch", "1.004873", 4)
    assert record.received_at == datetime(2025, 11, 2, 1, tzinfo=UTC)
    assert record.due_at == datetime(2025, 11, 5, 10, tzinfo=UTC)
    assert (record.fee_vnd, record.paid_online, record.digitised, record.reused) == (
        23_000,
        True,
        True,
        False,
    )
    kept = msgspec.json.encode(record).decode()
    assert not [text for text in ALL_PERSONAL if text in kept]


@pytest.mark.parametrize(
    ("status", "completed", "withdrawn", "returned"),
    [("4", False, False, False), ("5", False, False, False), ("7", False, True, False)]
    + [(code, True, False, True) for code in ("9", "10", "11", "")],
)
def test_the_status_says_what_an_end_date_means(
    status: str, completed: bool, withdrawn: bool, returned: bool
) -> None:
    record = read(TrangThaiHoSo=status, NgayKetThucXuLy="20251104090000", NgayTra="20251104100000").record
    assert (record.completed_at is not None) is completed
    assert (record.withdrawn_at is not None) is withdrawn
    assert (record.returned_at is not None) is returned


def test_absent_is_unknown_and_never_zero() -> None:
    record = read_dossier({"MaHoSo": "d"}, READING, lambda: "u").record
    assert msgspec.json.encode(record) == b'{"unit":"u"}'
    empty = read(DuocThanhToanTrucTuyen="", HoSoCoThanhPhanSoHoa="", TaiLieuNop=[], DanhSachLePhi=[]).record
    assert (empty.paid_online, empty.digitised, empty.reused, empty.fee_vnd) == (None, None, None, None)
    assert read(DuocThanhToanTrucTuyen="0").record.paid_online is False
    assert read(DanhSachLePhi=[{"Gia": "1000"}, {"Gia": "năm nghìn"}]).record.fee_vnd is None, (
        "half a sum is wrong"
    )


def test_a_file_of_the_portals_views_means_what_the_protocol_means(tmp_path: Path) -> None:
    """The shipped mapping and the protocol read one field in one way, codes that nobody explained included."""
    sent = [
        *(dossier(f"paid-{n}", DuocThanhToanTrucTuyen=value) for n, value in enumerate(["0", "1", "2", "9", ""])),
        *(dossier(f"way-{n}", KenhThucHien=value) for n, value in enumerate(["1", "2", "3", "8", ""])),
        *(dossier(f"who-{n}", LoaiDoiTuong=value) for n, value in enumerate(["1", "2", "7"])),
        *(dossier(f"papers-{n}", HoSoCoThanhPhanSoHoa=value, TaiLieuNop=[]) for n, value in enumerate(["0", "1", ""])),
        *(
            dossier(f"end-{code}", TrangThaiHoSo=code, NgayKetThucXuLy="20251104090000", NgayTra="20251104100000",
                    NgayTuChoi="20251103090000")
            for code in ["", *map(str, range(12))]
        ),
    ]  # fmt: skip
    file = tmp_path / "views.jsonl"
    file.write_text(
        "\n".join(json.dumps({**one, "MaDonVi": "u"}, ensure_ascii=False) for one in sent), "utf-8"
    )
    kept = Kept()
    mapping = load(Path(__file__).parents[3] / "deploy" / "mappings" / "dvcqg.toml")
    report = Importer(mapping, tmp_path / "state").run(file, lambda: kept)
    assert report.rejected == 0
    by_file = {event.subject: event.data for event in kept.records}
    assert set(by_file) == {one["MaHoSo"] for one in sent}
    #: What only the protocol reads: lists, which are no columns.
    lists = dict.fromkeys(("fee_vnd", "reused", "from_store", "result_digital"))
    for one in sent:
        by_call = read_dossier(one, READING, lambda: "u").record
        assert by_file[one["MaHoSo"]] == msgspec.structs.replace(by_call, **lists), one["MaHoSo"]
    assert [by_file[f"paid-{n}"].paid_online for n in range(5)] == [False, True, True, None, None]
    assert {record.payable_online for record in by_file.values()} == {None}


@pytest.mark.parametrize(
    "text", ["2025-11-02", "20251132000000", "20251102250000", "1", "99991231235959", "٢٠٢٥١١٠٢"]
)
def test_dates_that_are_none_are_named(text: str) -> None:
    with pytest.raises(UnusableError, match="NgayHenTra"):
        read(NgayHenTra=text)


def test_short_dates_and_numbers_as_numbers_are_read() -> None:
    record = read(NgayTiepNhan=20251102, TrangThaiHoSo=4, KenhThucHien=1, DuocThanhToanTrucTuyen=2.0).record
    assert record.received_at == datetime(2025, 11, 1, 17, tzinfo=UTC)
    assert (record.status, record.channel, record.paid_online) == (4, Channel.COUNTER, True)


def test_supplements_move_the_due_date_and_keep_their_ids() -> None:
    entry = {"NgayBoSung": "20251103080000", "NgayHenTraTruoc": "20251105170000"}
    asked = read(DanhSachHoSoBoSung=[entry]).others
    came = read(
        DanhSachHoSoBoSung=[
            {**entry, "NgayTiepNhanBoSung": "20251104080000", "NgayHenTraMoi": "20251107170000"}
        ]
    ).others
    assert [fact.id for fact in asked] == [came[0].id]
    assert [fact.data.received for fact in came] == [False, True]  # type: ignore[union-attr]


def test_steps_are_the_same_fact_whatever_unit_they_are_given() -> None:
    one = read_step(step(), READING, lambda _code: "u1", lambda: None)
    other = read_step(step(), READING, lambda _code: None, lambda: "u2")
    assert one.id == other.id
    assert one.data.due_at is None, "a step's own limit is no due date of the dossier"
    assert read_step(step(TrangThai="5"), READING, lambda _code: "u1", lambda: None).id != one.id
    with pytest.raises(UnusableError, match="unit"):
        read_step(step(), READING, lambda _code: None, lambda: None)


def test_of_an_officer_the_role_is_kept_and_the_name_only_as_a_hash_where_the_source_is_told_so() -> None:
    sent = {**step(), "ChucDanh": "Công chức địa chính"}
    plain = read_step(sent, READING, lambda _code: "u1", lambda: None)
    hashed = read_step(
        sent,
        dataclasses.replace(READING, pseudonym=lambda name: f"hash of {len(name)}"),
        lambda _code: "u1",
        lambda: None,
    )
    assert (plain.data.role, plain.data.handler) == ("Công chức địa chính", None)
    assert (hashed.data.role, hashed.data.handler) == (plain.data.role, f"hash of {len(sent['NguoiXuLy'])}")
    assert hashed.id == plain.id, "a new key makes no new fact"
    assert sent["NguoiXuLy"] not in encode(hashed).decode()
    for name in (None, "", "x" * 300, 7):
        odd = {**sent, "NguoiXuLy": name}
        read = read_step(
            odd, dataclasses.replace(READING, pseudonym=str.upper), lambda _code: "u1", lambda: None
        )
        assert read.data.handler in (None, "7")


@given(st.dictionaries(st.sampled_from(FIELDS), ANY_VALUE, max_size=8) | ANY_VALUE)
def test_anything_is_a_fact_or_a_reason(item: Any) -> None:
    for sent in (item, {**dossier("d"), **item} if isinstance(item, dict) else item):
        try:
            view = read_dossier(sent, READING, lambda: "u")
        except UnusableError:
            assert len(code_of(sent) or "") <= 50
        else:
            fact = DossierRecorded(
                specversion="1.0", id="1", source="s", subject=view.code, time=NOW, data=view.record
            )
            for event in (fact, *view.others):
                assert msgspec.json.decode(encode(event), type=AnyEvent) == event
    try:
        progressed = read_step(item, READING, lambda _code: None, lambda: "u")
    except UnusableError:
        pass
    else:
        assert msgspec.json.decode(encode(progressed), type=AnyEvent) == progressed


@given(
    ANY_VALUE
    | st.dictionaries(st.sampled_from(["service", "session", "data", "madonvi", "username"]), ANY_VALUE)
)
def test_any_call_is_read_or_an_error_of_ours(body: Any) -> None:
    try:
        call = read_call(body, 10)
    except InputError:
        return
    else:
        assert len(call.items) <= 10


def test_a_login_is_told_by_its_fields_and_shows_no_password() -> None:
    call = read_call({"username": "he-thong", "password": "bi-mat"}, 10)
    assert call.service == Service.LOGIN
    assert "bi-mat" not in repr(call)
    assert "bi-mat" not in repr(PortalSource("a", "urn:a", login=SecretStr("x:bi-mat")))


def test_sessions_end_and_are_bounded() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    first = sessions.open("a")
    assert sessions.holds("a", first)
    assert not sessions.holds("b", first)
    now[0] = LIFE_S
    assert not sessions.holds("a", first)
    tokens = [sessions.open("a") for _ in range(100)]
    assert sum(sessions.holds("a", token) for token in tokens) == 64
    assert sessions.holds("a", tokens[-1])


def test_upstreams_and_networks_are_checked() -> None:
    for address in (
        "ftp://x",
        "http://",
        "http://user:pw@host/",
        "file:///etc/passwd",
        "no address",
        "http://h:99999",
    ):
        with pytest.raises(SettingsError):
            checked_upstream(address, "it")
    source = PortalSource("a", "urn:a", clients=networks("10.0.0.0/8, ::1 192.0.2.7", "it"))
    for address, member in (("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.0.0.1", False), ("x", False)):
        assert source.is_client(address) is member
    with pytest.raises(SettingsError):
        networks("10.0.0.0/99", "it")
    with pytest.raises(SettingsError):
        from_settings(Settings(portal_login="no colon"))  # type: ignore[arg-type]
    assert from_settings(Settings()) is None
