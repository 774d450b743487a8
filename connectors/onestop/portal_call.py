"""A call of the portal protocol: what is asked, and the answers in the protocol's shape.

Clients post JSON with ``service`` in the body; a login has ``username`` and ``password`` instead. Success is
``error_code`` "00"; everything else has another code and the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from connectors.onestop.portal_recorder import ItemResult
from ioc.errors import InputError

_LONGEST: Final = 500
_encoder = msgspec.json.Encoder()


class Service(StrEnum):
    """Services that are answered here."""

    LOGIN = "login"
    UPSERT = "DongBoHoSoMC"
    PROGRESS = "CapNhatTienDoHoSoMC"
    PROCEDURES = "LayThuTuc"
    LOOK_UP = "TraCuuHoSo"


class Code(StrEnum):
    """``error_code`` of an answer; the messages say the rest."""

    OK = "00"
    UNREADABLE = "01"
    LOGIN_REFUSED = "02"
    NO_SESSION = "03"
    UNKNOWN_SERVICE = "04"
    NOT_ALL_TAKEN = "05"
    TOO_LARGE = "06"
    TOO_MANY = "07"
    FORBIDDEN = "08"
    TRY_LATER = "09"
    UPSTREAM_AWAY = "10"
    FAILURE = "99"


#: What the codes mean, Vietnamese first: these texts end in one-stop systems' logs.
MESSAGES: Final = {
    Code.OK: "Thành công / Done",
    Code.UNREADABLE: "Không đọc được yêu cầu / The request can't be read",
    Code.LOGIN_REFUSED: "Sai tên đăng nhập hoặc mật khẩu / Wrong user or password",
    Code.NO_SESSION: "Phiên không tồn tại hoặc đã hết hạn, hãy đăng nhập lại / No such session, or it is over: log in",
    Code.UNKNOWN_SERVICE: "Dịch vụ không được hỗ trợ / This service is not answered here",
    Code.NOT_ALL_TAKEN: "Một số hồ sơ không được ghi nhận, xem result / Some dossiers were not taken, see result",
    Code.TOO_LARGE: "Yêu cầu quá lớn / The request is too large",
    Code.TOO_MANY: "Quá nhiều yêu cầu, hãy thử lại sau / Too many requests, try again later",
    Code.FORBIDDEN: "Không được phép / Not allowed",
    Code.TRY_LATER: "Tạm thời không nhận được, hãy gửi lại sau / Can't be taken now, send it again later",
    Code.UPSTREAM_AWAY: "Cổng cấp trên không trả lời / The upstream portal does not answer",
    Code.FAILURE: "Lỗi hệ thống / The platform failed",
}


@dataclass(frozen=True)
class PortalCall:
    """A call as it was read. Its representation names no credential.

    :param service: name of the service; :attr:`Service.LOGIN` when it is a login.
    :param items: ``data`` of an upsert or of progress, unread.
    :param wanted: code of the dossier or procedure that is looked up; empty for none.
    """

    service: str
    agency: str = ""
    items: Sequence[Any] = ()
    wanted: str = ""
    session: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def read_call(body: Any, most_items: int) -> PortalCall:
    """Read a decoded body.

    :param most_items: most dossiers or steps of one call.
    :raises InputError: saying what is wrong without repeating it.
    """
    if not isinstance(body, dict):
        raise InputError("The body is no JSON object.", remedy="Send an object with service in it.")
    service = _text(body, "service")
    username, password = _text(body, "username"), _text(body, "password")
    if username and password and service not in (Service.UPSERT, Service.PROGRESS):
        return PortalCall(Service.LOGIN, username=username, password=password)
    items: Any = ()
    if service in (Service.UPSERT, Service.PROGRESS):
        items = body.get("data")
        if isinstance(items, dict):
            items = [items]  # some systems leave the brackets out when there is one
        if not isinstance(items, list):
            raise InputError("data is no list of dossiers.", remedy="Send a JSON array in data.")
        if len(items) > most_items:
            raise InputError(
                f"data holds {len(items)} dossiers; the limit is {most_items}.",
                remedy="Send fewer at a time.",
            )
    wanted = {Service.PROCEDURES.value: ("maTTHC", "MaTTHC"), Service.LOOK_UP.value: ("mahoso", "MaHoSo")}
    return PortalCall(
        service,
        agency=_text(body, "madonvi"),
        items=items,
        wanted=next((text for name in wanted.get(service, ()) if (text := _text(body, name))), ""),
        session=_text(body, "session"),
    )


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise InputError(f"{name} is no text.")
    text = str(value).strip()
    if len(text) > _LONGEST:
        raise InputError(f"{name} has more than {_LONGEST} characters.")
    return text


def answer(code: Code, detail: str = "", **more: Any) -> bytes:
    """Return an answer's body; ``detail`` is put after the code's message."""
    message = MESSAGES[code] + (f": {detail}" if detail else ".")
    return _encoder.encode({"error_code": code.value, "message": message, **more})


def results_answer(results: Sequence[ItemResult]) -> bytes:
    """Return the answer to an upsert or to progress: one result a dossier, in the call's order."""
    taken = all(result.reason is None for result in results)
    return answer(
        Code.OK if taken else Code.NOT_ALL_TAKEN,
        result=[
            {
                "MaHoSo": result.code,
                "error_code": (Code.OK if result.reason is None else Code.UNREADABLE).value,
                "message": result.reason or MESSAGES[Code.OK],
            }
            for result in results
        ],
    )
