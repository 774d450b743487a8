"""What the platform measures of its own machines and servers, and of its own calling: names that rules may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ReadingKind:
    """One measurement.

    :param unit: ``share`` (0 to 1), ``s``, ``days``, ``hours``, or what is counted.
    """

    unit: str
    name_vi: str
    name_en: str


#: Every reading that is written to ``ioc.reading``, by its name.
READINGS: Final[Mapping[str, ReadingKind]] = {
    "disk.free_share": ReadingKind("share", "Phần đĩa còn trống", "Free share of the disk"),
    "backup.age_s": ReadingKind("s", "Tuổi của bản sao lưu mới nhất", "Age of the newest backup"),
    "certificate.days_left": ReadingKind("days", "Số ngày chứng thư còn hạn", "Days left of the certificate"),
    "clock.offset_s": ReadingKind("s", "Độ lệch đồng hồ máy chủ", "Offset of the host's clock"),
    "delivery.stuck": ReadingKind("messages", "Tin báo bị kẹt", "Messages that are stuck"),
    "escalation.overdue": ReadingKind("steps", "Bước báo quá giờ", "Escalation steps past due"),
    "duty.gap_hours": ReadingKind(
        "hours", "Số giờ sắp tới không có người trực", "Hours ahead without anybody"
    ),
}
