# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""Words of the administration."""

from __future__ import annotations

from typing import Final

from ioc.access.roles import Role
from ioc.pages.words import Phrase

PARTS: Final = Phrase("Các phần quản trị", "Parts of the administration")
USERS: Final = Phrase("Tài khoản", "Accounts")
KEYS: Final = Phrase("Khóa", "Keys")
PACK: Final = Phrase("Gói dữ liệu", "District pack")
NAMES: Final = Phrase("Tên chưa khớp", "Unmapped names")
SOURCES: Final = Phrase("Nguồn dữ liệu", "Sources")
UNREADABLE: Final = Phrase("Bản ghi lỗi", "Unreadable records")
PROCESSES: Final = Phrase("Tiến trình", "Processes")
LOG: Final = Phrase("Nhật ký truy cập", "Access log")
SAVE: Final = Phrase("Lưu", "Save")
CANCEL: Final = Phrase("Thôi", "Cancel")
CLOSE: Final = Phrase("Đóng", "Close")
MORE: Final = Phrase("Cũ hơn", "Older")
NEWEST: Final = Phrase("Mới nhất", "Newest")
YES: Final = Phrase("có", "yes")
NO: Final = Phrase("không", "no")
NEVER: Final = Phrase("chưa bao giờ", "never")

# -- accounts -------------------------------------------------------------------------------------------
ROLES: Final[dict[Role, Phrase]] = {
    Role.VIEWER: Phrase("Người xem", "Viewer"),
    Role.PLANNER: Phrase("Kế hoạch", "Planner"),
    Role.OPERATOR: Phrase("Trực ban", "Operator"),
    Role.LEADER: Phrase("Lãnh đạo", "Leader"),
    Role.ADMIN: Phrase("Quản trị", "Administrator"),
}
ROLE_HINT: Final = Phrase(
    "Người xem và kế hoạch chỉ xem; trực ban và lãnh đạo xử lý cảnh báo, ca trực, bảo trì; quản trị thêm quyền trang này.",
    "Viewers and planners look; operators and leaders act on alerts, duty and maintenance; administrators have this page too.",
)
NAME: Final = Phrase("Tên", "Name")
ROLE: Final = Phrase("Vai trò", "Role")
SEES: Final = Phrase("Được xem", "Sees")
STATE: Final = Phrase("Tình trạng", "State")
SESSIONS: Final = Phrase("Phiên", "Sessions")
MADE: Final = Phrase("Tạo lúc", "Made")
EVERY_UNIT: Final = Phrase("Mọi đơn vị", "Every unit")
DISTRICT: Final = Phrase("Toàn huyện", "The district")
OPEN: Final = Phrase("đang mở", "open")
CLOSED: Final = Phrase("đã đóng", "closed")
NO_PASSWORD: Final = Phrase("chưa có mật khẩu", "no password")
MISTAKES: Final = Phrase("sai mật khẩu {count} lần trong giờ qua", "{count} wrong passwords lately")
GUEST: Final = Phrase("khách, không cần đăng nhập", "whoever is not logged in")
SYSTEM: Final = Phrase("hệ thống", "the platform itself")
ADD_USER: Final = Phrase("Thêm tài khoản", "Add an account")
EDIT: Final = Phrase("Sửa", "Change")
EDIT_OF: Final = Phrase("Sửa tài khoản {name}", "Change the account {name}")
USER_NAME: Final = Phrase("Tên đăng nhập", "Name to log in with")
USER_NAME_HINT: Final = Phrase("chữ, số, dấu chấm, gạch nối", "letters, digits, dots, dashes")
ADDED: Final = Phrase("Đã thêm tài khoản {name}.", "The account {name} is added.")
CHANGED: Final = Phrase("Đã sửa tài khoản {name}.", "The account {name} is changed.")
NEW_PASSWORD: Final = Phrase("Tạo mật khẩu mới", "Make a new password")
PASSWORD_TITLE: Final = Phrase("Mật khẩu của {name}", "Password of {name}")
PASSWORD_ONCE: Final = Phrase(
    "Chỉ hiện một lần này. Hãy chép lại và trao tận tay; người dùng nên đổi ngay ở trang Đổi mật khẩu.",
    "It is shown this once. Copy it and hand it over in person; its owner should change it at once.",
)
PASSWORD: Final = Phrase("Mật khẩu", "Password")
PASSWORD_MADE: Final = Phrase(
    "{name} có mật khẩu mới; các phiên cũ đã kết thúc.", "{name} has a new password; old sessions have ended."
)
CLOSE_USER: Final = Phrase("Đóng tài khoản", "Close the account")
OPEN_USER: Final = Phrase("Mở lại", "Open again")
CLOSED_NOW: Final = Phrase("Đã đóng tài khoản {name}.", "The account {name} is closed.")
OPENED_NOW: Final = Phrase("Đã mở tài khoản {name}.", "The account {name} is open.")
RELEASE: Final = Phrase("Bỏ thời gian chờ", "End the wait")
RELEASED: Final = Phrase("{name} có thể đăng nhập ngay.", "{name} may log in at once.")
END_SESSIONS: Final = Phrase("Kết thúc mọi phiên", "End all sessions")
ENDED: Final = Phrase("Đã kết thúc {count} phiên của {name}.", "{count} sessions of {name} have ended.")
SESSION_LIST: Final = Phrase("Phiên đang đăng nhập", "Browsers that are logged in")
NO_SESSIONS: Final = Phrase("Không có phiên nào.", "There are none.")
SINCE: Final = Phrase("Từ lúc", "Since")
USED: Final = Phrase("Dùng lần cuối", "Last used")
BROWSER: Final = Phrase("Trình duyệt", "Browser")
CHANGES: Final = Phrase("Thay đổi gần đây", "Recent changes")
AT: Final = Phrase("Lúc", "When")
WHO: Final = Phrase("Ai", "Who")
WHAT: Final = Phrase("Việc", "What")
SUBJECT: Final = Phrase("Đối tượng", "Of what")
DETAIL: Final = Phrase("Chi tiết", "Detail")
NO_CHANGES: Final = Phrase("Chưa có thay đổi nào.", "There are none yet.")
WHATS: Final[dict[str, Phrase]] = {
    "account.added": Phrase("thêm tài khoản", "account added"),
    "account.password": Phrase("mật khẩu mới", "new password"),
    "account.role": Phrase("đổi vai trò", "role changed"),
    "account.unit": Phrase("đổi phạm vi xem", "what it sees changed"),
    "account.closed": Phrase("đóng tài khoản", "account closed"),
    "account.opened": Phrase("mở tài khoản", "account opened"),
    "account.sessions_ended": Phrase("kết thúc phiên", "sessions ended"),
    "account.released": Phrase("bỏ thời gian chờ", "wait ended"),
    "key.made": Phrase("tạo khóa", "key made"),
    "key.revoked": Phrase("thu hồi khóa", "key revoked"),
    "records.retried": Phrase("gửi lại bản ghi", "records sent again"),
}

# -- keys -----------------------------------------------------------------------------------------------
KEYS_WHY: Final = Phrase(
    "Khóa để hệ thống khác (một cửa, máy lấy số…) gửi dữ liệu vào qua HTTP. Khóa chỉ hiện một lần khi tạo.",
    "Keys with which other systems (one-stop systems, kiosks…) send facts over HTTP. One is shown once, when it is made.",
)
ADD_KEY: Final = Phrase("Tạo khóa", "Make a key")
KEY_NAME: Final = Phrase("Cấp cho hệ thống nào", "Which system gets it")
QUOTA: Final = Phrase("Tối đa mỗi phút", "Most events a minute")
LIMITS: Final = Phrase("Giới hạn", "Limits")
NO_LIMITS: Final = Phrase("không", "none")
LAST_USED: Final = Phrase("Dùng lần cuối", "Last used")
EXPIRES: Final = Phrase("Hết hạn", "Ends")
EXPIRES_DAY: Final = Phrase("Ngày hết hạn (không bắt buộc)", "Day on which it ends (optional)")
TOPICS: Final = Phrase("Chỉ gửi vào (không chọn: mọi loại)", "Only to (none chosen: any)")
KEY_SOURCES: Final = Phrase(
    "Chỉ nguồn (mỗi dòng một nguồn; để trống: mọi nguồn)", "Only sources (one a line; empty: any)"
)
KEY_UNITS: Final = Phrase(
    "Chỉ đơn vị (mỗi dòng một mã; để trống: mọi đơn vị)", "Only units (one code a line; empty: any)"
)
KEY_TITLE: Final = Phrase("Khóa của {name}", "Key of {name}")
KEY_ONCE: Final = Phrase(
    "Chỉ hiện một lần này. Khóa có hiệu lực trong vòng {seconds} giây.",
    "It is shown this once, and works within {seconds} s.",
)
KEY: Final = Phrase("Khóa", "Key")
KEY_MADE: Final = Phrase("Đã tạo khóa cho {name}.", "A key for {name} is made.")
REVOKE: Final = Phrase("Thu hồi", "Revoke")
REVOKE_OF: Final = Phrase("Thu hồi khóa {name}", "Revoke the key {name}")
REVOKE_SURE: Final = Phrase(
    "Thu hồi khóa của {name}? Hệ thống dùng khóa này sẽ không gửi được dữ liệu nữa; không thể hoàn tác.",
    "Revoke the key of {name}? The system that has it can send nothing any more; this can't be undone.",
)
REVOKED: Final = Phrase("đã thu hồi", "revoked")
EXPIRED: Final = Phrase("đã hết hạn", "expired")
REVOKED_NOW: Final = Phrase("Đã thu hồi khóa của {name}.", "The key of {name} is revoked.")
NO_KEYS: Final = Phrase("Chưa có khóa nào.", "There are none yet.")
BAD_DAY: Final = Phrase("Ngày hết hạn không đọc được.", "The day can't be read.")
BAD_QUOTA: Final = Phrase("Số mỗi phút phải là số nguyên.", "Events a minute must be a whole number.")

# -- pack -----------------------------------------------------------------------------------------------
IN_DATABASE: Final = Phrase("Đang dùng", "In use")
IN_FOLDER: Final = Phrase("Trong thư mục", "In the folder")
NOT_APPLIED: Final = Phrase(
    "Chưa nạp gói dữ liệu nào. Chạy: ioc district apply", "No pack is applied. Run: ioc district apply"
)
NO_FOLDER: Final = Phrase(
    "Máy này không có thư mục gói dữ liệu (IOC_PACK).", "There is no folder of a pack here (IOC_PACK)."
)
VERSION: Final = Phrase("Phiên bản", "Version")
DIGEST: Final = Phrase("Dấu kiểm", "Digest")
APPLIED_AT: Final = Phrase("Nạp lúc", "Applied")
ROOT: Final = Phrase("Đơn vị gốc", "Root unit")
ZONE: Final = Phrase("Múi giờ", "Time zone")
UNITS: Final = Phrase("Đơn vị", "Units")
POINTS: Final = Phrase("Điểm tiếp nhận", "Reception points")
DEVICES: Final = Phrase("Thiết bị", "Devices")
AGENCIES: Final = Phrase("Tên cơ quan", "Agency names")
TARGETS: Final = Phrase("Mục tiêu", "Targets")
PROCEDURES: Final = Phrase("Thủ tục", "Procedures")
FOLDER: Final = Phrase("Thư mục", "Folder")
SAME: Final = Phrase("Giống gói đang dùng.", "The same as in use.")
OTHER: Final = Phrase(
    "Khác gói đang dùng. Để nạp, chạy trên máy chủ:", "Other than in use. To apply it, run on the server:"
)
APPLY_AGAIN: Final = Phrase("Sau khi sửa tệp, kiểm tra rồi nạp:", "After changing files, check and apply:")
CERTAINTY: Final = Phrase("Độ chắc chắn của từng dòng", "How sure its rows are")
FILE: Final = Phrase("Tệp", "File")
MARKS: Final[dict[str, Phrase]] = {
    "V": Phrase("V: có văn bản", "V: verified"),
    "C": Phrase("C: theo hệ thống đang dùng", "C: seen in use"),
    "I": Phrase("I: suy ra, cần xác nhận", "I: inferred, to be confirmed"),
}
PROBLEMS: Final = Phrase("Lỗi trong thư mục", "Mistakes in the folder")
NO_PROBLEMS: Final = Phrase("Không có lỗi.", "There are none.")
NOTES: Final = Phrase("Điều nên biết", "Worth knowing")
ALSO_CHECK: Final = Phrase(
    "Lệnh kiểm tra còn xem cấu hình của các bộ kết nối.", "The command also checks what connectors read."
)
LINE: Final = Phrase("Dòng", "Line")

# -- names ----------------------------------------------------------------------------------------------
NAMES_WHY: Final = Phrase(
    "Tên cơ quan mà hệ thống một cửa ghi nhưng chưa có trong agencies.csv: hồ sơ của các tên này chưa tính vào đơn vị nào. "
    "Chép dòng bên dưới vào {file}, điền mã đơn vị, rồi chạy: ioc district apply",
    "Agency names that one-stop systems write and no row of agencies.csv explains: their dossiers count for no unit. "
    "Copy the line into {file}, fill in the unit's code, then run: ioc district apply",
)
AGENCY: Final = Phrase("Tên", "Name")
SEEN: Final = Phrase("Số lần", "Seen")
FIRST: Final = Phrase("Lần đầu", "First")
LAST: Final = Phrase("Lần cuối", "Last")
ROW: Final = Phrase("Dòng để chép", "Line to copy")
ROW_OF: Final = Phrase("Dòng cho {name}", "Line for {name}")
NO_NAMES: Final = Phrase("Mọi tên gặp đến nay đều có đơn vị.", "Every name met so far has a unit.")
FURTHER: Final = Phrase("(các tên khác, vượt quá số được giữ)", "(further names, beyond those that are kept)")

# -- sources --------------------------------------------------------------------------------------------
CONNECTORS: Final = Phrase("Bộ kết nối", "Connectors")
CONNECTOR: Final = Phrase("Bộ kết nối", "Connector")
MACHINE: Final = Phrase("Máy", "Machine")
READS: Final = Phrase("Nguồn (lỗi)", "Sources (failing)")
SPOOLED: Final = Phrase("Chờ gửi", "Waiting on disk")
HEARD: Final = Phrase("Tin cuối", "Last heard")
REASON: Final = Phrase("Lý do", "Reason")
FAILING: Final = Phrase("Nguồn đang lỗi", "Failing now")
NO_CONNECTORS: Final = Phrase(
    "Chưa có bộ kết nối nào báo về trong 7 ngày qua.", "No connector has reported in the last 7 days."
)
CONNECTOR_STATES: Final[dict[str, tuple[str, Phrase]]] = {
    "ok": ("ok", Phrase("Tốt", "OK")),
    "failing": ("degraded", Phrase("Có nguồn lỗi", "Some fail")),
    "spooling": ("degraded", Phrase("Đang giữ trên đĩa", "Keeps on disk")),
    "full": ("down", Phrase("Đĩa đầy", "Disk full")),
    "stopped": ("maintenance", Phrase("Đã dừng", "Stopped")),
    "unknown": ("unknown", Phrase("Không có tin", "Silent")),
}
HALTS: Final = Phrase("Nguồn bị tạm dừng", "Halted sources")
HALTS_WHY: Final = Phrase(
    "Nguồn gửi quá nhiều bản ghi không đọc được thì bị dừng; bản ghi đến sau được giữ lại. Sửa nguồn trước, rồi chạy lệnh.",
    "A source that sends too much that can't be read is halted, and what comes after is held. Mend it first, then run the command.",
)
NO_HALTS: Final = Phrase("Không có nguồn nào bị dừng.", "None is halted.")
HALT: Final = Phrase(
    "{bad} trên {records} bản ghi lỗi (chủ yếu: {reason}); đang giữ {held}; từ {at}",
    "{bad} of {records} records bad (mostly {reason}); {held} held; since {at}",
)
PARTITIONS: Final = Phrase("Phân vùng Kafka bị dừng", "Halted partitions")
NO_PARTITIONS: Final = Phrase("Cả {count} phân vùng đang chạy.", "All {count} partitions go on.")
NOTHING_READ: Final = Phrase("Chưa có phân vùng nào được đọc.", "No partition was read yet.")
REPAIR: Final = Phrase("Lệnh sửa cho {what}", "Repair of {what}")

# -- unreadable -----------------------------------------------------------------------------------------
UNREADABLE_WHY: Final = Phrase(
    "Bản ghi không đọc được có thể chứa dữ liệu cá nhân: chỉ mở khi cần, mỗi lần mở đều ghi nhật ký.",
    "Records that could not be read may hold personal data: open one only when needed; each look is logged.",
)
TOPIC: Final = Phrase("Chủ đề", "Topic")
WHY: Final = Phrase("Lý do", "Reason")
COUNT: Final = Phrase("Số bản ghi", "Records")
NEWEST_AT: Final = Phrase("Mới nhất", "Newest")
OLDEST_AT: Final = Phrase("Cũ nhất", "Oldest")
NO_UNREADABLE: Final = Phrase("Mọi bản ghi đều đọc được.", "Every record could be read.")
LIST: Final = Phrase("Từng bản ghi", "Single records")
LIST_OF: Final = Phrase("Từng bản ghi: {topic}, {reason}", "Single records: {topic}, {reason}")
RECORD: Final = Phrase("Bản ghi", "Record")
SOURCE: Final = Phrase("Nguồn", "Source")
SIZE: Final = Phrase("Kích thước", "Octets")
LOOK: Final = Phrase("Xem", "Look")
LOOK_OF: Final = Phrase("Xem bản ghi {number}", "Look at record {number}")
LOOK_SURE: Final = Phrase(
    "Bản ghi {number} có thể chứa dữ liệu cá nhân. Việc xem sẽ được ghi vào nhật ký truy cập với tên {reader}.",
    "Record {number} may hold personal data. That {reader} looked will be kept in the access log.",
)
LOOK_NOW: Final = Phrase("Vẫn xem", "Look all the same")
CUT: Final = Phrase(
    "Chỉ giữ {kept} trên {size} byte: không gửi lại được.",
    "{kept} of {size} octets were kept: it can't be sent again.",
)
CONTENT: Final = Phrase("Nội dung", "Content")
RETRY: Final = Phrase("Gửi lại", "Send again")
RETRY_OF: Final = Phrase("Gửi lại: {topic}, {reason}", "Send again: {topic}, {reason}")
RETRY_SURE: Final = Phrase(
    "Gửi lại {records} bản ghi của {topic} ({reason}) vào Kafka? Chỉ nên làm khi nguyên nhân đã được sửa; "
    "bản ghi vẫn lỗi sẽ quay lại đây.",
    "Send {records} records of {topic} ({reason}) to Kafka once more? Do it when the cause is mended; "
    "what is still bad comes back here.",
)
RETRIED: Final = Phrase(
    "Đã gửi lại {sent} bản ghi; {left} ở lại vì bị cắt ngắn hoặc rỗng.",
    "{sent} records were sent again; {left} stay, since they are cut short or empty.",
)
HELD_HINT: Final = Phrase("chờ lệnh sửa nguồn", "wait for the source's repair")
REASONS: Final[dict[str, Phrase]] = {
    "empty": Phrase("rỗng", "empty"),
    "too-large": Phrase("quá lớn", "too large"),
    "not-json": Phrase("không phải JSON", "not JSON"),
    "unknown-type": Phrase("loại sự kiện lạ", "unknown type"),
    "invalid": Phrase("sai nội dung", "invalid"),
    "far-future": Phrase("thời điểm quá xa trong tương lai", "far in the future"),
    "far-past": Phrase("thời điểm quá xa trong quá khứ", "far in the past"),
    "conflict": Phrase("trùng nhưng khác nội dung", "conflict"),
    "unknown-unit": Phrase("đơn vị lạ", "unknown unit"),
    "unknown-device": Phrase("thiết bị lạ", "unknown device"),
    "unstorable": Phrase("không lưu được", "can't be stored"),
    "source-halted": Phrase("nguồn bị dừng", "source halted"),
}

# -- processes ------------------------------------------------------------------------------------------
TROUBLES: Final = Phrase("Việc cần xử lý", "What is wrong")
NO_TROUBLES: Final = Phrase("Hệ thống đang chạy tốt.", "All is well.")
PROCESS: Final = Phrase("Tiến trình", "Process")
BEAT: Final = Phrase("Nhịp cuối", "Last heartbeat")
STARTED: Final = Phrase("Chạy từ", "Started")
LIVES: Final = Phrase("Đang chạy", "Lives")
SILENT: Final = Phrase("Im lặng", "Silent")
STOPPED: Final = Phrase("Đã dừng", "Stopped")
AGO: Final = Phrase("{seconds} giây trước", "{seconds} s ago")
NO_PROCESSES: Final = Phrase("Chưa có tiến trình nào.", "There are none.")
READINGS: Final = Phrase("Số đo của máy chủ", "Readings of the servers")
READING: Final = Phrase("Số đo", "Reading")
INSTANCE: Final = Phrase("Của", "Of")
VALUE: Final = Phrase("Giá trị", "Value")
UNKNOWN: Final = Phrase("không rõ", "unknown")
NO_READINGS: Final = Phrase("Chưa có số đo nào.", "There are none.")

# -- log ------------------------------------------------------------------------------------------------
LOG_WHY: Final = Phrase(
    "Ai đã xem từng hồ sơ, tải tệp, mở bản ghi lỗi. Không chứa dữ liệu cá nhân của người dân.",
    "Who looked at single dossiers, took files away, opened unreadable records. It holds no citizen's data.",
)
READER: Final = Phrase("Tài khoản", "Account")
ASKED: Final = Phrase("Việc", "What")
FILTERS: Final = Phrase("Bộ lọc", "Filters")
ROWS: Final = Phrase("Số dòng", "Rows")
OUTCOME: Final = Phrase("Kết quả", "Outcome")
FILTER: Final = Phrase("Lọc", "Filter")
FILTER_LOG: Final = Phrase("Lọc nhật ký", "Filter the log")
FROM_DAY: Final = Phrase("Từ ngày", "From")
EVERYBODY: Final = Phrase("Tất cả", "Any")
NO_ENTRIES: Final = Phrase("Không có dòng nào.", "There are none.")
UNDER_WAY: Final = Phrase("đang trả lời", "under way")
OUTCOMES: Final[dict[str, Phrase]] = {
    "given": Phrase("đã trả", "given"),
    "broken off": Phrase("bị ngắt", "broken off"),
    "failed": Phrase("lỗi", "failed"),
}
