"""Words of the roster's page."""

from __future__ import annotations

from typing import Final

from ioc.duty.model import ChangeKind
from ioc.duty.warning import WarningKind
from ioc.pages.duty.calendar import Sort
from ioc.pages.words import Phrase

WEEKDAYS: Final = (
    Phrase("Thứ Hai", "Monday"),
    Phrase("Thứ Ba", "Tuesday"),
    Phrase("Thứ Tư", "Wednesday"),
    Phrase("Thứ Năm", "Thursday"),
    Phrase("Thứ Sáu", "Friday"),
    Phrase("Thứ Bảy", "Saturday"),
    Phrase("Chủ nhật", "Sunday"),
)
SHORT_DAYS: Final = (
    Phrase("T2", "Mon"),
    Phrase("T3", "Tue"),
    Phrase("T4", "Wed"),
    Phrase("T5", "Thu"),
    Phrase("T6", "Fri"),
    Phrase("T7", "Sat"),
    Phrase("CN", "Sun"),
)
SORTS: Final[dict[Sort, Phrase]] = {
    Sort.HOLIDAY: Phrase("Ngày lễ", "Holiday"),
    Sort.MADE_UP: Phrase("Làm bù", "Made-up day"),
    Sort.WEEKEND: Phrase("Cuối tuần", "Weekend"),
}
WEEK: Final = Phrase("Tuần", "Week")
MONTH: Final = Phrase("Tháng", "Month")
TODAY: Final = Phrase("Hôm nay", "Today")
EARLIER: Final = Phrase("Trước", "Earlier")
LATER: Final = Phrase("Sau", "Later")
VIEWS: Final = Phrase("Thời gian", "Time")
ROSTER: Final = Phrase("Lịch trực", "Roster")
NO_ROSTER: Final = Phrase("Chưa có lịch trực nào", "There is no roster yet")
NO_ROSTER_WHY: Final = Phrase(
    "Lịch trực nằm trong gói dữ liệu của huyện (rosters.csv, duty.csv, people.csv).",
    "Rosters are part of the district pack (rosters.csv, duty.csv, people.csv).",
)
NOW: Final = Phrase("Đang trực", "On duty now")
UNTIL: Final = Phrase("đến {at}", "until {at}")
THEN: Final = Phrase("Tiếp theo: {who}", "Then: {who}")
NOBODY: Final = Phrase("không có ai", "nobody")
NOBODY_NOW: Final = Phrase("Không có ai trực", "Nobody is on duty")
GOES_ON: Final = Phrase("tiếp tục", "goes on")
CALENDAR: Final = Phrase("{roster}: {first} – {last}", "{roster}: {first} – {last}")
LACKS: Final[dict[WarningKind, Phrase]] = {
    WarningKind.GAP: Phrase("Không có ai trực", "Nobody is on duty"),
    WarningKind.THIN: Phrase("{layer}: có {here}/{needs} người", "{layer}: {here} of {needs} people"),
    WarningKind.MISSING: Phrase(
        "{person} không có trong danh sách người trực", "{person} is not among the people"
    ),
}
ALL_WELL: Final = Phrase("Không thiếu ca nào trong thời gian này.", "Nothing is lacking in this time.")
LACKING: Final = Phrase("Thiếu người: {count} ngày", "People are lacking on {count} days")
ICAL: Final = Phrase("Lịch iCal", "iCalendar")
ICAL_WHY: Final = Phrase(
    "Tệp lịch để thêm vào Outlook hay điện thoại", "A calendar file for Outlook or a phone"
)

# -- changing -------------------------------------------------------------------------------------------
CHANGES: Final = Phrase("Thay đổi đã ghi", "Changes made")
NO_CHANGES: Final = Phrase(
    "Chưa có thay đổi nào so với lịch luân phiên.", "Nothing differs from the rotations."
)
MADE: Final = Phrase("{who} ghi lúc {at}", "made by {who}, {at}")
WITHDRAW: Final = Phrase("Rút lại", "Withdraw")
WITHDRAW_WHY: Final = Phrase(
    "Thay đổi đã bắt đầu sẽ dừng từ bây giờ; phần đã qua vẫn giữ nguyên.",
    "One that has begun ends now; what has passed stays as it was.",
)
NEVER_WAS: Final = Phrase(
    "Coi như chưa từng có (sửa cả phần đã qua)", "It never was so: the past is put right, too"
)
WITHDRAWN: Final = Phrase("Đã rút lại thay đổi {id}.", "Change {id} is withdrawn.")
CHANGE: Final = Phrase("Thay đổi lịch", "Change duty")
KIND: Final = Phrase("Loại thay đổi", "What changes")
KINDS: Final[dict[ChangeKind, Phrase]] = {
    ChangeKind.REPLACE: Phrase("Trực thay", "Replace somebody"),
    ChangeKind.SWAP: Phrase("Đổi ca", "Swap two shifts"),
    ChangeKind.ADD: Phrase("Thêm người", "Add somebody"),
    ChangeKind.REMOVE: Phrase("Bớt người", "Take somebody off"),
    ChangeKind.LEAVE: Phrase("Nghỉ phép", "Leave"),
    ChangeKind.TEMPORARY: Phrase("Lịch tạm thời", "Temporary schedule"),
}
LAYER: Final = Phrase("Tuyến", "Layer")
EVERY_LAYER: Final = Phrase("Mọi tuyến", "Every layer")
PERSON: Final = Phrase("Người", "Person")
OTHER: Final = Phrase("Người trực thay / người đổi cùng", "Who takes the place / the other one")
NOT_CHOSEN: Final = Phrase("— chọn —", "— choose —")
FROM: Final = Phrase("Từ", "From")
TO: Final = Phrase("Đến", "To")
OTHER_FROM: Final = Phrase(
    "Ca của người kia (một thời điểm trong ca)", "The other one's shift (any moment of it)"
)
SWAP_HINT: Final = Phrase(
    "Khi đổi ca: chọn một thời điểm bất kỳ trong mỗi ca.", "For a swap: any moment of each shift."
)
REASON: Final = Phrase("Lý do", "Reason")
REASON_HINT: Final = Phrase("Không ghi thông tin cá nhân.", "No personal data.")
SHIFT: Final = Phrase("Ca {number}", "Shift {number}")
SECOND: Final = Phrase("Cùng trực (nếu có)", "Together with (if anybody)")
MORE_SHIFTS: Final = Phrase("Thêm ca", "One more shift")
MISSING: Final = Phrase("Còn thiếu: {what}.", "Missing: {what}.")
CONFLICT: Final = Phrase(
    "Trùng với thay đổi đang có hiệu lực. {why}", "It contradicts a change in force. {why}"
)
PREVIEW: Final = Phrase("Xem trước", "Preview")
MAKE: Final = Phrase("Ghi thay đổi", "Make the change")
CANCEL: Final = Phrase("Thôi", "Cancel")
WOULD: Final = Phrase("Sau thay đổi này", "With this change")
WOULD_NOT: Final = Phrase("Không có gì khác đi trong thời gian này.", "Nothing would differ in that time.")
BECOMES: Final = Phrase("{before} → {after}", "{before} → {after}")
IS_MADE: Final = Phrase("Đã ghi thay đổi {id}.", "Change {id} is made.")
AND_MORE: Final = Phrase("… và {count} nữa", "… and {count} more")
