"""The values of one table of a TOML file: getters that name what is wrong and hand back something harmless."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from ioc.alerts.durations import HOW, duration_text, read_duration
from ioc.alerts.model import Severity
from ioc.district.problems import Problems
from ioc.district.tables import CODE

_Choice = TypeVar("_Choice", bound=StrEnum)
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_MARKUP: Final = re.compile(r"[<>]")
_NEVER: Final = "No text that people read may hold it: it ends up in messages and pages."


@dataclass
class Values:
    """One table, with where its keys stand.

    :param whose: begins every message: the code of the rule.
    :param part: which part of the block it is, for lines; ``number`` counts those of one name.
    """

    file: str
    line: int
    table: Mapping[str, Any]
    problems: Problems
    lines: Mapping[tuple[str, int, str], int] = field(default_factory=dict)
    whose: str = ""
    part: str = ""
    number: int = 0
    above: Values | None = None
    bad: bool = False

    def line_of(self, key: str) -> int:
        """Line on which a key is set; the table's where it is not."""
        return self.lines.get((self.part, self.number, key), self.line)

    def error(self, key: str, message: str, remedy: str = "") -> None:
        """Note a mistake; the whole block is bad then."""
        self._spoil()
        whose = f"{self.whose}: " if self.whose else ""
        self.problems.error(self.file, self.line_of(key), whose + message, remedy)

    def _spoil(self) -> None:
        self.bad = True
        if self.above is not None:
            self.above._spoil()

    def has(self, key: str) -> bool:
        return key in self.table

    def known(self, keys: Iterable[str], elsewhere: Mapping[str, str] | None = None) -> None:
        """Note keys that mean nothing here.

        :param elsewhere: what to say of a key that means something in another place.
        """
        known = tuple(keys)
        for key in self.table:
            if key in known:
                continue
            near = difflib.get_close_matches(key, known, n=1)
            hint = (elsewhere or {}).get(key) or (
                f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
            )
            self.error(key, f"The key {_short(key)} is not known here.", hint)

    def text(self, key: str, *, longest: int = 200, required: bool = True) -> str:
        """One line of text, without markup and characters that can't be seen."""
        found: str | None = self._of(key, str, "a text in quotes")
        if found is None:
            if required and key not in self.table:
                self.error(key, f"{key} is missing.")
            return ""
        found = unicodedata.normalize("NFC", found.strip())
        if required and not found:
            self.error(key, f"{key} is empty.")
        if len(found) > longest:
            self.error(key, f"{key} has {len(found)} characters.", f"{longest} are the most.")
        if any(unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029" for letter in found):
            self.error(key, f"{key} holds characters that can't be seen.", _NEVER)
        elif _MARKUP.search(found):
            self.error(key, f"{key} holds < or >.", _NEVER)
        return found

    def code(self, key: str, *, required: bool = True) -> str | None:
        found: str | None = self._of(key, str, "a code in quotes")
        if found is None:
            if required and key not in self.table:
                self.error(key, f"{key} is missing.")
            return None
        if not CODE.fullmatch(found):
            self.error(
                key,
                f"{key} {_short(found)} is no code.",
                "A code has 1 to 50 letters without marks, digits, '.', '_' or '-'.",
            )
            return None
        return found

    def codes(self, key: str) -> tuple[str, ...]:
        found = self.words(key, "codes")
        for code in found:
            if not CODE.fullmatch(code):
                self.error(key, f"{key}: {_short(code)} is no code.")
        return tuple(code for code in found if CODE.fullmatch(code))

    def words(self, key: str, what: str, choices: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of texts, each once."""
        found = self.table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            self.error(key, f"{key} is no list of {what}.", f'Write {key} = ["…", "…"].')
            return ()
        for word in found:
            if choices and word not in choices:
                self._not_among(key, word, choices)
        if len(set(found)) < len(found):
            self.error(key, f"{key} names something twice.")
        return tuple(dict.fromkeys(word for word in found if not choices or word in choices))

    def word(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of a few words; the first of them where it is none."""
        found: str | None = self._of(key, str, f"one of {', '.join(choices)}")
        if found is None:
            if default is None and key not in self.table:
                self.error(key, f"{key} is missing.", f"It is one of {', '.join(choices)}.")
            return default if default is not None else choices[0]
        if found not in choices:
            self._not_among(key, found, choices)
            return default if default is not None else choices[0]
        return found

    def member(self, key: str, choices: type[_Choice], default: _Choice | None = None) -> _Choice:
        words = [choice.value for choice in choices]
        return choices(self.word(key, words, None if default is None else default.value))

    def severity(self, key: str, default: Severity | None = None) -> Severity:
        words = [severity.word for severity in Severity]
        return Severity[self.word(key, words, None if default is None else default.word).upper()]

    def duration(
        self,
        key: str,
        default: timedelta | None = None,
        *,
        low: timedelta = timedelta(0),
        high: timedelta = timedelta(days=400),
    ) -> timedelta | None:
        found = self._of(key, str, "a length of time in quotes", HOW)
        if found is None:
            return default
        try:
            length = read_duration(found)
        except ValueError:
            self.error(key, f"{key} {_short(found)} is no length of time.", HOW)
            return default
        if not low <= length <= high:
            self.error(key, f"{key} {found} is not within {duration_text(low)} to {duration_text(high)}.")
            return default
        return length

    def clock(self, key: str) -> time:
        found = self._of(key, str, "a time of day in quotes", "Such as 21:00.")
        if found is not None and _CLOCK.fullmatch(found):
            return time.fromisoformat(found)
        if found is not None or key not in self.table:
            self.error(key, f"{key} is no time of day.", "Write it as 21:00.")
        return time()

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int | None:
        found = self._of(key, int, f"a whole number from {low} to {high}")
        if found is None:
            return default
        if not low <= found <= high:
            self.error(key, f"{key} {_short(found)} is not within {low} to {high}.")
            return default
        return int(found)

    def figure(self, key: str) -> float | None:
        found = self._of(key, (int, float), "a number")
        if found is None:
            return None
        try:
            value = float(found)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value) or abs(value) > 1e15:
            self.error(key, f"{key} is no number that a value can be held against.")
            return None
        return value

    def flag(self, key: str) -> bool:
        return self._of(key, bool, "true or false") or False

    def part_of(self, key: str) -> Values | None:
        """A table in this one; None where there is none."""
        found = self.table.get(key)
        if found is None:
            return None
        if not isinstance(found, dict):
            self.error(key, f"{key} is no table.", f"Write {key} = {{ … }}.")
            return None
        return self._inner(key, found, 0)

    def parts_of(self, key: str, *, most: int = 100) -> Iterator[Values]:
        """The tables of a list in this one."""
        found = self.table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            self.error(key, f"{key} is no list of tables.", f"Write {key} = [{{ … }}, {{ … }}].")
            return
        if len(found) > most:
            self.error(key, f"{key} has {len(found)} entries.", f"{most} are the most.")
            return
        for number, item in enumerate(found):
            yield self._inner(key, item, number)

    def _inner(self, key: str, table: Mapping[str, Any], number: int) -> Values:
        part = f"{self.part}.{key}" if self.part else key
        line = self.lines.get((part, number, ""), self.line_of(key))
        return Values(self.file, line, table, self.problems, self.lines, self.whose, part, number, self)

    def _of(self, key: str, kind: Any, what: str, remedy: str = "") -> Any:
        found = self.table.get(key)
        if found is None:
            return None
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            self.error(key, f"{key} is not {what}.", remedy)
            return None
        return found

    def _not_among(self, key: str, found: str, choices: Sequence[str]) -> None:
        near = difflib.get_close_matches(found.casefold(), choices, n=1)
        hint = f"Did you mean {near[0]}?" if near else ""
        self.error(key, f"{key} {_short(found)} is not one of {', '.join(choices)}.", hint)


def _short(found: object) -> str:
    text = repr(found) if isinstance(found, str) else str(found)
    return text if len(text) <= 60 else text[:57] + "…"
