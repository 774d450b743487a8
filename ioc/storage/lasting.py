"""Work over a connection that is made again whenever it is lost; the log is told once of each loss and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import psycopg
import structlog

Connection = psycopg.Connection[Any]
#: What a database that is away, or goes away, raises.
AWAY: Final = (psycopg.Error, OSError)
log = structlog.get_logger(__name__)


#: Of a work that must hear soon that the database's machine is gone.
KEEPALIVES: Final = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"


def connect(dsn: str, name: str, *, statement_s: int, lock_s: int = 5, options: str = "") -> Connection:
    """A session for lasting work: in UTC, each statement a transaction unless one is begun, all bounded in time.

    :param name: what the server calls it.
    :param statement_s: longest time of a statement, and ``lock_s`` of waiting for a lock.
    :param options: further ones, as the server takes them.
    """
    return psycopg.connect(
        dsn,
        autocommit=True,
        connect_timeout=5,
        application_name=name,
        options=f"-c statement_timeout={statement_s}s -c lock_timeout={lock_s}s -c timezone=UTC {options}",
    )


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return str(error).strip().split("\n")[0]


def run(
    connect: Callable[[], AbstractContextManager[Connection]],
    work: Callable[[Connection, Callable[[], None]], None],
    stop: threading.Event,
    *,
    away: str,
    back: str,
    retry_s: float,
    outlives: tuple[type[Exception], ...] = AWAY,
    say: Callable[[BaseException], str] = first_line,
    tracebacks: bool = True,
    turned: Callable[[], None] = lambda: None,
    **names: object,
) -> None:
    """Do ``work`` until ``stop`` is set, over one connection after another.

    :param work: is given the connection, and what to call whenever all is well; returns when ``stop`` is set.
    :param away: what the log says at the first failure after all was well, and ``back`` when it is again.
    :param retry_s: seconds from a failure to the next connection.
    :param outlives: errors that end a connection, and not the work.
    :param say: what of an error may be in the log.
    :param tracebacks: whether that of an error that no database raises may.
    :param turned: called before each connection, so that somebody sees that it gets on.
    :param names: of the work, for the log.
    """
    failing = False

    def well() -> None:
        nonlocal failing
        if failing:
            failing = False
            log.info(back, **names)

    while not stop.is_set():
        turned()
        try:
            with connect() as connection:
                work(connection, well)
        except outlives as error:
            if not failing and not stop.is_set():
                failing = True
                unforeseen = tracebacks and not isinstance(error, AWAY)
                log.warning(away, error=say(error), exc_info=unforeseen, **names)
            stop.wait(retry_s)
