"""What goes wrong is told in the language of the visit, whatever the domain says about it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import ioc
from ioc.access.errors import RoleError
from ioc.errors import IocError, UnavailableError, UsageError
from ioc.kpi.errors import KpiError
from ioc.pages import trouble
from ioc.pages.words import Phrase
from ioc.reports.words import Language

#: Of requests to the API alone: no page meets them.
_OF_THE_API = {"bad-body", "too-large", "unsupported-media-type", "unknown-report", ""}


@dataclass
class _Visit:
    language: Language

    def say(self, phrase: Phrase, **names: object) -> str:
        return phrase.said(self.language).format(**names) if names else phrase.said(self.language)


def _kinds(of: type[KpiError] = KpiError) -> Iterator[type[KpiError]]:
    yield of
    for one in of.__subclasses__():
        yield from _kinds(one)


@pytest.mark.parametrize("language", Language)
def test_a_refusal_says_its_kind_in_vietnamese_and_the_detail_as_it_is(language: Language) -> None:
    visit, error = _Visit(language), RoleError("This needs another role.", remedy="Ask for it.")
    said = trouble.refused(visit, error)  # type: ignore[arg-type]
    assert said.endswith("This needs another role. Ask for it.")
    assert ("không có quyền" in said) == (language is Language.VI)
    what, detail = trouble.failed(visit, error)  # type: ignore[arg-type]
    assert ("không có quyền" in what) == (language is Language.VI)
    assert "Ask for it." in detail


@pytest.mark.parametrize(
    "error", [UnavailableError("The pool is empty."), UsageError("A password has {x} {}")]
)
def test_whatever_it_is_there_are_words(error: IocError) -> None:
    said = trouble.refused(_Visit(Language.VI), error)  # type: ignore[arg-type]
    assert said.startswith(("Cơ sở dữ liệu", "Dữ liệu đã nhập"))
    assert ("{x}" in said) == isinstance(error, UsageError)


def test_every_kind_of_problem_has_words() -> None:
    for package in pkgutil.walk_packages(ioc.__path__, "ioc."):
        if package.name.endswith("errors") or package.name.startswith(("ioc.history", "ioc.api.exports")):
            importlib.import_module(package.name)
    kinds = {kind.slug for kind in _kinds()}
    assert {"duty-conflict", "unknown-device", "too-many-exports"} <= kinds
    assert kinds - _OF_THE_API <= trouble._KINDS.keys()
