"""A camera that speaks ONVIF's device service over HTTP, with a clock of its own: the few SOAP calls, for real.

It tells its time to everybody and what it is to who logs in with WS-UsernameToken, written in the camera's own time: a
token that is more than ``window_s`` off its clock, or that was used before, is refused, as real cameras do.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

_WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
_DEVICE = "{http://www.onvif.org/ver10/device/wsdl}"


@dataclass
class OnvifCamera:
    """What the peer is; may be changed while it runs."""

    offset: timedelta = timedelta()
    user: str = "operator"
    password: str = "right horse"
    window_s: float = 5.0
    nonces: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def answer(self, body: bytes) -> tuple[int, str]:
        envelope = ElementTree.fromstring(body)  # noqa: S314 - from our own test
        action = next(node.tag for node in envelope.iter() if node.tag.startswith(_DEVICE))[len(_DEVICE) :]
        self.asked.append(action)
        if action == "GetSystemDateAndTime":
            return 200, self._time()
        if not self._knows(envelope):
            return 400, (
                "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>"
                "<s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code></s:Fault>"
            )
        return 200, (
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>Peer</tds:Manufacturer><tds:Model>PX-1</tds:Model>"
            "<tds:FirmwareVersion>1.2.3</tds:FirmwareVersion></tds:GetDeviceInformationResponse>"
        )

    def _time(self) -> str:
        now = self.now
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time>"
            f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _knows(self, envelope: ElementTree.Element) -> bool:
        token = next(envelope.iter(f"{_WSSE}UsernameToken"), None)
        if token is None:
            return False
        user, told, nonce, created = (
            token.findtext(name, "")
            for name in (f"{_WSSE}Username", f"{_WSSE}Password", f"{_WSSE}Nonce", f"{_WSU}Created")
        )
        wanted = hashlib.sha1(  # noqa: S324 - as the profile says
            base64.b64decode(nonce) + created.encode() + self.password.encode()
        ).digest()
        drift_s = abs((datetime.fromisoformat(created) - self.now).total_seconds())
        fresh = nonce not in self.nonces
        self.nonces.add(nonce)
        return user == self.user and base64.b64decode(told) == wanted and drift_s <= self.window_s and fresh


@contextmanager
def running(camera: OnvifCamera) -> Iterator[OnvifCamera]:
    """The peer on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, content = camera.answer(body) if self.path == "/onvif/device_service" else (404, "")
            text = (
                '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
                'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema" '
                f'xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>{content}</s:Body></s:Envelope>'
            ).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    camera.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield camera
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
