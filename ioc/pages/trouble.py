"""What went wrong, in words of the visit's language where the page has them; else in the error's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ioc.errors import IocError, UnavailableError
from ioc.kpi.errors import KpiError
from ioc.pages import words
from ioc.pages.live import Moment
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import Language

_AWAY: Final = Phrase("Cơ sở dữ liệu không trả lời.", "The database does not answer.")
_AGAIN: Final = Phrase(
    "Hãy thử lại sau ít giây; lệnh ioc status và ioc doctor cho biết thêm.",
    "Try again in a few seconds; ioc status and ioc doctor say more.",
)
_NOT_DONE: Final = Phrase(
    "Cơ sở dữ liệu không trả lời, chưa có gì được ghi. Hãy thử lại sau ít giây.",
    "The database does not answer, and nothing was stored. Try again in a few seconds.",
)
_DETAIL: Final = Phrase("Chi tiết: {said}", "{said}")
_OTHER: Final = Phrase("Dữ liệu đã nhập không dùng được.", "What was entered can't be used.")
#: By the kind of problem that the API names, too.
_KINDS: Final[Mapping[str, Phrase]] = {
    "role": Phrase(
        "Tài khoản này không có quyền làm việc đó; người quản trị có thể đổi vai trò.",
        "This account may not do that; an administrator can change its role.",
    ),
    "alert": Phrase(
        "Không làm được với cảnh báo này như hiện trạng của nó.",
        "This can't be done with the alert as it stands.",
    ),
    "unknown-alert": Phrase(
        "Không có cảnh báo này, hoặc tài khoản này không được xem.",
        "There is no such alert, or it is not yours to see.",
    ),
    "unknown-maintenance": Phrase(
        "Không có lịch bảo trì này, hoặc đã được gỡ.", "There is no such window, or it was withdrawn."
    ),
    "duty": Phrase("Thay đổi lịch trực này không hợp lệ.", "This change of the roster makes no sense."),
    "duty-conflict": Phrase(
        "Thay đổi này mâu thuẫn với lịch trực hiện có.", "This contradicts the roster as it stands."
    ),
    "duty-not-yours": Phrase(
        "Tài khoản này không được thay đổi phần lịch trực đó.",
        "This part of the roster is not yours to change.",
    ),
    "unknown-roster": Phrase("Không có lịch trực này.", "There is no such roster."),
    "unknown-change": Phrase(
        "Không có thay đổi này, hoặc đã được gỡ.", "There is no such change, or it was withdrawn."
    ),
    "unknown-device": Phrase(
        "Không có thiết bị này, hoặc tài khoản này không được xem.",
        "There is no such device, or it is not yours to see.",
    ),
    "unknown-dossier": Phrase(
        "Không có hồ sơ này, hoặc tài khoản này không được xem.",
        "There is no such dossier, or it is not yours to see.",
    ),
    "unknown-question": Phrase("Không có câu hỏi này.", "There is no such question."),
    "question-taken": Phrase(
        "Tên này đã được dùng cho một câu hỏi khác: hãy chọn tên khác.",
        "Another question has this name: choose another one.",
    ),
    "unknown-unit": Phrase(
        "Không có đơn vị này, hoặc tài khoản này không được xem.",
        "There is no such unit, or it is not yours to see.",
    ),
    "unknown-kpi": Phrase("Không có chỉ tiêu này.", "There is no such indicator."),
    "bad-question": Phrase("Câu hỏi không hợp lệ.", "The question makes no sense."),
    "bad-cursor": Phrase(
        "Trang này của danh sách không còn: hãy mở lại từ đầu.",
        "This page of the list is no more: begin again.",
    ),
    "too-many-points": Phrase(
        "Quá nhiều điểm cho một lần xem: chọn kỳ ngắn hơn hoặc ít chuỗi hơn.",
        "Too many points to be shown: choose a shorter period or fewer series.",
    ),
    "too-slow": Phrase(
        "Câu hỏi này mất quá nhiều thời gian: chọn kỳ ngắn hơn.",
        "This takes too long: choose a shorter period.",
    ),
    "too-many-exports": Phrase(
        "Đang có quá nhiều tệp được tạo: hãy thử lại sau.", "Too many files are being made: try again later."
    ),
}


def stale(visit: Visit, moment: Moment[Any]) -> str:
    """Since when what is shown is old, and why; empty while it is not."""
    if moment.error is None:
        return ""
    why = visit.say(_AWAY) if moment.away else moment.error
    return why if moment.at is None else visit.say(words.STALE, at=visit.at(moment.at), why=why)


def refused(visit: Visit, error: IocError) -> str:
    """Why an action was not done, and what to do."""
    if isinstance(error, UnavailableError):
        return visit.say(_NOT_DONE)
    kind = _kind(visit, error)
    return f"{kind} {visit.say(_DETAIL, said=error)}" if kind else str(error)


def failed(visit: Visit, error: IocError) -> tuple[str, str]:
    """Why something can't be shown, and what to do."""
    if isinstance(error, UnavailableError):
        return visit.say(_AWAY), visit.say(_AGAIN)
    kind = _kind(visit, error)
    return (kind, visit.say(_DETAIL, said=error)) if kind else (error.message, error.remedy or "")


def _kind(visit: Visit, error: IocError) -> str:
    """What kind of trouble it is; empty where the error says all in the language of the visit.

    What exactly was wrong is said by the domain, in English: with names, numbers and limits that only it knows.
    """
    if visit.language is Language.EN:
        return ""
    slug = error.slug if isinstance(error, KpiError) else ""
    return visit.say(_KINDS.get(slug, _OTHER))
