"""Ports on 127.0.0.1: free or not, and whose."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from ioc.errors import SettingsError


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
