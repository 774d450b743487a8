# ruff: noqa: E501, S608 - statements, kept whole; names in them are those that the database itself gives
"""Every query of every board on a seeded TimescaleDB, as Grafana's own role; and what that role may not."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr
from typer.testing import CliRunner

from dashboards import role
from dashboards.build import build
from dashboards.check import Checked, ask, check, misshapen
from dashboards.macros import Asked
from dashboards.model import Language
from dashboards.query import before, series, target, tile
from dashboards.reading import Found, queries
from ioc.cli.main import build as command_line
from ioc.district import read_pack
from ioc.district.apply import apply_pack
from ioc.errors import UnavailableError
from ioc.kpi import targets
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.definition import Direction
from ioc.kpi.query import answer, current
from ioc.kpi.query import ask as ask_kpi
from ioc.kpi.question import Asked as Question
from ioc.settings import Settings
from tests.integration.board_place import SECRETS, SHIPPED, seed
from tests.integration.kpi_data import Connection
from tests.servers import Servers

UNIT = "go-dau"


class House:
    """The seeded database: for its owner, and for the boards' role."""

    def __init__(self, settings: Settings, admin_dsn: str, owner: Connection) -> None:
        self.settings = settings
        self.admin_dsn = admin_dsn
        self.owner = owner
        self.now = seed(owner)
        self.dsn = role.dsn(settings, role.ensure(settings, admin_dsn=admin_dsn))


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[House]:
    with servers.place() as found, psycopg.connect(found.database_dsn, autocommit=True) as owner:
        name = str(conninfo_to_dict(found.database_dsn)["dbname"])
        admin = make_conninfo(servers.postgres.admin_dsn, dbname=name)
        yield House(found, admin, owner)


@pytest.fixture
def grafana(house: House) -> Iterator[Connection]:
    """A session of the boards' role."""
    with psycopg.connect(house.dsn, autocommit=True) as session:
        yield session


@pytest.fixture(scope="module")
def checked(house: House) -> Checked:
    return check(build(), house.dsn)


# -- every query ----------------------------------------------------------------------------------------


def test_every_query_runs_and_gives_what_its_panel_needs(checked: Checked) -> None:
    assert [str(fault) for fault in checked.faults] == []
    assert len(checked.runs) == sum(len(list(queries(board))) for board in build().boards)


def test_only_what_the_seed_lacks_is_empty(checked: Checked) -> None:
    """Of parts of today there are none just after midnight; targets and holidays are where the pack has some."""
    may_be = re.compile(r"kpi_parts\(|index766_losses|kpi_target|day_marks")
    assert [run.found.where for run in checked.empty if not may_be.search(run.found.sql)] == []


def test_a_district_without_any_fact_yet_breaks_no_board(servers: Servers, house: House) -> None:
    """After the first start there are units and nothing else: panels are empty, and none fails."""
    bundle = build()
    with servers.place() as place, psycopg.connect(place.database_dsn, autocommit=True) as owner:
        apply_pack(owner, read_pack(SHIPPED))
        admin = make_conninfo(servers.postgres.admin_dsn, dbname=owner.info.dbname)
        known = place.model_copy(update={"grafana_database_password": role.password(house.settings)})
        dsn = role.dsn(known, role.ensure(known, admin_dsn=admin))
        found = check(replace(bundle, boards=bundle.boards[:9]), dsn)
    assert [str(fault) for fault in found.faults] == []
    assert len(found.empty) > 20


def test_no_board_shows_what_is_nobodys_business(house: House, grafana: Connection) -> None:
    """Everything that any board asks of the whole district, of two months, holds no code, person, number or address."""
    chosen = {"unit": UNIT, "other": UNIT, "before": "1 week", "as_of": "", "bucket": "1d", "ioc_url": ""}
    asked = Asked(start=house.now - timedelta(days=60), end=house.now, variables=chosen)
    seen = 0
    for board in build().boards[: len(build().boards) // 2]:
        for found in queries(board):
            given = ask(grafana, found.sql, asked)
            assert not isinstance(given, str), given
            seen += len(given.rows)
            assert [secret for secret in SECRETS if secret in repr(given.rows)] == [], found.where
    assert seen > 1000


# -- the same figures as everywhere ---------------------------------------------------------------------


@pytest.mark.parametrize("kpi_id", CATALOGUE)
def test_a_panels_series_is_that_of_every_other_surface(
    house: House, grafana: Connection, kpi_id: str
) -> None:
    start, end = house.now - timedelta(days=40), house.now
    bucket = "1mo" if kpi_id.startswith("index766.") else "1d"
    given = ask(
        grafana,
        series(kpi_id, Language.VI, label="x").raw_sql,
        Asked(start=start, end=end, variables={"unit": UNIT, "bucket": bucket}),
    )
    assert not isinstance(given, str), given
    wanted = answer(
        house.owner,
        ask_kpi(
            "system", kpi_id, Question(unit=UNIT, start=start.isoformat(), end=end.isoformat(), bucket=bucket)
        ),
    )
    assert [(row[0], row[2]) for row in given.rows] == [
        (point.time, pytest.approx(point.value)) for point in wanted.points
    ]


@pytest.mark.parametrize(
    "kpi_id", [one.id for one in CATALOGUE.values() if one.current_window.value != "now"]
)
def test_a_tile_shows_the_current_figure(house: House, grafana: Connection, kpi_id: str) -> None:
    given = ask(
        grafana,
        tile(kpi_id, Language.EN).raw_sql,
        Asked(start=house.now, end=house.now, variables={"unit": UNIT}),
    )
    assert not isinstance(given, str), given
    (figure,) = answer(house.owner, current("system", [kpi_id], [UNIT]))
    shown = given.rows[0][0]
    # of a day that runs, a moment later is a little more
    assert shown is figure.value is None or shown == pytest.approx(figure.value, rel=0.02)


def test_a_tile_is_judged_as_everywhere(house: House, grafana: Connection) -> None:
    """Whatever figure, target, band and direction: the database says what ioc.kpi.targets.judge says."""
    for kpi in (CATALOGUE["dossier.on_time_rate"], CATALOGUE["dossier.overdue"]):
        for value in (None, 0.0, 0.9, 0.95, 0.97, 0.98, 1.0):
            for warning in (None, 0.95, 0.99):
                for strict in (True, False):
                    held = targets.Target(None, None, 0.97, warning, strict, None, None, "V")
                    ((said,),) = house.owner.execute(
                        "SELECT ioc_board.judged(%s, %s, %s, %s, %s)",
                        (kpi.direction is Direction.UP, held.value, warning, strict, value),
                    )
                    assert said == targets.judge(kpi, held, value).value, (kpi.id, value, warning, strict)
    assert grafana.execute("SELECT ioc_board.judged(true, NULL, NULL, false, 1)").fetchone() == (None,)


def test_the_target_in_force_is_in_the_tile_and_on_the_chart(house: House, grafana: Connection) -> None:
    asked = Asked(start=house.now - timedelta(days=3), end=house.now, variables={"unit": UNIT})
    shown = ask(grafana, tile("dossier.on_time_rate", Language.EN).raw_sql, asked)
    line = ask(grafana, target("dossier.on_time_rate", Language.EN).raw_sql, asked)
    assert not isinstance(shown, str)
    assert not isinstance(line, str)
    assert shown.rows[0][1].endswith("target ≥ 98 %")
    assert {row[2] for row in line.rows} == {0.98}
    assert line.rows[0][0] == asked.start
    assert line.rows[-1][0] == asked.end


def test_an_earlier_period_lies_under_this_one(house: House, grafana: Connection) -> None:
    start, end = house.now - timedelta(days=7), house.now
    asked = Asked(
        start=start, end=end, variables={"unit": UNIT, "bucket": "1d", "before": "1 week", "as_of": ""}
    )
    earlier = ask(grafana, before("dossier.received", label="x").raw_sql, asked)
    plain = ask(
        grafana,
        series("dossier.received", Language.VI, label="x").raw_sql,
        replace(asked, start=start - timedelta(days=7), end=end - timedelta(days=7)),
    )
    assert not isinstance(earlier, str)
    assert not isinstance(plain, str)
    assert [(row[0] - timedelta(days=7), row[2]) for row in earlier.rows] == [
        (row[0], row[2]) for row in plain.rows
    ]
    assert sum(row[2] for row in earlier.rows) > 0


def test_as_of_a_moment_is_what_was_known_then(house: House, grafana: Connection) -> None:
    then = (house.now - timedelta(days=5)).isoformat(timespec="seconds")
    asked = Asked(
        start=house.now - timedelta(days=20),
        end=house.now,
        variables={"unit": UNIT, "bucket": "1d", "as_of": then},
    )
    sql_text = series("dossier.received", Language.VI, label="x", as_of="${as_of:sqlstring}").raw_sql
    known = ask(grafana, sql_text, asked)
    assert not isinstance(known, str)
    assert known.rows[-1][2] is None
    assert known.rows[0][2] is not None


@pytest.mark.parametrize("typed", ["yesterday", "2026-13-01", "2026-11-24T25:00", "'; DROP TABLE x; --"])
def test_a_moment_that_nobody_can_read_is_said(house: House, grafana: Connection, typed: str) -> None:
    asked = Asked(
        start=house.now - timedelta(days=1),
        end=house.now,
        variables={"unit": UNIT, "bucket": "1d", "as_of": typed},
    )
    sql_text = series("dossier.received", Language.VI, label="x", as_of="${as_of:sqlstring}").raw_sql
    said = ask(grafana, sql_text, asked)
    assert isinstance(said, str)
    assert "is neither a date nor a time" in said


# -- what the role may ----------------------------------------------------------------------------------


def test_the_role_reads_no_table_and_calls_no_function_of_the_platform(
    house: House, grafana: Connection
) -> None:
    relations = house.owner.execute(
        "SELECT 'ioc.' || quote_ident(c.relname) FROM pg_class c WHERE c.relnamespace = 'ioc'::regnamespace AND c.relkind IN ('r', 'v', 'p', 'S')"
    ).fetchall()
    assert len(relations) > 60
    for (name,) in relations:
        with pytest.raises(errors.InsufficientPrivilege):
            grafana.execute(f"SELECT * FROM {name} LIMIT 1".encode())
    functions = house.owner.execute(
        "SELECT p.oid::regprocedure::text, p.proname, p.pronargs FROM pg_proc p WHERE p.pronamespace = 'ioc'::regnamespace"
        " AND p.prorettype NOT IN ('trigger'::regtype)"
    ).fetchall()
    assert len(functions) > 80
    for _, name, arguments in functions:
        with pytest.raises(errors.InsufficientPrivilege):
            grafana.execute(f"SELECT ioc.{name}({', '.join(['NULL'] * arguments)})".encode())
    # chunks of hypertables are tables of their own
    for (name,) in house.owner.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = '_timescaledb_internal'::regnamespace"
        " AND c.relkind = 'r' AND c.relowner = current_user::regrole"
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            grafana.execute(f"SELECT * FROM {name} LIMIT 1".encode())


def test_the_role_writes_nothing(house: House, grafana: Connection) -> None:
    grafana.execute("SET default_transaction_read_only = off")  # what a role may always do
    for statement in (
        "CREATE TABLE ioc_board.x (a int)",
        "CREATE TABLE public.x (a int)",
        "CREATE TEMP TABLE x (a int)",
        "CREATE SCHEMA x",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_create(0)",
        "CREATE FUNCTION ioc_board.units() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "INSERT INTO ioc.unit (code) VALUES ('x')",
        "UPDATE ioc.reader SET active = true",
        "DELETE FROM ioc.alert",
        "SET ROLE ioc",
        "ALTER SCHEMA ioc_board RENAME TO x",
    ):
        with pytest.raises(psycopg.Error) as caught:
            grafana.execute(statement.encode())
        assert isinstance(caught.value, errors.InsufficientPrivilege), statement


def test_the_role_reads_only_and_not_for_long(grafana: Connection) -> None:
    said = {
        name: grafana.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
        for name in ("default_transaction_read_only", "statement_timeout", "search_path")
    }
    assert said["default_transaction_read_only"] == ("on",)
    assert said["statement_timeout"] == (role.STATEMENT_TIMEOUT,)
    assert said["search_path"] == ("ioc_board",)


def test_the_password_stays_in_the_state_folder(house: House) -> None:
    path = role.password_file(house.settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_text().strip()
    assert role.ensure(house.settings, admin_dsn=house.admin_dsn).get_secret_value() == first


def test_where_the_platform_may_not_make_roles_the_sql_is_said(house: House, tmp_path: Path) -> None:
    other = house.settings.model_copy(update={"state_dir": tmp_path})
    with pytest.raises(UnavailableError) as caught:
        role.ensure(other)
    assert "CREATE ROLE ioc_grafana LOGIN" in caught.value.remedy
    assert "GRANT USAGE ON SCHEMA ioc_board TO ioc_grafana;" in caught.value.remedy
    assert role.password_file(other).read_text().strip() not in str(caught.value)


def test_a_role_that_an_administrator_made_is_enough(house: House) -> None:
    """The platform's own role may not make or change it; that it lets in is all that counts."""
    assert role.ensure(house.settings).get_secret_value() in house.dsn


def test_boards_survive_a_new_catalogue(house: House, grafana: Connection) -> None:
    """The KPI functions are dropped with everything that leans on them whenever the catalogue changes."""
    from ioc.kpi.install import install

    house.owner.execute("COMMENT ON FUNCTION ioc.kpi_definition() IS 'older'")
    assert install(house.owner)
    assert grafana.execute("SELECT count(*) FROM ioc_board.units('vi')").fetchone() != (0,)


def test_boards_of_a_closed_reader_show_nothing(house: House, grafana: Connection) -> None:
    house.owner.execute("UPDATE ioc.reader SET active = false WHERE name = 'grafana'")
    try:
        assert grafana.execute("SELECT * FROM ioc_board.units('vi')").fetchall() == []
        with pytest.raises(psycopg.Error, match="There is no unit"):
            grafana.execute("SELECT * FROM ioc_board.kpi_now(ARRAY['dossier.open'], '')")
    finally:
        house.owner.execute("UPDATE ioc.reader SET active = true WHERE name = 'grafana'")


def test_without_the_role_the_check_says_what_to_do(house: House) -> None:
    with pytest.raises(UnavailableError, match="ioc dashboards role"):
        check(build(), make_conninfo(house.dsn, password="wrong"))


# -- what check finds -----------------------------------------------------------------------------------


def _broken(house: House, grafana: Connection, text: str, form: str = "time_series") -> list[str]:
    board = build().boards[0]
    panel = next(found.panel for found in queries(board) if found.panel is not None)
    found = next(one for one in queries(board) if one.panel is not None)
    given = ask(
        grafana, text, Asked(start=house.now - timedelta(days=1), end=house.now, variables={"unit": UNIT})
    )
    if isinstance(given, str):
        return [given]
    return list(misshapen(Found(**{**_facts(found), "sql": text, "format": form, "panel": panel}), given))


def _facts(found: Found) -> dict[str, object]:
    return {
        name: getattr(found, name) for name in ("board", "role", "where", "sql", "format", "source", "panel")
    }


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        ("SELECT 1 AS value", "time_series", "needs a column time"),
        ("SELECT now() AS \"time\", 'x' AS metric", "time_series", "needs a number"),
        ("SELECT 'x' AS a, 'y' AS b, now() AS \"time\", 1 AS v", "time_series", "one column of names"),
        (
            "SELECT now() - n * interval '1 s' AS \"time\", 1 FROM generate_series(1, 2) AS n",
            "time_series",
            "order",
        ),
        (
            'SELECT now() AS "time", n FROM generate_series(1, 2) AS n',
            "time_series",
            "two values at one time",
        ),
        ('SELECT NULL::timestamptz AS "time", 1 AS v', "time_series", "no time"),
        ("SELECT 1 AS name, 2 AS name", "table", "one name"),
        ("SELECT 1 AS value", "table", "names a column colour"),
        (
            "SELECT 1 AS value, '' AS name, '' AS colour FROM generate_series(1, 2)",
            "table",
            "one figure, not 2",
        ),
        ("SELECT * FROM ioc_board.nothing()", "table", "does not exist"),
        ("SELECT * FROM ioc.unit", "table", "permission denied"),
        ("SELECT $__nothing()", "table", "is no macro"),
        ("SELECT ${gone:sqlstring}", "table", "There is no variable gone"),
        ("SELECT n AS value FROM generate_series(1, 30000) AS n", "table", "more than"),
    ],
)
def test_check_finds(house: House, grafana: Connection, text: str, form: str, said: str) -> None:
    assert any(said in one for one in _broken(house, grafana, text, form)), _broken(
        house, grafana, text, form
    )


def test_check_of_the_command_line(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_DATABASE_URL", house.settings.database_dsn)
    monkeypatch.setenv("IOC_STATE_DIR", str(house.settings.state_dir))
    done = CliRunner().invoke(command_line(), ["dashboards", "check"])
    assert done.exit_code == 0, done.output
    assert "18 boards, 0 faults." in done.output
    assert "queries ran, the slowest in" in done.output
    done = CliRunner().invoke(command_line(), ["dashboards", "role"])
    assert done.exit_code == 0, done.output
    assert str(role.password_file(house.settings)) in done.output
    assert role.password_file(house.settings).read_text().strip() not in done.output


def test_on_the_embedded_server_its_administrator_makes_the_role(servers: Servers, house: House) -> None:
    """The platform's own role may not make roles there; the server's own may, and its password is in the state folder."""
    embedded = servers.settings.model_copy(
        update={"grafana_database_password": role.password(house.settings)}
    )
    with psycopg.connect(embedded.database_dsn, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA IF NOT EXISTS ioc_board")
    assert embedded.database_admin_dsn is not None
    secret = role.ensure(embedded)
    with psycopg.connect(role.dsn(embedded, secret)) as session:
        assert session.execute("SELECT current_database(), current_user").fetchone() == ("ioc", "ioc_grafana")


def test_an_unprepared_database_is_said(servers: Servers, house: House) -> None:
    bare = servers.postgres.ensure_database("bare")
    name = make_conninfo(servers.postgres.admin_dsn, dbname="bare")
    settings = house.settings.model_copy(update={"database_url": SecretStr(bare)})
    with pytest.raises(UnavailableError, match="not prepared for boards"):
        role.ensure(settings, admin_dsn=name)
