"""Migrations stand in one line: two that follow the same one would stop every installation."""

from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

import ioc.storage

_MIGRATIONS = Path(ioc.storage.__file__).parent / "migrations"


def test_there_is_one_newest_migration_and_each_has_its_file() -> None:
    scripts = ScriptDirectory(str(_MIGRATIONS))
    assert len(scripts.get_heads()) == 1, scripts.get_heads()
    for script in scripts.walk_revisions():
        assert (_MIGRATIONS / "sql" / f"{Path(script.path).stem}.sql").is_file(), script.path
