"""Metrics of the platform as a whole: ``serve`` reads them from the database when it is asked."""

from __future__ import annotations

from typing import Final

from ioc.metrics.definition import Kind, Metric

DATABASE_UP: Final = Metric(
    "ioc_database_up",
    Kind.GAUGE,
    "1 while the database answers; at 0 every other figure of the platform is absent.",
    "1 khi cơ sở dữ liệu trả lời; khi là 0, mọi số liệu khác của nền tảng đều vắng mặt.",
    "At 0: run ioc doctor; see the log of postgres.",
    "Khi là 0: chạy ioc doctor; xem nhật ký của postgres.",
)
LAG: Final = Metric(
    "ioc_lag_records",
    Kind.GAUGE,
    "Records in Kafka that are not yet in the database.",
    "Số bản ghi trong Kafka chưa vào cơ sở dữ liệu.",
    "Growing: the stream worker is too slow or stuck; see ioc_stream_stalled_seconds and the log of stream.",
    "Tăng dần: tiến trình stream quá chậm hoặc bị kẹt; xem ioc_stream_stalled_seconds và nhật ký của stream.",
    ("topic",),
)
FRESHNESS: Final = Metric(
    "ioc_freshness_seconds",
    Kind.GAUGE,
    "Seconds since the newest counted fact.",
    "Số giây kể từ dữ kiện mới nhất đã được tính.",
    "Growing in working hours: the source, its connector or the worker is silent; ioc status names which.",
    "Tăng dần trong giờ làm việc: nguồn, bộ kết nối hoặc tiến trình stream im lặng; ioc status nêu rõ.",
    ("topic",),
)
PARTITIONS_HALTED: Final = Metric(
    "ioc_partitions_halted",
    Kind.GAUGE,
    "Partitions that wait for a named repair.",
    "Số phân vùng đang chờ một thao tác sửa chữa đã được nêu tên.",
    "Above 0: ioc status names the command of each.",
    "Lớn hơn 0: ioc status nêu câu lệnh cho từng phân vùng.",
)
SOURCES_HALTED: Final = Metric(
    "ioc_sources_halted",
    Kind.GAUGE,
    "Sources whose records are held back, since too many of them could not be read.",
    "Số nguồn bị giữ lại bản ghi vì quá nhiều bản ghi không đọc được.",
    "Above 0: ioc status names them; mend the source, then ioc repair source.",
    "Lớn hơn 0: ioc status nêu tên; sửa nguồn rồi chạy ioc repair source.",
)
UNREADABLE: Final = Metric(
    "ioc_unreadable_records",
    Kind.GAUGE,
    "Unreadable records that are kept.",
    "Số bản ghi không đọc được đang được lưu.",
    "Growing: ioc dead-letters list says why; a source sends what is no fact.",
    "Tăng dần: ioc dead-letters list cho biết lý do; một nguồn gửi dữ liệu sai dạng.",
    ("topic",),
)
DEGRADED: Final = Metric(
    "ioc_degraded",
    Kind.GAUGE,
    "Things that do not work as they should while the platform goes on.",
    "Số việc không hoạt động đúng trong khi nền tảng vẫn chạy.",
    "Above 0: /health/ready and ioc status name each, since when, and what to do.",
    "Lớn hơn 0: /health/ready và ioc status nêu từng việc, từ lúc nào và cần làm gì.",
)
ROUND_TRIP: Final = Metric(
    "ioc_alert_round_trip_seconds",
    Kind.GAUGE,
    "Seconds that the newest synthetic alert took there and back, or has been late; absent: unknown.",
    "Số giây cảnh báo thử mới nhất đi và về, hoặc đã trễ; vắng mặt: không rõ.",
    "Above IOC_SYNTHETIC_WITHIN_S: people may not be called; see the log of deliver.",
    "Lớn hơn IOC_SYNTHETIC_WITHIN_S: có thể không gọi được người trực; xem nhật ký của deliver.",
    ("rule",),
)
ALERTS_OPEN: Final = Metric(
    "ioc_alerts_open",
    Kind.GAUGE,
    "Alerts that are open, by severity (1 is worst).",
    "Số cảnh báo đang mở, theo mức độ (1 là nặng nhất).",
    "Rising without end: a rule is too narrow, or something is broken; ioc alerts list.",
    "Tăng mãi: luật quá hẹp hoặc có sự cố; chạy ioc alerts list.",
    ("severity",),
)
PROCESS_UP: Final = Metric(
    "ioc_process_up",
    Kind.GAUGE,
    "1 while a process is heard, 0 once it is silent; one that was stopped on purpose is absent.",
    "1 khi nghe thấy tiến trình, 0 khi tiến trình im lặng; tiến trình được dừng có chủ ý thì vắng mặt.",
    "At 0: it hangs or was killed; see its log, which holds its stacks when it hangs.",
    "Khi là 0: tiến trình treo hoặc đã bị kết thúc; xem nhật ký của nó, nơi có ngăn xếp khi treo.",
    ("process", "role"),
)
PROCESS_HEARD: Final = Metric(
    "ioc_process_heard_seconds",
    Kind.GAUGE,
    "Seconds since a process last wrote that it gets on.",
    "Số giây kể từ lần cuối tiến trình ghi rằng nó vẫn làm việc.",
    "Above three times IOC_HEARTBEAT_S it counts as silent.",
    "Lớn hơn ba lần IOC_HEARTBEAT_S thì bị coi là im lặng.",
    ("process", "role"),
)
CONNECTOR_STATE: Final = Metric(
    "ioc_connector_state",
    Kind.GAUGE,
    "1 for the state in which a connector is: ok, failing, spooling, full, stopped or unknown.",
    "1 cho trạng thái hiện tại của bộ kết nối: ok, failing, spooling, full, stopped hoặc unknown.",
    "Anything but ok and stopped: ioc status says why.",
    "Khác ok và stopped: ioc status cho biết lý do.",
    ("connector", "host", "state"),
)
CONNECTOR_FAILING: Final = Metric(
    "ioc_connector_failing_sources",
    Kind.GAUGE,
    "Sources of a connector that can't be read now.",
    "Số nguồn của bộ kết nối hiện không đọc được.",
    "Above 0: ioc status names them; look at the device or the system itself.",
    "Lớn hơn 0: ioc status nêu tên; kiểm tra chính thiết bị hoặc hệ thống đó.",
    ("connector", "host"),
)
CONNECTOR_SPOOLED: Final = Metric(
    "ioc_connector_spooled_events",
    Kind.GAUGE,
    "Events on a connector's disk that Kafka has not acknowledged.",
    "Số sự kiện trên đĩa của bộ kết nối mà Kafka chưa xác nhận.",
    "Above 0: Kafka does not answer that machine; nothing is lost until the spool is full.",
    "Lớn hơn 0: Kafka không trả lời máy đó; không mất dữ liệu cho đến khi vùng đệm đầy.",
    ("connector", "host"),
)
READING: Final = Metric(
    "ioc_reading",
    Kind.GAUGE,
    "Newest measurement of the platform's own machines and servers: disks, clocks, certificates, backups, queues of "
    "messages; absent: unknown. docs/concepts/watchman.md explains each name and its unit.",
    "Phép đo mới nhất về máy và máy chủ của nền tảng: đĩa, đồng hồ, chứng chỉ, sao lưu, hàng đợi tin nhắn; vắng mặt: "
    "không rõ. docs/concepts/watchman.md giải thích từng tên và đơn vị.",
    "The pack's alert rules on readings say which is too high and what to do.",
    "Các luật cảnh báo của gói huyện về phép đo cho biết mức nào là quá cao và cần làm gì.",
    ("reading", "instance"),
)

PLATFORM: Final = (
    DATABASE_UP,
    LAG,
    FRESHNESS,
    PARTITIONS_HALTED,
    SOURCES_HALTED,
    UNREADABLE,
    DEGRADED,
    ROUND_TRIP,
    ALERTS_OPEN,
    PROCESS_UP,
    PROCESS_HEARD,
    CONNECTOR_STATE,
    CONNECTOR_FAILING,
    CONNECTOR_SPOOLED,
    READING,
)
