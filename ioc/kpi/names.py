"""What values of dimensions are called, for people who read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ioc.kpi.query import Steps

_NAMES: Final[Mapping[str, str]] = {
    "unit": "SELECT code, name_vi FROM ioc.unit WHERE code = ANY (%s)",
    "procedure": "SELECT code, name_vi FROM ioc.procedure WHERE code = ANY (%s)",
    "device": "SELECT code, name FROM ioc.device WHERE code = ANY (%s) AND name IS NOT NULL",
}


def ask_names(dimension: str | None, codes: Iterable[str | None]) -> Steps[dict[str, str]]:
    """Steps to the Vietnamese names of a dimension's values; of those alone that an answer has told already.

    Empty where the dimension's values are words themselves, and without the codes that nothing names.
    """
    if dimension is None or (statement := _NAMES.get(dimension)) is None:
        return {}
    rows = yield statement, (sorted({code for code in codes if code is not None}),)
    return {str(code): str(name) for code, name in rows}
