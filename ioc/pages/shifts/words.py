"""Words of the shift log."""

from __future__ import annotations

from typing import Final

from ioc.pages.words import Phrase

SHIFT: Final = Phrase("Ca {start} – {end}", "Shift {start} – {end}")
GOES_ON: Final = Phrase("đang diễn ra", "going on")
IS_OVER: Final = Phrase("đã kết thúc", "over")
EARLIER: Final = Phrase("Ca trước", "Earlier shift")
LATER: Final = Phrase("Ca sau", "Later shift")
THIS: Final = Phrase("Ca này", "This shift")
VIEWS: Final = Phrase("Chọn ca", "Shifts")
ROSTERS: Final = Phrase("Lịch trực", "Rosters")
ON: Final = Phrase("Trong ca", "On duty")
NEXT: Final = Phrase("Ca sau", "Next")
NOBODY: Final = Phrase("không có ai", "nobody")
PRINT: Final = Phrase("In", "Print")
ALERTS: Final = Phrase("Cảnh báo trong ca", "Alerts of the shift")
OPENED: Final = Phrase("mới", "opened")
CLEARED: Final = Phrase("đã hết", "cleared")
TAKEN: Final = Phrase("đã nhận", "acknowledged")
OPEN_NOW: Final = Phrase("đang mở lúc này", "open now")
WAITING_NOW: Final = Phrase("chưa ai nhận", "nobody is on")
STILL_OPEN: Final = Phrase("Đang mở, nặng nhất trước", "Open now, the worst first")
NOTHING_OPEN: Final = Phrase("Không có cảnh báo nào đang mở.", "No alert is open.")
ALL_ALERTS: Final = Phrase("Mọi cảnh báo đang mở", "All open alerts")
AND_MORE: Final = Phrase("… và còn nữa", "… and more")
DONE: Final = Phrase("Đã làm trong ca", "What people did")
NOTHING_DONE: Final = Phrase("Chưa ghi nhận việc nào.", "Nothing was done yet.")
LOG: Final = Phrase("Sổ giao ca", "Shift log")
NO_ENTRIES: Final = Phrase("Ca này chưa có dòng nào.", "There is no entry in this shift yet.")
ENTRY: Final = Phrase("Ghi vào sổ", "Write an entry")
ENTRY_HINT: Final = Phrase(
    "Không sửa, không xoá được. Không ghi thông tin cá nhân.",
    "It can't be changed or deleted. No personal data.",
)
WRITE: Final = Phrase("Ghi", "Write")
WRITTEN: Final = Phrase("Đã ghi vào sổ.", "The entry is written.")
HAND_OVER: Final = Phrase("Bàn giao ca", "Hand over")
TAKE_OVER: Final = Phrase("Nhận ca", "Take over")
FOR_NEXT: Final = Phrase("Điều ca sau cần biết", "What those who come next should know")
TAKEN_NOTE: Final = Phrase("Ghi chú khi nhận ca (không bắt buộc)", "A note on taking over (optional)")
GOES_ALONG: Final = Phrase("Ghi kèm vào sổ", "Goes into the log with it")
SUMMARY: Final = Phrase(
    "Trong ca: {opened} cảnh báo mới, {cleared} đã hết, {taken} đã nhận. Đang mở: {open}, chưa ai nhận: {waiting}.",
    "In the shift {opened} alerts opened, {cleared} cleared, {taken} acknowledged. Open: {open}, nobody on: {waiting}.",
)
HANDED: Final = Phrase("Đã bàn giao ca.", "The shift is handed over.")
RECEIVED: Final = Phrase("Đã nhận ca.", "The shift is taken over.")
CANCEL: Final = Phrase("Thôi", "Cancel")
SYSTEM: Final = Phrase("hệ thống", "the platform")
NO_ROSTER: Final = Phrase("Chưa có lịch trực nào", "There is no roster yet")
NO_ROSTER_WHY: Final = Phrase(
    "Sổ giao ca đi theo lịch trực trong gói dữ liệu của huyện.",
    "The log belongs to a roster of the district pack.",
)
DUTY: Final = {
    "duty.add": Phrase("Thêm người trực", "Somebody is added to duty"),
    "duty.remove": Phrase("Bớt người trực", "Somebody is taken off duty"),
    "duty.replace": Phrase("Trực thay", "Somebody is replaced"),
    "duty.swap": Phrase("Đổi ca", "Shifts are swapped"),
    "duty.leave": Phrase("Nghỉ phép", "Leave"),
    "duty.temporary": Phrase("Lịch tạm thời", "Temporary schedule"),
    "duty.withdrawn": Phrase("Rút lại thay đổi lịch", "A change of duty is withdrawn"),
    "maintenance.made": Phrase("Đặt bảo trì", "Maintenance window made"),
    "maintenance.withdrawn": Phrase("Rút bảo trì", "Maintenance window withdrawn"),
}
