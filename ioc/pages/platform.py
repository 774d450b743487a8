"""What the pages stand on: one of these in a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ioc.api.database import Database, Shared
from ioc.api.exports import Desk
from ioc.api.identity import Gate
from ioc.pages.live import Live
from ioc.settings import Settings


@dataclass(frozen=True)
class Platform:
    """The parts of the process that serves, for pages to ask.

    :param shared: answers that many ask for at once.
    :param live: what changes by itself, for those who look.
    :param pack: folder of the district pack; None where none is here.
    """

    settings: Settings
    database: Database
    gate: Gate
    desk: Desk
    shared: Shared
    live: Live = field(default_factory=Live)
    pack: Path | None = None
