"""What a definition of an indicator consists of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    DEVICE_TIME = "device_time"
    """Device-time by state, per unit and minute; samples where a single device is asked for."""
    DEVICE_CLIENTS = "device_clients"
    """Client-time of access points, per unit and minute; samples where a single device is asked for."""
    DEVICE_GAUGE = "device_gauge"
    """Runs of equal state that hold just before the bucket's end."""
    PLATFORM_GAUGE = "platform_gauge"
    """Stored offsets and newest facts now, and the evaluator's samples of them before."""


class Aggregation(StrEnum):
    """How figures of several units, or of several moments, make one."""

    SUM = "sum"
    RATIO = "ratio of sums"
    LAST = "value at the end"
    MAX = "greatest"
    QUANTILE = "quantile of all together"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """The definition of one indicator.

    ``numerator`` and ``denominator`` say in words what the two figures beside a value are; a count or gauge has no
    denominator and its numerator is its value. ``numerator_measures`` and ``denominator_measures`` are the ledger
    measures that are summed, for dossier sources.
    """

    id: str
    version: int
    name_vi: str
    name_en: str
    formula_vi: str
    formula_en: str
    unit_of_measure: str
    """``dossiers``, ``share`` (0 to 1), ``working days``, ``cameras``, ``clients``, ``records`` or ``s``."""
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
        return self.denominator is not None and self.quantile is None

    @property
    def keeps_corrections(self) -> bool:
        """Whether the indicator can be asked as of an earlier moment."""
        return self.source.startswith("dossier_")

    @property
    def subject(self) -> str:
        """First word of the id: dossier, camera, wifi, platform."""
        return self.id.split(".", 1)[0]
