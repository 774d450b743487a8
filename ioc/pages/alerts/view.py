"""Which alerts a page shows, as its address says it: a view can be linked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlencode

from ioc.alerts.asking import LONGEST_TEXT, Filter, Order
from ioc.alerts.model import Kind, Severity
from ioc.alerts.states import State
from ioc.pages.given import as_text

_LONGEST: Final = 200
_GREATEST_ID: Final = 2**63 - 1
_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at; None is everything.

    :param alert: number of the alert whose details are open.
    """

    state: State = State.OPEN
    severity: Severity | None = None
    kind: Kind | None = None
    unit: str | None = None
    rule: str | None = None
    text: str | None = None
    alert: int | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> View:
        """Of an address or a form. What can't be read is left out: a link that somebody cut still shows something."""
        words = {severity.word: severity for severity in Severity}
        return cls(
            state=_choice(State, given.get("state")) or State.OPEN,
            severity=words.get(given.get("severity", "")),
            kind=_choice(Kind, given.get("kind")),
            unit=as_text(given.get("unit"), _LONGEST),
            rule=as_text(given.get("rule"), _LONGEST),
            text=as_text(given.get("text"), LONGEST_TEXT),
            alert=number(given.get("alert")),
        )

    @property
    def address(self) -> str:
        """The query of this view, with its question mark; empty for the first view."""
        parts = {
            "state": None if self.state is State.OPEN else self.state.value,
            "severity": self.severity and self.severity.word,
            "kind": self.kind and self.kind.value,
            "unit": self.unit,
            "rule": self.rule,
            "text": self.text,
            "alert": self.alert,
        }
        said = urlencode({name: value for name, value in parts.items() if value is not None})
        return f"?{said}" if said else ""

    @property
    def wanted(self) -> Filter:
        """The question's filter."""
        return Filter(
            state=self.state,
            severity=() if self.severity is None else (self.severity,),
            kind=() if self.kind is None else (self.kind.value,),
            rule=() if self.rule is None else (self.rule,),
            unit=self.unit,
            text=self.text,
        )

    @property
    def order(self) -> Order:
        """Open alerts the worst first, others the newest first."""
        return Order.NEWEST if self.state in (State.CLEARED, State.ALL) else Order.WORST

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the state is asked for."""
        return any((self.severity, self.kind, self.unit, self.rule, self.text))


def number(text: object) -> int | None:
    """An alert's number; None where it is none."""
    said = str(text)
    if not (said.isascii() and said.isdigit() and len(said) < 20):
        return None
    found = int(said)
    return found if 0 < found <= _GREATEST_ID else None


def _choice(kind: type[_E], text: str | None) -> _E | None:
    return next((one for one in kind if one.value == text), None)
