"""Kinds of sources whose lines one poller reads together: controllers share their host's budget, senders our port."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from ioc.district import Pack
from ioc.district.sources import Source
from ioc.errors import InputError, IocError

if TYPE_CHECKING:
    from connectors.shared.runner import Job
    from connectors.wifi.accounting import NasEntry
    from connectors.wifi.controllers.targets import ControllerEntry

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Polled:
    """What a poller needs for one kind.

    :param jobs: reads the lines of the pack in a folder; a line that can't be used costs itself, and is logged.
    :param beside: entered while polling.
    """

    jobs: Callable[[Path], list[Job]]
    beside: AbstractAsyncContextManager[object]


def _unit(source: Source, pack: Pack) -> str:
    """The unit of what a source reports without a place: its own, its point's today, else the whole district."""
    today = datetime.now(ZoneInfo(pack.time_zone)).date()
    at_point = pack.unit_of(source.point, today) if source.point else None
    return source.unit or at_point or pack.root


def _number(source: Source, option: str, otherwise: float) -> float:
    text = source.options.get(option)
    try:
        found = otherwise if text is None else float(text)
    except ValueError:
        found = -1.0
    if not 1 <= found <= 65_535:
        raise InputError(f"Option {option} of {source.code} is no number from 1 to 65535.")
    return found


def controller_entry(source: Source, pack: Pack) -> ControllerEntry:
    """How a controller of the pack is asked.

    :raises InputError: when an option can't be used.
    """
    from connectors.pack import access_points
    from connectors.wifi.controllers.targets import ControllerEntry

    return ControllerEntry(
        device=source.code,
        unit=_unit(source, pack),
        kind="unifi" if source.kind.name == "unifi" else "openwisp",
        url=source.address or "",
        secret=source.secret or "",
        point=source.point,
        site=source.options.get("site", "default"),
        devices=int(_number(source, "devices", 50)),
        calls_a_minute=_number(source, "calls_a_minute", 60.0),
        ca=source.options.get("ca"),
        interval_s=source.interval_s or 60.0,
        source=source.uri,
        access_points=access_points(pack, source.code),
    )


def nas_entry(source: Source, pack: Pack) -> NasEntry:
    """An access server of the pack that sends accounting."""
    from connectors.pack import access_points
    from connectors.wifi.accounting import NasEntry

    return NasEntry(
        device=source.code,
        unit=_unit(source, pack),
        address=urlsplit(source.address or "").hostname or "",
        secret=source.secret or "",
        point=source.point,
        interval_s=source.interval_s or 60.0,
        source=source.uri,
        access_points=access_points(pack, source.code),
    )


def listens_on(sources: Sequence[Source]) -> int:
    """UDP port of ours that the access servers send to.

    :raises InputError: when two lines name two.
    """
    from connectors.wifi.accounting import PORT

    ports = {int(_number(source, "listen", PORT)) for source in sources}
    if len(ports) > 1:
        raise InputError(
            f"Lines of the kind radius name the ports {sorted(ports)}.",
            remedy="All of them send to one port.",
        )
    return ports.pop() if ports else PORT


def _controllers(kind: str, _sources: Sequence[Source]) -> Polled:
    from connectors.pack import usable_pack
    from connectors.wifi.controllers.targets import Controllers

    controllers = Controllers()

    def jobs(devices: Path) -> list[Job]:
        pack = usable_pack(devices.parent)
        by_host: dict[str, list[ControllerEntry]] = defaultdict(list)
        for source in active(pack, kind):
            with _told(source.code):
                entry = controller_entry(source, pack)
                by_host[entry.host].append(entry)
        found: list[Job] = []
        for entries in by_host.values():
            with _told(", ".join(entry.device for entry in entries)):
                found += controllers.of(entries, devices.parent)
        return found

    return Polled(jobs, nullcontext())


def _radius(kind: str, sources: Sequence[Source]) -> Polled:
    from connectors.pack import usable_pack
    from connectors.wifi.accounting import Accountant

    accountant = Accountant()

    def jobs(devices: Path) -> list[Job]:
        pack = usable_pack(devices.parent)
        usable: list[NasEntry] = []
        for source in active(pack, kind):
            with _told(source.code):
                entry = nas_entry(source, pack)
                Accountant().of(
                    [entry], devices.parent
                )  # alone: one that can't be used must not cost the others
                usable.append(entry)
        return accountant.of(usable, devices.parent)

    return Polled(jobs, accountant.listening(port=listens_on(sources)))


class _told:  # noqa: N801 - used like a function
    """Logs an error of a line instead of raising it."""

    def __init__(self, codes: str) -> None:
        self._codes = codes

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, IocError):
            return False
        log.error("source.unusable", source=self._codes, reason=error.message, remedy=error.remedy)
        return True


def active(pack: Pack, kind: str | None = None) -> tuple[Source, ...]:
    """Sources that hold today, of one kind or of all."""
    today = datetime.now(ZoneInfo(pack.time_zone)).date()
    return tuple(
        source
        for source in pack.sources
        if kind in (None, source.kind.name) and source.period.holds_on(today)
    )


def check(source: Source, pack: Pack, folder: Path) -> None:
    """See whether a line can be used, without the network.

    :raises IocError: when it can't.
    """
    if source.kind.name == "radius":
        from connectors.wifi.accounting import Accountant

        listens_on([source])
        Accountant().of([nas_entry(source, pack)], folder)
    else:
        from connectors.wifi.controllers.targets import Controllers

        Controllers().of([controller_entry(source, pack)], folder)


Open: TypeAlias = Callable[[str, Sequence[Source]], Polled]
POLLED: Final[Mapping[str, Open]] = {"unifi": _controllers, "openwisp": _controllers, "radius": _radius}
