"""The connectors that listen to the simulated district: one process each, restarted when they end, gone with us."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

import structlog
from pydantic import SecretStr

import deploy
from deploy.simulation.feeds import Spool
from deploy.simulation.peers import CAMERAS, WIFI
from deploy.stack.layout import Layout
from deploy.stack.process import Command, Process
from ioc.settings import Settings

log = structlog.get_logger(__name__)

MAPPING: Final = Path(__file__).with_name("motcua-simulated.toml")
_SHORTEST_S, _LONGEST_S = 1.0, 30.0
#: A connector that lived this long is well: its next restart is quick again.
_WELL_S: Final = 60.0


def environment(settings: Settings) -> dict[str, str]:
    """Environment in which another process reads these same settings."""
    found = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            found[f"IOC_{name.upper()}"] = text
    root = str(Path(deploy.__file__ or "").parents[1])
    found["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return found


@dataclass
class _Child:
    process: Process
    back_off_s: float = _SHORTEST_S
    next_start: float = 0.0


@dataclass
class Connectors:
    """The four connectors of a simulation.

    :param folder: where target files and watched folders are.
    """

    settings: Settings
    folder: Path
    spool: Spool
    NAMES: ClassVar = ("cameras", "wifi", "onestop", "queues")
    """Of its connectors, as they report."""
    _children: list[_Child] = field(default_factory=list, init=False)

    def start(self) -> None:
        """Start them all; they find their devices and files by themselves."""
        commands = {
            "cameras": ["--targets", str(self.folder / CAMERAS)],
            "wifi": ["--targets", str(self.folder / WIFI)],
            "onestop": ["--watch", str(self.spool.dossiers), "--mapping", str(MAPPING)],
            "queues": ["--watch", str(self.spool.tickets), "--source", "//simulation/queues"],
        }
        layout = Layout.of(self.settings)
        for name, arguments in commands.items():
            command = Command(
                name=f"connect-{name}",
                argv=(sys.executable, "-m", "ioc.cli", "connect", name, *arguments),
                log=layout.logs / f"connect-{name}.log",
                lock=self.folder / "connectors.lock",
                environment=environment(self.settings),
                directory=Path.cwd(),
                grace_s=5.0,
            )
            self._children.append(_Child(Process(command)))
        self.tend()

    def tend(self) -> None:
        """Start what does not run, later and later while it keeps ending."""
        now = time.monotonic()
        for child in self._children:
            process = child.process
            if process.running or now < child.next_start:
                continue
            if process.exit_code is not None:
                log.warning("connector.ended", connector=process.command.name, status=process.exit_code)
                lived_s = time.time() - process.started_at
                child.back_off_s = _SHORTEST_S if lived_s > _WELL_S else min(child.back_off_s * 2, _LONGEST_S)
            child.next_start = now + child.back_off_s
            process.start()

    def pids(self) -> dict[str, int]:
        """Name and process id of those that run."""
        return {
            child.process.command.name: child.process.pid
            for child in self._children
            if child.process.running and child.process.pid is not None
        }

    def stop(self) -> None:
        """End them all, at the same time, and wait until they are gone."""
        for child in self._children:
            child.process.ask_to_stop()
        for child in self._children:
            child.process.stop()
        self._children.clear()
