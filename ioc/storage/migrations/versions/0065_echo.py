"""Echo: the key that signs synthetic alerts."""

from ioc.storage.plain_sql import run

revision = "0065"
down_revision = "0064"


def upgrade() -> None:
    run("0065_echo.sql")
