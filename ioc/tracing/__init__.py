"""Which request or turn something belongs to: an id that goes with it from ingest to the alert, and spans on demand.

The id is that of W3C Trace Context: whoever sends ``traceparent`` has theirs carried on. It stands in log lines as
``trace``, in answers as ``X-Request-ID`` and in Kafka's records as the header ``traceparent``; never in what ids of
facts are made from. Spans are made only where a collector is named, and nothing of OpenTelemetry is imported before.
"""

from ioc.tracing.context import TRACEPARENT, Context, begin, current, parse, traceparent, within
from ioc.tracing.spans import Span, configure, enabled, flush, span

__all__ = [
    "TRACEPARENT",
    "Context",
    "Span",
    "begin",
    "configure",
    "current",
    "enabled",
    "flush",
    "parse",
    "span",
    "traceparent",
    "within",
]
