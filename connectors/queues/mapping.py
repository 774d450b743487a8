"""How a make of kiosks writes its tickets: a small TOML file of names, for machines that can't be told ours."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from ioc.errors import InputError

_EPOCHS: Final = {"epoch_s": 1.0, "epoch_ms": 1000.0}


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key of the kiosk's object, and what its values stand for."""

    key: str
    values: dict[str, str]
    """Theirs → ours. One that is not listed stays as it is; one for "" means: the message is about no ticket."""


Ref: TypeAlias = str | Key


class TicketTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where each field stands; ``a.b`` is the key ``b`` of the object ``a``."""

    happened: Ref
    number: Ref
    time: Ref
    kiosk: Ref | None = None
    date: Ref | None = None
    service: Ref | None = None
    counter: Ref | None = None
    to_service: Ref | None = None


class TimeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How times are written."""

    format: str = "iso"
    """``iso``, ``epoch_s``, ``epoch_ms``, or a ``strptime`` format."""


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file for tickets."""

    ticket: TicketTable
    time: TimeTable = TimeTable()

    def pick(self, item: object) -> dict[str, Any] | None:
        """Our fields of a kiosk's object; None when it is about no ticket.

        :raises ValueError: when it is no object.
        """
        if not isinstance(item, dict):
            raise ValueError("it is no JSON object")
        found: dict[str, Any] = {}
        for name in TicketTable.__struct_fields__:
            ref: Ref | None = getattr(self.ticket, name)
            if ref is None:
                continue
            value = _at(item, ref if isinstance(ref, str) else ref.key)
            if isinstance(ref, Key) and isinstance(value, str | int):
                value = ref.values.get(str(value), value)
                if value == "":
                    return None
            if value is not None:
                found[name] = value
        return found

    def moment(self, stated: str | float, zone: ZoneInfo) -> datetime:
        """A time as the file says it is written; without an offset it is local.

        :raises ValueError: when it is not written so.
        """
        scale = _EPOCHS.get(self.time.format)
        try:
            if scale is not None:
                return datetime.fromtimestamp(float(stated) / scale, UTC)
            text = str(stated)
            moment = (
                datetime.fromisoformat(text)
                if self.time.format == "iso"
                else datetime.strptime(text, self.time.format)  # noqa: DTZ007 - the zone follows
            )
        except (ValueError, OSError):
            raise ValueError("time is not written as the mapping says") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _at(item: dict[str, Any], path: str) -> Any:
    found: Any = item
    for key in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def load(path: Path) -> Mapping:
    """Read and check a mapping file.

    :raises InputError: naming the key that can't be used, and why.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Mapping)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InputError(
            f"The mapping {path} can't be used: {error}.",
            remedy="docs/connectors/queues.md explains every key.",
        ) from None
