"""What a metric is: a name, and the words without which its figure is of no use to anybody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a figure moves."""

    #: Only up; begins anew with its process.
    COUNTER = "counter"
    #: Up and down.
    GAUGE = "gauge"
    #: How many were how large.
    HISTOGRAM = "histogram"


#: Seconds; from a batch of a few records to one that waits for a server.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Seconds of what another server takes part in.
LONG_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: The label that tells processes apart where those of all are shown together.
PROCESS_LABEL: Final = "process"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's declaration.

    :param name: as Prometheus shows it; a counter's ends in ``_total``.
    :param labels: few values each: never a person, a dossier or an address.
    :param of: the roles whose processes keep it; empty: it is the platform's, read from the database by ``serve``.
    :param en: what it means; ``vi`` in Vietnamese.
    :param remedy_en: from which figure on somebody has to do something, and what; ``remedy_vi`` in Vietnamese.
    :param buckets: upper bounds of a histogram.
    """

    name: str
    kind: Kind
    en: str
    vi: str
    remedy_en: str
    remedy_vi: str
    labels: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def help(self) -> str:
        """One line for who looks at the figures."""
        return f"{self.en} {self.remedy_en}"
