"""Runs what a district pack names: one process for all cameras, one for all access points, one for each kind of source.

Processes, because a library that hangs, leaks or crashes must not take other kinds with it; not one for each line,
because a process costs some 70 MB and a district may name fifty. Inside, each line has a thread or task of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from deploy.stack.backoff import Backoff
from deploy.stack.layout import Layout, write_atomically
from deploy.stack.process import Command, Process
from ioc.district import Pack, examine
from ioc.district.model import DeviceKind
from ioc.district.probing import behind, probed
from ioc.settings import Settings

_LOOK_S: Final = 2.0
_TEND_S: Final = 0.5
_GRACE_S: Final = 8.0
#: Files whose change the pollers of devices notice by themselves.
_THEIR_OWN: Final = ("devices.csv", "sources.csv", "agencies.csv", "procedures.csv", "fields.csv")
_DEVICES: Final = {DeviceKind.CAMERA: "cameras", DeviceKind.WIFI: "wifi"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Group:
    """What one process reads.

    :param name: of the process.
    :param arguments: of ``ioc connect``.
    :param members: codes of devices or sources.
    :param fingerprint: the process starts anew when it changes.
    """

    name: str
    arguments: tuple[str, ...]
    members: tuple[str, ...]
    fingerprint: str


def groups_of(pack: Pack, folder: Path, *, kinds: Iterable[str]) -> dict[str, Group]:
    """Processes that a pack asks for today, by name.

    :param kinds: kinds of sources that a process of their own reads.
    """
    today = datetime.now(ZoneInfo(pack.time_zone)).date()
    found: dict[str, Group] = {}
    for kind, name in _DEVICES.items():
        codes = tuple(
            device.code
            for device in pack.devices
            if device.kind is kind
            and probed(device)
            and device.address
            and behind(device) is None
            and device.period.holds_on(today)
        )
        if codes:
            found[name] = Group(
                name, (name, "--name", f"pack-{name}"), codes, _digest(folder, without=_THEIR_OWN)
            )
    for kind_name in kinds:
        sources = [s for s in pack.sources if s.kind.name == kind_name and s.period.holds_on(today)]
        if sources:
            codes = tuple(source.code for source in sources)
            digest = _digest(folder, without=()) + ",".join(codes)
            found[kind_name] = Group(kind_name, ("sources", kind_name), codes, digest)
    return found


def _digest(folder: Path, *, without: tuple[str, ...]) -> str:
    """Digest of the pack's files; secrets and mappings beside them count too."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in without and not path.name.startswith("."):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass
class _Child:
    group: Group
    process: Process
    backoff: Backoff
    restarts: int = 0
    next_start: float = 0.0
    counted: bool = True
    """Whether its last end was seen."""


class Connecting:
    """Keeps one process a group running, and follows the pack.

    :param folder: the district pack.
    :param kinds: kinds of sources that a process of their own reads.
    """

    def __init__(self, settings: Settings, folder: Path, *, kinds: Iterable[str]) -> None:
        self._layout = Layout.of(settings)
        self._folder = folder
        self._kinds = tuple(kinds)
        self._children: dict[str, _Child] = {}
        self._version: object = None
        self._day: object = None
        self._problems: list[str] = []
        self._told = False

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set, then end every process and wait for it."""
        next_look = 0.0
        try:
            while not stop.is_set():
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + _LOOK_S
                    self._follow()
                self._tend()
                stop.wait(_TEND_S if self._children else _LOOK_S)
        finally:
            for child in self._children.values():
                child.process.ask_to_stop()
            for child in self._children.values():
                child.process.stop()
            self._children.clear()
            self._write()

    def _follow(self) -> None:
        """Read the pack again when a file of it, or the day, is another one."""
        version = _version(self._folder), datetime.now(ZoneInfo("UTC")).strftime("%F %H")
        if version == self._version:
            return
        self._version = version
        try:
            reading = examine(self._folder)
            problems = [str(problem) for problem in reading.errors]
            wanted = (
                None if reading.usable is None else groups_of(reading.usable, self._folder, kinds=self._kinds)
            )
        except OSError as error:  # a file vanished between two looks
            problems, wanted = [f"{self._folder}: {error.strerror}"], None
            self._version = None
        if problems != self._problems:
            self._problems = problems
            for problem in problems[:20]:
                log.error("pack.mistake", problem=problem, others_go_on=True)
        if wanted is not None:
            self._apply(wanted)
        self._write()

    def _apply(self, wanted: dict[str, Group]) -> None:
        ending = [
            name
            for name, child in self._children.items()
            if name not in wanted or wanted[name].fingerprint != child.group.fingerprint
        ]
        for name in ending:
            self._children[name].process.ask_to_stop()
        for name in ending:
            self._children.pop(name).process.stop()
        for name, group in wanted.items():
            if name in self._children:
                self._children[name].group = group
            else:
                self._children[name] = _Child(group, self._process(group), Backoff())
                log.info(
                    "connect.starts", kind=name, members=list(group.members)[:20], count=len(group.members)
                )
        if not wanted and not self._told:
            log.info(
                "connect.idle",
                pack=str(self._folder),
                reason="the pack names no source and no device with an address",
            )
        self._told = not wanted

    def _process(self, group: Group) -> Process:
        return Process(
            Command(
                name=f"connect-{group.name}",
                argv=(sys.executable, "-m", "ioc.cli", "connect", *group.arguments),
                log=self._layout.logs / f"pack-{group.name}.log",
                lock=self._layout.processes_lock,
                environment={"PYTHONUNBUFFERED": "1", "IOC_PACK": str(self._folder)},
                directory=Path.cwd(),
                grace_s=_GRACE_S,
            )
        )

    def _tend(self) -> None:
        now = time.monotonic()
        changed = False
        for child in self._children.values():
            if child.process.running:
                continue
            if not child.counted:
                child.counted = changed = True
                child.restarts += 1
                child.next_start = now + child.backoff.next_wait(time.time() - child.process.started_at)
                log.warning(
                    "connect.ended",
                    kind=child.group.name,
                    status=child.process.exit_code,
                    log=str(child.process.command.log),
                )
            if now >= child.next_start:
                child.process.start()
                child.counted, changed = False, True
        if changed:
            self._write()

    def _write(self) -> None:
        """Leave what is known where ``ioc status`` finds it."""
        facts = {
            "written_at": time.time(),
            "pack": str(self._folder),
            "problems": self._problems,
            "processes": [
                {
                    "name": child.group.name,
                    "members": len(child.group.members),
                    "pid": child.process.pid if child.process.running else None,
                    "restarts": child.restarts,
                    "last_exit": child.process.exit_code,
                    "log": str(child.process.command.log),
                }
                for child in self._children.values()
            ],
        }
        with contextlib.suppress(OSError):  # a full disk must not end the connectors
            self._layout.run.mkdir(parents=True, exist_ok=True)
            write_atomically(self._layout.run / "connectors.json", json.dumps(facts))


def _version(folder: Path) -> object:
    """Changes when a file of the folder does."""
    try:
        return sorted(
            (path.name, found.st_mtime_ns, found.st_ino, found.st_size)
            for path in folder.iterdir()
            if not path.name.startswith(".") and path.is_file()
            for found in (path.stat(),)
        )
    except OSError:
        return None
