"""Spans for an OpenTelemetry collector; without one, nothing is made and nothing imported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeAlias

from ioc.settings import Settings
from ioc.tracing.context import Context, within
from ioc.version import platform_version

Attribute: TypeAlias = str | int | float | bool

_STANDARD: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_WAITING_SPANS: Final = 2048
_FLUSH_MS: Final = 3000
_SAMPLED: Final = 1

#: The tracer and its provider, once somebody is to be sent spans.
_tracer: Any = None
_provider: Any = None


class Span(Protocol):
    """What may be said of a span while it lasts."""

    #: Its ids; None where no span is made.
    context: Context | None

    def note(self, **attributes: Attribute) -> None:
        """Add attributes: never a person, a secret, or the content of a fact."""

    def rename(self, name: str) -> None:
        """Give it another name, known only now."""


class _None:
    context: Context | None = None

    def rename(self, name: str) -> None:
        """Nobody listens."""

    def note(self, **attributes: Attribute) -> None:
        """Nobody listens."""


class _Made:
    def __init__(self, made: Any, context: Context) -> None:
        self._made = made
        self.context: Context | None = context

    def note(self, **attributes: Attribute) -> None:
        self._made.set_attributes(attributes)

    def rename(self, name: str) -> None:
        self._made.update_name(name)


_NONE: Final = _None()


def configure(settings: Settings, role: str) -> None:
    """Send spans of this process from now on, where a collector is named; the first call of a process counts.

    :param role: such as ``stream``; the service is called ``ioc-stream`` then.
    """
    global _tracer, _provider
    if _tracer is not None or not (settings.otlp_url or any(map(os.environ.get, _STANDARD))):
        return
    # here, and not above: it takes a third of a second and 20 MiB, which nobody pays who sends no traces
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    url = settings.otlp_url
    exporter = OTLPSpanExporter(endpoint=url.rstrip("/") + "/v1/traces") if url else OTLPSpanExporter()
    resource = Resource.create({"service.name": f"ioc-{role}", "service.version": platform_version()})
    provider = TracerProvider(resource=resource)
    # bounded: while the collector is away the oldest are let go, and nothing waits for it
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_WAITING_SPANS))
    _provider, _tracer = provider, provider.get_tracer("ioc")


def enabled() -> bool:
    """Whether spans are made."""
    return _tracer is not None


def flush() -> None:
    """Send what waits; takes some seconds at most."""
    if _provider is not None:
        _provider.force_flush(_FLUSH_MS)


@contextmanager
def span(
    name: str,
    *,
    within_trace: Context | None = None,
    links: Sequence[Context] = (),
    **attributes: Attribute,
) -> Iterator[Span]:
    """A span of what is done meanwhile; costs a microsecond where none is made.

    :param within_trace: what it is a part of, where that is elsewhere.
    :param links: what else it is about, such as the requests that brought a batch's records.
    """
    if _tracer is None:
        yield _NONE
        return
    from opentelemetry import trace

    def remote(context: Context) -> trace.SpanContext:
        flags = trace.TraceFlags(_SAMPLED if context.sampled else 0)
        return trace.SpanContext(
            int(context.trace, 16), int(context.span, 16), is_remote=True, trace_flags=flags
        )

    parent = None
    if within_trace is not None:
        # what others did not record is recorded here all the same: it is our own collector that is asked for
        begun = Context(within_trace.trace, within_trace.span, sampled=True)
        parent = trace.set_span_in_context(trace.NonRecordingSpan(remote(begun)))
    with _tracer.start_as_current_span(
        name,
        context=parent,
        links=[trace.Link(remote(one)) for one in links],
        attributes=attributes,
        # its words may hold what is not for others; its kind says enough
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        ids = made.get_span_context()
        context = Context(f"{ids.trace_id:032x}", f"{ids.span_id:016x}", sampled=True)
        try:
            with within(context):
                yield _Made(made, context)
        except Exception as error:
            made.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            raise
