"""Rules, policies and channels as JSON text, the form in which the database keeps them.

One value has one text: keys in order, durations in ISO 8601, severities as numbers; where it stood in a file is no
part of it. Reading refuses what it does not know, so that a definition of a newer platform is never half understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec

from ioc.alerts.model import CONDITIONS, Channel, Kind, Policy, Rule
from ioc.errors import InputError

_T = TypeVar("_T")


class EncodingError(InputError):
    """A text is no rule, policy or channel that this platform knows."""


def rule_to_json(rule: Rule) -> str:
    """Write a rule."""
    return _text(rule)


def rule_from_json(text: str | bytes) -> Rule:
    """Read a rule; its condition is of the class that belongs to its kind.

    :raises EncodingError: naming what is not known, missing or of another type.
    """
    return _read(Rule, text)


def policy_to_json(policy: Policy) -> str:
    """Write a policy."""
    return _text(policy)


def policy_from_json(text: str | bytes) -> Policy:
    """Read a policy.

    :raises EncodingError: see :func:`rule_from_json`.
    """
    return _read(Policy, text)


def channel_to_json(channel: Channel) -> str:
    """Write a channel; of its secret it holds only where that is kept."""
    return _text(channel)


def channel_from_json(text: str | bytes) -> Channel:
    """Read a channel.

    :raises EncodingError: see :func:`rule_from_json`.
    """
    return _read(Channel, text)


# -- writing ---------------------------------------------------------------------------------------------


def _text(thing: Any) -> str:
    return msgspec.json.encode(_plain(thing), order="deterministic").decode()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        cls: type = type(value)
        return {name: _plain(getattr(value, name)) for name in _kept(cls)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return msgspec.to_builtins(value)


# -- reading ---------------------------------------------------------------------------------------------


@cache
def _kept(cls: type) -> Mapping[str, tuple[Any, bool]]:
    """Name → type of a class's fields, and whether each must be given; without those that say where it stood."""
    hints = get_type_hints(cls)
    return {
        field.name: (
            hints[field.name],
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(cls)
        if field.compare
    }


def _read(cls: type[_T], text: str | bytes) -> _T:
    name = cls.__name__.lower()
    try:
        found = msgspec.json.decode(text)
    except msgspec.MsgspecError as error:
        raise EncodingError(f"The {name} is no JSON: {error}.") from error
    return cast("_T", _made(cls, found, name))


def _made(cls: type, found: object, place: str) -> Any:
    if not isinstance(found, dict):
        raise EncodingError(f"{place} is no object.")
    known = _kept(cls)
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise EncodingError(f"{place} has keys that are not known: {', '.join(unknown)}.")
    missing = [name for name, (_, needed) in known.items() if needed and name not in found]
    if missing:
        raise EncodingError(f"{place} lacks {', '.join(missing)}.")
    values: dict[str, Any] = {}
    for name, (hint, _) in known.items():
        if name not in found:
            continue
        if cls is Rule and name == "condition":
            kind = _value(Kind, found["kind"], f"{place}.kind")
            hint = CONDITIONS[kind]
        values[name] = _value(hint, found[name], f"{place}.{name}")
    return cls(**values)


def _value(hint: Any, found: object, place: str) -> Any:
    if is_dataclass(hint):
        return _made(cast("type", hint), found, place)
    parts = get_args(hint)
    if get_origin(hint) is tuple and is_dataclass(parts[0]):
        if not isinstance(found, list):
            raise EncodingError(f"{place} is no list.")
        return tuple(_made(cast("type", parts[0]), item, f"{place}[{n}]") for n, item in enumerate(found))
    if NoneType in parts and any(is_dataclass(part) for part in parts):
        return None if found is None else _value(next(p for p in parts if is_dataclass(p)), found, place)
    try:
        return msgspec.convert(found, hint)
    except msgspec.ValidationError as error:
        raise EncodingError(f"{place}: {error}.") from error
