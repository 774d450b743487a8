"""What a definition of an indicator consists of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Source(StrEnum):
    """Which figures an indicator is computed from; one SQL function each."""

    DOSSIER_FLOW = "dossier_flow"
    """Signed ledger entries with an effective time inside the bucket."""
    DOSSIER_GAUGE = "dossier_gauge"
    """Signed ledger entries with an effective time before the bucket's end."""
    DOSSIER_CARRIED = "dossier_carried"
    """Ledger entries of the bucket, with what stood open at its start and overdue at its end."""
    DOSSIER_QUANTILE = "dossier_quantile"
    """Amounts of ledger entries with an effective time inside the bucket."""
    DOSSIER_SURGE = "dossier_surge"
    """Dossiers accepted inside the bucket, and what the weeks before lead to expect."""
    DEVICE_TIME = "device_time"
    """Device-time by state, per unit and minute and rolled up; runs of equal state where devices are asked for."""
    DEVICE_CLIENTS = "device_clients"
    """Client-time of access points, likewise; samples and their roll-ups where single devices are asked for."""
    DEVICE_GAUGE = "device_gauge"
    """Runs of equal state that hold just before the bucket's end."""
    DEVICE_REPAIRS = "device_repairs"
    """Runs of state down that ended in the bucket with the device working again."""
    DEVICE_SAMPLES = "device_samples"
    """Sums over samples inside the bucket, or over their roll-ups."""
    DEVICE_QUANTILE = "device_quantile"
    """How many samples inside the bucket fall into which bin, or their roll-ups."""
    DEVICE_OFFSET = "device_offset"
    """The newest clock offset of each device inside the bucket."""
    INDEX766 = "index766"
    """Components of the index of Decision 766: shares of ledger entries, and what the national portal published."""
    QUEUE_FLOW = "queue_flow"
    """Tickets that were issued, or whose wait ended, inside the bucket."""
    QUEUE_QUANTILE = "queue_quantile"
    """Waits of the tickets that were served from inside the bucket on."""
    QUEUE_GAUGE = "queue_gauge"
    """Tickets whose wait had begun and not ended just before the bucket's end."""
    QUEUE_SURGE = "queue_surge"
    """Tickets issued inside the bucket, and what the weeks before lead to expect."""
    PLATFORM_GAUGE = "platform_gauge"
    """Stored offsets and newest facts now, and the evaluator's samples of them before."""
    PLATFORM_UNREADABLE = "platform_unreadable"
    """Unreadable records met inside the bucket."""
    ROUND_TRIP = "round_trip"
    """Synthetic alerts that returned inside the bucket."""


class Aggregation(StrEnum):
    """How figures of several units, or of several moments, make one."""

    SUM = "sum"
    RATIO = "ratio of sums"
    LAST = "value at the end"
    MAX = "greatest"
    QUANTILE = "quantile of all together"
    ANEW = "estimated anew for all together"
    POINTS = "points of the unit's own shares"
    MONTHS = "each month by itself"


class DeviceMeasure(IntEnum):
    """What device indicators are made of: times in a state, a state, or something that lasts beside it."""

    UP = 1
    DEGRADED = 2
    DOWN = 3
    MAINTENANCE = 4
    UNKNOWN = 5
    FROZEN = 11
    STALLED = 12
    SATURATED = 13


class SampleMeasure(IntEnum):
    """What is added up over samples."""

    LOSS = 1
    LOSS_KNOWN = 2
    INTERNET_OK = 3
    INTERNET_KNOWN = 4
    OCTETS = 5


class QueueMeasure(IntEnum):
    """What is counted of tickets."""

    ISSUED = 1
    SERVED = 2
    SERVED_SOON = 3
    SERVED_KNOWN = 4
    NO_SHOW = 5
    CANCELLED = 6
    LAPSED = 7


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Window(StrEnum):
    """What the current value looks back on."""

    NOW = "now"
    TODAY = "today"
    HOUR = "1h"
    FIVE_MINUTES = "5min"
    THIRTY_DAYS = "30d"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """The definition of one indicator.

    ``numerator`` and ``denominator`` say in words what the two figures beside a value are; a count or gauge has no
    denominator and its numerator is its value. ``numerator_measures`` and ``denominator_measures`` are what is summed:
    ledger measures, :class:`DeviceMeasure`, :class:`SampleMeasure` or :class:`QueueMeasure`, as the source has it; of a
    quantile the percentage.
    """

    id: str
    version: int
    name_vi: str
    name_en: str
    formula_vi: str
    formula_en: str
    unit_of_measure: str
    """``share`` (0 to 1), ``s``, ``ms``, ``octets``, ``working days``, or what is counted: ``dossiers``, ..."""
    numerator: str
    denominator: str | None
    over_units: Aggregation
    over_time: Aggregation
    when_empty: str
    direction: Direction
    dimensions: tuple[str, ...]
    current_window: Window
    source: Source
    numerator_measures: tuple[int, ...] = ()
    denominator_measures: tuple[int, ...] = ()
    known_measures: tuple[int, ...] = ()
    """Where given, the numerator is unknown while none of these was counted: a source that never says is no zero."""
    device_kind: int = 0
    """1 camera, 2 access point; 0 for indicators that are not of devices."""
    quantile: float | None = None
    """Which quantile the value is, 0 to 1; its denominator then is how many there are, not a divisor."""

    @property
    def is_ratio(self) -> bool:
        """Whether values are a numerator over a denominator."""
        return self.denominator is not None and self.quantile is None and self.source is not Source.INDEX766

    @property
    def default_bucket(self) -> str:
        """Bucket of a series when none is named."""
        return "1mo" if self.source is Source.INDEX766 else "1d"

    @property
    def is_divisible(self) -> bool:
        """Whether a share of a unit's figures is a share of the indicator.

        Sums and ratios of sums are; quantiles, greatest values and means over whichever devices reported are not.
        """
        return (
            self.over_units in (Aggregation.SUM, Aggregation.RATIO)
            and self.source is not Source.DEVICE_CLIENTS
        )

    @property
    def subject(self) -> str:
        """First word of the id: dossier, index766, queue, camera, wifi, platform, alerts."""
        return self.id.split(".", 1)[0]
