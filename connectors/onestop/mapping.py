"""What a CSV export of a one-stop system means: a small TOML file, checked before anything is read.

Only columns that the mapping names ever leave the reader; that is the edge's allow-list.
"""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from ioc.errors import InputError, UsageError
from ioc.events import Channel, Code


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of the file, and what its values stand for."""

    column: str
    values: dict[str, str] | None = None
    """Source value → ours. A value that is not listed is left unknown and counted in the report."""


class PersonColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column that names a person."""

    column: str
    treatment: Literal["drop", "hash"]


ColumnRef: TypeAlias = str | Column


class UnitTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The unit that owns every dossier of the file; made when it does not exist."""

    code: Code
    name_vi: str
    name_en: str
    time_zone: str


class FileTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the file is written."""

    encoding: str = "utf-8"
    separator: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    quote: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = '"'
    empty: tuple[str, ...] = ("",)
    """Texts that mean that there is no value."""


class TimeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How times are written."""

    format: str = "iso"
    """``iso`` (ISO 8601, with or without offset) or a ``strptime`` format."""
    time_zone: str | None = None
    """Zone of times without an offset; the unit's when absent."""


class DossierTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of a dossier's whole view."""

    code: ColumnRef
    unit: ColumnRef | None = None
    channel: ColumnRef | None = None
    field: ColumnRef | None = None
    procedure: ColumnRef | None = None
    status: ColumnRef | None = None
    received_at: ColumnRef | None = None
    due_at: ColumnRef | None = None
    completed_at: ColumnRef | None = None
    withdrawn_at: ColumnRef | None = None
    digitised: ColumnRef | None = None
    paid_online: ColumnRef | None = None
    changed_at: ColumnRef | None = None
    """The source's own change time of the row, when it has one."""


class ProgressTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of the step that a row stands for."""

    time: ColumnRef
    step: ColumnRef | None = None
    status: ColumnRef | None = None
    instance: ColumnRef | None = None
    """The source's own key of the step; it makes the id, and does not travel."""
    handler: PersonColumn | None = None


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    dossier: DossierTable
    unit: UnitTable | None = None
    file: FileTable = FileTable()
    time: TimeTable = TimeTable()
    progress: ProgressTable | None = None

    @property
    def zone(self) -> ZoneInfo:
        """Zone of times that carry no offset."""
        name = self.time.time_zone or (self.unit.time_zone if self.unit else "Asia/Ho_Chi_Minh")
        return ZoneInfo(name)

    def columns(self) -> dict[str, str]:
        """Every column that is read: what it is for → its name in the file. Dropped persons are not read."""
        found: dict[str, str] = {}
        for prefix, table in (("", self.dossier), ("progress.", self.progress)):
            if table is None:
                continue
            for key in table.__struct_fields__:
                ref = getattr(table, key)
                if isinstance(ref, PersonColumn):
                    if ref.treatment == "hash":
                        found[prefix + key] = ref.column
                elif ref is not None:
                    found[prefix + key] = ref if isinstance(ref, str) else ref.column
        return found


def resolve(name: str, shipped: Path) -> Path:
    """Find a mapping by path, or by the name of one in the folder ``shipped``.

    :raises UsageError: when there is neither; it lists the shipped names.
    """
    path = Path(name)
    if path.suffix == ".toml" or "/" in name:
        if path.is_file():
            return path
    elif (shipped / f"{name}.toml").is_file():
        return shipped / f"{name}.toml"
    known = ", ".join(sorted(file.stem for file in shipped.glob("*.toml"))) or "none"
    raise UsageError(
        f"There is no mapping {name!r}.", remedy=f"Give a .toml file, or one of the shipped names: {known}."
    )


def load(path: Path) -> Mapping:
    """Read and check a mapping file.

    :raises InputError: naming the key that can't be used, and why.
    """
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Mapping)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _bad(path, str(error)) from None
    try:
        codecs.lookup(mapping.file.encoding)
    except LookupError:
        raise _bad(path, f"file.encoding {mapping.file.encoding!r} is not known") from None
    for zone in (mapping.time.time_zone, mapping.unit.time_zone if mapping.unit else None):
        try:
            ZoneInfo(zone or "UTC")
        except (KeyError, ValueError, OSError):
            raise _bad(path, f"time zone {zone!r} is not known") from None
    if (mapping.unit is None) == (mapping.dossier.unit is None):
        raise _bad(path, "exactly one of [unit] and dossier.unit must say which unit owns a dossier")
    channel = mapping.dossier.channel
    wrong = (
        set(channel.values.values()) - set(Channel)
        if isinstance(channel, Column) and channel.values
        else set()
    )
    if wrong:
        raise _bad(path, f"dossier.channel maps to {sorted(wrong)}; channels are {[str(c) for c in Channel]}")
    return mapping


def _bad(path: Path, why: str) -> InputError:
    return InputError(
        f"The mapping {path} can't be used: {why}.",
        remedy="docs/connectors/onestop.md explains every key; deploy/mappings has examples.",
    )
