"""Words of the pages of devices, and what probes say in both languages."""

from __future__ import annotations

import re
from typing import Final

from ioc.pages.words import Phrase

KINDS: Final[dict[str, Phrase]] = {
    "camera": Phrase("Camera", "Camera"),
    "wifi": Phrase("Wifi", "Wifi"),
    "kiosk": Phrase("Ki-ốt", "Kiosk"),
}
FILTERS: Final = Phrase("Lọc thiết bị", "Filter devices")
UNIT: Final = Phrase("Đơn vị", "Unit")
POINT: Final = Phrase("Điểm tiếp nhận", "Reception point")
KIND: Final = Phrase("Loại", "Kind")
STATE: Final = Phrase("Trạng thái", "State")
TEXT: Final = Phrase("Tìm", "Find")
TEXT_HINT: Final = Phrase("tên, mã, nơi đặt…", "name, code, place…")
ANY: Final = Phrase("Tất cả", "Any")
APPLY: Final = Phrase("Lọc", "Filter")
CLEAR: Final = Phrase("Bỏ lọc", "Clear filters")
COUNTS: Final = Phrase("Số thiết bị theo trạng thái", "Devices by state")
ALL: Final = Phrase("Tất cả", "All")
LIST: Final = Phrase("Danh sách thiết bị", "Devices")
DEVICE: Final = Phrase("Thiết bị", "Device")
PLACE: Final = Phrase("Nơi đặt", "Place")
SINCE: Final = Phrase("Từ lúc", "Since")
REASON: Final = Phrase("Lý do", "Reason")
MEASURED: Final = Phrase("Khung hình cuối · máy truy cập", "Last frame · clients")
FRAME_AGE: Final = Phrase("hình cách đây {age}", "frame {age} old")
FRAME_AGO: Final = Phrase("hình cuối {age} trước", "last frame {age} ago")
NO_FRAME: Final = Phrase("không có hình", "no picture")
CLIENTS: Final = Phrase("{count} máy", "{count} clients")
SECONDS: Final = Phrase("{count} giây", "{count} s")
NEVER: Final = Phrase("chưa từng có tin", "never heard of")
UNDECLARED: Final = Phrase("không còn trong gói dữ liệu", "no longer in the pack")
EMPTY: Final = Phrase("Không có thiết bị nào", "There are no devices")
EMPTY_WHY: Final = Phrase(
    "Thiết bị được khai trong devices.csv của gói dữ liệu, rồi nạp bằng lệnh: ioc district apply.",
    "Devices are named in devices.csv of the district pack, and come with: ioc district apply.",
)
EMPTY_FILTER: Final = Phrase("Không có thiết bị nào khớp bộ lọc.", "No device fits the filter.")
NEXT: Final = Phrase("Trang sau", "Next page")
FIRST: Final = Phrase("Trang đầu", "First page")
SHOWN: Final = Phrase("{shown} trên {total} thiết bị", "{shown} of {total} devices")

# -- one device -----------------------------------------------------------------------------------------
BACK: Final = Phrase("Danh sách thiết bị", "All devices")
CODE: Final = Phrase("Mã", "Code")
HEARD: Final = Phrase("Tin cuối", "Last heard")
EVERY: Final = Phrase("Chu kỳ đo", "Probed every")
LAST_FRAME: Final = Phrase("Khung hình cuối", "Last frame")
FRAME_FULL: Final = Phrase("{at}, cũ {age} khi đo", "{at}, {age} old when probed")
CLIENTS_NOW: Final = Phrase("Máy đang truy cập", "Clients now")
RTT: Final = Phrase("Độ trễ", "Round trip")
MODEL: Final = Phrase("Kiểu máy", "Model")
FIRMWARE: Final = Phrase("Phần mềm", "Firmware")
LADDER: Final = Phrase("Các bậc kiểm tra", "Ladder of checks")
PASSED: Final = Phrase("đạt", "passed")
FAILED: Final = Phrase("không đạt", "failed")
NOT_TRIED: Final = Phrase("chưa đến", "not reached")
RUNGS: Final[dict[str, Phrase]] = {
    "inventory": Phrase("Khai báo", "Inventory"),
    "tcp": Phrase("Kết nối mạng", "Network"),
    "describe": Phrase("Trả lời RTSP", "RTSP answer"),
    "frame": Phrase("Có hình", "Picture"),
    "content": Phrase("Hình dùng được", "Content"),
    "clock": Phrase("Đồng hồ", "Clock"),
}
TIMELINE: Final = Phrase("Dòng trạng thái", "State over time")
SPANS: Final[dict[str, Phrase]] = {
    "24h": Phrase("24 giờ", "24 h"),
    "7d": Phrase("7 ngày", "7 days"),
    "30d": Phrase("30 ngày", "30 days"),
}
SPAN: Final = Phrase("Khoảng thời gian", "Period")
DRAWN: Final = Phrase(
    "Trạng thái của {device} từ {start} đến {end}; từng đoạn ở bảng bên dưới.",
    "States of {device} from {start} to {end}; each stretch is in the table below.",
)
STRETCHES: Final = Phrase("Trạng thái và lý do", "States and reasons")
STARTED: Final = Phrase("Bắt đầu", "Began")
LASTED: Final = Phrase("Kéo dài", "Lasted")
GOES_ON: Final = Phrase("{length}, đang diễn ra", "{length}, goes on")
MORE: Final = Phrase(
    "Còn nữa: chỉ hiện {shown} dòng mới nhất. Toàn bộ có trong tệp tải về.",
    "There are more: the newest {shown} are shown. The file has them all.",
)
TOO_MANY: Final = Phrase(
    "Đổi trạng thái quá nhiều lần: chỉ vẽ phần cuối của khoảng này.",
    "It changed too often: only the last part of this period is drawn.",
)
DOWNLOAD: Final = Phrase("Tải tệp CSV", "Download as CSV")
FIGURES: Final = Phrase("Chỉ tiêu của thiết bị", "Indicators of this device")
INDICATOR: Final = Phrase("Chỉ tiêu", "Indicator")
LAST_MONTH: Final = Phrase("Tháng trước", "Last month")
THIS_MONTH: Final = Phrase("Tháng này", "This month")
TODAY: Final = Phrase("Hôm nay", "Today")
NO_FIGURES: Final = Phrase("Loại thiết bị này không có chỉ tiêu riêng.", "This kind has no indicators.")
SAMPLES: Final = Phrase("Các lần đo mới nhất", "Newest probes")
TIME: Final = Phrase("Lúc", "Time")
FPS: Final = Phrase("Hình/giây", "Frames/s")
BITRATE: Final = Phrase("kbit/s", "kbit/s")
CLOCK: Final = Phrase("Lệch giờ", "Clock offset")
LOSS: Final = Phrase("Mất gói", "Loss")
INTERNET: Final = Phrase("Internet", "Internet")
YES: Final = Phrase("có", "yes")
NO: Final = Phrase("không", "no")
NO_SAMPLES: Final = Phrase("Không có lần đo nào trong 24 giờ qua.", "No probe in the last 24 hours.")
ALERTS: Final = Phrase("Cảnh báo của thiết bị", "Alerts of this device")
NO_ALERTS: Final = Phrase("Chưa có cảnh báo nào.", "There are none.")
OPEN: Final = Phrase("đang mở", "open")
CLEARED: Final = Phrase("đã hết lúc {at}", "over since {at}")
OPENED: Final = Phrase("mở lúc {at}", "opened {at}")
WINDOWS: Final = Phrase("Lịch bảo trì", "Maintenance windows")
NO_WINDOWS: Final = Phrase("Không có lịch bảo trì nào sắp tới.", "No window is in force or to come.")
WINDOW_NOW: Final = Phrase("đang bảo trì đến {end}", "holds until {end}")
WINDOW_NEXT: Final = Phrase("từ {start} đến {end}", "from {start} to {end}")
BY: Final = Phrase("do {who} đặt", "made by {who}")
ADD_WINDOW: Final = Phrase("Đặt lịch bảo trì", "Add a window")
WINDOW_NAME: Final = Phrase("Việc gì", "What is done")
WINDOW_FROM: Final = Phrase("Bắt đầu", "Begins")
WINDOW_HOURS: Final = Phrase("Kéo dài (giờ)", "Lasts (hours)")
WINDOW_REASON: Final = Phrase("Ghi chú (không bắt buộc)", "Note (optional)")
WINDOW_HINT: Final = Phrase(
    "Trong thời gian này cảnh báo của riêng thiết bị này vẫn được ghi và hiện, nhưng không gọi ai.",
    "In this time alerts of this device alone are kept and shown, and nobody is called for them.",
)
WINDOW_MADE: Final = Phrase("Đã đặt lịch bảo trì “{name}”.", "The window “{name}” is made.")
WITHDRAW: Final = Phrase("Rút lại", "Withdraw")
WITHDRAW_OF: Final = Phrase("Rút lại lịch “{name}”", "Withdraw the window “{name}”")
WITHDRAWN: Final = Phrase("Đã rút lại lịch “{name}”.", "The window “{name}” is withdrawn.")
SAVE: Final = Phrase("Lưu", "Save")
CANCEL: Final = Phrase("Thôi", "Cancel")
NEEDS_LOGIN: Final = Phrase("Đăng nhập để xem phần này.", "Log in to see this part.")
BAD_HOURS: Final = Phrase("Số giờ phải là một số lớn hơn 0.", "Hours must be a number above 0.")

# -- reasons ---------------------------------------------------------------------------------------------
#: What probes write, by how it begins or ends, in Vietnamese. The rest is shown as it was written.
_REASONS: Final[tuple[tuple[str, str], ...]] = (
    (r"^no connection within ([\d.]+) s", "không kết nối được trong {0} giây"),
    (r"^ECONNREFUSED", "thiết bị từ chối kết nối (ECONNREFUSED)"),
    (r"^(EHOSTUNREACH|ENETUNREACH)", "không có đường mạng đến thiết bị ({0})"),
    (r"^its name can't be resolved", "không tìm được địa chỉ mạng từ tên thiết bị"),
    (r"^its certificate is not trusted", "chứng thư của thiết bị không được tin cậy"),
    (r"^no answer to DESCRIBE within ([\d.]+) s", "không trả lời yêu cầu xem hình (RTSP) trong {0} giây"),
    (r"^DESCRIBE was answered (.+)$", "thiết bị từ chối cho xem hình (RTSP {0})"),
    (r"^its description names no video stream", "thiết bị không có luồng hình nào"),
    (r"^no decoded picture within ([\d.]+) s", "không giải mã được hình trong {0} giây"),
    (r"^stalled: no packets for ([\d.]+) s", "luồng hình ngừng: không có gói tin trong {0} giây"),
    (r"^black:", "hình tối đen"),
    (r"^frozen:", "đứng hình: gói tin vẫn đến, hình không đổi"),
    (r"^blurred:", "hình mờ, không có chi tiết"),
    (r"^moved:", "camera bị xoay sang hướng khác"),
    (r"^the stream ended", "luồng hình kết thúc khi đang xem"),
    (r"^clock: (\d+) h (ahead|behind)", "đồng hồ lệch {0} giờ: sai múi giờ"),
    (r"^clock: ([\d,]+) s", "đồng hồ lệch {0} giây"),
    (r"^clock unknown", "không đọc được đồng hồ"),
    (r", ping fails too$", "không đọc được số liệu, ping cũng không trả lời"),
    (r", ping answers$", "không đọc được số liệu, ping vẫn trả lời"),
    (r", and this machine can't ping it$", "không đọc được số liệu, máy chủ không ping được"),
    (r", the host is there$", "không đọc được số liệu, thiết bị vẫn có mặt"),
    (r"^its controller reports it down$", "bộ điều khiển báo thiết bị hỏng"),
    (r"^no accounting message of it$", "không có bản tin tính cước nào của thiết bị"),
    (r"^it left the broker$", "thiết bị đã rời máy chủ tin"),
)
_FAULTS: Final[dict[str, Phrase]] = {
    "inventory": Phrase("chưa khai đủ để kiểm tra", "too little is known to probe it"),
    "tcp": Phrase("không kết nối được qua mạng", "can't be reached over the network"),
    "describe": Phrase("không trả lời yêu cầu xem hình (RTSP)", "does not describe its stream (RTSP)"),
    "frame": Phrase("không có hình", "gives no picture"),
    "content": Phrase("hình không dùng được", "its picture is of no use"),
    "clock": Phrase("đồng hồ sai", "its clock is wrong"),
}
SILENT: Final = Phrase("không có tin", "silent")


def reason_in_vietnamese(reason: str) -> str | None:
    """What a probe wrote, in Vietnamese; None where it is not one of the known sentences."""
    for pattern, said in _REASONS:
        if found := re.search(pattern, reason):
            return said.format(*found.groups())
    return None


def fault(rung: str | None) -> Phrase | None:
    """What it means that a camera failed at a rung."""
    return _FAULTS.get(rung or "")


UNKNOWN: Final = Phrase(
    "Không có thiết bị {code}, hoặc tài khoản này không được xem.",
    "There is no device {code}, or this account may not see it.",
)
UNKNOWN_REMEDY: Final = Phrase("Chọn trong danh sách thiết bị.", "Choose it in the list of devices.")
