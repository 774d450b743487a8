"""Imports a CSV of dossiers: read and check all of it, then send, then remember what was acknowledged."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final, TextIO, TypeVar

from connectors.onestop.mapping import Mapping
from connectors.onestop.reading import CsvFile
from connectors.onestop.rows import Facts, Rejection, RowReader, content, read_record
from connectors.onestop.staging import Staging, View, Waiting
from connectors.shared.privacy import Pseudonymiser, key_path, slug
from connectors.shared.publisher import Sink
from connectors.shared.snapshots import SnapshotStore, Version
from ioc import events
from ioc.events import DossierRecorded, event_id

_CHUNK: Final = 5_000
_LISTED: Final = 20
_UNDECODABLE_LIMIT: Final = 0.01
"""A larger share of rows with undecodable bytes is a wrong encoding, not a few bad rows."""
_RECORDED: Final = "ioc.dossier.recorded.v1"

T = TypeVar("T")
Tick = Callable[[str, int, int], None]
"""Told now and then: what is being done, how much of it, out of how much."""


@dataclass
class Report:
    """What an import found and did."""

    file: str
    rows: int = 0
    dossiers: int = 0
    published: int = 0
    repeated: int = 0
    """Progress rows that stand in the file more than once; sent once."""
    unchanged: int = 0
    """Dossiers that are as Kafka already had them; sent again under their old ids, which counts for nothing."""
    disagreeing: int = 0
    """Dossiers whose rows tell different things without a change time; the row with the latest moment counts."""
    unmapped: Counter[str] = field(default_factory=Counter)
    """Values left unknown because the mapping does not list them, by column."""
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    """The first 20."""
    rejected_file: Path | None = None
    dry_run: bool = False
    would_publish: int = 0


class Importer:
    """Imports files of one source.

    :param mapping: what the columns mean.
    :param state_dir: holds the snapshots, the pseudonyms' key and the files of rejected rows.
    :param future_tolerance_s: how far ahead of this machine's clock a fact may be dated, in seconds.
    """

    def __init__(self, mapping: Mapping, state_dir: Path, *, future_tolerance_s: float = 300.0) -> None:
        self._mapping = mapping
        self._state_dir = state_dir
        self._tolerance = timedelta(seconds=future_tolerance_s)
        handler = mapping.progress.handler if mapping.progress else None
        self._hashes = handler is not None and handler.treatment == "hash"

    def run(
        self, path: Path, sink: Callable[[], Sink] | None, *, tick: Tick = lambda _what, _done, _of: None
    ) -> Report:
        """Import one file.

        :param sink: gives the place to send to, asked once the whole file was read; None reads and reports only.
        :param tick: is told about progress.
        :raises InputError: when the file as a whole can't be read; nothing was sent then.
        :raises UnavailableError: when Kafka does not acknowledge. Running it again sends the rest; what was sent
            already keeps its ids.
        """
        now = datetime.now(UTC)
        report = Report(file=str(path), dry_run=sink is None)
        stem = f"{slug(path.stem)}-{now:%Y%m%dT%H%M%S%f}"
        folder = self._state_dir / "imports"
        with Staging(folder / f"{stem}.staging.sqlite") as staging:
            self._read(path, staging, report, now, folder / f"{stem}.rejected.csv", tick)
            with SnapshotStore(
                self._state_dir / "checkpoints" / f"{slug(self._mapping.source)}.sqlite"
            ) as store:
                for chunk in _chunks(self._versions(staging, store, report)):
                    if sink is not None:
                        store.reserve(chunk)
                report.would_publish = staging.event_count()
                if sink is not None:
                    self._send(staging, store, sink(), report, tick)
        return report

    def _read(
        self, path: Path, staging: Staging, report: Report, now: datetime, rejected: Path, tick: Tick
    ) -> None:
        file = CsvFile(path, self._mapping)
        key = key_path(self._state_dir, self._mapping.source)
        reader = RowReader(
            self._mapping,
            file.header,
            file.positions,
            now + self._tolerance,
            Pseudonymiser(key) if self._hashes else None,
        )
        with _RejectedFile(rejected) as faults:
            for row in file.rows():
                report.rows += 1
                facts = reader.read(row)
                if isinstance(facts, Rejection):
                    faults.add(facts)
                    if len(report.rejections) < _LISTED:
                        report.rejections.append(facts)
                else:
                    self._stage(facts, staging, report)
                if report.rows % 1_000 == 0:
                    tick("reading", file.bytes_read, file.size)
            if report.rows == 0:
                raise file.no_rows()
            if reader.undecodable_rows > _UNDECODABLE_LIMIT * report.rows:
                faults.discard()
                raise file.wrong_encoding(reader.undecodable_rows, report.rows, reader.first_undecodable)
            report.rejected = faults.count
            report.rejected_file = rejected if faults.count else None
        report.unmapped = reader.unmapped
        report.dossiers = staging.dossiers()
        report.disagreeing = staging.disagreeing()

    def _stage(self, facts: Facts, staging: Staging, report: Report) -> None:
        body = content(facts.record)
        latest = facts.latest
        if facts.changed_at is None and facts.progress is not None:
            latest = max(latest, facts.progress.time)
        staging.add_view(
            View(facts.code, latest, hashlib.blake2b(body, digest_size=16).digest(), body),
            dated=facts.changed_at is not None,
        )
        if facts.progress is not None:
            event = facts.progress
            fresh = staging.add_event(
                event.time, event.sequence, event.id, Waiting(facts.code, None, events.encode(event))
            )
            report.repeated += not fresh

    def _versions(self, staging: Staging, store: SnapshotStore, report: Report) -> Iterator[Version]:
        """Give every view its id and put its event among those that wait; yields those that need a version number."""
        dated = self._mapping.dossier.changed_at is not None
        for view in staging.views():
            record = read_record(view.content)
            what = f"{_RECORDED}/{view.fingerprint.hex()}"
            known = [t for t in (record.received_at, record.completed_at, record.withdrawn_at) if t]
            if dated:
                time, sequence, number = view.latest, "", None
                made = event_id(self._mapping.source, view.code, what, time)
            else:
                version = store.resolve(view.code, view.fingerprint, max(known, default=view.latest))
                report.unchanged += version.known
                time, sequence, number = version.time, f"{version.number:012d}", version.number
                made = event_id(self._mapping.source, view.code, what, f"v{number}")
                yield version
            event = DossierRecorded(
                specversion="1.0",
                id=made,
                source=self._mapping.source,
                subject=view.code,
                time=time,
                sequence=sequence,
                data=record,
            )
            staging.add_event(time, sequence, made, Waiting(view.code, number, events.encode(event)))

    def _send(self, staging: Staging, store: SnapshotStore, sink: Sink, report: Report, tick: Tick) -> None:
        for chunk in _chunks(staging.events()):
            for waiting in chunk:
                sink.publish(events.decode(waiting.payload))
            sink.flush()
            store.acknowledge((w.code, w.version) for w in chunk if w.version is not None)
            report.published += len(chunk)
            tick("sending", report.published, report.would_publish)


def _chunks(items: Iterator[T]) -> Iterator[list[T]]:
    while chunk := list(islice(items, _CHUNK)):
        yield chunk


class _RejectedFile:
    """Line, column, kind of value and reason of every rejected row; made when there is a first one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self.count = 0

    def __enter__(self) -> _RejectedFile:
        return self

    def add(self, fault: Rejection) -> None:
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(("line", "column", "found", "reason"))
        self._writer.writerow((fault.line, fault.column, fault.found, fault.reason))
        self.count += 1

    def discard(self) -> None:
        self.__exit__()
        self._path.unlink(missing_ok=True)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
