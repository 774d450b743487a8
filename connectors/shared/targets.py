"""Target files: which devices a poller asks, and how. TOML with ``[defaults]`` and one ``[[target]]`` a device."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from ioc.errors import InputError

T = TypeVar("T")


def load(path: Path, kind: type[T]) -> list[T]:
    """Read a target file; each ``[[target]]`` stands on the ``[defaults]``.

    :param kind: the struct that a target must fit.
    :raises InputError: naming the target by its position and the key that can't be used; values are not repeated, a URL
        may hold a password.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"The targets {path} can't be read: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The targets {path} are not TOML: {error}.") from None
    unknown = set(data) - {"defaults", "target"}
    if unknown:
        raise InputError(f"The targets {path} hold unknown tables: {', '.join(sorted(unknown))}.")
    defaults, targets = data.get("defaults", {}), data.get("target", [])
    if not isinstance(defaults, dict) or not isinstance(targets, list):
        raise InputError(f"The targets {path} need one [defaults] table and [[target]] tables.")
    found: list[T] = []
    for position, target in enumerate(targets, start=1):
        try:
            found.append(msgspec.convert({**defaults, **target}, kind))
        except (msgspec.ValidationError, TypeError) as error:
            raise InputError(
                f"Target {position} of {path} can't be used: {error}.",
                remedy="docs/connectors explains every key.",
            ) from None
    devices = [getattr(target, "device", "") for target in found]
    doubled = sorted({device for device in devices if devices.count(device) > 1})
    if doubled:
        raise InputError(f"The targets {path} name {', '.join(doubled)} more than once.")
    return found
