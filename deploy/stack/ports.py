"""Ports on 127.0.0.1: free or not, and whose."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from ioc.errors import SettingsError
from ioc.settings import Settings


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now. A closed connection's TIME_WAIT does not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def holder(port: int) -> str | None:
    """``name (pid N)`` of the process that listens on a port, as far as this user may see it."""
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                parts = line.split()
                if parts[3] == "0A" and int(parts[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{parts[9]}]")
    if not inodes:
        return None
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) in inodes:
                        return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def require_free(port: int, what: str, setting: str, host: str = "127.0.0.1") -> None:
    """:raises SettingsError: naming the port, who has it, and the setting that changes it."""
    if not is_free(port, host):
        who = holder(port)
        raise SettingsError(
            f"Port {port} on {host}, meant for {what}, is taken" + (f" by {who}." if who else "."),
            remedy=f"Stop that program, or set {setting} to a free port.",
        )


def require_kafka_free(settings: Settings) -> None:
    """:raises SettingsError: one of the embedded Kafka's two ports is taken."""
    require_free(settings.kafka_port, "Kafka", "IOC_KAFKA_PORT")
    require_free(
        settings.kafka_port + 1, "Kafka's controller", "IOC_KAFKA_PORT (the next port is the controller's)"
    )


def require_database_free(settings: Settings) -> None:
    """:raises SettingsError: the embedded PostgreSQL's port is taken."""
    require_free(settings.database_port, "PostgreSQL", "IOC_DATABASE_PORT")


def require_all_free(settings: Settings) -> None:
    """Look at every port that the platform will need here.

    :raises SettingsError: for the first one that is taken.
    """
    if settings.kafka_is_embedded:
        require_kafka_free(settings)
    if settings.database_is_embedded:
        require_database_free(settings)
    require_free(settings.api_port, "the API", "IOC_API_PORT", settings.api_host)
    require_free(settings.ingest_port, "ingest", "IOC_INGEST_PORT", settings.ingest_host)
