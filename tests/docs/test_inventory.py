"""No table without an entry in the data inventory."""

from __future__ import annotations

import re
from pathlib import Path

import ioc.storage
from ioc.privacy.inventory import TABLES
from ioc.privacy.texts import PLACES
from ioc.settings import Settings

_SQL = Path(ioc.storage.__file__).parent / "migrations" / "sql"


def _made() -> set[str]:
    found = {"alembic_version"}
    for path in sorted(_SQL.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?ioc\.(\w+)", text))
        found -= set(re.findall(r"DROP TABLE (?:IF EXISTS )?ioc\.(\w+)", text))
    return found


def test_every_table_is_in_the_inventory_once() -> None:
    named = [table.name for table in TABLES]
    assert sorted(named) == sorted(_made()), "add the table to ioc/privacy/inventory.py"


def test_what_it_says_of_retention_is_a_setting() -> None:
    named = {name for table in TABLES for name in re.findall(r"`IOC_(\w+)`", table.kept)}
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    kept = {name for name in Settings.model_fields if name.startswith("keep_")}
    assert {name.lower() for name in named} >= kept


def test_places_that_name_dossiers_are_known_tables() -> None:
    assert {place.table for place in PLACES} <= {table.name for table in TABLES}
