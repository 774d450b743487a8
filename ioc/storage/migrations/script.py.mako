"""${message}"""

from ioc.storage.plain_sql import run

revision = "${up_revision}"
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run("${up_revision}_${message}.sql")
