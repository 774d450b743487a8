"""What must be done on running servers before the roles start: topics, schema, district pack. Harmless to repeat."""

from __future__ import annotations

from collections.abc import Callable

from deploy.stack import topics
from ioc.settings import Settings


def prepare_servers(settings: Settings, say: Callable[[str], None]) -> None:
    """Make the missing topics and bring the database to the newest schema.

    :raises IocError: a server refuses, or a topic has another number of partitions than the settings say.
    """
    from ioc.storage import migrate

    made = topics.ensure(settings)
    say(f"topics: {', '.join(made) if made else 'all there'}")
    say(f"schema: {migrate.upgrade(settings.database_dsn)}")
