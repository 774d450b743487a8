"""Imports a file of dossiers: read and check all of it, then send, then remember what was acknowledged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar, cast

from connectors.onestop.aliases import AliasStore, Named, rekey, store_path
from connectors.onestop.mapping import Mapping
from connectors.onestop.reading import Table, open_table, refusal
from connectors.onestop.report import Recorder, RejectedFile, Report
from connectors.onestop.rows import (
    Facts,
    Rejection,
    RowReader,
    content,
    past_moments,
    read_record,
    recorded,
)
from connectors.onestop.staging import Staging, View, Waiting
from connectors.shared.privacy import Pseudonymiser, key_path, slug
from connectors.shared.publisher import Sink
from connectors.shared.snapshots import SnapshotStore, Version
from ioc import events
from ioc.errors import InputError
from ioc.events import DossierEvent

_CHUNK: Final = 5_000
_UNDECODABLE_LIMIT: Final = 0.01
"""A larger share of rows with undecodable bytes is a wrong encoding, not a few bad rows."""

T = TypeVar("T")
Tick = Callable[[str, int, int], None]
"""Told now and then: what is being done, how much of it, out of how much."""


class Importer:
    """Imports files of one source.

    :param mapping: what the columns mean.
    :param state_dir: holds the snapshots, the dossiers' codes, the pseudonyms' key and the files of rejected rows.
    :param future_tolerance_s: how far ahead of this machine's clock a fact may be dated, in seconds.
    :param list_rows: how many rows the report lists one by one.
    """

    def __init__(
        self, mapping: Mapping, state_dir: Path, *, future_tolerance_s: float = 300.0, list_rows: int = 0
    ) -> None:
        self._mapping = mapping
        self._state_dir = state_dir
        self._tolerance = timedelta(seconds=future_tolerance_s)
        self._list_rows = list_rows
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
            with closing(open_table(path, self._mapping)) as file:
                self._read(file, staging, report, now, folder / f"{stem}.rejected.csv", tick)
            with SnapshotStore(
                self._state_dir / "checkpoints" / f"{slug(self._mapping.source)}.sqlite"
            ) as store:
                for chunk in _chunks(self._versions(staging, store, report)):
                    if sink is not None:
                        store.reserve(chunk)
                report.would_publish = staging.event_count()
                if sink is not None:
                    with AliasStore(store_path(self._state_dir)) as aliases:
                        self._send(staging, store, aliases, sink(), report, tick)
        return report

    def _read(
        self, file: Table, staging: Staging, report: Report, now: datetime, rejected: Path, tick: Tick
    ) -> None:
        reader = RowReader(
            self._mapping,
            file.header,
            file.positions,
            now,
            Pseudonymiser(key_path(self._state_dir, self._mapping.source)) if self._hashes else None,
            self._tolerance,
            file.encoding,
        )
        recorder = Recorder(report, self._list_rows)
        report.format = file.format
        with RejectedFile(rejected) as faults:
            try:
                for row in file.rows():
                    report.rows += 1
                    facts = reader.read(row)
                    recorder.add(row.first_line, facts)
                    if isinstance(facts, Rejection):
                        faults.add(facts)
                    else:
                        self._stage(facts, staging, report)
                    if report.rows % 1_000 == 0:
                        tick("reading", file.bytes_read, file.size)
                if report.rows == 0:
                    raise refusal(file.path, "it has a header and no rows", "Export it again.")
                if reader.undecodable_rows > _UNDECODABLE_LIMIT * report.rows:
                    raise _wrong_encoding(file, reader, report.rows)
            except InputError:
                faults.discard()
                raise
            report.rejected = faults.count
            report.rejected_file = rejected if faults.count else None
        recorder.finish()
        report.unmapped = reader.unmapped
        report.dossiers = staging.dossiers()
        report.disagreeing = staging.disagreeing()

    def _stage(self, facts: Facts, staging: Staging, report: Report) -> None:
        unit = facts.record.unit if facts.record is not None else facts.happenings[0].data.unit
        for alias in facts.aliases:
            staging.add_alias(facts.code, alias, unit)
        if facts.record is not None:
            body = content(facts.record)
            latest = facts.latest
            if facts.changed_at is None and facts.happenings:
                latest = max(latest, *(event.time for event in facts.happenings))
            staging.add_view(
                View(facts.code, latest, hashlib.blake2b(body, digest_size=16).digest(), body),
                dated=facts.changed_at is not None,
            )
        for event in facts.happenings:
            fresh = staging.add_event(
                event.time, event.sequence, event.id, Waiting(facts.code, None, events.encode(event))
            )
            report.repeated += not fresh

    def _versions(self, staging: Staging, store: SnapshotStore, report: Report) -> Iterator[Version]:
        """Give every view its id and put its event among those that wait; yields those that need a version number."""
        dated = self._mapping.dossier.changed_at is not None
        source = self._mapping.source
        for view in staging.views():
            record = read_record(view.content)
            time, number = view.latest, None
            if not dated:
                version = store.resolve(
                    view.code, view.fingerprint, max(past_moments(record), default=view.latest)
                )
                report.unchanged += version.known
                time, number = version.time, version.number
                yield version
            event = recorded(source, view.code, record, view.fingerprint, time, number)
            staging.add_event(
                time, event.sequence, event.id, Waiting(view.code, number, events.encode(event))
            )

    def _send(
        self,
        staging: Staging,
        store: SnapshotStore,
        aliases: AliasStore,
        sink: Sink,
        report: Report,
        tick: Tick,
    ) -> None:
        for said in _chunks(staging.aliases()):
            aliases.resolve([Named(code, self._mapping.source, unit, (alias,)) for code, alias, unit in said])
        for chunk in _chunks(staging.events()):
            facts = [cast("DossierEvent", events.decode(waiting.payload)) for waiting in chunk]
            for fact in rekey(aliases, facts):
                sink.publish(fact)
            sink.flush()
            store.acknowledge((w.code, w.version) for w in chunk if w.version is not None)
            report.published += len(chunk)
            tick("sending", report.published, report.would_publish)
        report.merged = publish_merges(aliases, sink)


def publish_merges(aliases: AliasStore, sink: Sink) -> int:
    """Send every merge that waits; returns how many.

    :raises UnavailableError: when Kafka does not acknowledge; they go on waiting.
    """
    sent = 0
    while merges := aliases.pending():
        for merge in merges:
            sink.publish(merge)
        sink.flush()
        aliases.confirm(merges)
        sent += len(merges)
    return sent


def _wrong_encoding(file: Table, reader: RowReader, rows: int) -> InputError:
    """The error for a file of which too many rows hold undecodable bytes."""
    return refusal(
        file.path,
        f"{reader.undecodable_rows} of {rows} rows hold bytes that are not {file.encoding}, first in line"
        f" {reader.first_undecodable}",
        "Set file.encoding in the mapping to the file's encoding (Vietnamese exports: utf-8, utf-16, cp1258).",
    )


def _chunks(items: Iterator[T]) -> Iterator[list[T]]:
    while chunk := list(islice(items, _CHUNK)):
        yield chunk
