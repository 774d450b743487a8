"""Words of the pages. Vietnamese comes first; each page keeps its own words beside it."""

from __future__ import annotations

from typing import Final, NamedTuple

from ioc.reports.words import Language

VI, EN = Language.VI, Language.EN


class Phrase(NamedTuple):
    """A text in both languages; ``{names}`` in it are filled in by :meth:`ioc.pages.visit.Visit.say`."""

    vi: str
    en: str

    def said(self, language: Language) -> str:
        """The text in one of them."""
        return self.vi if language is Language.VI else self.en


TITLE: Final = Phrase("Trung tâm điều hành thông minh", "Intelligent Operations Center")
WALL: Final = Phrase("Toàn cảnh", "Wall")
ALERTS: Final = Phrase("Cảnh báo", "Alerts")
DUTY: Final = Phrase("Lịch trực", "Duty roster")
SHIFTS: Final = Phrase("Sổ giao ca", "Shift log")
UNITS: Final = Phrase("Đơn vị", "Units")
DOSSIERS: Final = Phrase("Hồ sơ", "Dossiers")
DEVICES: Final = Phrase("Thiết bị", "Devices")
HISTORY: Final = Phrase("Lịch sử", "History")
ADMIN: Final = Phrase("Quản trị", "Administration")
LOG_IN: Final = Phrase("Đăng nhập", "Log in")
PASSWORD: Final = Phrase("Đổi mật khẩu", "Change the password")
LOG_OUT: Final = Phrase("Đăng xuất", "Log out")
SKIP: Final = Phrase("Đến nội dung chính", "Skip to the content")
MENU: Final = Phrase("Các trang", "Pages")
OTHER_LANGUAGE: Final = Phrase("English", "Tiếng Việt")
LIGHT: Final = Phrase("Nền sáng", "Light")
DARK: Final = Phrase("Nền tối", "Dark")
AUTO: Final = Phrase("Theo máy", "As the device")
THEME: Final = Phrase("Giao diện", "Appearance")
WALL_MODE: Final = Phrase("Chế độ màn hình lớn", "Wall mode")
GUEST: Final = Phrase("Khách", "Guest")
LOST: Final = Phrase("Mất kết nối với máy chủ.", "The connection to the server is lost.")
AGAIN: Final = Phrase(
    "Đang thử kết nối lại; số liệu trên màn hình có thể đã cũ.",
    "Trying to reconnect; what is shown may be old.",
)
TOO_LONG: Final = Phrase("Nội dung quá dài", "Too long")
TOO_LONG_BODY: Final = Phrase("Nội dung quá lớn, không gửi được.", "It is too large to be sent.")
FAILED: Final = Phrase("Không hiển thị được trang này", "This page can't be shown")
RETRY: Final = Phrase("Thử lại", "Try again")
STALE: Final = Phrase(
    "Số liệu đã cũ: lần cập nhật cuối lúc {at}. {why}", "Figures are old: last updated at {at}. {why}"
)
EMPTY: Final = Phrase("Chưa có dữ liệu", "No data yet")
LOADING: Final = Phrase("Đang tải…", "Loading…")
NO_RIGHT: Final = Phrase("Tài khoản này không có quyền xem trang này.", "This account may not see this page.")
NO_ACTION: Final = Phrase(
    "Tài khoản này chỉ được xem, không được thay đổi.", "This account may look, and change nothing."
)
ENDED: Final = Phrase(
    "Phiên làm việc đã kết thúc: hãy đăng nhập lại.", "The session has ended: log in again."
)
NOT_FOUND: Final = Phrase("Không có trang này", "There is no such page")
NOT_FOUND_HINT: Final = Phrase(
    "Địa chỉ bị gõ sai, bị cắt, hoặc trang đã được dời đi.",
    "The address is mistyped or was cut, or the page was moved.",
)
FAILED_HINT: Final = Phrase(
    "Hệ thống gặp lỗi khi tạo trang; lỗi đã được ghi vào nhật ký.",
    "The platform failed while it made this page; its log says why.",
)
HOME: Final = Phrase("Về trang Toàn cảnh", "To the wall")
NO_SCRIPT: Final = Phrase(
    "Trang này cần JavaScript: hãy bật nó trong trình duyệt, hoặc dùng bảng đơn giản.",
    "This page needs JavaScript: switch it on in the browser, or use the plain table.",
)
PLAIN: Final = Phrase("Bảng số liệu không cần JavaScript", "Figures without JavaScript")
