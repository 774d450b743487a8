"""Words of the wall."""

from __future__ import annotations

from typing import Final

from ioc.kpi.definition import Window
from ioc.kpi.targets import Status
from ioc.pages.parts.state import STATES as DEVICE_STATES
from ioc.pages.words import Phrase

DOSSIERS: Final = Phrase("Hồ sơ", "Dossiers")
QUEUES: Final = Phrase("Hàng chờ", "Queues")
CAMERAS: Final = Phrase("Camera", "Cameras")
WIFI: Final = Phrase("Wifi", "Wifi")
CAMERAS_AND_WIFI: Final = Phrase("Camera và wifi", "Cameras and wifi")
PLATFORM: Final = Phrase("Nền tảng", "Platform")
FIGURES: Final = Phrase("Chỉ số", "Indicators")
POINTS: Final = Phrase("Các điểm tiếp nhận", "Reception points")
QUEUES_NOW: Final = Phrase("Đang chờ", "Waiting now")
NEWEST_ALERTS: Final = Phrase("Cảnh báo mới nhất", "Newest alerts")
ALL_ALERTS: Final = Phrase("Tất cả cảnh báo", "All alerts")
ALL_FIGURES: Final = Phrase("Tất cả chỉ số ({count})", "All indicators ({count})")
AS_TABLE: Final = Phrase("Bảng số liệu đơn giản", "Plain table of figures")

LAST_DAY: Final = Phrase("24 giờ", "24 h")
LAST_FORTNIGHT: Final = Phrase("14 ngày", "14 days")
LAST_SHIFT: Final = Phrase("8 giờ", "8 h")
TREND: Final = Phrase(
    "Diễn biến {span}: thấp nhất {low}, cao nhất {high}, mới nhất {last}",
    "Trend of {span}: lowest {low}, highest {high}, newest {last}",
)
NO_TREND: Final = Phrase("Diễn biến {span}: chưa có dữ liệu", "Trend of {span}: no data yet")

WINDOWS: Final = {
    Window.NOW: Phrase("hiện tại", "now"),
    Window.TODAY: Phrase("hôm nay", "today"),
    Window.HOUR: Phrase("60 phút qua", "last 60 minutes"),
    Window.FIVE_MINUTES: Phrase("5 phút qua", "last 5 minutes"),
    Window.THIRTY_DAYS: Phrase("30 ngày qua", "last 30 days"),
    Window.MONTH: Phrase("tháng này", "this month"),
}
#: Sign and word of a verdict.
VERDICTS: Final = {
    Status.MET: ("✓", Phrase("Đạt", "Met")),
    Status.NEAR: ("!", Phrase("Sát ngưỡng", "Near")),
    Status.MISSED: ("✕", Phrase("Không đạt", "Missed")),
    Status.UNKNOWN: ("?", Phrase("Chưa rõ", "Unknown")),
}
TARGET: Final = Phrase("mục tiêu {sign} {value}", "target {sign} {value}")

#: Sign and word of a state of a device; the signs are those that ops.css gives to states.
STATES: Final = {
    state: (sign, Phrase(word.vi.lower(), word.en if word.en.isupper() else word.en.lower()))
    for state, sign, word in (
        ("ok", "✓", DEVICE_STATES["ok"]),
        ("degraded", "▲", DEVICE_STATES["degraded"]),
        ("down", "✕", DEVICE_STATES["down"]),
        ("unknown", "?", DEVICE_STATES["unknown"]),
        ("maintenance", "⚒", DEVICE_STATES["maintenance"]),
        ("none", "–", Phrase("không có thiết bị", "no device")),
    )
}
KINDS: Final = {
    "camera": Phrase("Camera", "Camera"),
    "wifi": Phrase("Wifi", "Wifi"),
    "kiosk": Phrase("Máy lấy số", "Kiosk"),
}
SHORT_KINDS: Final = {
    "camera": Phrase("Cam", "Cam"),
    "wifi": Phrase("Wifi", "Wifi"),
    "kiosk": Phrase("Ki-ốt", "Kiosk"),
}
MAP: Final = Phrase(
    "Sơ đồ {points} điểm tiếp nhận: {told}.", "Schematic map of {points} reception points: {told}."
)
SCHEMATIC: Final = Phrase("Vị trí mang tính sơ đồ", "Positions are schematic")
NO_POINTS: Final = Phrase(
    "Chưa có điểm tiếp nhận nào: hãy nạp gói dữ liệu của huyện (ioc district apply).",
    "There is no reception point yet: apply a district pack (ioc district apply).",
)

SINCE: Final = Phrase("từ {at}", "since {at}")
WAITING_FOR: Final = Phrase("chưa ai nhận", "not taken on")
TAKEN_BY: Final = Phrase("{who} đã nhận", "taken on by {who}")
NO_ALERTS: Final = Phrase("Không có cảnh báo nào đang mở", "No alert is open")
MORE_ALERTS: Final = Phrase("và {count} cảnh báo nữa", "and {count} more")
OTHERS: Final = Phrase("+ {count} mức nhẹ hơn", "+ {count} milder")
ALERTS_NEED_LOGIN: Final = Phrase(
    "Nội dung cảnh báo chỉ hiện cho người đã đăng nhập.",
    "What they are is shown to people who are logged in.",
)

PEOPLE: Final = Phrase("{count} người", "{count} waiting")
LONGEST: Final = Phrase("chờ lâu nhất {minutes} phút", "longest wait {minutes} min")
ISSUED: Final = Phrase("{count} phiếu đã cấp hôm nay", "{count} tickets issued today")
NOBODY_WAITS: Final = Phrase("Không có ai đang chờ", "Nobody is waiting")
NO_QUEUES: Final = Phrase("Chưa có dữ liệu hàng chờ", "Nothing is known of queues yet")
NO_SERVICE: Final = Phrase("Không ghi dịch vụ", "No service named")
MORE_SERVICES: Final = Phrase("và {count} dịch vụ nữa", "and {count} more services")

FRESH: Final = Phrase("Số liệu mới", "Fresh")
NEWEST: Final = Phrase("{topic}: {age}", "{topic}: {age}")
JUST_NOW: Final = Phrase("vừa xong", "just now")
AGO: Final = Phrase("{length} trước", "{length} ago")
NEVER: Final = Phrase("chưa có", "none yet")
#: What is told where figures are old; each kind has words of its own.
DATABASE_AWAY: Final = Phrase(
    "KHÔNG ĐỌC ĐƯỢC SỐ LIỆU từ {at}: máy chủ chạy nhưng cơ sở dữ liệu không trả lời. Số trên màn hình đã cũ.",
    "FIGURES CAN'T BE READ since {at}: the server runs, the database does not answer it. What is shown is old.",
)
NEVER_READ: Final = Phrase(
    "KHÔNG ĐỌC ĐƯỢC SỐ LIỆU: máy chủ chạy nhưng cơ sở dữ liệu không trả lời.",
    "FIGURES CAN'T BE READ: the server runs, the database does not answer it.",
)
NO_FACTS: Final = Phrase(
    "NGUỒN IM LẶNG: {topic} không có sự kiện mới từ {at}. Kiểm tra bộ kết nối.",
    "SOURCE SILENT: no new fact of {topic} since {at}. Look at its connector.",
)
NOT_COUNTED: Final = Phrase(
    "XỬ LÝ CHẬM: {topic} còn {count} bản ghi chưa tính, số mới nhất lúc {at}. Kiểm tra bộ xử lý.",
    "PROCESSING BEHIND: {count} records of {topic} not yet counted, newest facts at {at}. Look at the worker.",
)
NOT_ANSWERED: Final = Phrase(
    "KHÔNG LẤY ĐƯỢC SỐ LIỆU từ {at}: xem nhật ký của máy chủ. Số trên màn hình đã cũ.",
    "FIGURES CAN'T BE HAD since {at}: see the server's log. What is shown is old.",
)
MORE_WARNINGS: Final = Phrase(
    "… và {count} nguồn hoặc tiến trình nữa", "… and {count} more sources or processes"
)
SILENT_PROCESS: Final = Phrase(
    "TIẾN TRÌNH IM LẶNG: {role} từ {at}. Xem ioc status.",
    "PROCESS SILENT: {role} since {at}. See ioc status.",
)

CLOCK: Final = Phrase("Đồng hồ của huyện", "The district's clock")
TO_WALL: Final = Phrase("Màn hình lớn", "Wall mode")
TO_DESK: Final = Phrase("Bàn làm việc", "Desk mode")
SOUND_ON: Final = Phrase("Bật âm thanh", "Turn sound on")
SOUND_OFF: Final = Phrase("Tắt âm thanh", "Turn sound off")
SOUND_TITLE: Final = Phrase(
    "Âm thanh khi có cảnh báo khẩn cấp mới, ở trình duyệt này. Trình duyệt chỉ cho phát tiếng sau khi có người bấm.",
    "A sound for new critical alerts, in this browser only. Browsers allow sound only after somebody pressed.",
)
SOUND_WAITS: Final = Phrase("Âm thanh đang chờ: bấm để nghe", "Sound waits for a press: press here")
SOUND_IS_ON: Final = Phrase("Âm thanh đang bật", "Sound is on")
SOUND_IS_OFF: Final = Phrase("Âm thanh đang tắt", "Sound is off")
NEW_CRITICAL: Final = Phrase("Cảnh báo khẩn cấp mới", "A new critical alert")
LOST_SINCE: Final = Phrase("Từ {at}.", "Since {at}.")
