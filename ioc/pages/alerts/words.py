"""Words of the page of alerts."""

from __future__ import annotations

from typing import Final

from ioc.alerts.model import Kind, Severity
from ioc.alerts.ordering import Action
from ioc.alerts.states import Held, State
from ioc.pages.words import Phrase

#: Sign and word of each severity, the same wherever somebody reads of it: colour alone tells nothing.
SEVERITIES: Final[dict[Severity, tuple[str, Phrase]]] = {
    Severity.CRITICAL: ("◆", Phrase("Khẩn cấp", "Critical")),
    Severity.MAJOR: ("▲", Phrase("Nghiêm trọng", "Major")),
    Severity.MINOR: ("■", Phrase("Cần xử lý", "Minor")),
    Severity.WARNING: ("●", Phrase("Cảnh báo", "Warning")),
    Severity.INFO: ("○", Phrase("Thông tin", "Info")),
}
STATES: Final[dict[State, Phrase]] = {
    State.OPEN: Phrase("Đang mở", "Open"),
    State.WAITING: Phrase("Chưa ai nhận", "Nobody on it"),
    State.ACKNOWLEDGED: Phrase("Đã có người nhận", "Acknowledged"),
    State.CLEARED: Phrase("Đã hết", "Cleared"),
    State.ALL: Phrase("Tất cả", "All"),
}
KINDS: Final[dict[Kind, Phrase]] = {
    Kind.DEVICE: Phrase("Thiết bị", "Devices"),
    Kind.DOSSIER: Phrase("Hồ sơ", "Dossiers"),
    Kind.KPI: Phrase("Chỉ tiêu", "Indicators"),
    Kind.ABSENCE: Phrase("Im lặng", "Silence"),
    Kind.SITE: Phrase("Điểm tiếp nhận", "Reception points"),
    Kind.READING: Phrase("Máy chủ", "Servers"),
    Kind.SYNTHETIC: Phrase("Kiểm tra đường báo", "Delivery checks"),
}
HELD: Final[dict[Held, Phrase]] = {
    Held.INHIBITED: Phrase("Do sự cố khác", "Explained by another"),
    Held.SNOOZED: Phrase("Đang hoãn", "Snoozed"),
    Held.MAINTENANCE: Phrase("Đang bảo trì", "In maintenance"),
    Held.FLAPPING: Phrase("Chập chờn", "Flapping"),
}

# -- the list -------------------------------------------------------------------------------------------
FILTERS: Final = Phrase("Lọc cảnh báo", "Filter alerts")
STATE: Final = Phrase("Tình trạng", "State")
SEVERITY: Final = Phrase("Mức độ", "Severity")
UNIT: Final = Phrase("Đơn vị", "Unit")
KIND: Final = Phrase("Loại", "Kind")
RULE: Final = Phrase("Luật", "Rule")
TEXT: Final = Phrase("Tìm", "Find")
TEXT_HINT: Final = Phrase("thiết bị, hồ sơ, luật… ( / )", "device, dossier, rule… ( / )")
ANY: Final = Phrase("Tất cả", "Any")
CLEAR: Final = Phrase("Bỏ lọc", "Clear filters")
COUNTS: Final = Phrase("{open} đang mở · {waiting} chưa ai nhận", "{open} open · {waiting} nobody is on")
LIST: Final = Phrase("Danh sách cảnh báo", "Alerts")
CHOOSE: Final = Phrase("Chọn cảnh báo {id}", "Select alert {id}")
CHOOSE_ALL: Final = Phrase("Chọn cả trang", "Select this page")
EMPTY: Final = Phrase("Không có cảnh báo nào đang mở", "No alert is open")
EMPTY_WHY: Final = Phrase(
    "Trang này tự cập nhật: cảnh báo mới sẽ hiện ra ngay.",
    "This page keeps itself up to date: new ones appear by themselves.",
)
NONE_FIT: Final = Phrase("Không có cảnh báo nào khớp bộ lọc", "No alert fits the filter")
SHOWN: Final = Phrase("Cảnh báo {first}–{last}", "Alerts {first}–{last}")
MORE_SHOWN: Final = Phrase("Cảnh báo {first}–{last}, còn nữa", "Alerts {first}–{last}, there are more")
NEXT: Final = Phrase("Trang sau", "Next page")
PREVIOUS: Final = Phrase("Trang trước", "Previous page")
NEW: Final = Phrase("Có {count} cảnh báo mới.", "{count} new alerts.")
WAITING: Final = Phrase("Chưa ai nhận", "Nobody is on it")
TAKEN: Final = Phrase("{who} nhận {at}", "{who} on it, {at}")
UNTIL: Final = Phrase("Hoãn đến {at}", "Snoozed until {at}")
BECAUSE: Final = Phrase("Do cảnh báo {id}", "Explained by {id}")
CLEARED: Final = Phrase("Hết lúc {at}", "Cleared {at}")
GIVEN: Final = Phrase("Giao: {who}", "Given to {who}")

# -- doing ----------------------------------------------------------------------------------------------
ACTIONS: Final[dict[Action, Phrase]] = {
    Action.ACK: Phrase("Xác nhận", "Acknowledge"),
    Action.SNOOZE: Phrase("Hoãn", "Snooze"),
    Action.COMMENT: Phrase("Ghi chú", "Comment"),
    Action.ASSIGN: Phrase("Giao việc", "Assign"),
    Action.CLOSE: Phrase("Đóng", "Close"),
    Action.UNACK: Phrase("Bỏ xác nhận", "Take ack back"),
    Action.UNSNOOZE: Phrase("Bỏ hoãn", "End snooze"),
}
DONE: Final[dict[Action, Phrase]] = {
    Action.ACK: Phrase("Đã xác nhận {count} cảnh báo.", "Acknowledged {count}."),
    Action.SNOOZE: Phrase("Đã hoãn {count} cảnh báo.", "Snoozed {count}."),
    Action.COMMENT: Phrase("Đã ghi chú {count} cảnh báo.", "Commented on {count}."),
    Action.ASSIGN: Phrase("Đã giao {count} cảnh báo.", "Assigned {count}."),
    Action.CLOSE: Phrase("Đã đóng {count} cảnh báo.", "Closed {count}."),
    Action.UNACK: Phrase("Đã bỏ xác nhận {count} cảnh báo.", "Took back the acknowledgement of {count}."),
    Action.UNSNOOZE: Phrase("Đã bỏ hoãn {count} cảnh báo.", "Ended the snooze of {count}."),
}
WORK: Final = Phrase("Xử lý", "Act")
ON_SELECTED: Final = Phrase("{count} cảnh báo đã chọn", "{count} selected")
ON_OPEN: Final = Phrase("cảnh báo {id}", "alert {id}")
ON_NONE: Final = Phrase("chưa chọn cảnh báo nào", "nothing is selected")
NOTHING: Final = Phrase("Hãy chọn một cảnh báo trước.", "Select an alert first.")
OTHER_TOOK: Final = Phrase(
    "Cảnh báo {id}: {who} đã nhận trước, lúc {at}.", "Alert {id}: {who} acknowledged it before, at {at}."
)
IS_OVER: Final = Phrase("Cảnh báo {id} đã hết lúc {at}.", "Alert {id} cleared at {at}.")
WAS_SO: Final = Phrase("Cảnh báo {id} đã như vậy từ trước.", "Alert {id} was so already.")
AND_MORE: Final = Phrase("… và {count} cảnh báo khác.", "… and {count} others.")
NO_RIGHT: Final = Phrase("Tài khoản này chỉ được xem.", "This account may look only.")
CANCEL: Final = Phrase("Thôi", "Cancel")
SNOOZE_FOR: Final = Phrase("Trong bao lâu", "For how long")
QUARTER: Final = Phrase("15 phút", "15 minutes")
HOUR: Final = Phrase("1 giờ", "1 hour")
FOUR_HOURS: Final = Phrase("4 giờ", "4 hours")
DAY: Final = Phrase("1 ngày", "1 day")
OTHER_MINUTES: Final = Phrase("Số phút khác", "Other number of minutes")
COMMENT: Final = Phrase("Ghi chú", "Comment")
COMMENT_HINT: Final = Phrase("Không ghi thông tin cá nhân.", "No personal data.")
OPTIONAL: Final = Phrase("{what} (không bắt buộc)", "{what} (optional)")
REASON: Final = Phrase("Lý do đóng", "Why it is closed")
CLOSE_WHY: Final = Phrase(
    "Cảnh báo đóng bằng tay sẽ không mở lại chừng nào nguyên nhân còn kéo dài.",
    "An alert that is closed by hand stays closed for as long as its cause goes on.",
)
TO_WHOM: Final = Phrase("Giao cho", "Give to")
TO_ME: Final = Phrase("Tôi ({name})", "Me ({name})")
TO_NOBODY: Final = Phrase("Không ai", "Nobody")

# -- one alert ------------------------------------------------------------------------------------------
DETAILS: Final = Phrase("Chi tiết cảnh báo", "Alert details")
NO_DETAILS: Final = Phrase("Chọn một cảnh báo để xem chi tiết.", "Open an alert to see what is known of it.")
UNKNOWN: Final = Phrase(
    "Không có cảnh báo này, hoặc tài khoản không được xem.",
    "There is no such alert, or this account may not see it.",
)
SHUT: Final = Phrase("Đóng chi tiết", "Close the details")
NUMBER: Final = Phrase("Cảnh báo {id}", "Alert {id}")
PLACE: Final = Phrase("Nơi", "Where")
SUBJECT: Final = Phrase("Đối tượng", "Subject")
SINCE: Final = Phrase("Từ lúc", "Since")
OPENED: Final = Phrase("Báo lúc", "Opened")
VALUE: Final = Phrase("Giá trị", "Value")
NOW: Final = Phrase("Hiện nay", "Now")
AGAIN_AT: Final = Phrase("Gọi lại lúc", "Called for again")
DO: Final = Phrase("Cần làm", "What to do")
NO_RUNBOOK: Final = Phrase("Luật này chưa có hướng dẫn.", "This rule has no runbook yet.")
LINKS: Final = Phrase("Xem thêm", "See also")
OF_UNIT: Final = Phrase("Đơn vị", "Unit")
OF_DEVICE: Final = Phrase("Thiết bị", "Device")
OF_DOSSIER: Final = Phrase("Hồ sơ", "Dossier")
OF_HISTORY: Final = Phrase("Lịch sử", "History")
OF_POINT: Final = Phrase("Thiết bị của điểm", "Devices of the point")
ON_WALL: Final = Phrase("Trên bản đồ", "On the map")
EXPLAINED: Final = Phrase("Vì cảnh báo này đang mở, không gọi ai", "Nobody is called, since this one is open")
EXPLAINS: Final = Phrase("Cảnh báo do sự cố này", "Alerts that it explains")
MEMBERS: Final = Phrase("Gồm", "Made of")
MORE: Final = Phrase("… và {count} nữa", "… and {count} more")
TOLD: Final = Phrase("Đã báo cho ai", "Who was told")
TOLD_NONE: Final = Phrase("Chưa báo cho ai.", "Nobody was told yet.")
AHEAD: Final = Phrase("Bước tiếp theo", "What comes next")
STEP: Final = Phrase("Gọi bước {step}", "Calls step {step}")
REMIND: Final = Phrase("Nhắc lại", "Reminds")
OVER: Final = Phrase("Báo đã hết", "Says that it is over")
STORY: Final = Phrase("Diễn biến", "What happened")
PHASES: Final = {
    1: Phrase("chờ", "pending"),
    2: Phrase("đang xảy ra", "firing"),
    3: Phrase("đang hết", "clearing"),
}
MESSAGES: Final = {
    "waiting": Phrase("chờ gửi", "waiting"),
    "sending": Phrase("đang gửi", "being sent"),
    "sent": Phrase("đã gửi", "sent"),
    "failed": Phrase("không gửi được", "failed"),
    "cancelled": Phrase("đã huỷ", "cancelled"),
    "bundled": Phrase("gửi chung tin khác", "sent with others"),
}
EVENTS: Final = {
    "opened": Phrase("Bắt đầu", "Opened"),
    "joined": Phrase("Thêm đối tượng", "Others joined"),
    "left": Phrase("Bớt đối tượng", "Some went away"),
    "cleared": Phrase("Tự hết", "Cleared"),
    "closed": Phrase("Đóng bằng tay", "Closed by hand"),
    "acknowledged": Phrase("Xác nhận", "Acknowledged"),
    "unacknowledged": Phrase("Bỏ xác nhận", "Acknowledgement taken back"),
    "ack_lapsed": Phrase("Xác nhận hết hạn, gọi lại", "Acknowledgement ran out"),
    "assigned": Phrase("Giao cho {to}", "Given to {to}"),
    "commented": Phrase("Ghi chú", "Comment"),
    "snoozed": Phrase("Hoãn đến {until}", "Snoozed until {until}"),
    "unsnoozed": Phrase("Bỏ hoãn", "Snooze ended"),
    "snooze_ended": Phrase("Hết hạn hoãn", "Snooze is over"),
    "maintenance_began": Phrase("Vào bảo trì", "Maintenance began"),
    "maintenance_ended": Phrase("Hết bảo trì", "Maintenance ended"),
    "inhibited": Phrase("Tạm im vì cảnh báo {by}", "Silenced by alert {by}"),
    "released": Phrase("Không còn tạm im", "Silenced no more"),
    "called": Phrase("Đã báo {people}", "Told {people}"),
    "not_called": Phrase("Không báo được cho ai", "Nobody could be told"),
    "nobody_on_duty": Phrase("Không có ai trực", "Nobody is on duty"),
    "lost": Phrase("Mất dấu", "Lost"),
    "returned": Phrase("Trở lại", "Returned"),
}
PLATFORM: Final = Phrase("hệ thống", "the platform")

# -- keys -----------------------------------------------------------------------------------------------
KEYS: Final = Phrase("Phím tắt", "Keys")
KEY_LIST: Final[tuple[tuple[str, Phrase], ...]] = (
    ("j · ↓", Phrase("Cảnh báo sau", "Next alert")),
    ("k · ↑", Phrase("Cảnh báo trước", "Previous alert")),
    ("Enter", Phrase("Mở chi tiết", "Open the details")),
    ("x", Phrase("Chọn hoặc bỏ chọn", "Select or not")),
    ("a", Phrase("Xác nhận", "Acknowledge")),
    ("u", Phrase("Bỏ xác nhận", "Take the acknowledgement back")),
    ("s", Phrase("Hoãn", "Snooze")),
    ("c", Phrase("Ghi chú", "Comment")),
    ("g", Phrase("Giao việc", "Assign")),
    ("d", Phrase("Đóng bằng tay", "Close by hand")),
    ("/", Phrase("Đến ô tìm", "To the search field")),
    ("Esc", Phrase("Đóng chi tiết hoặc hộp thoại", "Close the details or a dialog")),
    ("?", Phrase("Danh sách phím này", "This list")),
)
KEYS_SHUT: Final = Phrase("Đóng", "Close")
