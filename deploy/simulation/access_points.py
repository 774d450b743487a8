"""Simulated access points: an SNMP v2c agent for all of them, told apart by community, with values that live.

They look like UniFi units: UBNT-UniFi-MIB for radios, networks and model, IF-MIB for interfaces. The protocol is
pysnmp's; only the table of values is ours. An access point that is silent gets no answer. A TCP port beside it
stands for the host: it is open as long as the point has power.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import structlog
from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pysnmp.error import PySnmpError
from pysnmp.proto import api
from pysnmp.proto.api import v2c

from deploy.simulation.cameras import free_port
from deploy.simulation.incidents import Kind

log = structlog.get_logger(__name__)

Oid: TypeAlias = tuple[int, ...]
_UNIFI: Final = (1, 3, 6, 1, 4, 1, 41112, 1, 6)
_IF: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_IFX: Final = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_SYSTEM: Final = (1, 3, 6, 1, 2, 1, 1)
_NET_SNMP: Final = (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10)
_MODEL: Final = "UAP-AC-LR (simulated)"
_FIRMWARE: Final = "6.6.77"
#: Most variables in one answer: it must fit into one datagram.
_MOST: Final = 40
#: Bytes that one phone moves each second, in and out of the access point.
_DOWN_RATE, _UP_RATE = 42_000, 6_500
_UP: Final = 1


@dataclass
class AccessPoint:
    """What one access point knows of itself."""

    code: str
    fault: Kind | None = None
    clients: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    started: float = field(default_factory=time.monotonic)
    _counted: float = field(default_factory=time.monotonic)

    def update(self, clients: int, fault: Kind | None) -> None:
        """Take the state of this moment; traffic since the last one is counted."""
        now = time.monotonic()
        passed = now - self._counted
        self.rx_bytes += int(self.clients * _UP_RATE * passed) + 200
        self.tx_bytes += int(self.clients * _DOWN_RATE * passed) + 900
        if self.fault is Kind.OUTAGE and fault is not Kind.OUTAGE:  # power came back: it booted
            self.started, self.rx_bytes, self.tx_bytes = now, 0, 0
        self.clients, self.fault, self._counted = clients, fault, now

    def values(self) -> dict[Oid, Any]:
        """The agent's whole table."""
        near = self.clients * 2 // 3
        found: dict[Oid, Any] = {
            (*_SYSTEM, 1, 0): v2c.OctetString(f"{_MODEL} {_FIRMWARE}"),
            (*_SYSTEM, 2, 0): v2c.ObjectIdentifier(_NET_SNMP),
            (*_SYSTEM, 3, 0): v2c.TimeTicks(int((time.monotonic() - self.started) * 100) % 2**32),
            (*_SYSTEM, 5, 0): v2c.OctetString(self.code),
            (*_UNIFI, 3, 3, 0): v2c.OctetString(_MODEL),
            (*_UNIFI, 3, 6, 0): v2c.OctetString(_FIRMWARE),
        }
        radios = (("na", 36, near), ("ng", 6, self.clients - near))
        for row, (radio, channel, clients) in enumerate(radios):
            found |= {
                (*_UNIFI, 1, 1, 1, 3, row): v2c.OctetString(radio),
                (*_UNIFI, 1, 1, 1, 6, row): v2c.Integer32(min(5 + 2 * clients, 95)),
                (*_UNIFI, 1, 2, 1, 4, row): v2c.Gauge32(channel),
                (*_UNIFI, 1, 2, 1, 6, row): v2c.OctetString("Wifi Mot cua"),
                (*_UNIFI, 1, 2, 1, 8, row): v2c.Gauge32(clients),
                (*_UNIFI, 1, 2, 1, 9, row): v2c.OctetString(radio),
            }
        share = near / self.clients if self.clients else 0.5
        interfaces = (("eth0", 1.0), ("ra0", share), ("rai0", 1.0 - share))
        for index, (name, part) in enumerate(interfaces, 1):
            # what the uplink receives is what the radios send
            received, sent = (
                (self.tx_bytes, self.rx_bytes) if name == "eth0" else (self.rx_bytes, self.tx_bytes)
            )
            found |= {
                (*_IF, 2, index): v2c.OctetString(name),
                (*_IF, 8, index): v2c.Integer32(_UP),
                (*_IFX, 1, index): v2c.OctetString(name),
                (*_IFX, 6, index): v2c.Counter64(int(received * part)),
                (*_IFX, 10, index): v2c.Counter64(int(sent * part)),
            }
        return found


class AccessPoints(asyncio.DatagramProtocol):
    """The agent of every access point on one UDP port; a community names the access point."""

    def __init__(self, codes: list[str]) -> None:
        self.by_code = {code: AccessPoint(code) for code in codes}
        self.port = 0
        self.host_ports: dict[str, int] = {code: free_port() for code in codes}
        self._hosts: dict[str, asyncio.Server] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    async def update(self, code: str, clients: int, fault: Kind | None) -> None:
        """Bring one access point to the state of this moment."""
        self.by_code[code].update(clients, fault)
        host = self._hosts.get(code)
        if fault is Kind.OUTAGE and host is not None:
            del self._hosts[code]
            host.close()
        elif fault is not Kind.OUTAGE and host is None:
            self._hosts[code] = await asyncio.start_server(_hang_up, "127.0.0.1", self.host_ports[code])

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer one request, or none: unreadable ones and those for nobody are dropped, as agents do."""
        try:
            answer = self.answer(data)
        except (PyAsn1Error, PySnmpError, ValueError, IndexError) as error:
            log.debug("snmp.unreadable", error=type(error).__name__)
            return
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)

    def answer(self, data: bytes) -> bytes | None:
        """The answer to one SNMP v2c message; None where an agent would stay silent."""
        if int(api.decodeMessageVersion(data)) != api.SNMP_VERSION_2C:
            return None
        request, _ = decoder.decode(data, asn1Spec=v2c.Message())
        community = bytes(v2c.apiMessage.get_community(request)).decode("ascii", "replace")
        access_point = self.by_code.get(community)
        if access_point is None or access_point.fault in (Kind.OUTAGE, Kind.SILENT):
            return None
        reply = v2c.apiMessage.get_response(request)
        asked, told = v2c.apiMessage.get_pdu(request), v2c.apiMessage.get_pdu(reply)
        found = _look_up(asked, access_point.values())
        if found is None:
            return None
        v2c.apiPDU.set_varbinds(told, found)
        return bytes(encoder.encode(reply))


def _look_up(asked: Any, table: dict[Oid, Any]) -> list[tuple[Any, Any]] | None:
    names = [tuple(name) for name, _ in v2c.apiPDU.get_varbinds(asked)]
    if asked.isSameTypeWith(v2c.GetRequestPDU()):
        return [(v2c.ObjectIdentifier(name), table.get(name, v2c.NoSuchObject(""))) for name in names[:_MOST]]
    ordered = sorted(table)
    if asked.isSameTypeWith(v2c.GetNextRequestPDU()):
        return [_next(ordered, table, name) for name in names[:_MOST]]
    if not asked.isSameTypeWith(v2c.GetBulkRequestPDU()):
        return None
    once = max(int(v2c.apiBulkPDU.get_non_repeaters(asked)), 0)
    times = max(int(v2c.apiBulkPDU.get_max_repetitions(asked)), 0)
    found = [_next(ordered, table, name) for name in names[:once]]
    reached = names[once:]
    for _ in range(times if reached else 0):
        row = [_next(ordered, table, name) for name in reached]
        found += row
        reached = [tuple(name) for name, _ in row]
        if len(found) + len(reached) > _MOST:
            break
    return found


def _next(ordered: list[Oid], table: dict[Oid, Any], name: Oid) -> tuple[Any, Any]:
    place = bisect_right(ordered, name)
    if place == len(ordered):
        return v2c.ObjectIdentifier(name), v2c.EndOfMibView("")
    return v2c.ObjectIdentifier(ordered[place]), table[ordered[place]]


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()
