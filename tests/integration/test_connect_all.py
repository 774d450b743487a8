"""``ioc connect all``: a line of the pack is enough, and no line's trouble is another's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.stack.connecting import groups_of
from ioc import topics
from ioc.district import examine
from ioc.events import decode
from ioc.settings import Settings
from tests.integration.streaming import ROOT, IocProcess, wait_until
from tests.integration.test_connectors_kafka import records
from tests.peers.conftest import free_port
from tests.peers.mosquitto import Mosquitto

SHIPPED = ROOT / "deploy" / "packs" / "go-dau"
HEADER = "code,kind,address,secret,mapping,unit,options\n"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "pack"))


@pytest.fixture
def own(settings: Settings, tmp_path: Path, pack: Path) -> Settings:
    return settings.model_copy(update={"state_dir": tmp_path / "state", "pack": pack})


def write(pack: Path, *rows: str) -> None:
    (pack / "sources.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")


class All(IocProcess):
    """The running command."""

    def __init__(self, settings: Settings) -> None:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        super().__init__(settings, "all", "connect", "all", stop_s=60)

    def facts(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(
                (self.settings.state_dir / "run" / "connectors.json").read_text()
            )
        except (OSError, ValueError):
            return {"processes": [], "problems": []}
        return found

    def pids(self) -> dict[str, int]:
        return {one["name"]: one["pid"] for one in self.facts()["processes"] if one["pid"]}

    def kill_one(self, name: str) -> None:
        os.kill(self.pids()[name], signal.SIGKILL)

    def processor_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def everything(settings: Settings) -> Iterator[All]:
    running = All(settings)
    running.start()
    try:
        yield running
    except BaseException:
        for log in (running.log, *sorted((settings.state_dir / "logs").glob("*.log"))):
            print(f"== {log.name}\n{log.read_text(errors='replace')[-3000:]}")  # noqa: T201 - shown with the failure
        raise
    finally:
        running.stop()  # its children end with it


def ticket(number: int, **more: Any) -> bytes:
    now = datetime.now(UTC).isoformat()
    return json.dumps({"happened": "issued", "number": f"A{number:03d}", "time": now, **more}).encode()


def numbers(settings: Settings) -> set[tuple[str, str, str]]:
    """Kiosk, number and unit of each ticket in Kafka."""
    facts = [decode(record.value) for record in records(settings, topics.QUEUES)]
    return {(fact.subject, fact.data.number, fact.data.unit) for fact in facts}  # type: ignore[union-attr]


def test_what_a_pack_names_runs_and_follows_it(own: Settings, pack: Path, tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    with Mosquitto(tmp_path / "broker") as mosquitto:
        broker = f"kiosks,mqtt-queues,{mosquitto.address},,,go-dau.phuong,"
        write(
            pack, broker, "wrong,mqtt-kiosks,mqtt://nowhere,,,,", "files,folder,spool,,no-such,,holds=tickets"
        )
        with everything(own) as running:
            wait_until(lambda: "mqtt-queues" in running.pids(), within_s=60, what="the broker is read")
            assert any("sources.csv:3" in problem for problem in running.facts()["problems"])
            wait_until(
                lambda: "as ioc-go-dau-kiosks" in mosquitto.log.read_text(),
                within_s=60,
                what="it is connected",
            )
            mosquitto.publish("kiosks/kiosk-huyen-01/tickets", map(ticket, range(100)))
            mosquitto.publish("kiosks/other/tickets", [ticket(7), b"nothing", ticket(8)])
            running.kill_one("mqtt-queues")
            mosquitto.publish("kiosks/kiosk-huyen-01/tickets", map(ticket, range(100, 200)))
            expected = {("kiosk-huyen-01", f"A{n:03d}", "go-dau.phuong") for n in range(200)}
            expected |= {("other", f"A{n:03d}", "go-dau.phuong") for n in (7, 8)}
            wait_until(lambda: numbers(own) == expected, within_s=60, what="each ticket is in Kafka")

            (pack / "spool").mkdir()
            (pack / "shared-secret").write_text("a secret of both")
            listen = free_port(socket.SOCK_DGRAM)
            nas = f"nas,radius,udp://127.0.0.1,file:shared-secret,,,listen={listen}"
            points = f"points,mqtt-wifi,{mosquitto.address},,,,"
            write(pack, broker, "files,folder,spool,,,,holds=tickets", nas, points)
            (pack / "spool" / "a.jsonl").write_bytes(ticket(900, kiosk="kiosk-huyen-01") + b"\n")
            more = expected | {("kiosk-huyen-01", "A900", "go-dau.phuong")}
            wait_until(
                lambda: numbers(own) == more, within_s=60, what="the new line is read without a restart"
            )
            assert running.facts()["problems"] == []
            wait_until(
                lambda: "as ioc-go-dau-points" in mosquitto.log.read_text(),
                within_s=60,
                what="status is read",
            )
            mosquitto.publish("wifi/ap-bau-don-01/status", [b'{"status":"ok","clients":3}'])
            wait_until(
                lambda: (
                    {"nas", "ap-bau-don-01"} <= {decode(r.value).subject for r in records(own, topics.WIFI)}
                ),
                within_s=60,
                what="the access server and the access point that were added are told of",
            )

            write(pack, "files,folder,spool,,,,holds=tickets")
            wait_until(
                lambda: set(running.pids()) == {"folder"}, within_s=60, what="the line taken out is left"
            )
            pids = running.pids()
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())


def test_a_pack_without_sources_costs_next_to_nothing(own: Settings) -> None:
    with everything(own) as running:
        wait_until(
            lambda: "connect.idle" in running.log.read_text(), within_s=60, what="it says that it idles"
        )
        before = running.processor_s()
        wait_until(lambda: running.facts().get("pack"), within_s=60, what="the state is left")
        assert running.pids() == {}
        assert running.processor_s() - before < 1.0
        assert running.stop() == 0


def test_a_pack_that_can_not_be_used_is_told_and_mended_without_a_restart(own: Settings, pack: Path) -> None:
    manifest = (pack / "pack.toml").read_text("utf-8")
    (pack / "pack.toml").write_text("", "utf-8")
    with everything(own) as running:
        wait_until(lambda: running.facts()["problems"], within_s=60, what="the mistakes are told")
        (pack / "pack.toml").write_text(manifest, "utf-8")
        wait_until(
            lambda: "connect.idle" in running.log.read_text(), within_s=60, what="the pack is read again"
        )


def test_a_process_a_kind_and_a_fingerprint_that_tells_what_matters(pack: Path) -> None:
    write(pack, "b,mqtt-queues,mqtt://b,,,,", "c,mqtt-queues,mqtt://c,,,,", "h,http,,,,,")
    devices = (pack / "devices.csv").read_text("utf-8")
    (pack / "devices.csv").write_text(
        devices.replace("Wifi Bàu Đồn,,", "Wifi Bàu Đồn,snmp://10.0.0.1,"), "utf-8"
    )

    def groups() -> dict[str, Any]:
        found = examine(pack).usable
        assert found is not None
        return groups_of(found, pack, kinds=("mqtt-queues", "folder"))

    first = groups()
    assert {name: group.members for name, group in first.items()} == {
        "wifi": ("ap-bau-don-01",),
        "mqtt-queues": ("b", "c"),
    }
    (pack / "devices.csv").write_text((pack / "devices.csv").read_text("utf-8") + "\n# more\n", "utf-8")
    assert groups()["wifi"] == first["wifi"]  # the poller reads it again by itself
    assert groups()["mqtt-queues"] != first["mqtt-queues"]  # a kiosk's unit may have changed
    (pack / "points.csv").write_text((pack / "points.csv").read_text("utf-8") + "\n# more\n", "utf-8")
    assert groups()["wifi"] != first["wifi"]
