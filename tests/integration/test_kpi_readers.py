"""Who may see what: one error for a unit that does not exist, is another's, or is asked for by nobody known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ioc.access import GUEST, readers
from ioc.dossiers.ledger import Measure
from ioc.errors import UsageError
from ioc.kpi import find, ids
from ioc.kpi.errors import UnknownUnitError
from ioc.kpi.install import ENTRY_POINTS, functions_sql, install
from ioc.kpi.query import answer, current, series
from ioc.kpi.question import Question
from tests.integration.kpi_data import Connection, LedgerEntry, add_district, add_entries, add_unit, empty

_AT = datetime(2026, 3, 2, 3, tzinfo=UTC)


@pytest.fixture
def district(connection: Connection) -> Connection:
    """A province with the district ``go`` of two communes, another district, and a unit outside of all."""
    empty(connection)
    for code, parent in (
        ("province", None),
        ("go", "province"),
        ("go-1", "go"),
        ("go-2", "go"),
        ("other", "province"),
        ("coselog", None),
    ):
        add_unit(connection, code, parent=parent)
    add_district(connection, "go")
    add_entries(
        connection,
        [
            LedgerEntry(unit, Measure.RECEIVED, _AT, _AT)
            for unit in ("go", "go-1", "go-2", "other", "coselog")
        ],
    )
    readers.add(connection, "chief", root_unit="go-1")
    readers.add(connection, "archive", root_unit="coselog")
    return connection


def received(connection: Connection, reader: str, unit: str | None) -> float | None:
    question = Question(
        kpi=find("dossier.received"), unit=unit, start=_AT, end=_AT + timedelta(hours=1), bucket="1h"
    )
    (point,) = answer(connection, series(reader, question))
    return point.value


@pytest.mark.parametrize(
    ("reader", "unit", "value"),
    [
        ("system", None, 3),
        ("system", "go", 3),
        ("system", "go-2", 1),
        ("system", "province", 4),
        ("system", "coselog", 1),
        ("guest", None, 3),
        ("guest", "go-1", 1),
        ("chief", None, 1),
        ("chief", "go-1", 1),
        ("archive", None, 1),
    ],
)
def test_a_scope_is_a_unit_and_all_below_it(
    district: Connection, reader: str, unit: str | None, value: float
) -> None:
    assert received(district, reader, unit) == value


@pytest.mark.parametrize(
    ("reader", "unit"),
    [
        ("chief", "go"),
        ("chief", "go-2"),
        ("chief", "coselog"),
        ("guest", "province"),
        ("guest", "coselog"),
        ("archive", "go"),
        ("system", "nowhere"),
        ("nobody", "go"),
    ],
)
def test_the_error_does_not_tell_whether_a_unit_exists(district: Connection, reader: str, unit: str) -> None:
    with pytest.raises(UnknownUnitError) as refused:
        received(district, reader, unit)
    assert refused.value.message in (f"There is no unit '{unit}'.", "There is no unit for this reader.")
    if reader != "nobody":
        with pytest.raises(UnknownUnitError) as missing:
            received(district, reader, "nowhere")
        assert missing.value.message.replace("nowhere", unit) == refused.value.message
        assert missing.value.remedy == refused.value.remedy


def test_an_inactive_reader_sees_nothing_at_once(district: Connection) -> None:
    readers.set_active(district, "chief", active=False)
    with pytest.raises(UnknownUnitError):
        received(district, "chief", None)
    with pytest.raises(UnknownUnitError):
        answer(district, current("chief"))
    seen = district.execute("SELECT count(*) FROM ioc.reader_unit WHERE reader = 'chief'").fetchone()
    assert seen == (0,)
    readers.set_active(district, "chief", active=True)
    assert received(district, "chief", None) == 1


def test_the_views_show_a_reader_his_own_units(district: Connection) -> None:
    def seen(reader: str) -> set[str]:
        rows = district.execute("SELECT code FROM ioc.reader_unit WHERE reader = %s", (reader,)).fetchall()
        return {row[0] for row in rows}

    assert seen("chief") == {"go-1"}
    assert seen(GUEST) == {"go", "go-1", "go-2"}
    assert len(seen("system")) == 6
    district.execute("DELETE FROM ioc.district")
    assert seen(GUEST) == set()


def test_without_a_district_a_reader_without_limit_sees_every_unit(district: Connection) -> None:
    district.execute("DELETE FROM ioc.district")
    assert received(district, "system", None) == 5
    with pytest.raises(UnknownUnitError):
        received(district, GUEST, None)


def test_a_ring_of_units_ends(district: Connection) -> None:
    district.execute("UPDATE ioc.unit SET parent_code = 'go-2' WHERE code = 'go'")
    assert received(district, "system", "go") == 3


def test_every_indicator_answers_for_every_unit_in_one_call(district: Connection) -> None:
    figures = answer(district, current("system", None, ["go-1", "coselog"]))
    assert [(figure.unit, figure.kpi) for figure in figures] == [
        (unit, kpi) for unit in ("go-1", "coselog") for kpi in ids()
    ]
    assert {f.unit: f.value for f in figures if f.kpi == "dossier.received"} == {"go-1": 0, "coselog": 0}
    with pytest.raises(UnknownUnitError):
        answer(district, current("chief", None, ["go-1", "go-2"]))


def test_functions_belong_to_nobody_and_definers_have_a_fixed_path(connection: Connection) -> None:
    rows = connection.execute(
        "SELECT p.proname, p.prosecdef, p.provolatile::text, p.proconfig, p.proacl::text FROM pg_proc p"
        " WHERE p.pronamespace = 'ioc'::regnamespace AND p.prorettype <> 'trigger'::regtype"
    ).fetchall()
    definers = {row[0] for row in rows if row[1]}
    assert definers == set(ENTRY_POINTS)
    for name, definer, volatility, config, acl in rows:
        assert volatility in "si", name
        assert acl is not None, name
        assert "{=X" not in acl, name
        assert ",=X" not in acl, name
        if definer:
            assert "search_path=pg_catalog, pg_temp" in config, name


def test_installing_twice_changes_nothing_and_another_text_replaces_it(connection: Connection) -> None:
    assert install(connection) is False
    connection.execute("COMMENT ON FUNCTION ioc.kpi_definition() IS 'an older one'")
    assert install(connection) is True
    assert install(connection) is False
    releases = connection.execute("SELECT kpi, version FROM ioc.kpi_release ORDER BY kpi").fetchall()
    assert [row[0] for row in releases] == sorted(ids())
    assert "ioc.dossier_ledger" in functions_sql()


def test_readers_are_named_once_and_limited_by_what_exists(district: Connection) -> None:
    for name, more, words in (
        ("chief", {}, "already"),
        ("new", {"root_unit": "nowhere"}, "no unit"),
        ("new", {"password": "short"}, "12 characters"),
        ("a:b", {}, "name"),
        ("new", {"root_unit": "go", "district_only": True}, "not both"),
    ):
        with pytest.raises(UsageError, match=words):
            readers.add(district, name, **more)
    with pytest.raises(UsageError, match="no reader"):
        readers.set_password(district, "new", "long enough a password")
    assert [reader.name for reader in readers.list_readers(district)] == [
        "archive",
        "chief",
        "grafana",
        "guest",
        "system",
    ]
