# ruff: noqa: E501 - sentences for people, kept whole
"""Words of the units' pages."""

from __future__ import annotations

from typing import Final

from ioc.pages.words import Phrase

UNIT: Final = Phrase("Đơn vị", "Unit")
KIND: Final = Phrase("Loại", "Kind")
CALL: Final = Phrase("Số gọi", "To call")
ALERTS: Final = Phrase("Cảnh báo đang mở", "Open alerts")
OF_DAY: Final = Phrase("Ngày", "Day")
SHOW: Final = Phrase("Xem", "Show")
TODAY: Final = Phrase("Hôm nay", "Today")
LIST: Final = Phrase("Đơn vị ngày {day}", "Units on {day}")
NONE: Final = Phrase(
    "Không có đơn vị nào ngày này. Hãy áp dụng gói dữ liệu huyện (ioc district apply).",
    "There is no unit on this day. Apply a district pack (ioc district apply).",
)
MORE: Final = Phrase("Hiện {shown} trong {all} đơn vị.", "{shown} of {all} units are shown.")
PAST: Final = Phrase(
    "Số liệu là của hiện nay; cơ cấu đơn vị là của ngày đã chọn.",
    "Figures are those of now; the units are those of the chosen day.",
)
WITHIN: Final = Phrase("Số liệu gồm cả các đơn vị bên dưới.", "Figures include the units below.")
KINDS: Final = {
    "province": Phrase("tỉnh", "province"),
    "district": Phrase("huyện", "district"),
    "commune": Phrase("xã", "commune"),
    "ward": Phrase("phường", "ward"),
    "town": Phrase("thị trấn", "town"),
    "group": Phrase("nhóm báo cáo", "reporting group"),
    "other": Phrase("khác", "other"),
}
UNDECLARED: Final = Phrase(
    "Đơn vị này có trong dữ liệu nhận được nhưng gói dữ liệu huyện không mô tả.",
    "Facts name this unit, and no district pack describes it.",
)
BACK: Final = Phrase("Mọi đơn vị", "All units")
UNKNOWN: Final = Phrase(
    "Không có đơn vị {code}, hoặc tài khoản này không được xem.",
    "There is no unit {code}, or it is not yours to see.",
)
UNKNOWN_REMEDY: Final = Phrase("Chọn trong danh sách đơn vị.", "Choose from the list of units.")
CODE: Final = Phrase("Mã", "Code")
VALID: Final = Phrase("Hiệu lực", "Holds")
ALWAYS: Final = Phrase("không giới hạn", "without bounds")
SINCE: Final = Phrase("từ {day}", "since {day}")
UNTIL: Final = Phrase("đến {day}", "until {day}")
PARENT: Final = Phrase("Thuộc", "Below")
CAME_FROM: Final = Phrase("Hình thành từ", "Came from")
BECAME: Final = Phrase("Nay là", "Became")
GROUPS: Final = Phrase("Nhóm báo cáo", "Reporting groups")
WHOLLY: Final = Phrase("toàn bộ, {day}", "all of it, {day}")
PARTLY: Final = Phrase("{share} %, {day}", "{share} %, {day}")
SHARE_UNKNOWN: Final = Phrase("một phần, chưa rõ tỷ lệ, {day}", "a part, share not known, {day}")
OVER: Final = Phrase(
    "Đơn vị này không còn từ {day}: số liệu hiện nay ở đơn vị kế tục.",
    "This unit ended on {day}: figures of now are its successors'.",
)
NO_NUMBER: Final = Phrase(
    "Chưa có số gọi. Ghi số vào cột phone của units.csv trong gói dữ liệu huyện (dòng {code}), rồi chạy ioc district apply.",
    "No number is known. Write it into the column phone of the district pack's units.csv (row {code}), then run ioc district apply.",
)
LOG_IN_NUMBER: Final = Phrase(
    "Đăng nhập để xem số gọi, cảnh báo và người trực.", "Log in to see numbers, alerts and who is on duty."
)
CALL_AT: Final = Phrase("Gọi {phone}", "Call {phone}")

FIGURES: Final = Phrase("Chỉ tiêu hiện nay", "Indicators now")
INDICATOR: Final = Phrase("Chỉ tiêu", "Indicator")
VALUE: Final = Phrase("Giá trị", "Value")
TARGET: Final = Phrase("Mục tiêu", "Target")
HISTORY: Final = Phrase("Xem lịch sử 30 ngày", "History of 30 days")
POINTS: Final = Phrase("Điểm tiếp nhận và thiết bị", "Reception points and devices")
POINT: Final = Phrase("Điểm", "Point")
DEVICE: Final = Phrase("Thiết bị", "Device")
STATE: Final = Phrase("Trạng thái", "State")
FROM: Final = Phrase("Từ lúc", "Since")
NO_POINTS: Final = Phrase("Không có điểm tiếp nhận nào hiện nay.", "There is no reception point today.")
NO_DEVICES: Final = Phrase("không có thiết bị", "no device")
ALL_DEVICES: Final = Phrase("Trang thiết bị", "Devices")
DOSSIERS: Final = Phrase("Hồ sơ cần xử lý", "Dossiers to act on")
DOSSIERS_GO: Final = {
    "late": Phrase("Quá hạn", "Overdue"),
    "due": Phrase("Đến hạn trong 24 giờ", "Due within 24 hours"),
    "without_apology": Phrase("Quá hạn chưa xin lỗi", "Overdue, no apology"),
}
ALERT: Final = Phrase("Cảnh báo", "Alert")
SUBJECT: Final = Phrase("Về", "About")
HANDLED: Final = Phrase("Xử lý", "Handling")
ACKNOWLEDGED: Final = Phrase("{who} đã nhận", "{who} is on it")
WAITING: Final = Phrase("chưa ai nhận", "nobody is on it")
NO_ALERTS: Final = Phrase("Không có cảnh báo nào đang mở.", "No alert is open.")
ALL_ALERTS: Final = Phrase("Mọi cảnh báo của đơn vị", "All alerts of the unit")
DUTY: Final = Phrase("Người trực", "On duty")
ROSTER: Final = Phrase("Lịch trực", "Roster")
WHO: Final = Phrase("Ai", "Who")
TO: Final = Phrase("Đến lúc", "Until")
NOBODY: Final = Phrase("không có ai", "nobody")
NO_DUTY: Final = Phrase("Không có lịch trực nào cho đơn vị này.", "No roster is for this unit.")
