"""Replays on a database, subject by subject."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import psycopg
from psycopg_pool import AsyncConnectionPool

from ioc.errors import IocError, UnavailableError
from ioc.settings import Settings
from streams.devices.tables import CameraTable, WifiTable
from streams.ownership import Connection
from streams.registry import Registry
from streams.replay import devices, keyed, sums
from streams.replay.finding import Finding, Progress


class Subject(StrEnum):
    """What can be replayed."""

    DOSSIERS = "dossiers"
    QUEUES = "queues"
    CAMERAS = "cameras"
    WIFI = "wifi"


class DifferenceError(IocError):
    """What is stored does not follow from the facts."""

    exit_code = 5


async def replay(
    settings: Settings, subjects: list[Subject], *, since: datetime | None, repair: bool, progress: Progress
) -> list[Finding]:
    """Compute projections and measures anew from the kept facts and hold them against what is stored.

    Workers may go on meanwhile: rows are looked at under their locks, time only where it is closed.

    :param since: for devices, look at nothing before this moment; dossiers and tickets are always looked at whole.
    :param repair: put right what differs; without it nothing is written.
    :raises UnavailableError: when the database does not answer.
    """
    options = {"autocommit": True, "options": "-c timezone=UTC -c application_name=ioc-replay"}
    found: list[Finding] = []
    try:
        async with AsyncConnectionPool[Connection](
            settings.database_dsn, min_size=1, max_size=2, open=False, kwargs=options
        ) as pool:
            await pool.wait(timeout=10.0)
            async with await psycopg.AsyncConnection.connect(settings.database_dsn, **options) as connection:  # type: ignore[arg-type]
                for subject in subjects:
                    match subject:
                        case Subject.DOSSIERS:
                            found += await keyed.dossiers(
                                connection, Registry(pool), repair=repair, progress=progress
                            )
                            found.append(
                                await sums.dossier_sums(connection, repair=repair, progress=progress)
                            )
                        case Subject.QUEUES:
                            found += await keyed.tickets(connection, repair=repair, progress=progress)
                        case Subject.CAMERAS | Subject.WIFI:
                            table = CameraTable() if subject is Subject.CAMERAS else WifiTable()
                            found += await devices.devices(
                                connection, table, since=since, repair=repair, progress=progress
                            )
                            found.append(
                                await sums.day_ends(
                                    connection, table.kind, table.topic, repair=repair, progress=progress
                                )
                            )
    except (psycopg.OperationalError, OSError) as error:
        raise UnavailableError(
            f"The database does not answer: {str(error).strip()}.",
            remedy="Look at ioc status, or run ioc doctor.",
        ) from error
    return found
