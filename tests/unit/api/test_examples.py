"""Examples of the description are documents that could be given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ioc.api import create_app, problems
from ioc.api.examples import EXAMPLES
from ioc.api.models import alerts, deliveries, duty, duty_changes, figures, operation, places, questions
from ioc.api.models import dossiers as dossier_models
from ioc.history import cursor, dossiers
from ioc.settings import Settings


def _model(name: str) -> Any:
    """The one model of this name."""
    rooms = (
        problems,
        alerts,
        deliveries,
        dossier_models,
        duty,
        duty_changes,
        figures,
        operation,
        places,
        questions,
    )
    (found,) = {getattr(room, name) for room in rooms if hasattr(room, name)}
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fits_its_document_and_is_in_the_description(name: str) -> None:
    kind: Any = _model(name)
    read = kind.model_validate(EXAMPLES[name])
    assert read.model_dump(by_alias=True, exclude_unset=True).keys() == EXAMPLES[name].keys()
    schemas = create_app(Settings(state_dir=Path("state"))).openapi()["components"]["schemas"]
    assert schemas[name]["example"] == EXAMPLES[name]


def test_dossiers_and_their_columns_are_described_alike() -> None:
    assert list(dossier_models.Dossier.model_fields) == [column.name for column in dossiers.COLUMNS]


def test_the_cursor_of_an_example_reads_like_one() -> None:
    with pytest.raises(cursor.BadCursorError, match="other filters"):
        cursor.read(EXAMPLES["DossierList"]["next"], dossiers.Place, {})
