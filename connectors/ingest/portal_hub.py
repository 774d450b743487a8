"""Which one-stop system calls, and what its calls are answered and recorded with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from connectors.onestop.portal_call import PortalCall, Service
from connectors.onestop.portal_recorder import Recorder
from connectors.onestop.portal_sessions import Sessions
from connectors.onestop.portal_source import DEFAULT_NAME, PortalSource
from connectors.shared.relay import Relay
from ioc.access.keys import Key
from ioc.access.quota import Attempts
from ioc.district.agencies import AgencyResolver
from ioc.errors import UnavailableError


@dataclass(frozen=True)
class Caller:
    """What a call shows of who makes it.

    :param address: of the client.
    :param key: API key, checked; None without one.
    """

    address: str
    key: Key | None


class PortalHub:
    """The configured sources with their recorders.

    :param sources: names are different.
    :raises UnavailableError: when another process records one of them.
    """

    def __init__(
        self,
        sources: Iterable[PortalSource],
        state_dir: Path,
        relay: Relay,
        resolver: AgencyResolver,
        *,
        tolerance: timedelta,
        sessions: Sessions | None = None,
        attempts: Attempts | None = None,
    ) -> None:
        self.sources = {source.name: source for source in sources}
        self.resolver = resolver
        self.sessions = sessions or Sessions()
        self._attempts = attempts or Attempts()
        self._recorders: dict[str, Recorder] = {}
        try:
            for source in self.sources.values():
                self._recorders[source.name] = Recorder(
                    source, state_dir, relay, resolver, tolerance=tolerance
                )
        except UnavailableError:
            self.close()
            raise

    def recorder(self, source: PortalSource) -> Recorder:
        return self._recorders[source.name]

    def close(self) -> None:
        """Finish what was handed in."""
        for recorder in self._recorders.values():
            recorder.close()

    def by_path(self, path: str) -> tuple[PortalSource | None, str]:
        """Return the source that the address names, and the rest of the path; None when it names none."""
        first, _, rest = path.strip("/").partition("/")
        found = self.sources.get(first)
        if found is not None:
            return found, rest
        return (next(iter(self.sources.values())) if len(self.sources) == 1 else None), path.strip("/")

    def by_caller(self, caller: Caller, call: PortalCall | None) -> PortalSource | None:
        """Tell the source of a call whose address names none: by key, session, login, network, then the default."""
        sources = list(self.sources.values())
        limits = caller.key.sources if caller.key is not None else None
        tests: list[Callable[[PortalSource], bool]] = [lambda s: limits is not None and s.uri in limits]
        if call is not None and call.session:
            tests.append(lambda s: self.sessions.holds(s.name, call.session))
        if call is not None and call.service == Service.LOGIN:
            tests.append(lambda s: s.logs_in(call.username, call.password))
        tests.append(lambda s: s.name != DEFAULT_NAME and s.is_client(caller.address))
        for test in tests:
            found = [source for source in sources if test(source)]
            if len(found) == 1:
                return found[0]
        return self.sources.get(DEFAULT_NAME)

    def is_known(self, source: PortalSource, caller: Caller, session: str) -> bool:
        """Whether a call may be recorded as this source's: it has a key that may speak for it, or its session."""
        return self.has_key(source, caller) or bool(session and self.sessions.holds(source.name, session))

    @staticmethod
    def has_key(source: PortalSource, caller: Caller) -> bool:
        """Whether the caller's key may send dossiers of this source."""
        key = caller.key
        return (
            key is not None
            and (key.sources is None or source.uri in key.sources)
            and (key.topics is None or "ioc.dossiers" in key.topics)
        )

    def log_in(self, source: PortalSource, caller: Caller, call: PortalCall) -> tuple[str | None, int]:
        """Check a login.

        :returns: the session, or None when user and password don't fit; and the whole seconds for which this address
            may not try again, 0 when it may.
        """
        name = hashlib.sha256(call.username.encode("utf-8", "surrogatepass")).digest()
        # by address and name: who guesses keeps nobody else out
        who = (caller.address, name)
        wait_s = self._attempts.wait_s(who)
        if wait_s:
            return None, wait_s
        if not source.logs_in(call.username, call.password):
            self._attempts.failed(who)
            return None, 0
        return self.sessions.open(source.name), 0
