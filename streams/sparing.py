"""Keeps libraries that retry by themselves from filling the log with the same line."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict

#: Seconds for which a line that was logged is not logged again.
QUIET_S = 60.0
_REMEMBERED = 200


class Sparing(logging.Filter):
    """Lets each message through once a minute, with how often it was held back; debug lines not at all.

    Messages are told apart by logger and unformatted text. Add it to handlers: a logger's filters are not
    asked about what its children log.
    """

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        super().__init__()
        self._prefixes = prefixes
        self._seen: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._prefixes):
            return True
        if record.levelno < logging.WARNING:
            return False
        key = (record.name, str(record.msg))
        logged_at, held_back = self._seen.pop(key, (-QUIET_S, 0))
        if time.monotonic() - logged_at < QUIET_S:
            self._seen[key] = (logged_at, held_back + 1)
            return False
        self._seen[key] = (time.monotonic(), 0)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        if held_back:
            record.msg = f"{record.msg} (and {held_back} times more in between)"
        return True
