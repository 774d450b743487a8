"""Who asked what, and questions by name."""

from ioc.storage.plain_sql import run

revision = "0047"
down_revision = "0041"


def upgrade() -> None:
    run("0047_history.sql")
