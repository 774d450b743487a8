"""Polls REST sources of dossiers: pages from a cursor on, each page safe before the cursor moves."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import structlog

from connectors.onestop.aliases import AliasStore, rekey, store_path
from connectors.onestop.cells import parser_of, render
from connectors.onestop.fetching import Fetcher, SourceError
from connectors.onestop.importing import publish_merges
from connectors.onestop.jsonlines import NoScalar, as_text, find, row_of
from connectors.onestop.mapping import zone_of
from connectors.onestop.reading import mapped_columns
from connectors.onestop.restsource import Source
from connectors.onestop.rows import Facts, Rejection, RowReader, content, past_moments, recorded
from connectors.shared.budget import CallBudget
from connectors.shared.checkpoint import Checkpoint
from connectors.shared.health import Health
from connectors.shared.privacy import Pseudonymiser, key_path, slug
from connectors.shared.publisher import Sink
from connectors.shared.snapshots import SnapshotStore, Version
from ioc.errors import InputError, IocError
from ioc.events import DossierEvent

_REMEMBERED: Final = 100_000
"""Ids of dated facts that were sent, so that the overlap of rounds is not sent again and again."""
_FIRST_REST_S: Final = 1.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass
class Round:
    """What one round over a source's pages brought."""

    pages: int = 0
    items: int = 0
    published: int = 0
    repeated: int = 0
    """Facts that were sent before and are not sent again."""
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Items left out, by column and reason; never a value."""
    undated: int = 0
    """Items whose change time is missing, unreadable or in the future: taken, but the cursor does not follow."""
    complete: bool = True
    """False when the pages were cut off at ``poll.most_pages``; the next round goes on at once."""


class RestPoller:
    """Polls one source.

    :param source: what to ask, and how.
    :param sink: where facts go; a page is done when its ``flush`` returns.
    :param state_dir: holds the cursor, the snapshots, the dossiers' codes and the pseudonyms' key.
    :param budget: calls that the source's host allows; shared by the sources of one host.
    :param future_tolerance_s: how far ahead of this machine's clock a fact may be dated, in seconds.
    :param health: told when the source fails and recovers, under ``name``; one of its own when absent.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        state_dir: Path,
        *,
        budget: CallBudget | None = None,
        future_tolerance_s: float = 300.0,
        health: Health | None = None,
        name: str | None = None,
    ) -> None:
        poll = source.config.poll
        self.name = name or source.config.name
        self.source = source
        self._sink = sink
        self._state_dir = state_dir
        self._tolerance = timedelta(seconds=future_tolerance_s)
        self._budget = budget or CallBudget(poll.calls, poll.per_s)
        self._fetcher = Fetcher(source, self._budget)
        self._checkpoint = Checkpoint(state_dir / "checkpoints", f"rest-{source.config.name}")
        self._header, self._positions = mapped_columns(source.mapping)
        self._sent: OrderedDict[str, None] = OrderedDict()
        self._health = health or Health("source")
        #: SQLite is used from one thread, and a page that is being stored is never left half-way.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"rest-{self.name}")
        self._resources = ExitStack()
        cursor = source.config.cursor
        if cursor is not None:
            self._parse = parser_of(cursor.format)
            self._zone = zone_of(cursor.time_zone)

    async def open(self) -> None:
        """Make ready.

        :raises UnavailableError: when another process polls or imports this source, or the state can't be used.
        :raises InputError: when certificates or a key file can't be used.
        """
        await self._fetcher.open()
        await self._in_worker(self._open_stores)

    async def close(self) -> None:
        await self._fetcher.close()
        await self._in_worker(self._resources.close)
        self._worker.shutdown()

    async def forever(self) -> None:
        """Poll until cancelled; logs one line when the source fails, one when it is well again."""
        interval_s = self.source.config.poll.interval_s
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            again = False
            try:
                found = await self.once()
            except (SourceError, IocError) as error:
                self._health.note(self.name, False, getattr(error, "message", str(error)))
            except Exception as error:
                # the other sources go on; the text of a fault that nobody foresaw may hold anything
                self._health.note(self.name, False, f"the round failed: {type(error).__name__}")
                log.debug("rest.failed", source=self.name, exc_info=True)
            else:
                self._health.note(self.name, True)
                self._tell(found)
                again = not found.complete
            rest_s = _FIRST_REST_S if again else interval_s - (loop.time() - begun)
            await asyncio.sleep(max(_FIRST_REST_S, rest_s, self._budget.closed_for_s))

    async def once(self) -> Round:
        """Read what changed since the cursor, page by page, and move the cursor when all of it is safe.

        :raises SourceError: when the source does not answer as it should; pages before are safe, and come again.
        :raises UnavailableError: when facts can't be delivered or the state can't be written.
        :raises InputError: when the checkpoint or a secret can't be used.
        """
        found = Round()
        since = await self._in_worker(self._load)
        newest = since
        url: httpx.URL | None = self._first(since)
        seen: set[str] = set()
        while url is not None:
            if found.pages == self.source.config.poll.most_pages:
                if not self._sorted or newest == since:
                    raise SourceError(
                        f"a round has more than {found.pages} pages (poll.most_pages), and they are not in order of"
                        " their change time (cursor.sorted)"
                    )
                found.complete = False
                break
            if str(url) in seen:
                raise SourceError("its pages lead in a circle")
            seen.add(str(url))
            answer = await self._fetcher.get(url)
            items = find(answer, self.source.config.page.items) if self.source.config.page.items else answer
            if not isinstance(items, list):
                raise SourceError("its answer has no list where page.items points")
            reached = await self._in_worker(partial(self._take, items, found))
            found.pages += 1
            if reached is not None and (newest is None or reached > newest):
                newest = reached
                if self._sorted:
                    await self._in_worker(partial(self._save, reached))
            url = self._next(url, answer, len(items), found.items)
        if newest is not None and newest != since:
            await self._in_worker(partial(self._save, newest))
        return found

    # -- pages ------------------------------------------------------------------------------------------

    @property
    def _sorted(self) -> bool:
        cursor = self.source.config.cursor
        return cursor is not None and cursor.sorted

    def _first(self, since: datetime | None) -> httpx.URL:
        config = self.source.config
        params = dict(config.request.params)
        if config.cursor is not None and since is not None:
            asked = since - timedelta(seconds=config.cursor.overlap_s)
            params[config.cursor.param] = render(asked.astimezone(self._zone), config.cursor.format)
        if config.page.size_param:
            params[config.page.size_param] = str(config.page.size)
        if config.page.style == "offset":
            params[config.page.param] = "0"
        elif config.page.style == "page":
            params[config.page.param] = str(config.page.first)
        return self.source.url.copy_merge_params(params)

    def _next(self, url: httpx.URL, answer: Any, count: int, read: int) -> httpx.URL | None:
        """The next page's address; None when this was the last one."""
        page = self.source.config.page
        if page.style == "none" or (page.style != "next" and count == 0):
            return None
        if page.style == "offset":
            return url.copy_set_param(page.param, str(read))
        if page.style == "page":
            return url.copy_set_param(page.param, str(int(url.params[page.param]) + 1))
        link = find(answer, page.next)
        if link in (None, "", False):
            return None
        try:
            if not isinstance(link, str):
                raise TypeError
            return url.join(link)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise SourceError("its next page's link is no address") from None

    # -- in the worker's thread -------------------------------------------------------------------------

    def _open_stores(self) -> None:
        mapping = self.source.mapping
        handler = mapping.progress.handler if mapping.progress else None
        key = key_path(self._state_dir, mapping.source)
        self._pseudonym = Pseudonymiser(key) if handler is not None and handler.treatment == "hash" else None
        self._store = self._resources.enter_context(
            SnapshotStore(self._state_dir / "checkpoints" / f"{slug(mapping.source)}.sqlite")
        )
        self._aliases = self._resources.enter_context(AliasStore(store_path(self._state_dir)))

    def _load(self) -> datetime | None:
        cursor = self.source.config.cursor
        if cursor is None:
            return None
        stored = self._checkpoint.load()
        return cursor.start if stored is None else datetime.fromisoformat(str(stored["cursor"]))

    def _save(self, reached: datetime) -> None:
        self._checkpoint.save({"cursor": reached.astimezone(UTC).isoformat()})

    def _take(self, items: list[Any], found: Round) -> datetime | None:
        """Bring a page's facts to safety; returns the latest change time in it."""
        now = datetime.now(UTC)
        reader = RowReader(
            self.source.mapping, self._header, self._positions, now, self._pseudonym, self._tolerance
        )
        views: dict[str, Facts] = {}
        facts: list[DossierEvent] = []
        for number, item in enumerate(items, start=found.items + 1):
            read = reader.read(row_of(item, self._header, number))
            if isinstance(read, Rejection):
                if len(found.rejected) < 100 or (read.column, read.reason) in found.rejected:
                    found.rejected[read.column, read.reason] += 1
                continue
            facts += read.happenings
            if read.record is None:
                continue
            if read.changed_at is not None:
                mark = _fingerprint(read)
                facts.append(
                    recorded(self.source.mapping.source, read.code, read.record, mark, read.latest, None)
                )
            elif read.code not in views or read.latest >= views[read.code].latest:
                views[read.code] = read
        found.items += len(items)
        fresh = [fact for fact in facts if fact.id not in self._sent]
        found.repeated += len(facts) - len(fresh)
        versions = list(self._versions(views, fresh, found))
        self._store.reserve(versions)
        fresh.sort(key=lambda fact: (fact.time, fact.sequence, fact.id))
        for fact in rekey(self._aliases, fresh):
            self._sink.publish(fact)
        self._sink.flush()
        self._store.acknowledge((version.subject, version.number) for version in versions)
        publish_merges(self._aliases, self._sink)
        found.published += len(fresh)
        for fact in fresh:
            self._sent[fact.id] = None
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        return self._reached(items, now, found)

    def _versions(
        self, views: dict[str, Facts], facts: list[DossierEvent], found: Round
    ) -> Iterator[Version]:
        """Give undated views their numbers; one that Kafka has already is not sent again."""
        for code, read in views.items():
            assert read.record is not None  # noqa: S101 - only views are kept
            mark = _fingerprint(read)
            version = self._store.resolve(code, mark, max(past_moments(read.record), default=read.latest))
            if version.known:
                found.repeated += 1
                continue
            source = self.source.mapping.source
            facts.append(recorded(source, code, read.record, mark, version.time, version.number))
            yield version

    def _reached(self, items: list[Any], now: datetime, found: Round) -> datetime | None:
        """The latest believable change time of a page: a clock that runs ahead must not make the cursor jump."""
        cursor = self.source.config.cursor
        if cursor is None:
            return None
        reached: datetime | None = None
        for item in items:
            try:
                moment = self._parse(as_text(find(item, cursor.field)))
                moment = (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).astimezone(UTC)
            except (ValueError, OverflowError, NoScalar):
                found.undated += 1
                continue
            if moment > now + self._tolerance:
                found.undated += 1
            elif reached is None or moment > reached:
                reached = moment
        return reached

    # -- around -----------------------------------------------------------------------------------------

    def _tell(self, found: Round) -> None:
        if found.published or found.rejected:
            log.info(
                "rest.round",
                source=self.name,
                pages=found.pages,
                items=found.items,
                published=found.published,
                rejected=found.rejected.total(),
                reasons=[
                    f"{column or 'item'}: {reason}" for (column, reason), _ in found.rejected.most_common(5)
                ],
                undated=found.undated,
            )

    async def _in_worker(self, work: Callable[[], T]) -> T:
        """Run work in the worker's thread; when cancelled meanwhile, wait for its end all the same."""
        running = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(self._worker, work))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise


def _fingerprint(facts: Facts) -> bytes:
    assert facts.record is not None  # noqa: S101 - asked for views only
    return hashlib.blake2b(content(facts.record), digest_size=16).digest()


def pollers(
    sources: Sequence[Source],
    sink: Sink,
    state_dir: Path,
    *,
    future_tolerance_s: float = 300.0,
    health: Health | None = None,
) -> list[RestPoller]:
    """Make a poller for each source; sources of one host share its budget, the strictest of theirs.

    :param health: told of all of them.
    """
    polls = {
        origin: [source.config.poll for source in sources if source.origin == origin]
        for origin in {source.origin for source in sources}
    }
    budgets = {}
    for origin, found in polls.items():
        strictest = min(found, key=lambda poll: poll.calls / poll.per_s)
        budgets[origin] = CallBudget(strictest.calls, strictest.per_s)
    return [
        RestPoller(
            source,
            sink,
            state_dir,
            budget=budgets[source.origin],
            future_tolerance_s=future_tolerance_s,
            health=health,
        )
        for source in sources
    ]


async def run_once(polled: Sequence[RestPoller]) -> list[str]:
    """Read each source once; returns a line for each.

    :raises UnavailableError: when facts can't be delivered or the state can't be used.
    :raises InputError: when a source does not answer as it should.
    """
    lines = []
    for poller in polled:
        try:
            await poller.open()
            found = await poller.once()
        except SourceError as error:
            raise InputError(
                f"The source {poller.name} can't be read: {error}.", remedy="Pages before that are safe."
            ) from None
        finally:
            await poller.close()
        lines.append(
            f"{poller.name}: {found.pages} pages, {found.items} items, {found.published} facts sent,"
            f" {found.rejected.total()} items rejected"
        )
        lines += [f"  {count} × {column or 'item'}: {why}" for (column, why), count in found.rejected.items()]
    return lines


async def run(polled: Sequence[RestPoller], stop: threading.Event) -> None:
    """Poll every source until ``stop`` is set; a source that fails does not slow the others.

    :raises UnavailableError: when another process polls or imports one of them, or the state can't be used.
    :raises InputError: when certificates or a key file can't be used.
    """
    opened: list[RestPoller] = []
    tasks: list[asyncio.Task[None]] = []
    try:
        for poller in polled:
            opened.append(poller)
            await poller.open()
        tasks = [asyncio.create_task(poller.forever(), name=poller.name) for poller in polled]
        while not await asyncio.to_thread(stop.wait, 0.5):
            for task in tasks:
                if task.done():
                    task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for poller in opened:
            await poller.close()
