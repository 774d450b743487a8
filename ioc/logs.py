"""Logs of every process: one line an event on standard error, and no secret in any of them.

Whatever writes a line, ours or another package's, it goes the same way: a time in UTC, a level, the id of the request
or turn that it belongs to (``trace``), and at the end what is known to be secret is taken out of the finished line.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterable, MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

_HIDDEN: Final = "[secret]"
#: What is shorter stands in ordinary words, and would tear holes into lines.
_SHORTEST: Final = 6
_MOST_SECRETS: Final = 2_000
#: Packages that say the same again and again while a server is away: each of their sentences once in so many seconds.
_SELDOM: Final = ("opentelemetry",)
_SELDOM_S: Final = 600.0


class _Secrets:
    """What must not stand in a line. Safe from several threads."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, secrets: Iterable[str]) -> None:
        wanted = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        with self._lock:
            if not wanted <= self._known and len(self._known) < _MOST_SECRETS:
                self._known |= wanted
                longest_first = sorted(self._known, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def hide(self, text: str) -> str:
        pattern = self._pattern
        return text if pattern is None else pattern.sub(_HIDDEN, text)


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as JSON and Python write it."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }


_SECRETS: Final = _Secrets()


def keep_out(*secrets: str) -> None:
    """Take these out of every line from now on: for whoever reads a secret."""
    _SECRETS.add(secrets)


class _StandardError:
    """Standard error as it is when a line is written: a logger outlives whoever redirects it for a while."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Renderer:
    """Makes the line, as the settings say: they are read when the first one is written, so that help stays quick."""

    def __init__(self) -> None:
        self._render: structlog.typing.Processor | None = None

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        if self._render is None:
            self._render = _chosen()
        return _SECRETS.hide(str(self._render(logger, method, event)))


def _chosen() -> structlog.typing.Processor:
    from ioc.errors import IocError
    from ioc.settings import load

    wanted = "auto"
    try:
        settings = load()
    except IocError:  # the command tells it; a line must be written nevertheless
        pass
    else:
        wanted = settings.log_format
        _SECRETS.add(settings.secrets())
    if wanted == "text" or (wanted == "auto" and sys.stderr.isatty()):
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(ensure_ascii=False)


_SHARED: Final[tuple[structlog.typing.Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def formatter() -> logging.Formatter:
    """What makes lines of other packages like ours; for handlers that they bring."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=(*_SHARED, structlog.stdlib.add_logger_name),
        processors=(
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _Renderer(),
        ),
    )


def configure(*, verbose: bool = False) -> None:
    """Set up structlog and the standard library's loggers that other packages use."""
    level = logging.DEBUG if verbose else logging.INFO
    structlog.configure(
        processors=[*_SHARED, structlog.processors.format_exc_info, _Renderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(cast("TextIO", _StandardError()))
    handler.setFormatter(formatter())
    handler.addFilter(_Seldom())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if not verbose:
        # tells of each tenth of a second that a busy machine took from the library's own loop
        logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)


class _Seldom(logging.Filter):
    """Lets each sentence of some packages through once in a while: a server that is away is said, not sung."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_SELDOM):
            return True
        now = time.monotonic()
        key = f"{record.name} {record.msg}"[:200]
        with self._lock:
            if now - self._said.get(key, -_SELDOM_S) < _SELDOM_S:
                return False
            if len(self._said) > 100:
                self._said.clear()
            self._said[key] = now
        return True
