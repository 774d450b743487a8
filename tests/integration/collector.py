"""A small real OpenTelemetry collector: takes OTLP over HTTP and keeps the spans."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Kept:
    """A span as it arrived; ids in hexadecimal.

    :param linked: traces that it is linked with.
    """

    service: str
    name: str
    trace: str
    parent: str
    linked: tuple[str, ...]
    attributes: dict[str, str]
    events: int


@dataclass
class Collector:
    """What arrived so far."""

    url: str = ""
    spans: list[Kept] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def of(self, service: str, name: str | None = None) -> list[Kept]:
        """Spans of a service, with a name."""
        return [one for one in list(self.spans) if one.service == service and name in {None, one.name}]

    def take(self, body: bytes) -> None:
        """Keep a request's spans."""
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            told = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [
                    Kept(
                        told["service.name"],
                        span.name,
                        span.trace_id.hex(),
                        span.parent_span_id.hex(),
                        tuple(link.trace_id.hex() for link in span.links),
                        {
                            pair.key: pair.value.string_value or str(pair.value.int_value)
                            for pair in span.attributes
                        },
                        len(span.events),
                    )
                    for span in scope.spans
                ]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            found.take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
