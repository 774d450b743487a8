"""Metrics that processes keep of their own work."""

from __future__ import annotations

from typing import Final

from ioc.metrics.definition import LONG_SECONDS, SECONDS, Kind, Metric

_BEATING: Final = ("stream", "serve", "ingest", "evaluate", "deliver")
_EVERY: Final = (*_BEATING, "connect")
_SEE_LOG_EN: Final = "see its log."
_SEE_LOG_VI: Final = "xem nhật ký của tiến trình."

# -- every process -----------------------------------------------------------------------------------

LOOP_AGE: Final = Metric(
    "ioc_loop_turned_seconds",
    Kind.GAUGE,
    "Seconds since a loop of the process last turned.",
    "Số giây kể từ vòng lặp của tiến trình quay lần cuối.",
    f"Above ioc_loop_limit_seconds the process hangs and counts as silent: {_SEE_LOG_EN}",
    f"Lớn hơn ioc_loop_limit_seconds thì tiến trình treo và bị coi là im lặng: {_SEE_LOG_VI}",
    ("loop",),
    _BEATING,
)
LOOP_LIMIT: Final = Metric(
    "ioc_loop_limit_seconds",
    Kind.GAUGE,
    "The longest that a turn of a loop takes when nothing is wrong.",
    "Thời gian dài nhất một vòng lặp cần khi không có sự cố.",
    "A constant, to compare ioc_loop_turned_seconds with.",
    "Hằng số, để so với ioc_loop_turned_seconds.",
    ("loop",),
    _BEATING,
)
LOOP_STUCK: Final = Metric(
    "ioc_loop_stuck_total",
    Kind.COUNTER,
    "Times that a loop did not turn within its limit.",
    "Số lần một vòng lặp không quay trong giới hạn.",
    f"Above 0: {_SEE_LOG_EN} The line loop.stuck holds what every thread and task stood at.",
    f"Lớn hơn 0: {_SEE_LOG_VI} Dòng loop.stuck ghi vị trí của mọi luồng và tác vụ.",
    ("loop",),
    _BEATING,
)
MEMORY: Final = Metric(
    "ioc_process_memory_bytes",
    Kind.GAUGE,
    "Resident memory of the process.",
    "Bộ nhớ thường trú của tiến trình.",
    "Growing for days: restart the process, and tell the developers with its log.",
    "Tăng nhiều ngày liền: khởi động lại tiến trình và báo nhóm phát triển kèm nhật ký.",
    (),
    _EVERY,
)
CPU: Final = Metric(
    "ioc_process_cpu_seconds_total",
    Kind.COUNTER,
    "Processor time that the process has taken.",
    "Thời gian bộ xử lý mà tiến trình đã dùng.",
    "A rate near 1 for long: the process needs a core more; add a worker where its role allows.",
    "Tốc độ gần 1 trong thời gian dài: tiến trình cần thêm lõi; thêm tiến trình nếu vai trò cho phép.",
    (),
    _EVERY,
)
STARTED: Final = Metric(
    "ioc_process_started_seconds",
    Kind.GAUGE,
    "When the process began, in seconds since 1970.",
    "Thời điểm tiến trình bắt đầu, tính bằng giây từ năm 1970.",
    f"Changing often: it is restarted again and again; {_SEE_LOG_EN}",
    f"Thay đổi thường xuyên: tiến trình bị khởi động lại liên tục; {_SEE_LOG_VI}",
    (),
    _EVERY,
)

# -- serve -------------------------------------------------------------------------------------------

HTTP_REQUESTS: Final = Metric(
    "ioc_http_requests_total",
    Kind.COUNTER,
    "HTTP requests answered, by route, method and status.",
    "Số yêu cầu HTTP đã trả lời, theo đường dẫn, phương thức và mã trạng thái.",
    "Status 5xx: see the log of serve; 429 and 503: a client asks too often, or a server is away.",
    "Mã 5xx: xem nhật ký của serve; 429 và 503: một máy khách hỏi quá dày hoặc một máy chủ vắng mặt.",
    ("route", "method", "status"),
    ("serve",),
)
HTTP_SECONDS: Final = Metric(
    "ioc_http_request_seconds",
    Kind.HISTOGRAM,
    "Seconds from a request to the end of its answer, by route.",
    "Số giây từ lúc nhận yêu cầu đến hết câu trả lời, theo đường dẫn.",
    "Slow routes that were quick: the database is busy; docs/howto/question-history.md says what costs.",
    "Đường dẫn từng nhanh nay chậm: cơ sở dữ liệu bận; docs/howto/question-history.md nói điều gì tốn kém.",
    ("route",),
    ("serve",),
    SECONDS,
)

# -- ingest ------------------------------------------------------------------------------------------

INGEST_EVENTS: Final = Metric(
    "ioc_ingest_events_total",
    Kind.COUNTER,
    "Events taken over HTTP, by fate.",
    "Số sự kiện nhận qua HTTP, theo kết cục.",
    "spooled growing: Kafka does not answer, see ioc status.",
    "spooled tăng: Kafka không trả lời, xem ioc status.",
    ("fate",),
    ("ingest",),
)
INGEST_REFUSED: Final = Metric(
    "ioc_ingest_refused_total",
    Kind.COUNTER,
    "Requests not taken, by kind of problem: quota, wrong-key, spool-full and so on.",
    "Số yêu cầu không nhận, theo loại lỗi: quota, wrong-key, spool-full...",
    "wrong-key growing: somebody tries keys; spool-full: give the disk room or mend Kafka.",
    "wrong-key tăng: có người dò khoá; spool-full: giải phóng đĩa hoặc sửa Kafka.",
    ("kind",),
    ("ingest",),
)
PORTAL_CALLS: Final = Metric(
    "ioc_portal_calls_total",
    Kind.COUNTER,
    "Calls of the portal protocol, by source and service (other: not one of those answered here).",
    "Số lần gọi giao thức cổng dịch vụ công, theo nguồn và dịch vụ (other: không được trả lời tại đây).",
    "unreadable growing: the one-stop system sends another shape; see the log of ingest.",
    "unreadable tăng: hệ thống một cửa gửi dạng khác; xem nhật ký của ingest.",
    ("source", "service"),
    ("ingest",),
)
PORTAL_ITEMS: Final = Metric(
    "ioc_portal_items_total",
    Kind.COUNTER,
    "Dossiers and steps of portal calls, by source and outcome.",
    "Số hồ sơ và bước xử lý trong các lần gọi cổng, theo nguồn và kết quả.",
    "rejected growing: the answers name the field that is wrong.",
    "rejected tăng: câu trả lời nêu trường bị sai.",
    ("source", "outcome"),
    ("ingest",),
)
PORTAL_AWAY: Final = Metric(
    "ioc_portal_upstream_away_total",
    Kind.COUNTER,
    "Calls that the upstream portal did not answer, by source.",
    "Số lần gọi mà cổng cấp trên không trả lời, theo nguồn.",
    "Growing: the line to the upstream portal is down; the calls' senders were told so.",
    "Tăng dần: đường truyền tới cổng cấp trên bị gián đoạn; bên gửi đã được báo.",
    ("source",),
    ("ingest",),
)
PORTAL_UNRECORDED: Final = Metric(
    "ioc_portal_unrecorded_total",
    Kind.COUNTER,
    "Calls that were forwarded and not recorded, by source and reason: facts are missing.",
    "Số lần gọi đã chuyển tiếp mà không ghi nhận, theo nguồn và lý do: thiếu dữ kiện.",
    "Above 0: the log of ingest says why; ask the one-stop system to send them again.",
    "Lớn hơn 0: nhật ký của ingest cho biết lý do; đề nghị hệ thống một cửa gửi lại.",
    ("source", "reason"),
    ("ingest",),
)
RELAY_EVENTS: Final = Metric(
    "ioc_relay_events_total",
    Kind.COUNTER,
    "Events on their way to Kafka, by what became of them: taken, acknowledged, spooled, forwarded (from the spool), "
    "failed, refused.",
    "Số sự kiện trên đường tới Kafka, theo kết cục: taken, acknowledged, spooled, forwarded (từ vùng đệm), failed, "
    "refused.",
    "refused and failed growing: the spool is full, or its disk fails.",
    "refused và failed tăng: vùng đệm đầy hoặc đĩa hỏng.",
    ("relay", "fate"),
    ("ingest", "connect"),
)
RELAY_SPOOLED: Final = Metric(
    "ioc_relay_spool_events",
    Kind.GAUGE,
    "Events on disk that wait for Kafka.",
    "Số sự kiện trên đĩa đang chờ Kafka.",
    "Above 0 and growing: Kafka does not answer; ioc doctor.",
    "Lớn hơn 0 và tăng: Kafka không trả lời; chạy ioc doctor.",
    ("relay",),
    ("ingest", "connect"),
)
RELAY_BYTES: Final = Metric(
    "ioc_relay_spool_bytes",
    Kind.GAUGE,
    "Bytes of the spool.",
    "Số byte của vùng đệm.",
    "At IOC_SPOOL_BYTES new events are refused.",
    "Khi đạt IOC_SPOOL_BYTES, sự kiện mới bị từ chối.",
    ("relay",),
    ("ingest", "connect"),
)

# -- stream ------------------------------------------------------------------------------------------

STREAM_BATCHES: Final = Metric(
    "ioc_stream_batches_total",
    Kind.COUNTER,
    "Batches stored, each in one transaction.",
    "Số lô đã lưu, mỗi lô một giao dịch.",
    "Standing still while ioc_lag_records grows: the worker is stuck.",
    "Đứng yên trong khi ioc_lag_records tăng: tiến trình stream bị kẹt.",
    ("topic",),
    ("stream",),
)
STREAM_RECORDS: Final = Metric(
    "ioc_stream_records_total",
    Kind.COUNTER,
    "Records stored, by outcome: read (all of them), fact, duplicate, erased (of erased dossiers), late, unreadable.",
    "Số bản ghi đã lưu, theo kết quả: read (tất cả), fact, duplicate, erased (hồ sơ đã xóa), late, unreadable.",
    "unreadable growing: ioc dead-letters list; duplicate growing: a source sends everything again.",
    "unreadable tăng: ioc dead-letters list; duplicate tăng: một nguồn gửi lại mọi thứ.",
    ("topic", "outcome"),
    ("stream",),
)
STREAM_SECONDS: Final = Metric(
    "ioc_stream_batch_seconds",
    Kind.HISTOGRAM,
    "Seconds of a batch by phase: prepare (decode, decide), commit (the database's transaction).",
    "Số giây của một lô theo giai đoạn: prepare (giải mã, quyết định), commit (giao dịch cơ sở dữ liệu).",
    "commit slow: the database or its disk is; prepare slow: the worker lacks processor time.",
    "commit chậm: do cơ sở dữ liệu hoặc đĩa; prepare chậm: tiến trình thiếu thời gian xử lý.",
    ("topic", "phase"),
    ("stream",),
    SECONDS,
)
STREAM_RETRIES: Final = Metric(
    "ioc_stream_retries_total",
    Kind.COUNTER,
    "Batches that could not be stored and were read again.",
    "Số lô không lưu được và phải đọc lại.",
    "Growing: the log of stream says why; nothing is lost or counted twice meanwhile.",
    "Tăng dần: nhật ký của stream cho biết lý do; không mất và không tính hai lần.",
    ("topic",),
    ("stream",),
)
STREAM_FENCES: Final = Metric(
    "ioc_stream_fences_total",
    Kind.COUNTER,
    "Partitions that another worker took over while this one still worked on them.",
    "Số phân vùng bị tiến trình khác tiếp quản khi tiến trình này còn đang xử lý.",
    "Growing: workers are frozen for longer than IOC_SESSION_TIMEOUT_S; the machine is overloaded.",
    "Tăng dần: tiến trình bị đứng lâu hơn IOC_SESSION_TIMEOUT_S; máy quá tải.",
    ("topic",),
    ("stream",),
)
STREAM_REBALANCES: Final = Metric(
    "ioc_stream_rebalances_total",
    Kind.COUNTER,
    "Times that partitions were assigned to the worker.",
    "Số lần phân vùng được giao cho tiến trình.",
    "Growing without workers coming or going: workers miss Kafka's heartbeats; see ioc_stream_fences_total.",
    "Tăng khi không có tiến trình vào ra: tiến trình lỡ nhịp tim của Kafka; xem ioc_stream_fences_total.",
    (),
    ("stream",),
)
STREAM_PARTITIONS: Final = Metric(
    "ioc_stream_partitions",
    Kind.GAUGE,
    "Partitions that the worker has, by state: moving, halted.",
    "Số phân vùng tiến trình đang giữ, theo trạng thái: moving, halted.",
    "halted above 0: ioc status names the repair.",
    "halted lớn hơn 0: ioc status nêu cách sửa.",
    ("state",),
    ("stream",),
)
STREAM_STALLED: Final = Metric(
    "ioc_stream_stalled_seconds",
    Kind.GAUGE,
    "Longest time for which a partition has had records waiting and stored none.",
    "Thời gian dài nhất một phân vùng có bản ghi chờ mà chưa lưu được.",
    "Above 15: the database does not answer or is slow; above 90 the worker counts as silent.",
    "Lớn hơn 15: cơ sở dữ liệu không trả lời hoặc chậm; lớn hơn 90 thì tiến trình bị coi là im lặng.",
    (),
    ("stream",),
)

# -- evaluate ----------------------------------------------------------------------------------------

EVALUATE_SECONDS: Final = Metric(
    "ioc_evaluate_round_seconds",
    Kind.HISTOGRAM,
    "Seconds of a round of the evaluator: windows closed, sums folded, the platform sampled.",
    "Số giây của một vòng đánh giá: đóng cửa sổ, cộng dồn, lấy mẫu nền tảng.",
    "Above 10 for long: the database is too slow for the number of units and devices.",
    "Lớn hơn 10 trong thời gian dài: cơ sở dữ liệu quá chậm so với số đơn vị và thiết bị.",
    (),
    ("evaluate",),
    LONG_SECONDS,
)
EVALUATE_LEADS: Final = Metric(
    "ioc_evaluate_leads",
    Kind.GAUGE,
    "1 for the evaluator that works; others wait for it to end.",
    "1 cho tiến trình đánh giá đang làm việc; các tiến trình khác chờ.",
    "The sum over all is 0: no window closes; see the log of evaluate.",
    "Tổng tất cả là 0: không cửa sổ nào đóng; xem nhật ký của evaluate.",
    (),
    ("evaluate",),
)
# -- deliver -----------------------------------------------------------------------------------------

DELIVER_ATTEMPTS: Final = Metric(
    "ioc_deliver_attempts_total",
    Kind.COUNTER,
    "Attempts to send a message, by channel and outcome: sent, refused (for good), failed (tried again).",
    "Số lần thử gửi tin, theo kênh và kết quả: sent, refused (dứt khoát), failed (thử lại).",
    "refused or failed growing: ioc channel test; the trail of the alert holds the channel's words.",
    "refused hoặc failed tăng: ioc channel test; vết của cảnh báo giữ câu trả lời của kênh.",
    ("channel", "outcome"),
    ("deliver",),
)
DELIVER_SECONDS: Final = Metric(
    "ioc_deliver_attempt_seconds",
    Kind.HISTOGRAM,
    "Seconds of an attempt to send a message, by channel.",
    "Số giây của một lần thử gửi tin, theo kênh.",
    "Above 10: the channel's server is slow; others are not held up by it.",
    "Lớn hơn 10: máy chủ của kênh chậm; các kênh khác không bị ảnh hưởng.",
    ("channel",),
    ("deliver",),
    LONG_SECONDS,
)

PROCESSES: Final = (
    LOOP_AGE,
    LOOP_LIMIT,
    LOOP_STUCK,
    MEMORY,
    CPU,
    STARTED,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    INGEST_EVENTS,
    INGEST_REFUSED,
    PORTAL_CALLS,
    PORTAL_ITEMS,
    PORTAL_AWAY,
    PORTAL_UNRECORDED,
    RELAY_EVENTS,
    RELAY_SPOOLED,
    RELAY_BYTES,
    STREAM_BATCHES,
    STREAM_RECORDS,
    STREAM_SECONDS,
    STREAM_RETRIES,
    STREAM_FENCES,
    STREAM_REBALANCES,
    STREAM_PARTITIONS,
    STREAM_STALLED,
    EVALUATE_SECONDS,
    EVALUATE_LEADS,
    DELIVER_ATTEMPTS,
    DELIVER_SECONDS,
)
