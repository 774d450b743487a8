"""Whom delivery calls, read from a real database and renewed when something changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ioc.alerts.model import Target
from ioc.district import apply_pack
from ioc.duty import Change, ChangeKind, store
from ioc.duty.calling import current
from ioc.kpi.query import SYSTEM_READER, answer, change
from tests.integration.duty_pack import duty_pack
from tests.servers import Servers

MON = datetime(2026, 3, 2, 0, tzinfo=UTC)  # 7:00 in Vietnam
DAY = timedelta(days=1)
Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def connection(servers: Servers) -> Iterator[Connection]:
    with servers.place() as place, psycopg.connect(place.database_dsn, autocommit=True) as found:
        apply_pack(found, duty_pack(), at=MON - 7 * DAY)
        yield found


def test_a_roll_is_kept_until_something_changes(connection: Connection) -> None:
    truc = (Target(roster="truc"),)
    roll = answer(connection, current(MON))
    assert roll.whom(truc, MON).people == ("an",)
    assert answer(connection, current(MON + timedelta(hours=1), roll)) is roll
    assert answer(connection, current(MON + 2 * DAY, roll)) is not roll, "the clock went on"

    wanted = Change(ChangeKind.REPLACE, "an", MON, MON + DAY, roster="truc", other="chi")
    made = change(connection, store.make(SYSTEM_READER, wanted, "chánh văn phòng"))
    changed = answer(connection, current(MON, roll))
    assert changed.whom(truc, MON).people == ("chi",)
    assert made.change.id is not None
    change(connection, store.withdraw(SYSTEM_READER, made.change.id, "chánh văn phòng", from_start=True))
    undone = answer(connection, current(MON, changed))
    assert undone.whom(truc, MON).people == ("an",)

    apply_pack(connection, duty_pack("binh an"), at=MON)
    applied = answer(connection, current(MON, undone))
    assert applied.whom(truc, MON).people == ("binh",)
    apply_pack(connection, duty_pack("binh an"))
    assert answer(connection, current(MON, applied)) is applied, "the same pack again changes nothing"
