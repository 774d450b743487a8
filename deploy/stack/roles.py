"""What the supervisor runs besides the servers: the platform's own processes, as data."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from ioc.settings import Settings

_HTTP_TIMEOUT_S = 3.0
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Role:
    """One process of the platform: a command of ``ioc``, or any other program."""

    name: str
    argv: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Names of services that must be ready before this one is started."""
    ready: Callable[[Settings], bool] | None = None
    """Asks the process itself; without it a process that lives for a moment counts as ready."""
    port: Callable[[Settings], int | None] | None = None
    """Port that it listens on, to be free before it starts."""
    port_setting: str = ""
    host: Callable[[Settings], str] = lambda settings: settings.api_host
    """Address on which that port is to be free."""
    once: bool = False
    """Runs to its end; it is ready when it ended well, and is tried again when not."""
    grace_s: float = 12.0
    """Seconds between the stop signal and the kill."""


def _ioc(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "ioc.cli", *arguments)


def api_address(settings: Settings) -> str:
    """Where this machine reaches the API; an address for all interfaces is asked over loopback."""
    host = "127.0.0.1" if settings.api_host in {"0.0.0.0", "::", ""} else settings.api_host  # noqa: S104  # compared only
    return f"http://{host}:{settings.api_port}"


def get(settings: Settings, path: str) -> tuple[int, str] | None:
    """Status and body of the API's answer to a GET; none when nobody answers."""
    return _get(api_address(settings) + path)


def _get(address: str) -> tuple[int, str] | None:
    try:
        with urllib.request.urlopen(address, timeout=_HTTP_TIMEOUT_S) as answer:  # noqa: S310  # http, built above
            return answer.status, answer.read(_MOST_BYTES).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(_MOST_BYTES).decode(errors="replace")
    except (OSError, ValueError):
        return None


def api_is_ready(settings: Settings) -> bool:
    """Whether ``/health/ready`` says so."""
    answer = get(settings, "/health/ready")
    return answer is not None and answer[0] == 200


def ingest_is_ready(settings: Settings) -> bool:
    """Whether the ingest process answers at all: when it refuses events, a restart would not help."""
    return _get(settings.ingest_url + "/health/live") is not None


PREPARE = Role("prepare", _ioc("prepare"), needs=("kafka", "postgres"), once=True, grace_s=30.0)
STREAM = Role("stream", _ioc("stream"), needs=("prepare",))
SERVE = Role(
    "serve",
    _ioc("serve"),
    needs=("prepare",),
    ready=api_is_ready,
    port=lambda settings: settings.api_port,
    port_setting="IOC_API_PORT",
)
INGEST = Role(
    "ingest",
    _ioc("connect", "ingest"),
    needs=("prepare",),
    ready=ingest_is_ready,
    port=lambda settings: settings.ingest_port,
    port_setting="IOC_INGEST_PORT",
    host=lambda settings: settings.ingest_host,
    grace_s=30.0,
)
#: What the district pack names; its processes are its own to start and stop.
CONNECT = Role("connect", _ioc("connect", "all"), needs=("prepare",), grace_s=25.0)
EVALUATE = Role("evaluate", _ioc("evaluate"), needs=("prepare",))
#: What it sends may take a channel's whole time.
DELIVER = Role("deliver", _ioc("deliver"), needs=("prepare",), grace_s=25.0)
SIMULATE = Role("simulate", _ioc("simulate"), needs=("prepare",), grace_s=20.0)

#: The whole platform on one machine, in the order in which it starts.
PLATFORM: tuple[Role, ...] = (PREPARE, STREAM, SERVE, INGEST, CONNECT, EVALUATE, DELIVER)
#: With the live simulated district.
DEMONSTRATION: tuple[Role, ...] = (*PLATFORM, SIMULATE)
