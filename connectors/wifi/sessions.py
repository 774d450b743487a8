"""Which sessions are open where: counts only, bounded in memory, right although messages are lost, late or doubled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connectors.wifi.radius import Accounting, Kind

_CLOSED_S: Final = 300.0
"""A closed session is remembered so long: a late message does not open it again."""
_SWEEP_S: Final = 1.0
"""A flood does not make every message look through all sessions."""


@dataclass(slots=True)
class _Session:
    place: str
    seen_at: float
    closed: bool = False


class Sessions:
    """The sessions of one access server (NAS), by the place where each is.

    A Start or Interim opens, a Stop closes, On and Off close all of the server's (or of the one access point that
    says so). A session without a message for ``expires_s`` counts as closed: its Stop was lost. Until
    ``settles_s`` after the beginning, counts are unknown, since sessions that began before are not known yet, unless
    the server said that it began anew.

    :param expires_s: at least three times the interval of interim updates.
    :param settles_s: at least one such interval.
    :param most: sessions remembered; beyond it new ones are not, and counts are unknown until there is room.
    """

    def __init__(self, began: float, *, expires_s: float, settles_s: float, most: int = 20_000) -> None:
        self._expires_s = expires_s
        self._settled_at = began + settles_s
        self._most = most
        self._sessions: dict[bytes, _Session] = {}
        self._overflown_at: float | None = None
        self._swept_at = began
        self.heard: dict[str, float] = {}
        """When each place was last heard of."""

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, message: Accounting, place: str, now: float) -> None:
        """Take in a message about a place.

        :param now: monotonic seconds of its arrival.
        """
        self.heard[place] = now
        happened = now - message.delay_s
        if message.kind in (Kind.ON, Kind.OFF):
            self._restart(place if message.station else None, happened)
            return
        known = self._sessions.get(message.session)
        if message.kind is Kind.STOP:
            if known is not None or self._room(now):
                self._sessions[message.session] = _Session(
                    place, max(happened, known.seen_at if known else 0.0), True
                )
            return
        if known is None:
            if not self._room(now):
                self._overflown_at = now
                return
            self._sessions[message.session] = _Session(place, happened)
        elif not known.closed:
            known.place, known.seen_at = place, max(known.seen_at, happened)

    def counts(self, places: list[str], now: float) -> dict[str, int | None]:
        """Open sessions of each place; None where they can't be known."""
        self._sweep(now)
        overflown = self._overflown_at is not None and now - self._overflown_at < self._expires_s
        if now < self._settled_at or overflown:
            return dict.fromkeys(places)
        found = dict.fromkeys(places, 0)
        for session in self._sessions.values():
            if not session.closed and session.place in found:
                found[session.place] += 1
        return dict(found)

    def _restart(self, place: str | None, happened: float) -> None:
        self._sessions = {
            key: session
            for key, session in self._sessions.items()
            if session.seen_at > happened or (place is not None and session.place != place)
        }
        if place is None:
            self._settled_at = min(self._settled_at, happened)
            self._overflown_at = None

    def _room(self, now: float) -> bool:
        if len(self._sessions) >= self._most and now - self._swept_at >= _SWEEP_S:
            self._sweep(now)
        return len(self._sessions) < self._most

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        self._sessions = {
            key: session
            for key, session in self._sessions.items()
            if now - session.seen_at < (_CLOSED_S if session.closed else self._expires_s)
        }
