"""What the platform measures of its own machines and servers, and of its own calling: names that rules may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reading is.

    :param unit: of its value.
    :param instance: what tells one from another.
    """

    name: str
    unit: str
    instance: str
    vi: str
    en: str


#: Every reading that rules may name.
READINGS: Final[Mapping[str, Meaning]] = {
    meaning.name: meaning
    for meaning in (
        Meaning(
            "disk.free_share",
            "share",
            "machine/folder",
            "Phần đĩa còn trống cho người dùng thường (0 đến 1)",
            "Share of a disk that ordinary users may still fill (0 to 1)",
        ),
        Meaning(
            "clock.offset_s",
            "s",
            "machine/against what",
            "Đồng hồ máy lệch bao nhiêu giây, không dấu",
            "Seconds by which a machine's clock is off, without sign",
        ),
        Meaning(
            "certificate.days_left",
            "days",
            "host:port",
            "Số ngày đến khi chứng thư hết hạn; âm là đã hết hạn",
            "Days until a server's certificate ends; negative once it has ended",
        ),
        Meaning(
            "backup.age_s",
            "s",
            "machine",
            "Số giây từ bản sao lưu hoàn tất gần nhất",
            "Seconds since the newest complete backup",
        ),
        Meaning(
            "delivery.stuck",
            "messages",
            "all",
            "Số tin đáng lẽ đã gửi mà chưa ai gửi",
            "Messages that should have gone and that nobody sends",
        ),
        Meaning(
            "escalation.overdue",
            "steps",
            "all",
            "Số bước báo lên đã quá giờ mà chưa làm",
            "Steps of escalations that are past due and not done",
        ),
        Meaning(
            "duty.gap_hours",
            "h",
            "roster",
            "Số giờ đến lúc gần nhất không có ai trực; không có trong 14 ngày tới thì là 336",
            "Hours until the nearest time with nobody on duty; 336 where there is none within 14 days",
        ),
        Meaning(
            "alerts.round_trip",
            "s",
            "channel",
            "Số giây cảnh báo thử gần nhất đi và về",
            "Seconds that the newest synthetic alert took there and back, or has been under way beyond its limit",
        ),
    )
}
