"""Sources of a pack: one line of ``sources.csv`` is one system, folder or broker that facts come from.

Which kinds there are, what a line of each must say, and what must hold of it. What a kind's options and mapping mean is
known to its connector, which :func:`ioc.district.reader.examine` does not import; see ``connectors.sources``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ioc.district.secrets import read_secret
from ioc.district.source_kinds import KINDS, Kind, Need
from ioc.errors import InputError

if TYPE_CHECKING:
    from ioc.district.model import Pack, Period
    from ioc.district.problems import Problems
    from ioc.district.tables import Row

FILE: Final = "sources.csv"
COLUMNS: Final = ("code", "kind", "address")
OPTIONAL: Final = (
    "secret", "mapping", "unit", "point", "interval_s", "valid_from", "valid_to", "options", "note"
)  # fmt: skip
_SECONDS_PER_DAY: Final = 86_400.0


@dataclass(frozen=True)
class Source:
    """One line of ``sources.csv``."""

    code: str
    kind: Kind
    address: str | None
    period: Period
    line: int
    secret: str | None = None
    """Where the login is kept: ``env:NAME`` or ``file:PATH``."""
    mapping: str | None = None
    """A file beside the pack's, or the name of a shipped one."""
    unit: str | None = None
    """Unit of facts that name none."""
    point: str | None = None
    interval_s: float | None = None
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def uri(self) -> str:
        """CloudEvents source of its facts, part of their ids: a line that keeps its code keeps them."""
        return f"urn:ioc:source:{self.code}"


def read_sources(rows: Iterator[Row]) -> Iterator[Source]:
    """Turn rows into sources; what a row lacks or should not have becomes a problem of its line."""
    for row in rows:
        kind = _kind(row)
        source = Source(
            code=row.code("code"),
            kind=kind or KINDS["http"],
            address=row.address("address"),
            period=row.period(),
            line=row.line,
            secret=row.secret("secret"),
            mapping=row.text("mapping", required=False) or None,
            unit=row.optional_code("unit"),
            point=row.optional_code("point"),
            interval_s=row.number(
                "interval_s", 0.0, _SECONDS_PER_DAY, default=kind.interval_s if kind else None
            ),
            options=_options(row, kind),
        )
        if kind is not None:
            _fits(row, kind)
            yield source


def _kind(row: Row) -> Kind | None:
    name = row.text("kind")
    if name in KINDS:
        return KINDS[name]
    if name:
        near = difflib.get_close_matches(name.casefold(), KINDS, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}? " if near else ""
        row.error(f"kind {name!r} is unknown.", f"{hint}Known are {', '.join(KINDS)}.")
    return None


def _options(row: Row, kind: Kind | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in row.fields.get("options", "").split(";"))):
        name, equals, value = (side.strip() for side in part.partition("="))
        if not equals or not value:
            row.error("options can't be read.", "Write name=value, with ; between two of them.")
        elif kind is not None and name not in kind.options:
            near = difflib.get_close_matches(name, kind.options, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            known = ", ".join(kind.options) or "none"
            row.error(f"Option {name!r} is unknown for {kind.name}.", f"{hint}Known are: {known}.")
        elif name in found:
            row.error(f"options names {name!r} twice.")
        else:
            found[name] = value
    return found


def _fits(row: Row, kind: Kind) -> None:
    for column, need, remedy in (
        ("address", kind.address, f"Such as {kind.example}." if kind.example else ""),
        ("secret", kind.secret, f"Name where {kind.login_is} is kept: env:NAME or file:PATH."),
        ("mapping", kind.mapping, "Name a mapping file of the pack (….toml), or a shipped one."),
    ):
        given = bool(row.fields.get(column))
        if need is Need.MUST and not given:
            row.error(f"{column} is empty; {kind.name} needs one.", remedy)
        elif need is Need.NEVER and given:
            row.error(f"{kind.name} has no {column}.", "Leave the field empty.")
    if kind.interval_s is None and row.fields.get("interval_s"):
        row.error(f"{kind.name} has no interval_s: it reports by itself.", "Leave the field empty.")
    _address_fits(row, kind)


def _address_fits(row: Row, kind: Kind) -> None:
    text = row.fields.get("address", "")
    if not text or row.bad:
        return
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        port, host = 0, None
    usable = (
        (parts.scheme in kind.schemes and bool(host) and port != 0)
        if kind.schemes and host
        else not kind.schemes and "://" not in text
    )
    if not usable or re.search(r"[\s\x00-\x1f]", text):
        row.error(f"address is none for {kind.name}.", f"Write it as {kind.example}, without a login.")


def check_sources(pack: Pack, folder: Path, problems: Problems) -> None:
    """Find what can't serve between the sources and the rest of the pack; what is missing here only is a note."""
    codes: dict[str, int] = {}
    places: dict[tuple[str, str, str], Source] = {}
    for source in pack.sources:
        if source.code in codes:
            problems.error(
                FILE, source.line, f"Code {source.code!r} stands on line {codes[source.code]} too."
            )
        codes.setdefault(source.code, source.line)
        _check_scope(source, pack, problems)
        _check_files(source, folder, problems)
        _check_secret(source, folder, problems)
        if source.address is None:
            continue
        place = (source.kind.name, source.address.casefold().rstrip("/"), source.options.get("topic", ""))
        other = places.setdefault(place, source)
        if other is not source and other.period.overlaps(source.period):
            problems.error(
                FILE,
                source.line,
                f"{source.code} reads what {other.code} on line {other.line} reads at the same time.",
                "Facts would count twice: correct one of them, or end the earlier line with valid_to.",
            )


def _check_scope(source: Source, pack: Pack, problems: Problems) -> None:
    units = {unit.code: unit for unit in pack.units}
    unit = units.get(source.unit or "")
    # a line without a beginning begins with its unit
    period = replace(source.period, start=source.period.start or (unit.period.start if unit else None))
    if source.unit is not None and unit is None:
        near = difflib.get_close_matches(source.unit, units, n=1)
        hint = f"Did you mean {near[0]}?" if near else "Add it there, or correct the code."
        problems.error(FILE, source.line, f"Unit {source.unit!r} is not in units.csv.", hint)
    elif unit is not None and not unit.period.covers(period):
        problems.error(
            FILE,
            source.line,
            f"{source.code} belongs to {unit.code} {period}, but that unit holds {unit.period}.",
            "Give the line valid_from and valid_to within the unit's, or name the unit of today.",
        )
    if source.point is not None and source.point not in pack.point_codes():
        problems.error(FILE, source.line, f"Point {source.point!r} is not in points.csv.")


def _check_files(source: Source, folder: Path, problems: Problems) -> None:
    wanted = [source.mapping] if source.mapping and source.mapping.endswith(".toml") else []
    wanted += [source.options["ca"]] if "ca" in source.options else []
    for name in wanted:
        if not (folder / name).is_file():
            problems.error(
                FILE, source.line, f"The file {name} is not there.", "Paths count from the pack's folder on."
            )


def _check_secret(source: Source, folder: Path, problems: Problems) -> None:
    if source.secret is None:
        return
    try:
        read_secret(source.secret, folder)
    except InputError as error:
        problems.note(FILE, source.line, error.message, error.remedy or "")
    host = urlsplit(source.address or "").hostname or ""
    if source.address and source.address.startswith("mqtt://") and not _is_this_machine(host):
        problems.note(
            FILE,
            source.line,
            f"The login of {source.code} goes over the network as it is.",
            "Use mqtts:// if the broker can.",
        )


def _is_this_machine(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
