"""Facts about dossiers that were erased are passed by, in the transaction that would have stored them.

The digests of erased codes are held in memory and read again when the partition's row says that there are more: an
erasure counts on there, under the lock that every batch takes first. While nothing was erased this costs nothing, and
then a keyed hash for each code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from ioc.events import DossierMerged, DossierRecorded
from ioc.privacy import ledger
from ioc.settings import Settings
from streams.ownership import Connection

_LEDGER: Final = "SELECT digest, (SELECT fingerprint FROM ioc.erasure_key) FROM ioc.erasure"
_REFUSED: Final = """
UPDATE ioc.erasure e SET refused = e.refused + n.facts, refused_at = %s
FROM unnest(%s::bytea[], %s::bigint[]) AS n (digest, facts) WHERE e.digest = n.digest
"""
_ADD: Final = """
INSERT INTO ioc.erasure (digest, erased_at, reason, erased_by)
SELECT digest, %s, 'another code of an erased dossier', 'system' FROM unnest(%s::bytea[]) AS n (digest)
ON CONFLICT DO NOTHING
"""
_STORED: Final = "SELECT code FROM ioc.dossier WHERE code = ANY (%s)"


class Erased:
    """Which codes are erased, as one partition knows it.

    :param settings: where this machine's key is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._version: int | None = None
        self._digests: frozenset[bytes] = frozenset()
        self._key: ledger.Key | None = None

    async def follow(self, connection: Connection, version: int) -> None:
        """Read the ledger when it has grown, in the caller's transaction.

        :param version: what the partition's row says.
        :raises SettingsError: this machine lacks the key of the erasures: nothing is stored until it is there.
        """
        if version == self._version:
            return
        rows: list[Any] = await (await connection.execute(_LEDGER)).fetchall()
        if rows:
            key = ledger.read_key(self._settings)
            if key is None or rows[0][1] is None or key.fingerprint != bytes(rows[0][1]):
                raise ledger.wrong_key(key, self._settings)
            self._key = key
        self._digests = frozenset(bytes(digest) for digest, _ in rows)
        self._version = version

    async def without(self, connection: Connection, events: Sequence[Any], now: datetime) -> Sequence[Any]:
        """The events that may be stored; those of erased dossiers are counted in the ledger.

        One that gives an erased dossier another code, under which nothing is stored yet, is of that dossier: the
        code is erased with it. Where there is a dossier of that code already, the claim alone is left out.
        """
        key = self._key
        if not self._digests or key is None:
            return events
        digests: dict[str, bytes] = {}

        def erased(code: str) -> bool:
            if code not in digests:
                digests[code] = key.digest(code)
            return digests[code] in self._digests

        named = {event.subject for event in events}
        mine = {code for code in named if erased(code)}
        claiming = {e.subject for e in events if e.subject not in mine and any(map(erased, _other_codes(e)))}
        if not mine and not claiming:
            return events
        gone: set[str] = set()
        if claiming:
            rows: list[Any] = await (await connection.execute(_STORED, (sorted(claiming),))).fetchall()
            gone = claiming - {code for (code,) in rows}
            if gone:
                added = [digests[code] for code in sorted(gone)]
                await connection.execute(_ADD, (now, added))
                self._digests |= set(added)
        refused: Counter[bytes] = Counter()
        kept: list[Any] = []
        for event in events:
            rest = event
            if event.subject in claiming:
                rest = None if event.subject in gone else _without(event, erased)
            elif event.subject in mine:
                rest = None
            if rest is None:
                refused[digests[event.subject]] += 1
            else:
                kept.append(rest)
        if refused:
            await connection.execute(_REFUSED, (now, list(refused), list(refused.values())))
        return kept


def _without(event: Any, erased: Callable[[str], bool]) -> Any | None:
    """An event without the erased codes that it names; None where it says nothing else."""
    if isinstance(event, DossierMerged):
        return None if event.data.into is not None and erased(event.data.into) else event
    if isinstance(event, DossierRecorded):
        aliases = tuple(code for code in event.data.aliases if not erased(code))
        return msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, aliases=aliases))
    return event


def _other_codes(event: Any) -> tuple[str, ...]:
    """Codes beside its own that an event gives its dossier."""
    kind = type(event)
    if kind is DossierRecorded:
        aliases: tuple[str, ...] = event.data.aliases
        return aliases
    if kind is DossierMerged and event.data.into is not None:
        return (event.data.into,)
    return ()
