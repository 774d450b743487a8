"""What one-stop systems send to the national portal, as facts.

Pure: one dossier or step of a call becomes facts, or the reason why it can't. Only the fields named here are read;
applicants, officers and free texts have no place in these types and are gone with the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from connectors.onestop.ends import ends_of
from ioc.events import (
    Applicant,
    Channel,
    DossierEvent,
    DossierProgress,
    DossierProgressed,
    DossierRecord,
    DossierSupplement,
    DossierSupplemented,
    event_id,
)

T = TypeVar("T")

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
#: Nothing that a one-stop system knows is older, and no due date is later.
_OLDEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_NEWEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_MOMENT: Final = re.compile(r"\d{8}(\d{4}(\d{2})?)?")
_CHANNELS: Final = {"1": Channel.COUNTER, "2": Channel.ONLINE, "3": Channel.POST}
_APPLICANTS: Final = {"1": Applicant.PERSON, "2": Applicant.BUSINESS}
#: 1 through the national portal, 2 through the payment gateway of a ministry or province.
_PAID_ONLINE: Final = {"0": False, "1": True, "2": True}
_FLAGS: Final = {"0": False, "1": True, "false": False, "true": True}
_MOST_FEE: Final = 10**12

Said: TypeAlias = str | int | float | bool | None
"""A value as it is sent: systems write numbers as text and absent ones as empty text."""


class Paper(msgspec.Struct, frozen=True):
    """One of ``TaiLieuNop``: only its flags."""

    digitised: Said = msgspec.field(name="DuocSoHoa", default=None)
    reused: Said = msgspec.field(name="DuocTaiSuDung", default=None)
    from_store: Said = msgspec.field(name="DuocLayTuKhoDMQG", default=None)


class Fee(msgspec.Struct, frozen=True):
    """One of ``DanhSachLePhi``: only its amount."""

    amount: Said = msgspec.field(name="Gia", default=None)


class Supplement(msgspec.Struct, frozen=True):
    """One of ``DanhSachHoSoBoSung``: when it was asked for, when it came, how the due date moved."""

    id: Said = msgspec.field(name="HoSoBoSungId", default=None)
    asked_at: Said = msgspec.field(name="NgayBoSung", default=None)
    received_at: Said = msgspec.field(name="NgayTiepNhanBoSung", default=None)
    old_due_at: Said = msgspec.field(name="NgayHenTraTruoc", default=None)
    new_due_at: Said = msgspec.field(name="NgayHenTraMoi", default=None)


class Result(msgspec.Struct, frozen=True):
    """One of ``DanhSachGiayToKetQua``: only whether it has a file."""

    file: Said = msgspec.field(name="DuongDanTepTinKetQua", default=None)


class Sent(msgspec.Struct, frozen=True):
    """One dossier of ``DongBoHoSoMC``: the allow-list."""

    code: Said = msgspec.field(name="MaHoSo", default=None)
    procedure: Said = msgspec.field(name="MaTTHC", default=None)
    field_code: Said = msgspec.field(name="MaLinhVuc", default=None)
    field: Said = msgspec.field(name="TenLinhVuc", default=None)
    applicant: Said = msgspec.field(name="LoaiDoiTuong", default=None)
    channel: Said = msgspec.field(name="KenhThucHien", default=None)
    agency: Said = msgspec.field(name="DonViXuLy", default=None)
    status: Said = msgspec.field(name="TrangThaiHoSo", default=None)
    submitted_at: Said = msgspec.field(name="NgayNopHoSo", default=None)
    received_at: Said = msgspec.field(name="NgayTiepNhan", default=None)
    due_at: Said = msgspec.field(name="NgayHenTra", default=None)
    ended_at: Said = msgspec.field(name="NgayKetThucXuLy", default=None)
    returned_at: Said = msgspec.field(name="NgayTra", default=None)
    rejected_at: Said = msgspec.field(name="NgayTuChoi", default=None)
    paid_online: Said = msgspec.field(name="DuocThanhToanTrucTuyen", default=None)
    digitised: Said = msgspec.field(name="HoSoCoThanhPhanSoHoa", default=None)
    papers: tuple[Paper, ...] | None = msgspec.field(name="TaiLieuNop", default=None)
    fees: tuple[Fee, ...] | None = msgspec.field(name="DanhSachLePhi", default=None)
    supplements: tuple[Supplement, ...] | None = msgspec.field(name="DanhSachHoSoBoSung", default=None)
    results: tuple[Result, ...] | None = msgspec.field(name="DanhSachGiayToKetQua", default=None)


class SentStep(msgspec.Struct, frozen=True):
    """One step of ``CapNhatTienDoHoSoMC``: the allow-list."""

    code: Said = msgspec.field(name="MaHoSo", default=None)
    at: Said = msgspec.field(name="ThoiDiemXuLy", default=None)
    department: Said = msgspec.field(name="PhongBanXuLy", default=None)
    role: Said = msgspec.field(name="ChucDanh", default=None)
    handler: Said = msgspec.field(name="NguoiXuLy", default=None)
    status: Said = msgspec.field(name="TrangThai", default=None)
    began_at: Said = msgspec.field(name="NgayBatDau", default=None)


class UnusableError(Exception):
    """One dossier or step can't be taken; the message names the field and never its value."""


@dataclass(frozen=True)
class Reading:
    """How a call is read.

    :param source: CloudEvents source of the facts, part of their ids.
    :param now: this machine's clock; what is dated later than ``now`` + ``tolerance`` is refused.
    :param unit_of: the unit that an agency's name stands for at a moment, or None.
    """

    source: str
    now: datetime
    tolerance: timedelta
    unit_of: Callable[[str, datetime], str | None]
    pseudonym: Callable[[str], str] | None = None
    """Makes an officer's name a keyed hash; without it, the name is dropped."""


@dataclass(frozen=True)
class View:
    """A dossier as a call shows it.

    :param latest: latest past moment that the view knows; None when it knows none.
    :param others: facts besides the view: supplements.
    """

    code: str
    record: DossierRecord
    latest: datetime | None
    others: tuple[DossierEvent, ...]


def code_of(item: object) -> str | None:
    """Code of a dossier in a call, for the answer; None when it has none that can be repeated."""
    if not isinstance(item, dict):
        return None
    try:
        return _code(item.get("MaHoSo"))
    except UnusableError:
        return None


def read_dossier(item: Any, reading: Reading, fallback_unit: Callable[[], str | None]) -> View:
    """Turn one dossier of ``DongBoHoSoMC`` into its view.

    :param item: decoded JSON.
    :param fallback_unit: tells the unit of dossiers whose agency no row of the pack explains.
    :raises UnusableError: saying which field is wrong, and how.
    """
    sent = _convert(item, Sent)
    code = _code(sent.code)
    past = {
        name: _past(value, name, reading)
        for name, value in (
            ("NgayNopHoSo", sent.submitted_at),
            ("NgayTiepNhan", sent.received_at),
            ("NgayKetThucXuLy", sent.ended_at),
            ("NgayTra", sent.returned_at),
            ("NgayTuChoi", sent.rejected_at),
        )
    }
    status = _status(sent.status, "TrangThaiHoSo")
    ends = ends_of(
        status, ended=past["NgayKetThucXuLy"], returned=past["NgayTra"], rejected=past["NgayTuChoi"]
    )
    moments = [moment for moment in past.values() if moment is not None]
    unit = _unit(sent.agency, max(moments, default=reading.now), reading, fallback_unit)
    supplements = list(_supplements(sent.supplements or (), code, unit, reading))
    moments += [event.time for event in supplements]
    record = DossierRecord(
        unit=unit,
        channel=_listed(sent.channel, _CHANNELS),
        field=_name(sent.field, "TenLinhVuc") or _name(sent.field_code, "MaLinhVuc"),
        procedure=_name(sent.procedure, "MaTTHC"),
        applicant=_listed(sent.applicant, _APPLICANTS),
        status=status,
        submitted_at=past["NgayNopHoSo"],
        received_at=past["NgayTiepNhan"],
        rejected_at=ends.rejected_at,
        due_at=_moment(sent.due_at, "NgayHenTra"),
        completed_at=ends.completed_at,
        returned_at=ends.returned_at,
        withdrawn_at=ends.withdrawn_at,
        fee_vnd=_fee(sent.fees),
        paid_online=_listed(sent.paid_online, _PAID_ONLINE),
        digitised=_any((sent.digitised, *(paper.digitised for paper in sent.papers or ()))),
        reused=_any(paper.reused for paper in sent.papers or ()),
        from_store=_any(paper.from_store for paper in sent.papers or ()),
        result_digital=any(_text(result.file) for result in sent.results) if sent.results else None,
    )
    return View(code, record, max(moments, default=None), tuple(supplements))


def read_step(
    item: Any,
    reading: Reading,
    unit_of_dossier: Callable[[str], str | None],
    fallback_unit: Callable[[], str | None],
) -> DossierProgressed:
    """Turn one step of ``CapNhatTienDoHoSoMC`` into a fact.

    ``NgayKetThucTheoQuyDinh`` is the step's own limit and moves no dossier's due date, so it is not read.

    :param unit_of_dossier: the unit that a dossier had when it was seen last.
    :raises UnusableError: saying which field is wrong, and how.
    """
    sent = _convert(item, SentStep)
    code = _code(sent.code)
    at = _past(sent.at, "ThoiDiemXuLy", reading)
    if at is None:
        raise UnusableError("ThoiDiemXuLy is missing")
    step = _name(sent.department, "PhongBanXuLy")
    status = _status(sent.status, "TrangThai")
    unit = unit_of_dossier(code) or fallback_unit()
    if not unit:
        raise UnusableError("the dossier's unit is not known: send the dossier first")
    began = _moment(sent.began_at, "NgayBatDau")
    # The unit makes no id: once the pack knows it, the same step would otherwise be another fact.
    what = "\x1f".join(
        (
            "ioc.dossier.progressed.v1",
            step or "",
            "" if status is None else str(status),
            began.isoformat() if began else "",
        )
    )
    return DossierProgressed(
        specversion="1.0",
        id=event_id(reading.source, code, what, at),
        source=reading.source,
        subject=code,
        time=at,
        # role and officer make no id: with a new key the same step would otherwise be another fact
        data=DossierProgress(
            unit=unit,
            status=status,
            step=step,
            role=_name(sent.role, "ChucDanh"),
            handler=_handler(sent, reading),
        ),
    )


def _supplements(
    sent: tuple[Supplement, ...], code: str, unit: str, reading: Reading
) -> list[DossierSupplemented]:
    found = []
    for place, one in enumerate(sent):
        asked = _past(one.asked_at, "NgayBoSung", reading)
        received = _past(one.received_at, "NgayTiepNhanBoSung", reading)
        old = _moment(one.old_due_at, "NgayHenTraTruoc")
        new = _moment(one.new_due_at, "NgayHenTraMoi")
        name = _text(one.id) or str(place)
        if asked is not None:
            # The date moves when the supplement comes; while it is awaited, NgayHenTra says what holds.
            data = DossierSupplement(unit=unit, received=False, old_due_at=old)
            found.append(_supplemented(code, asked, f"asked\x1f{name}", data, reading))
        if received is not None:
            data = DossierSupplement(unit=unit, received=True, old_due_at=old, new_due_at=new)
            found.append(_supplemented(code, received, f"received\x1f{name}", data, reading))
    return found


def _supplemented(
    code: str, at: datetime, which: str, data: DossierSupplement, reading: Reading
) -> DossierSupplemented:
    due = "\x1f".join(moment.isoformat() if moment else "" for moment in (data.old_due_at, data.new_due_at))
    what = "\x1f".join(("ioc.dossier.supplemented.v1", which, due))
    return DossierSupplemented(
        specversion="1.0",
        id=event_id(reading.source, code, what, at),
        source=reading.source,
        subject=code,
        time=at,
        data=data,
    )


def _convert(item: Any, kind: type[Any]) -> Any:
    if not isinstance(item, dict):
        raise UnusableError("it is no JSON object")
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        # msgspec names our types and the field's place, never a value of these types
        raise UnusableError(str(error)) from None


def _text(value: Said) -> str:
    """A value as text without outer blanks; empty when there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value).strip()


def _clean(value: Said, name: str, longest: int) -> str:
    text = _text(value)
    if len(text) > longest:
        raise UnusableError(f"{name} has more than {longest} characters")
    if "\x00" in text:
        raise UnusableError(f"{name} holds NUL")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise UnusableError(f"{name} holds half of a surrogate pair")
    return text


def _code(value: Any) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise UnusableError("MaHoSo is missing")
    text = _clean(value, "MaHoSo", 50)
    if not text:
        raise UnusableError("MaHoSo is missing")
    if not text.isprintable():
        raise UnusableError("MaHoSo holds characters that can't be printed")
    return text


def _name(value: Said, name: str) -> str | None:
    return _clean(value, name, 200) or None


def _handler(sent: SentStep, reading: Reading) -> str | None:
    """The officer's pseudonym; a name that can't be one is none, and no reason to refuse the step."""
    if reading.pseudonym is None:
        return None
    try:
        name = _name(sent.handler, "NguoiXuLy")
    except UnusableError:
        return None
    return reading.pseudonym(name) if name else None


def _unit(agency: Said, at: datetime, reading: Reading, fallback: Callable[[], str | None]) -> str:
    name = _clean(agency, "DonViXuLy", 1000)
    unit = (reading.unit_of(name, at) if name else None) or fallback()
    if not unit:
        raise UnusableError("DonViXuLy is explained by no row of the pack, and the source has no unit")
    return unit


def _moment(value: Said, name: str) -> datetime | None:
    text = _clean(value, name, 40)
    if not text or not text.strip("0"):
        return None
    if not _MOMENT.fullmatch(text) or not text.isascii():
        raise UnusableError(f"{name} is not written yyyyMMddHHmmss")
    try:
        local = datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=ZONE)
        moment = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnusableError(f"{name} is no date") from None
    if not _OLDEST <= moment < _NEWEST:
        raise UnusableError(f"{name} is not between the years {_OLDEST.year} and {_NEWEST.year}")
    return moment


def _past(value: Said, name: str, reading: Reading) -> datetime | None:
    moment = _moment(value, name)
    if moment is not None and moment > reading.now + reading.tolerance:
        raise UnusableError(f"{name} lies in the future; is the sending system's clock right?")
    return moment


def _status(value: Said, name: str) -> int | None:
    text = _clean(value, name, 40)
    if not text:
        return None
    if not text.isascii() or not text.removeprefix("-").isdigit() or abs(int(text)) >= 2**15:
        raise UnusableError(f"{name} is no status code")
    return int(text)


def _listed(value: Said, values: Mapping[str, T]) -> T | None:
    """What a code means; a code that nobody has explained is unknown."""
    return values.get(_text(value).lower())


def _any(values: Iterable[Said]) -> bool | None:
    """Whether one of the flags is set; None when none says anything."""
    flags = [flag for value in values if (flag := _FLAGS.get(_text(value).lower())) is not None]
    return any(flags) if flags else None


def _fee(fees: tuple[Fee, ...] | None) -> int | None:
    """The amounts together; None when one can't be read, since a sum without it would be wrong."""
    if not fees:
        return None
    total = 0
    for fee in fees:
        text = _text(fee.amount)
        if not text.isascii() or not text.isdigit() or len(text) > 13:
            return None
        total += int(text)
    return total if total <= _MOST_FEE else None
