"""Every metric there is, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ioc.metrics.definition import Metric
from ioc.metrics.platform import PLATFORM
from ioc.metrics.processes import PROCESSES

METRICS: Final[Mapping[str, Metric]] = MappingProxyType({one.name: one for one in (*PLATFORM, *PROCESSES)})
