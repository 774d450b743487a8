"""Metrics: each declared once, with what it means and what to do about it; kept by a process, gathered from all."""

from ioc.metrics.catalogue import METRICS
from ioc.metrics.definition import Kind, Metric
from ioc.metrics.meters import PROCESS, Meters

__all__ = ["METRICS", "PROCESS", "Kind", "Meters", "Metric"]
