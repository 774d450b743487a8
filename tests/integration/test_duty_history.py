"""Duty as it was, in a real database: packs that follow one another, changes that are withdrawn half way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from ioc.district import apply_pack
from ioc.district.worktime import WorkCalendar
from ioc.duty import Change, ChangeKind, Plan, asking, compute, log, store
from ioc.duty.errors import ConflictError, UnknownRosterError
from ioc.duty.model import FixedShift
from ioc.duty.temporary import schedule
from ioc.kpi.query import SYSTEM_READER, answer, change
from tests.integration.duty_pack import duty_pack
from tests.servers import Servers

MON = datetime(2026, 3, 2, 0, tzinfo=UTC)  # 7:00 in Vietnam
DAY = timedelta(days=1)
NOON = MON + timedelta(hours=5)
Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(servers: Servers) -> Iterator[Connection]:
    """A database whose first pack was applied in February."""
    with servers.place() as place, psycopg.connect(place.database_dsn, autocommit=True) as found:
        apply_pack(found, duty_pack(), at=MON - 20 * DAY)
        yield found


def _plan(connection: Connection, start: datetime = MON, end: datetime = MON + 9 * DAY) -> Plan:
    return answer(connection, store.plan_of(SYSTEM_READER, start, end))


def _people(connection: Connection, days: int = 6) -> list[str]:
    """Who is on duty at noon of each day, asked as pages ask."""
    found = []
    for day in range(days):
        asked = asking.ask(SYSTEM_READER, roster="truc", at=(NOON + day * DAY).isoformat())
        (looked,) = answer(connection, asked).rosters
        found.append("+".join(looked.now.at(NOON + day * DAY).people))
    return found


def test_who_was_on_duty_stays_what_it_was_when_the_pack_changes(connection: Connection) -> None:
    assert _people(connection) == ["an", "binh", "chi", "an", "binh", "chi"]
    apply_pack(connection, duty_pack("chi binh"), at=MON + 2 * DAY)
    assert _people(connection) == ["an", "binh", "chi", "binh", "chi", "binh"]
    only_an = replace(duty_pack("an"), people=duty_pack().people[:1])
    apply_pack(connection, only_an, at=MON + 4 * DAY)
    assert _people(connection) == ["an", "binh", "chi", "binh", "an", "an"]
    line = compute(plan := _plan(connection), plan.rosters[0], MON, MON + 6 * DAY)
    assert [stint.person for stint in line.stints] == ["an", "binh", "chi", "binh", "an"]
    binh = plan.person("binh")
    assert binh is not None
    assert binh.name == "binh", "whoever is out of the pack is remembered by the code alone"
    assert connection.execute("SELECT count(*) FROM ioc.duty_edition").fetchone() == (3,)


def test_the_same_pack_again_begins_no_edition_and_a_calendar_does(connection: Connection) -> None:
    assert apply_pack(connection, duty_pack(), at=MON).duty == 0
    assert connection.execute("SELECT count(*) FROM ioc.duty_edition").fetchone() == (1,)
    calendar = duty_pack().calendar
    closed = WorkCalendar(calendar.time_zone, overrides={**calendar.overrides, date(2026, 3, 3): False})
    apply_pack(connection, replace(duty_pack(), calendar=closed), at=MON)
    assert [edition.since for edition in _plan(connection, MON - DAY).earlier] == [MON - 20 * DAY]
    for statement in ("UPDATE ioc.duty_edition SET time_zone = 'UTC'", "DELETE FROM ioc.duty_edition"):
        with pytest.raises(errors.RestrictViolation):
            connection.execute(statement.encode())


def test_a_roster_that_is_gone_can_still_be_asked_for_in_its_time(connection: Connection) -> None:
    apply_pack(connection, replace(duty_pack(), rosters=duty_pack().rosters[1:]), at=MON + DAY)
    early = answer(connection, asking.ask(SYSTEM_READER, at=NOON.isoformat()))
    assert [looked.roster.code for looked in early.rosters] == ["truc", "xa"]
    late = answer(connection, asking.ask(SYSTEM_READER, at=(NOON + DAY).isoformat()))
    assert [looked.roster.code for looked in late.rosters] == ["xa"]
    assert _people(connection, 2) == ["an", ""]


def test_changes_and_the_log_of_a_roster_that_is_gone_can_still_be_read(connection: Connection) -> None:
    past = Change(ChangeKind.REPLACE, "an", MON, MON + DAY, roster="truc", other="chi")
    (made,) = change(connection, store.make_all(SYSTEM_READER, (past,), "lan"))
    change(connection, log.note(SYSTEM_READER, "truc", "Đã báo điện lực", "lan"))
    apply_pack(connection, replace(duty_pack(), rosters=duty_pack().rosters[1:]), at=MON + DAY)
    assert answer(connection, store.changes_of(SYSTEM_READER, "truc")) == [made.change]
    assert answer(connection, store.changes_of(SYSTEM_READER, None)) == [made.change]
    assert [entry.text for entry in answer(connection, log.log_of(SYSTEM_READER, "truc"))] == [
        "Đã báo điện lực"
    ]
    with pytest.raises(UnknownRosterError, match="There is no roster 'nowhere'"):
        answer(connection, log.log_of(SYSTEM_READER, "nowhere"))
    with pytest.raises(UnknownRosterError):
        change(connection, log.note(SYSTEM_READER, "truc", "muộn", "lan"))


def test_a_change_withdrawn_half_way_leaves_its_past_and_one_from_its_start_does_not(
    connection: Connection,
) -> None:
    leave = Change(ChangeKind.LEAVE, "an", MON - DAY, MON + 9 * DAY)
    (made,) = change(connection, store.make_all(SYSTEM_READER, (leave,), "lan"))
    assert _people(connection) == ["", "binh", "chi", "", "binh", "chi"]
    number = made.change.id or 0
    gone = change(connection, store.withdraw(SYSTEM_READER, number, "mai", now=MON + 2 * DAY))
    assert gone.held_until == MON + 2 * DAY
    assert _people(connection) == ["", "binh", "chi", "an", "binh", "chi"]

    past = Change(ChangeKind.REPLACE, "an", MON + 3 * DAY, MON + 4 * DAY, roster="truc", other="chi")
    (made,) = change(connection, store.make_all(SYSTEM_READER, (past,), "lan"))
    number = made.change.id or 0
    with pytest.raises(ConflictError, match="is over"):
        change(connection, store.withdraw(SYSTEM_READER, number, "mai", now=MON + 5 * DAY))
    change(connection, store.withdraw(SYSTEM_READER, number, "mai", now=MON + 5 * DAY, from_start=True))
    assert _people(connection)[3] == "an"


def test_a_temporary_schedule_is_stored_and_comes_back_the_same(connection: Connection) -> None:
    roster = _plan(connection).rosters[0]
    shifts = (
        FixedShift("main", ("chi", "binh"), MON, MON + DAY, 2),
        FixedShift("main", ("chi",), MON + DAY, MON + 2 * DAY),
    )
    wanted = schedule(roster, shifts, reason="Tết")
    (made,) = change(connection, store.make_all(SYSTEM_READER, (wanted,), "lan"))
    assert _plan(connection).changes == (made.change,)
    assert made.change.shifts == shifts
    assert _people(connection, 3) == ["binh+chi", "chi", "chi"]
    with pytest.raises(ConflictError, match="temporary schedule of 2 shifts"):
        change(connection, store.make(SYSTEM_READER, wanted, "mai"))
    number = made.change.id or 0
    change(connection, store.withdraw(SYSTEM_READER, number, "mai", now=MON + DAY))
    assert _people(connection, 3) == ["binh+chi", "binh", "chi"]


def test_rosters_of_a_database_before_editions_come_along(servers: Servers, tmp_path: Path) -> None:
    with servers.place() as place, psycopg.connect(place.database_dsn, autocommit=True) as found:
        apply_pack(found, duty_pack())
        kept = found.execute(
            "SELECT time_zone, working_time, rosters, people FROM ioc.duty_edition"
        ).fetchone()
        _back_to_0062(found)
        text = Path(store.__file__).parents[1] / "storage/migrations/sql/0066_duty_history.sql"
        found.execute(text.read_bytes())
        moved = found.execute(
            "SELECT time_zone, working_time, rosters, people FROM ioc.duty_edition"
        ).fetchone()
        assert moved == kept
        apply_pack(found, duty_pack())
        assert found.execute("SELECT count(*) FROM ioc.duty_edition").fetchone() == (1,)


def _back_to_0062(connection: Connection) -> None:
    """As the migration before left it, with the pack's rosters in their old table."""
    connection.execute(
        """
        CREATE TABLE ioc.duty_roster
            (code text PRIMARY KEY, position int NOT NULL, unit_code text NOT NULL, definition jsonb NOT NULL);
        INSERT INTO ioc.duty_roster SELECT r.one -> 'roster' ->> 'code', r.place, r.one ->> 'unit', r.one -> 'roster'
          FROM ioc.duty_edition, jsonb_array_elements(rosters) WITH ORDINALITY AS r (one, place);
        DROP TABLE ioc.duty_edition, ioc.duty_version, ioc.duty_notice, ioc.duty_change CASCADE;
        DROP FUNCTION ioc.duty_edition_kept, ioc.duty_changed;
        """
    )
    older = (Path(store.__file__).parents[1] / "storage/migrations/sql/0061_duty.sql").read_text()
    begin = older.index("CREATE TABLE ioc.duty_change")
    connection.execute(older[begin : older.index("-- A change is withdrawn")].encode())
    connection.execute(
        b"CREATE TRIGGER duty_change_kept BEFORE UPDATE OR DELETE ON ioc.duty_change"
        b" FOR EACH ROW EXECUTE FUNCTION ioc.duty_change_kept()"
    )
