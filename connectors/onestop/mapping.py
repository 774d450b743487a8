"""What an export or an answer of a one-stop system means: a small TOML file, checked before anything is read.

Only columns that the mapping names ever leave the reader; that is the edge's allow-list.
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from ioc.errors import InputError, UsageError
from ioc.events import Applicant, Channel, Code

#: Fields of the national portal's messages that name a person or hold free text (docs/connectors/onestop.md).
PERSONAL: Final = frozenset(
    name.casefold()
    for name in (
        "ChuHoSo",
        "SoGiayToChuHoSo",
        "DinhDanhCHS",
        "MaDoiTuong",
        "Email",
        "SoDienThoai",
        "Fax",
        "TrichYeuHoSo",
        "NguoiXuLy",
        "NoiDungXuLy",
        "NguoiYeuCauBoSung",
        "NoiDungBoSung",
        "NguoiTiepNhanBoSung",
        "DiaChi",
    )
)


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
    """How the file is written; what kind of file it is, is seen from its content."""

    encoding: str = "utf-8"
    separator: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    quote: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = '"'
    empty: tuple[str, ...] = ("",)
    """Texts that mean that there is no value."""
    sheet: str | None = None
    """Sheet of a workbook; without it the first one whose header has the columns."""


class TimeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How times are written."""

    format: str | tuple[str, ...] = "iso"
    """``iso`` (ISO 8601, with or without offset), ``unix`` or ``unix-ms`` (seconds, milliseconds since 1970), or a
    ``strptime`` format; of several the first that fits."""
    time_zone: str | None = None
    """Zone of times without an offset; the unit's when absent."""

    @property
    def formats(self) -> tuple[str, ...]:
        return (self.format,) if isinstance(self.format, str) else self.format


class KindTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The column that says what a row is, when rows are of several kinds."""

    column: str
    values: dict[str, Literal["dossier", "apology", "rating", "payment", "supplement"]]


class DossierTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of a dossier's whole view. With nothing but codes, rows tell no view."""

    code: ColumnRef
    aliases: tuple[str, ...] = ()
    """Columns that hold other codes of the same dossier."""
    unit: ColumnRef | None = None
    channel: ColumnRef | None = None
    field: ColumnRef | None = None
    procedure: ColumnRef | None = None
    applicant: ColumnRef | None = None
    service_level: ColumnRef | None = None
    status: ColumnRef | None = None
    submitted_at: ColumnRef | None = None
    received_at: ColumnRef | None = None
    rejected_at: ColumnRef | None = None
    due_at: ColumnRef | None = None
    completed_at: ColumnRef | None = None
    returned_at: ColumnRef | None = None
    withdrawn_at: ColumnRef | None = None
    ended_at: ColumnRef | None = None
    """One end date for completion and withdrawal alike; the status says which (:mod:`connectors.onestop.ends`)."""
    fee_vnd: ColumnRef | None = None
    payable_online: ColumnRef | None = None
    paid_online: ColumnRef | None = None
    digitised: ColumnRef | None = None
    reused: ColumnRef | None = None
    from_store: ColumnRef | None = None
    result_digital: ColumnRef | None = None
    changed_at: ColumnRef | None = None
    """The source's own change time of the row, when it has one."""


class ProgressTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of the step that a row stands for."""

    time: ColumnRef
    step: ColumnRef | None = None
    status: ColumnRef | None = None
    instance: ColumnRef | None = None
    """The source's own key of the step; it makes the id, and does not travel."""
    role: ColumnRef | None = None
    """The officer's position (``ChucDanh``)."""
    handler: PersonColumn | None = None


class ApologyTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of a letter of apology."""

    time: ColumnRef
    reason: Column | None = None
    """Needs ``values``: reasons are codes, their text stays behind."""
    old_due_at: ColumnRef | None = None
    new_due_at: ColumnRef | None = None
    instance: ColumnRef | None = None


class RatingTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of an applicant's rating."""

    time: ColumnRef
    satisfied: ColumnRef
    score: ColumnRef | None = None
    instance: ColumnRef | None = None


class PaymentTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of a payment."""

    time: ColumnRef
    amount_vnd: ColumnRef
    online: ColumnRef | None = None
    payment: ColumnRef | None = None
    """The source's key of the payment: a later row with the same key corrects it."""
    instance: ColumnRef | None = None


class SupplementTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of a supplement: when it was asked for, when it came, and how the due date moved."""

    asked_at: ColumnRef | None = None
    received_at: ColumnRef | None = None
    old_due_at: ColumnRef | None = None
    new_due_at: ColumnRef | None = None
    instance: ColumnRef | None = None


#: Tables of columns by the prefix of their purposes.
_TABLES: Final = {
    "": "dossier",
    "progress.": "progress",
    "apology.": "apology",
    "rating.": "rating",
    "payment.": "payment",
    "supplement.": "supplement",
}
#: Ways to write times that have a name; any other is a ``strptime`` format.
TIME_FORMATS: Final = ("iso", "unix", "unix-ms")

#: Keys of these tables that hold times.
_MOMENTS: Final = frozenset(
    {
        "submitted_at",
        "received_at",
        "rejected_at",
        "due_at",
        "completed_at",
        "returned_at",
        "withdrawn_at",
        "ended_at",
        "changed_at",
        "time",
        "asked_at",
        "old_due_at",
        "new_due_at",
    }
)


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    dossier: DossierTable
    unit: UnitTable | None = None
    file: FileTable = FileTable()
    time: TimeTable = TimeTable()
    kind: KindTable | None = None
    progress: ProgressTable | None = None
    apology: ApologyTable | None = None
    rating: RatingTable | None = None
    payment: PaymentTable | None = None
    supplement: SupplementTable | None = None

    @property
    def zone(self) -> ZoneInfo:
        """Zone of times that carry no offset."""
        name = self.time.time_zone or (self.unit.time_zone if self.unit else "Asia/Ho_Chi_Minh")
        return ZoneInfo(name)

    @property
    def tells_views(self) -> bool:
        """Whether a row tells anything of its dossier beyond codes."""
        codes = ("code", "aliases", "unit", "changed_at")
        return any(
            getattr(self.dossier, key) is not None
            for key in self.dossier.__struct_fields__
            if key not in codes
        )

    def references(self) -> Iterator[tuple[str, str | Column | PersonColumn]]:
        """Every column that is named, with what it is for: ``received_at``, ``rating.time``, ``aliases.0`` …"""
        if self.kind is not None:
            yield "kind", Column(self.kind.column, dict(self.kind.values))
        for prefix, name in _TABLES.items():
            table = getattr(self, name)
            for key in table.__struct_fields__ if table is not None else ():
                found = getattr(table, key)
                if isinstance(found, tuple):
                    yield from ((f"{prefix}{key}.{place}", column) for place, column in enumerate(found))
                elif found is not None:
                    yield prefix + key, found

    def columns(self) -> dict[str, str]:
        """Every column that is read: what it is for → its name in the file. Dropped persons are not read."""
        return {
            purpose: found if isinstance(found, str) else found.column
            for purpose, found in self.references()
            if not (isinstance(found, PersonColumn) and found.treatment == "drop")
        }

    def moments(self) -> frozenset[str]:
        """The columns that hold times, by their name in the file."""
        return frozenset(
            column for purpose, column in self.columns().items() if purpose.rsplit(".", 1)[-1] in _MOMENTS
        )


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name.

    :raises ValueError: when there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"time zone {name!r} is not known") from None


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

    :raises InputError: naming the file, and the line or key that can't be used, and why.
    """
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Mapping)
    except OSError as error:
        raise _bad(path, error.strerror or "it can't be read") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _bad(path, str(error)) from None
    for why in _faults(mapping):
        raise _bad(path, why)
    return mapping


def _faults(mapping: Mapping) -> Iterator[str]:
    try:
        codecs.lookup(mapping.file.encoding)
    except LookupError:
        yield f"file.encoding {mapping.file.encoding!r} is not known"
    for zone in (mapping.time.time_zone, mapping.unit.time_zone if mapping.unit else None):
        try:
            zone_of(zone or "UTC")
        except ValueError as error:
            yield str(error)
    if not mapping.time.formats:
        yield "time.format is empty"
    for how in mapping.time.formats:
        if "%" not in how and how not in TIME_FORMATS:
            yield f"time.format {how!r} is neither one of {', '.join(TIME_FORMATS)} nor a strptime format"
    if (mapping.unit is None) == (mapping.dossier.unit is None):
        yield "exactly one of [unit] and dossier.unit must say which unit owns a dossier"
    for purpose, kinds in (("channel", Channel), ("applicant", Applicant)):
        found = getattr(mapping.dossier, purpose)
        values = found.values if isinstance(found, Column) else None
        wrong = set((values or {}).values()) - {str(kind) for kind in kinds}
        if wrong:
            yield f"dossier.{purpose} maps to {sorted(wrong)}; {purpose}s are {[str(kind) for kind in kinds]}"
    ends = mapping.dossier
    if ends.ended_at is not None and (ends.status is None or ends.completed_at or ends.withdrawn_at):
        yield "dossier.ended_at needs dossier.status, and stands for completed_at and withdrawn_at"
    if (
        mapping.apology is not None
        and mapping.apology.reason is not None
        and not mapping.apology.reason.values
    ):
        yield "apology.reason needs values: a reason is a code, its text may be personal"
    supplement = mapping.supplement
    if supplement is not None and supplement.asked_at is None and supplement.received_at is None:
        yield "supplement needs asked_at, received_at or both"
    if mapping.kind is not None:
        absent = sorted({kind for kind in mapping.kind.values.values() if getattr(mapping, kind) is None})
        if absent:
            yield f"kind.values names {', '.join(absent)}, and there is no [{absent[0]}]"
    for purpose, ref in mapping.references():
        column = ref if isinstance(ref, str) else ref.column
        last = column.rsplit(".", 1)[-1].rsplit(":", 1)[-1]
        if last.casefold() in PERSONAL and not isinstance(ref, PersonColumn):
            where = purpose if "." in purpose or purpose == "kind" else f"dossier.{purpose}"
            yield f"{where} takes {column}, which names a person or holds free text"


def _bad(path: Path, why: str) -> InputError:
    return InputError(
        f"The mapping {path} can't be used: {why}.",
        remedy="docs/connectors/onestop.md explains every key; deploy/mappings has examples.",
    )
