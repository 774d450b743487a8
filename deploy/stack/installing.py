"""Shared steps of an installation: prepared aside, checked, and put in place by one rename."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(software: Path) -> Iterator[None]:
    """Hold the software folder: two installations at once would do the same work twice."""
    software.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        software.chmod(0o755)
    descriptor = os.open(software / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def staging(software: Path, name: str) -> Iterator[Path]:
    """A folder on the same disk to prepare an installation in; always removed. Remains of a kill go first."""
    for remains in software.glob(f".{name}-*"):
        shutil.rmtree(remains, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=software))
    work.chmod(0o755)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def publish(prepared: Path, target: Path) -> None:
    """Put a prepared folder in place: from one moment to the next it is there, whole."""
    if target.exists():
        shutil.rmtree(target)
    prepared.chmod(0o755)
    os.sync()
    prepared.rename(target)
