"""Erased dossiers and restored backups."""

from ioc.storage.plain_sql import run

revision = "0078"
down_revision = "0075"


def upgrade() -> None:
    run("0078_erasure.sql")
