"""Words of the dossiers' pages."""

from __future__ import annotations

from typing import Final

from ioc.pages.words import Phrase

TABS: Final = Phrase("Nhóm hồ sơ", "Which dossiers")
LATE: Final = Phrase("Quá hạn", "Overdue")
DUE: Final = Phrase("Đến hạn trong 24 giờ", "Due within 24 hours")
WITHOUT_APOLOGY: Final = Phrase("Quá hạn chưa xin lỗi", "Overdue, no apology")
PAUSED: Final = Phrase("Tạm dừng", "Paused")
OPEN: Final = Phrase("Đang giải quyết", "All open")
MISSES: Final = Phrase("Dự báo trễ hẹn", "Expected to be late")
UNIT: Final = Phrase("Đơn vị", "Unit")
ALL_UNITS: Final = Phrase("Mọi đơn vị", "All units")
FIELD: Final = Phrase("Lĩnh vực", "Field")
ALL_FIELDS: Final = Phrase("Mọi lĩnh vực", "All fields")
PROCEDURE: Final = Phrase("Thủ tục", "Procedure")
ALL_PROCEDURES: Final = Phrase("Mọi thủ tục", "All procedures")
CHANNEL: Final = Phrase("Kênh", "Channel")
ALL_CHANNELS: Final = Phrase("Mọi kênh", "All channels")
APPLY: Final = Phrase("Lọc", "Filter")
CLEAR: Final = Phrase("Bỏ lọc", "Clear")
FIND: Final = Phrase("Mở hồ sơ theo mã", "Open a dossier by its code")
OPEN_IT: Final = Phrase("Mở", "Open")

CODE: Final = Phrase("Mã hồ sơ", "Dossier")
RECEIVED: Final = Phrase("Tiếp nhận", "Received")
DUE_AT: Final = Phrase("Hẹn trả", "Due")
ORIGINAL: Final = Phrase("ban đầu {at}", "first {at}")
NO_DUE: Final = Phrase("không có hẹn", "no date")
TIME_LEFT: Final = Phrase("Quá hạn / còn lại", "Overdue / left")
OVER_DAYS: Final = Phrase("{count} ngày", "{count} days")
OVER: Final = Phrase("quá hạn", "overdue")
LEFT: Final = Phrase("còn {length}", "{length} left")
STATUS: Final = Phrase("Tình trạng", "Status")
APOLOGY: Final = Phrase("Thư xin lỗi", "Apology")
APOLOGISED: Final = Phrase("đã gửi {at}", "sent {at}")
PROMISED: Final = Phrase("hẹn lại {at}", "promised {at}")
MISSING: Final = Phrase("chưa có", "none yet")
NONE: Final = Phrase("Không có hồ sơ nào trong nhóm này.", "There is no such dossier.")
NONE_FILTERED: Final = Phrase(
    "Không có hồ sơ nào trong nhóm này với bộ lọc đang chọn.", "No such dossier fits the filter."
)
NEVER: Final = Phrase(
    "Chưa nhận được dữ liệu hồ sơ nào: số đếm không rõ, không phải bằng không.",
    "No dossier has been heard of: the counts are unknown, which is not zero.",
)
NEXT: Final = Phrase("Trang sau", "Next page")
FIRST: Final = Phrase("Về trang đầu", "First page")
AS_LOADED: Final = Phrase("Số liệu lúc {at}.", "As of {at}.")
AGAIN: Final = Phrase("Tải lại", "Load again")
LOGGED: Final = Phrase(
    "Việc xem danh sách và từng hồ sơ được ghi vào nhật ký truy cập.",
    "Looking at lists and single dossiers is noted in the access log.",
)
EXPORT: Final = Phrase("Tải danh sách", "Take the list away")

CHANCE: Final = Phrase("Khả năng trễ", "Chance of being late")
EXPECTED: Final = Phrase("Dự kiến xong", "Expected to be done")
BETWEEN: Final = Phrase("trong khoảng {low} – {high}", "between {low} and {high}")
WHY: Final = Phrase("Vì sao", "Why")
MISSES_LIKELY: Final = Phrase(
    "Chưa quá hạn nhưng theo nhịp hiện nay có khả năng trễ từ 50 % trở lên: {likely} hồ sơ.",
    "Not overdue, and at today's pace late with a chance of 50 % or more: {likely} dossiers.",
)
MISSES_SUM: Final = Phrase("Tính chung, khoảng {sum} hồ sơ sẽ trễ.", "Of all, about {sum} will be late.")
MISSES_UNKNOWN: Final = Phrase(
    "Không đánh giá được {unknown} hồ sơ vì đơn vị có quá ít lịch sử.",
    "{unknown} can't be judged, since their unit has too little history.",
)
MISSES_UNIT: Final = Phrase("Dự báo chỉ lọc được theo đơn vị.", "Forecasts can be filtered by unit only.")
MISSES_MORE: Final = Phrase(
    "Chỉ liệt kê những hồ sơ cấp bách nhất; chọn một đơn vị để xem hết.",
    "Only the most pressing are listed; choose a unit to see all.",
)

STATUSES: Final = {
    0: Phrase("chưa rõ", "not known"),
    1: Phrase("mới đăng ký", "registered"),
    2: Phrase("được tiếp nhận", "accepted"),
    3: Phrase("không được tiếp nhận", "not accepted"),
    4: Phrase("đang xử lý", "in progress"),
    5: Phrase("yêu cầu bổ sung", "supplement asked"),
    6: Phrase("chờ nghĩa vụ tài chính", "fee due"),
    7: Phrase("công dân rút", "withdrawn"),
    8: Phrase("dừng xử lý", "stopped"),
    9: Phrase("đã xử lý xong", "done"),
    10: Phrase("đã trả kết quả", "result returned"),
}
OTHER_STATUS: Final = Phrase("mã {code}", "code {code}")
STATES: Final = {
    "open": Phrase("đang giải quyết", "open"),
    "paused": Phrase("tạm dừng", "paused"),
    "completed": Phrase("đã hoàn thành", "completed"),
    "withdrawn": Phrase("đã rút", "withdrawn"),
}

STORY: Final = Phrase("Diễn biến", "What happened")
STORY_NONE: Final = Phrase("Chưa có sự kiện nào được lưu.", "No event is kept.")
BACK: Final = Phrase("Danh sách hồ sơ", "Dossiers")
MERGED: Final = Phrase("Đã gộp vào hồ sơ {code}.", "It turned out to be dossier {code}.")
WHEN: Final = Phrase("Lúc", "When")
WHAT: Final = Phrase("Việc", "What")
LEARNED: Final = Phrase("Biết lúc", "Learned")
SOURCE: Final = Phrase("Nguồn", "Source")
DETAILS: Final = Phrase("Chi tiết", "Details")
MORE_EVENTS: Final = Phrase("Sự kiện tiếp theo", "Further events")
EVENTS: Final = {
    "ioc.dossier.recorded.v1": Phrase("Hồ sơ được ghi nhận", "Recorded"),
    "ioc.dossier.progressed.v1": Phrase("Chuyển bước xử lý", "Moved on"),
    "ioc.dossier.apologised.v1": Phrase("Gửi thư xin lỗi", "Apology sent"),
    "ioc.dossier.rated.v1": Phrase("Được đánh giá", "Rated"),
    "ioc.dossier.paid.v1": Phrase("Thanh toán", "Paid"),
    "ioc.dossier.supplemented.v1": Phrase("Bổ sung hồ sơ", "Supplement"),
    "ioc.dossier.merged.v1": Phrase("Gộp hồ sơ", "Merged"),
}
#: Parts of an event that are shown, in this order; others are for programs.
PARTS: Final = {
    "status": Phrase("tình trạng", "status"),
    "step": Phrase("bước", "step"),
    "role": Phrase("vị trí", "position"),
    "received_at": Phrase("tiếp nhận", "received"),
    "due_at": Phrase("hẹn trả", "due"),
    "old_due_at": Phrase("hẹn cũ", "old date"),
    "new_due_at": Phrase("hẹn mới", "new date"),
    "completed_at": Phrase("xử lý xong", "done"),
    "returned_at": Phrase("trả kết quả", "returned"),
    "withdrawn_at": Phrase("rút", "withdrawn"),
    "rejected_at": Phrase("từ chối", "rejected"),
    "reason": Phrase("lý do", "reason"),
    "received": Phrase("đã nhận bổ sung", "supplement received"),
    "channel": Phrase("kênh", "channel"),
    "paid_online": Phrase("thanh toán trực tuyến", "paid online"),
    "online": Phrase("trực tuyến", "online"),
    "digitised": Phrase("có số hóa", "digitised"),
    "satisfied": Phrase("hài lòng", "satisfied"),
    "score": Phrase("điểm", "score"),
    "into": Phrase("vào", "into"),
}
TRUE: Final = Phrase("có", "yes")
FALSE: Final = Phrase("không", "no")
DONE_AT: Final = Phrase("Hoàn thành", "Completed")
