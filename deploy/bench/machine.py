"""What a measurement was made on: machine and versions. Never names of hosts, people or folders."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from deploy.bench.ground import Ground
from deploy.stack import install_kafka

_PACKAGES = (
    "faust-streaming",
    "aiokafka",
    "msgspec",
    "numpy",
    "psycopg",
    "confluent-kafka",
    "bytewax",
    "quixstreams",
)


@dataclass(frozen=True)
class Machine:
    """Where and when, in words."""

    date: str
    processor: str
    cores: int
    memory_gib: float
    system: str
    load: float
    versions: dict[str, str]


def look(ground: Ground) -> Machine:
    """Describe this machine and the servers that run on it."""
    with psycopg.connect(ground.postgres.dsn) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), extversion, current_setting('timescaledb.license')"
            " FROM pg_extension WHERE extname = 'timescaledb'"
        ).fetchone()
    postgres, timescale, licence = row if row is not None else ("?", "?", "?")
    versions = {
        "Python": platform.python_version(),
        "Apache Kafka": install_kafka.VERSION,
        "PostgreSQL": str(postgres).split(" ")[0],
        "TimescaleDB": f"{timescale} ({licence} edition)",
        **{name: metadata.version(name) for name in _PACKAGES},
    }
    return Machine(
        date=datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y-%m-%d %H:%M"),
        processor=processor(Path("/proc/cpuinfo").read_text()),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        load=os.getloadavg()[0],
        versions=versions,
    )


def processor(cpuinfo: str) -> str:
    """Return the processor's name from the text of ``/proc/cpuinfo``."""
    for line in cpuinfo.splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return platform.machine()
