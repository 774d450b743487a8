"""What is wrong with a pack: each finding with its file and line, so that a person can go and mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ioc.errors import InputError


@dataclass(frozen=True, order=True)
class Problem:
    """One finding.

    ``line`` counts from 1; 0 stands for the file as a whole. A ``note`` is worth knowing but stops nothing.
    """

    file: str
    line: int
    message: str
    remedy: str = ""
    note: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        kind = "note: " if self.note else ""
        return f"{place}: {kind}{self.message}" + (f" {self.remedy}" if self.remedy else "")


@dataclass
class Problems:
    """Findings of one reading of a pack."""

    found: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Files of which nothing could be read: what refers to them can't be judged."""

    def error(self, file: str, line: int, message: str, remedy: str = "") -> None:
        self.found.append(Problem(file, line, message, remedy))

    def note(self, file: str, line: int, message: str, remedy: str = "") -> None:
        self.found.append(Problem(file, line, message, remedy, note=True))

    @property
    def errors(self) -> list[Problem]:
        return sorted(problem for problem in self.found if not problem.note)

    @property
    def notes(self) -> list[Problem]:
        return sorted(problem for problem in self.found if problem.note)


class PackError(InputError):
    """A district pack can't be used.

    :param folder: the pack's folder.
    :param problems: why, each with its file and line.
    """

    def __init__(self, folder: Path, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(
            f"The district pack {folder} has {len(self.problems)} mistake(s):{lines}",
            remedy="Mend them and run `ioc district check` again; docs/concepts/district-pack.md describes the files.",
        )
