"""Turns portal calls into facts and hands them over: versions for views, units for steps. One source, one thread."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import structlog

from connectors.onestop.aliases import AliasStore, rekey, store_path
from connectors.onestop.portal import Reading, UnusableError, View, code_of, read_dossier, read_step
from connectors.onestop.portal_source import PortalSource
from connectors.onestop.rows import content
from connectors.shared.privacy import Pseudonymiser, key_path, slug
from connectors.shared.relay import Fate, Relay
from connectors.shared.snapshots import SnapshotStore, Version
from connectors.shared.sqlite_file import open_file
from ioc.district.agencies import AgencyResolver
from ioc.errors import UnavailableError
from ioc.events import DossierEvent, DossierMerged, DossierRecorded, event_id

_RECORDED: Final = "ioc.dossier.recorded.v1"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ItemResult:
    """What became of one dossier or step of a call.

    :param code: the dossier's code; None when it has none that can be repeated.
    :param reason: why it was not taken; None when it was. Never holds a value.
    """

    code: str | None
    reason: str | None = None


@dataclass(frozen=True)
class Recorded:
    """What became of a call.

    :param fate: of the facts taken; done at once when there are none.
    :param facts: how many were handed over.
    """

    results: tuple[ItemResult, ...]
    fate: Future[Fate]
    facts: int


@dataclass(frozen=True)
class Call:
    """What a source tells about dossiers.

    :param upserts: whether ``items`` are dossiers (``DongBoHoSoMC``), else steps.
    :param agency: ``madonvi`` of the call.
    :param units: units that the caller may speak for; None for every one.
    """

    upserts: bool
    items: Sequence[Any]
    agency: str = ""
    units: tuple[str, ...] | None = None


class Recorder:
    """Records the calls of one source.

    Versions and units are kept in the state folder. They are read and written in a thread of the recorder's own, so
    that two calls about one dossier are told apart in the order in which they came.

    :param resolver: explains agencies' names, and remembers those that it can't.
    :param tolerance: how far ahead of this machine's clock a fact may be dated.
    :raises UnavailableError: when another process records the same source.
    """

    def __init__(
        self,
        source: PortalSource,
        state_dir: Path,
        relay: Relay,
        resolver: AgencyResolver,
        *,
        tolerance: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source, self._relay, self._resolver = source, relay, resolver
        self._tolerance, self._clock = tolerance, clock
        self._pseudonym = Pseudonymiser(key_path(state_dir, source.uri)) if source.hash_handlers else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"portal-{source.name}")
        base = state_dir / "checkpoints" / slug(source.uri)
        # SQLite's connections belong to the thread that opened them.
        self._store, self._units, self._aliases = self._thread.submit(
            lambda: (
                SnapshotStore(base.with_suffix(".sqlite")),
                _Units(base.with_suffix(".units.sqlite")),
                AliasStore(store_path(state_dir)),
            )
        ).result()

    def record(self, call: Call) -> Future[Recorded]:
        """Record a call; returns at once. The future fails when the state folder does.

        Calls are worked off one by one in the order of this method's calls.
        """
        return self._thread.submit(self._record, call)

    def close(self) -> None:
        """Finish what was handed in, and close the files."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _close(self) -> None:
        self._store.close()
        self._units.close()
        self._aliases.close()

    def _record(self, call: Call) -> Recorded:
        try:
            return self._taken(call)
        except (sqlite3.Error, OSError) as error:
            raise UnavailableError(
                f"The state of {self._source.name} can't be written: {type(error).__name__}.",
                remedy="Look at the disk's free space; then send the call again.",
            ) from error

    def _taken(self, call: Call) -> Recorded:
        now = self._clock()
        reading = Reading(self._source.uri, now, self._tolerance, self._unit_of, self._pseudonym)
        fallback = cache(lambda: self._fallback(call.agency, now))
        results: list[ItemResult] = []
        facts: list[DossierEvent] = []
        versions: list[Version] = []
        pending: dict[str, Version] = {}
        units: dict[str, str] = {}
        for item in call.items:
            try:
                if call.upserts:
                    view = read_dossier(item, reading, fallback)
                    self._allow(view.record.unit, call)
                    facts += self._facts(view, now, pending, versions)
                    units[view.code] = view.record.unit
                    code = view.code
                else:
                    step = read_step(
                        item, reading, lambda code: units.get(code) or self._units.get(code), fallback
                    )
                    self._allow(step.data.unit, call)
                    facts.append(step)
                    code = step.subject
            except UnusableError as error:
                results.append(ItemResult(code_of(item), str(error)))
            else:
                results.append(ItemResult(code))
        self._units.keep(units)
        # A number is written down before its event can be anywhere: no two contents ever share one.
        self._store.reserve(versions)
        merges: list[DossierMerged] = []
        if facts:
            facts = rekey(self._aliases, facts)
            merges = self._aliases.pending()
        fate = self._relay.accept([*facts, *merges])
        if versions or merges:
            fate.add_done_callback(lambda done: self._known(done, versions, merges))
        return Recorded(tuple(results), fate, len(facts))

    def _facts(
        self, view: View, now: datetime, pending: dict[str, Version], versions: list[Version]
    ) -> list[DossierEvent]:
        body = content(view.record)
        fingerprint = hashlib.blake2b(body, digest_size=16)
        for fact in view.others:
            fingerprint.update(fact.id.encode())
        version = self._version(view, fingerprint.digest(), now, pending)
        if version.known or version is pending.get(view.code):
            return []
        pending[view.code] = version
        versions.append(version)
        what = f"{_RECORDED}/{hashlib.blake2b(body, digest_size=16).hexdigest()}"
        recorded = DossierRecorded(
            specversion="1.0",
            id=event_id(self._source.uri, view.code, what, f"v{version.number}"),
            source=self._source.uri,
            subject=view.code,
            time=version.time,
            sequence=f"{version.number:012d}",
            data=view.record,
        )
        return [*view.others, recorded]

    def _version(self, view: View, fingerprint: bytes, now: datetime, pending: dict[str, Version]) -> Version:
        """Tell which version a view is, and when it began to hold.

        A view carries no change time. Its latest moment is the best guess when it is news; a change that moves
        no date, such as a status from 4 to 5, happened shortly before it was sent, so it takes the time of its arrival.
        """
        last = pending.get(view.code) or self._store.last(view.code)
        if last is not None and last.fingerprint == fingerprint:
            return last
        if last is None:
            return Version(view.code, 1, fingerprint, view.latest or now, False)
        moved = view.latest is not None and view.latest > last.time
        time = view.latest if moved and view.latest is not None else max(now, last.time)
        return Version(view.code, last.number + 1, fingerprint, time, False)

    def _known(self, done: Future[Fate], versions: list[Version], merges: list[DossierMerged]) -> None:
        """What is acknowledged or on disk needs no sending again."""
        if done.cancelled() or done.exception() is not None:
            return
        with contextlib.suppress(RuntimeError):  # closed meanwhile: the next run sends them once more
            self._thread.submit(self._acknowledge, versions, merges)

    def _acknowledge(self, versions: list[Version], merges: list[DossierMerged]) -> None:
        try:
            self._store.acknowledge((version.subject, version.number) for version in versions)
            if merges:
                self._aliases.confirm(merges)
        except (sqlite3.Error, UnavailableError) as error:
            log.warning("portal.unacknowledged", source=self._source.name, reason=type(error).__name__)

    def _allow(self, unit: str, call: Call) -> None:
        if call.units is not None and unit not in call.units:
            raise UnusableError("the key may not send facts of this unit")

    def _fallback(self, agency: str, now: datetime) -> str | None:
        """Unit of what no row of the pack explains: the source's, else that of ``madonvi``, else its very code."""
        if self._source.unit is not None:
            return self._source.unit
        name = agency.strip()
        if not name or len(name) > 50 or not name.isprintable():
            return None
        return self._unit_of(name, now) or name

    def _unit_of(self, name: str, at: datetime) -> str | None:
        return self._resolver.resolve(name, at, scheme=self._source.name)


class _Units:
    """The unit that each dossier had when it was seen last: steps don't say it."""

    def __init__(self, path: Path) -> None:
        self._database = open_file(
            path,
            "create table if not exists unit (subject text primary key, unit text not null) without rowid",
            synchronous="normal",
        )

    def get(self, code: str) -> str | None:
        row = self._database.execute("select unit from unit where subject = ?", (code,)).fetchone()
        return None if row is None else str(row[0])

    def keep(self, units: dict[str, str]) -> None:
        if not units:
            return
        self._database.execute("begin")
        try:
            self._database.executemany(
                "insert into unit (subject, unit) values (?, ?)"
                " on conflict (subject) do update set unit = excluded.unit where unit <> excluded.unit",
                units.items(),
            )
        finally:
            self._database.execute("commit")

    def close(self) -> None:
        self._database.close()
