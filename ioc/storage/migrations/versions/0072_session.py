"""Sessions of browsers."""

from ioc.storage.plain_sql import run

revision = "0072"
down_revision = "0071"


def upgrade() -> None:
    run("0072_session.sql")
