"""One export: a table read through a server-side cursor and encoded as it comes. Memory is that of a batch.

An :class:`Export` is driven from one thread at a time by :meth:`Export.next`; :meth:`Export.close` may come from any
other. The whole reads one snapshot, within a time limit that also ends what waits for a client that does not take
its answer.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Generator
from contextlib import closing, suppress
from typing import Any, Final

import psycopg
from psycopg import sql

from ioc.history.columns import BATCH_ROWS, Batch
from ioc.history.formats import Format, encode
from ioc.history.table import Table
from ioc.kpi.errors import TooSlowError
from ioc.kpi.query import translate

_CANCEL_S: Final = 0.1
#: An export ends itself in time; the database ends what is left of a process that does not.
_SPARE_MS: Final = 10_000


class ExportStoppedError(Exception):
    """The export was told to end."""


class Export:
    """The bytes of a table in a format.

    :param timeout_s: seconds from the first :meth:`next` until the export is broken off.
    """

    def __init__(self, dsn: str, table: Table, kind: Format, *, timeout_s: float, bom: bool = False) -> None:
        self._dsn = dsn
        self._table = table
        self._kind = kind
        self._bom = bom
        self._timeout_s = timeout_s
        self._connection: psycopg.Connection[Any] | None = None
        self._stopped = threading.Event()
        self._busy = threading.Lock()
        self._pieces = self._encoded()
        self.rows = 0
        """Rows that were read so far."""

    def next(self) -> bytes | None:
        """Return the next piece, which may be empty; None when the table is whole.

        :raises IocError: the database does not answer, or the time is up.
        :raises ExportStoppedError: :meth:`close` was called.
        """
        with self._busy:
            return next(self._pieces, None)

    def close(self) -> None:
        """End the export and give everything back. Safe from any thread, and more than once.

        A :meth:`next` that is under way in another thread raises :class:`ExportStoppedError`: what the database does
        for it is cancelled, again and again, since it may be about to begin.
        """
        self._stopped.set()
        while not self._busy.acquire(timeout=_CANCEL_S):
            self._cancel()
        try:
            with suppress(ExportStoppedError):
                self._pieces.close()
        finally:
            self._busy.release()

    def _cancel(self) -> None:
        connection = self._connection
        if connection is None or connection.closed:
            return
        try:
            connection.cancel_safe(timeout=2.0)
        except psycopg.Error:
            connection.close()

    def _encoded(self) -> Generator[bytes, None, None]:
        until = time.monotonic() + self._timeout_s
        try:
            with (
                psycopg.connect(self._dsn, connect_timeout=5, application_name="ioc export") as connection,
                closing(self._batches(connection, until)) as batches,
            ):
                self._connection = connection
                # the first rows before the first bytes: what fails here can still be told as a problem
                first = list(itertools.islice(batches, 1))
                yield from encode(
                    self._kind,
                    self._table.columns,
                    itertools.chain(first, batches),
                    zone=self._table.zone,
                    bom=self._bom,
                )
        except psycopg.Error as error:
            if self._stopped.is_set():
                raise ExportStoppedError from error
            if isinstance(error, psycopg.errors.QueryCanceled) or time.monotonic() >= until:
                raise self._too_slow() from error
            known = translate(error)
            if known is None:
                raise
            raise known from error
        finally:
            self._connection = None

    def _batches(self, connection: psycopg.Connection[Any], until: float) -> Generator[Batch, None, None]:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # moments come as they will be written, which spares each a conversion
        connection.execute("SELECT set_config('TimeZone', %s, true)", (self._table.zone.key,))
        for number, statement in enumerate(self._table.statements):
            with connection.cursor(f"export_{number}", binary=True) as cursor:
                self._limit(connection, until)
                cursor.execute(statement.text.encode(), statement.parameters)
                while batch := cursor.fetchmany(BATCH_ROWS):
                    shaped: Batch = batch if statement.shaped is None else statement.shaped(batch)
                    self.rows += len(batch)
                    yield shaped
                    self._limit(connection, until)

    def _limit(self, connection: psycopg.Connection[Any], until: float) -> None:
        if self._stopped.is_set():
            raise ExportStoppedError
        left_ms = int((until - time.monotonic()) * 1000)
        if left_ms <= 0:
            raise self._too_slow()
        connection.execute(
            sql.SQL(
                "SET LOCAL statement_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}"
            ).format(sql.Literal(left_ms), sql.Literal(left_ms + _SPARE_MS))
        )

    def _too_slow(self) -> TooSlowError:
        return TooSlowError(
            f"The export took longer than {self._timeout_s:.0f} s.",
            remedy="Ask for a shorter range, or raise IOC_EXPORT_TIMEOUT_S.",
        )
