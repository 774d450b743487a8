# ruff: noqa: E501 - sentences for people, kept whole
"""Words of the history page."""

from __future__ import annotations

from typing import Final

from ioc.history.comparing import Against
from ioc.kpi.catalogue import Bucket
from ioc.kpi.question import Areas
from ioc.pages.words import Phrase

QUESTION: Final = Phrase("Câu hỏi", "Question")
KPIS: Final = Phrase("Chỉ tiêu", "Indicators")
UNITS: Final = Phrase("Đơn vị", "Units")
WHOLE: Final = Phrase(
    "Không chọn đơn vị nào: toàn bộ phạm vi được xem.", "With none chosen: all that you may see."
)
FIND: Final = Phrase("Tìm theo tên (không cần dấu) hoặc mã", "Find by name (marks not needed) or id")
FOUND: Final = Phrase("Tìm thấy: ", "Found: ")
CHOSEN: Final = Phrase("đã chọn: ", "chosen: ")
PERIOD: Final = Phrase("Kỳ", "Period")
RANGE: Final = Phrase("Tự chọn", "Own range")
FROM: Final = Phrase("Từ", "From")
TO: Final = Phrase("Đến (không gồm)", "To (not included)")
BUCKET: Final = Phrase("Mỗi điểm là", "A point each")
USUAL: Final = Phrase("Mặc định", "As usual")
BY: Final = Phrase("Tách theo", "Split by")
NOT_SPLIT: Final = Phrase("Không tách", "Not split")
MORE: Final = Phrase("Lọc, thời điểm biết, địa bàn", "Filters, as known at, areas")
WHERE: Final = Phrase("Chỉ lấy", "Only")
WHERE_HINT: Final = Phrase("Ví dụ channel=online", "Such as channel=online")
AS_OF: Final = Phrase("Theo những gì đã biết lúc", "As known at")
AS_OF_HINT: Final = Phrase("Để trống: theo những gì biết bây giờ.", "Empty: as known now.")
AREAS: Final = Phrase("Địa bàn", "Areas")
AREA: Final = {
    Areas.AS_WAS: Phrase("Như tại thời điểm đó", "As they were at the time"),
    Areas.REMAPPED: Phrase("Theo địa bàn hiện nay", "Of today's areas"),
}
COMPARE: Final = Phrase("So với", "Compare with")
AGAINST: Final = {
    Against.BEFORE: Phrase("Kỳ liền trước", "The period before"),
    Against.YEAR: Phrase("Cùng kỳ năm trước", "Same period last year"),
    Against.KNOWN: Phrase("Những gì đã biết lúc…", "What was known at…"),
}
NO_COMPARISON: Final = Phrase("Không so sánh", "Nothing")
KNOWN: Final = Phrase("Đã biết lúc", "Known at")
KNOWN_HINT: Final = Phrase(
    "Cho biết số liệu nào đã được sửa từ lúc đó.", "Tells which figures were corrected since."
)
SHOW: Final = Phrase("Xem", "Show")
ANEW: Final = Phrase("Đặt lại", "Begin anew")
ASKING: Final = Phrase("Đang hỏi cơ sở dữ liệu…", "Asking the database…")
REFUSED: Final = Phrase("Chưa trả lời được câu hỏi này", "This question can't be answered yet")

#: What a refusal means, by its kind; the exact words of the platform follow.
REFUSALS: Final = {
    "bad-question": Phrase(
        "Một phần của câu hỏi không hợp lệ. Sửa phần được nêu dưới đây rồi bấm Xem; mọi lựa chọn khác vẫn giữ nguyên.",
        "A part of the question makes no sense. Change what is named below and press Show; everything else stays as it is.",
    ),
    "too-many-points": Phrase(
        "Quá nhiều điểm cho một lần xem: chọn kỳ ngắn hơn, điểm rộng hơn (ngày, tháng), ít chuỗi hơn, hoặc tải tệp.",
        "Too many points to be shown: choose a shorter period, wider points (days, months), fewer series, or take a file.",
    ),
    "too-slow": Phrase(
        "Câu hỏi này mất quá nhiều thời gian: chọn kỳ ngắn hơn hoặc điểm rộng hơn.",
        "This question takes too long: choose a shorter period or wider points.",
    ),
    "unknown-unit": Phrase(
        "Không có đơn vị này, hoặc tài khoản này không được xem.",
        "There is no such unit, or it is not yours to see.",
    ),
    "unknown-kpi": Phrase(
        "Không có chỉ tiêu này: chọn trong danh sách.", "There is no such indicator: choose from the list."
    ),
}

PERIODS: Final = {
    "today": Phrase("Hôm nay", "Today"),
    "yesterday": Phrase("Hôm qua", "Yesterday"),
    "this-week": Phrase("Tuần này", "This week"),
    "last-week": Phrase("Tuần trước", "Last week"),
    "last-7-days": Phrase("7 ngày qua", "Last 7 days"),
    "last-30-days": Phrase("30 ngày qua", "Last 30 days"),
    "this-month": Phrase("Tháng này", "This month"),
    "last-month": Phrase("Tháng trước", "Last month"),
    "this-quarter": Phrase("Quý này", "This quarter"),
    "last-quarter": Phrase("Quý trước", "Last quarter"),
    "this-year": Phrase("Năm nay", "This year"),
    "last-year": Phrase("Năm trước", "Last year"),
    "last-12-months": Phrase("12 tháng qua", "Last 12 months"),
}
BUCKETS: Final = {
    Bucket.MINUTE: Phrase("Phút", "Minute"),
    Bucket.QUARTER: Phrase("15 phút", "15 minutes"),
    Bucket.HOUR: Phrase("Giờ", "Hour"),
    Bucket.DAY: Phrase("Ngày", "Day"),
    Bucket.MONTH: Phrase("Tháng", "Month"),
}
SUBJECTS: Final = {
    "dossier": Phrase("Hồ sơ", "Dossiers"),
    "index766": Phrase("Bộ chỉ số 766", "Index of Decision 766"),
    "queue": Phrase("Xếp hàng", "Queues"),
    "camera": Phrase("Camera", "Cameras"),
    "wifi": Phrase("Wifi", "Wifi"),
    "alerts": Phrase("Cảnh báo", "Alerts"),
    "platform": Phrase("Nền tảng", "Platform"),
}
DIMENSIONS: Final = {
    "unit": Phrase("Đơn vị", "Unit"),
    "channel": Phrase("Kênh", "Channel"),
    "field": Phrase("Lĩnh vực", "Field"),
    "procedure": Phrase("Thủ tục", "Procedure"),
    "device": Phrase("Thiết bị", "Device"),
    "service": Phrase("Dịch vụ", "Service"),
    "topic": Phrase("Luồng dữ liệu", "Topic"),
    "rule": Phrase("Quy tắc", "Rule"),
}
CHANNELS: Final = {
    "counter": Phrase("Trực tiếp", "Counter"),
    "online": Phrase("Trực tuyến", "Online"),
    "post": Phrase("Bưu chính", "Post"),
}
WITHOUT: Final = Phrase("(không có)", "(none)")
MEASURES: Final = {
    "share": Phrase("%", "%"),
    "s": Phrase("phút", "minutes"),
    "ms": Phrase("ms", "ms"),
    "dossiers": Phrase("hồ sơ", "dossiers"),
    "tickets": Phrase("phiếu", "tickets"),
    "cameras": Phrase("camera", "cameras"),
    "access points": Phrase("điểm wifi", "access points"),
    "clients": Phrase("lượt thiết bị", "clients"),
    "points": Phrase("điểm", "points"),
    "records": Phrase("bản ghi", "records"),
    "times": Phrase("lần mức thường", "times the usual"),
    "octets": Phrase("byte", "octets"),
    "working days": Phrase("ngày làm việc", "working days"),
}

START: Final = Phrase("Bắt đầu từ một câu hỏi", "Begin with a question")
START_BODY: Final = Phrase(
    "Chọn chỉ tiêu ở bên rồi bấm Xem, hoặc mở một câu hỏi dưới đây. Địa chỉ của trang giữ trọn câu hỏi: có thể gửi cho người khác.",
    "Choose indicators beside and press Show, or open one of these. The page's address holds the whole question: it can be sent to others.",
)
READY: Final = Phrase("Câu hỏi thường dùng", "Common questions")
CHART_OF: Final = Phrase(
    "Biểu đồ: {what}, {start} đến {end}. Bảng bên dưới có cùng số liệu.",
    "Chart: {what}, {start} to {end}. The table below has the same figures.",
)
BEFORE_SERIES: Final = Phrase("để so sánh", "compared")
TABLE: Final = Phrase("Số liệu", "Figures")
TIME: Final = Phrase("Thời gian", "Time")
SERIES: Final = Phrase("Chuỗi", "Series")
VALUE: Final = Phrase("Giá trị", "Value")
NUMERATOR: Final = Phrase("Tử số", "Numerator")
DENOMINATOR: Final = Phrase("Mẫu số", "Denominator")
TARGET: Final = Phrase("Mục tiêu", "Target")
DIFFERENCE: Final = Phrase("Chênh lệch", "Difference")
UNFINISHED: Final = Phrase("chưa kết thúc", "not over yet")
ESTIMATED: Final = Phrase("ước tính", "estimate")
DASH: Final = Phrase(
    "Dấu – nghĩa là không rõ, không phải bằng không.", "A dash is unknown, which is not zero."
)
UNKNOWN: Final = Phrase("không rõ", "unknown")
NOTHING: Final = Phrase("Không có điểm nào trong kỳ này.", "There is no point in this period.")
ALL_UNKNOWN: Final = Phrase(
    "Không có số liệu nào được biết trong kỳ này. Không rõ khác với bằng không.",
    "No figure is known in this period. Unknown is not zero.",
)
MORE_ROWS: Final = Phrase(
    "Bảng hiện {shown} trong {all} dòng; tệp xuất có đủ.",
    "{shown} of {all} rows are shown; an export has all.",
)
MORE_LINES: Final = Phrase(
    "Hiện {shown} chuỗi lớn nhất trong {all} chuỗi; tệp xuất có đủ.",
    "The {shown} largest of {all} series are shown; an export has all.",
)
REASON: Final = {
    "share": Phrase(
        "chỉ một phần đơn vị thuộc địa bàn này, chỉ tiêu không chia được",
        "a part of a unit counts here, and this can't be divided",
    ),
    "composition": Phrase(
        "địa bàn thay đổi trong kỳ; hãy xem theo ngày", "the area changes within it; ask by day"
    ),
}

PROVENANCE: Final = Phrase("Nguồn gốc số liệu", "Where the figures come from")
COMPLETE: Final = Phrase("Trọn kỳ", "Complete")
YES: Final = Phrase("Có", "Yes")
NO: Final = Phrase("Chưa", "Not yet")
COVERAGE: Final = Phrase("Độ phủ", "Coverage")
LATE: Final = Phrase("Sự kiện đến muộn", "Late facts")
NEWEST: Final = Phrase("Sự kiện mới nhất", "Newest fact")
CLOSED: Final = Phrase("Chốt đến", "Closed until")
AS_OF_SHORT: Final = Phrase("Theo những gì biết lúc", "As known at")
NOW: Final = Phrase("bây giờ", "now")
DEFINITIONS: Final = Phrase("Định nghĩa", "Definitions")
VERSION: Final = Phrase("phiên bản {version}", "version {version}")
BETTER: Final = {
    "up": Phrase("càng cao càng tốt", "higher is better"),
    "down": Phrase("càng thấp càng tốt", "lower is better"),
}
COMPOSED: Final = Phrase("Địa bàn gồm", "The area is made of")
LEFT_OUT: Final = Phrase("Chưa tính, vì chưa ai nêu tỷ lệ", "Left out, since nobody has said a share")
CORRECTIONS: Final = Phrase("Đã sửa từ {at}", "Corrected since {at}")
NO_CORRECTIONS: Final = Phrase(
    "Không số liệu nào của những khoảng đã kết thúc lúc {at} thay đổi từ đó.",
    "No figure of what was over at {at} has changed since.",
)
CORRECTED: Final = Phrase(
    "{count} số liệu của những khoảng đã kết thúc lúc đó nay đã khác.",
    "{count} figures of what was over then are others now.",
)
THEN: Final = Phrase("Khi đó", "Then")

EXPORT: Final = Phrase("Tải về", "Take away")
EXPORT_LOGIN: Final = Phrase("Đăng nhập để tải tệp.", "Log in to take a file away.")
KEEP: Final = Phrase("Lưu câu hỏi này", "Keep this question")
KEEP_LOGIN: Final = Phrase("Đăng nhập để lưu câu hỏi.", "Log in to keep questions.")
TITLE: Final = Phrase("Tên", "Name")
TITLE_HINT: Final = Phrase(
    "Trùng tên với câu hỏi của mình thì thay câu cũ. Kỳ như “tháng trước” đi theo lịch.",
    "One of yours by the same name is replaced. A period such as last month moves with the calendar.",
)
NOT_KEPT: Final = Phrase("Phần so sánh không được lưu.", "The comparison is not kept.")
SHARE: Final = Phrase("Mọi người đều mở được", "Everybody may open it")
SAVE: Final = Phrase("Lưu", "Keep")
SAVED: Final = Phrase("Đã lưu “{title}”.", "“{title}” is kept.")
NEEDS_TITLE: Final = Phrase(
    "Hãy đặt tên có ít nhất một chữ hoặc số.", "Give it a name with a letter or digit."
)
KEPT: Final = Phrase("Câu hỏi đã lưu", "Kept questions")
NONE_KEPT: Final = Phrase("Chưa có câu hỏi nào được lưu.", "No question is kept yet.")
SHARED: Final = Phrase("dùng chung", "shared")
FORGET: Final = Phrase("Xóa", "Forget")
FORGET_THIS: Final = Phrase("Xóa câu hỏi “{title}”", "Forget “{title}”")
FORGOTTEN: Final = Phrase("Đã xóa “{title}”.", "“{title}” is forgotten.")
SESSION: Final = Phrase(
    "Phiên làm việc đã đổi: hãy tải lại trang.", "The session has changed: load the page again."
)

#: Questions to begin with: name and the address's query.
EXAMPLES: Final[tuple[tuple[Phrase, str], ...]] = (
    (
        Phrase("Hồ sơ tiếp nhận và hoàn thành, 30 ngày qua", "Dossiers received and completed, last 30 days"),
        "ids=dossier.received&ids=dossier.completed&period=last-30-days&bucket=1d",
    ),
    (
        Phrase("Tỷ lệ đúng hạn từng tháng, so với năm trước", "On-time rate by month, against last year"),
        "ids=dossier.on_time_rate&period=this-year&bucket=1mo&compare=year",
    ),
    (
        Phrase("Hồ sơ quá hạn theo lĩnh vực, tháng này", "Overdue dossiers by field, this month"),
        "ids=dossier.overdue&period=this-month&bucket=1d&by=field",
    ),
    (
        Phrase("Camera và wifi có hoạt động không, 7 ngày qua", "Were cameras and wifi working, last 7 days"),
        "ids=camera.availability&ids=wifi.availability&period=last-7-days&bucket=1d",
    ),
    (
        Phrase("Thời gian chờ tại quầy hôm nay, từng giờ", "Waiting at the counters today, by hour"),
        "ids=queue.wait_p50&ids=queue.wait_p90&period=today&bucket=1h",
    ),
)
