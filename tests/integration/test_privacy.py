"""A dossier that is erased is named nowhere any more, counts as before, and does not come back."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from connectors.shared.privacy import Pseudonymiser, key_path
from ioc import topics
from ioc.errors import SettingsError, UsageError
from ioc.events import DossierProgress, DossierProgressed, encode
from ioc.history.access_log import begin
from ioc.kpi.query import change
from ioc.platform import dossier_sums
from ioc.privacy import erasing, ledger
from ioc.privacy.finding import UnknownDossierError
from ioc.privacy.inventory import TABLES
from ioc.settings import Settings
from streams.replay.replay import Subject, replay
from tests.integration import privacy_data
from tests.integration.feeding import Feeder, feeders
from tests.integration.kpi_answers import answers
from tests.integration.privacy_data import CODE, PORTAL, SECOND, dossier, of
from tests.integration.streaming import run_ioc
from tests.servers import Servers

NAMES = (CODE, PORTAL, SECOND)
STORED = datetime(2024, 4, 20, tzinfo=UTC)


@pytest.fixture
async def feeder(servers: Servers) -> AsyncIterator[Feeder]:
    """A partition whose dossiers are stored, in batches and with moments of learning of their own."""
    with servers.place() as own:
        async with feeders(own, topics.DOSSIERS) as (found,):
            for batch in privacy_data.batches(privacy_data.all_events()):
                await found.feed([encode(event) for event in batch], now=STORED)
            await found.feed([b'{"subject": "' + CODE.encode() + b'", "who": "somebody"'])
            assert found.bad
            found.place = own  # type: ignore[attr-defined]
            yield found


def _settings(feeder: Feeder) -> Settings:
    return feeder.place  # type: ignore[attr-defined,no-any-return]


def _connect(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(settings.database_dsn, autocommit=True, options="-c timezone=UTC")


def _everything(connection: psycopg.Connection[Any]) -> str:
    """All rows of all tables as text: also such as nobody thought of."""
    tables = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'ioc' ORDER BY 1"
    ).fetchall()
    text = []
    for (table,) in tables:
        rows = connection.execute(
            sql.SQL("SELECT to_jsonb(t)::text FROM ioc.{} t").format(sql.Identifier(table))
        ).fetchall()
        text += [f"{table}: {row}" for (row,) in rows]
    return "\n".join(text)


def _name_it(connection: psycopg.Connection[Any]) -> None:
    """Write the dossier's name wherever the platform may."""
    with connection.transaction():
        change(connection, begin("system", "dossier", {"dossier": CODE}))
        connection.execute(
            "INSERT INTO ioc.alert_rule (code, position, kind, severity, definition)"
            " VALUES ('r', 1, 'dossier', 3, '{}')"
        )
        subject = f"dossier:{CODE}"
        connection.execute(
            "INSERT INTO ioc.alert (rule_id, key, severity, subject, since, opened_at, cleared_at, detail, changed_at)"
            " SELECT rule_id, %s, 3, %s, now(), now(), now(), %s, now() FROM ioc.alert_rule",
            (subject, subject, json.dumps({"dossier": CODE})),
        )
        connection.execute(
            "INSERT INTO ioc.alert_event (alert_id, kind, actor, detail) SELECT alert_id, 'joined', 'system', %s"
            " FROM ioc.alert",
            (json.dumps({"subjects": [subject, "dossier:other"]}),),
        )
        connection.execute(
            "INSERT INTO ioc.alert_message (key, kind, severity, channel, not_before, state, content)"
            " VALUES ('k', 'digest', 1, 'mail', now(), 'sent', %s)",
            (json.dumps({"late": [PORTAL]}),),
        )
        connection.execute(
            "INSERT INTO ioc.maintenance (name, subjects, starts_at, length_s, time_zone, made_by)"
            " VALUES ('quiet', ARRAY[%s], now(), 60, 'UTC', 'me')",
            (subject,),
        )
        for first, late in (("2024-04-01", SECOND), ("2024-04-02", "another")):
            book = io.BytesIO()
            with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as parts:
                parts.writestr("xl/sharedStrings.xml", f"<sst><si><t>{late}</t></si></sst>")
            connection.execute(
                "INSERT INTO ioc.report (kind, first, last, unit, language, made_at, version, pdf, workbook)"
                " VALUES ('day', %s, %s, 'u1', 'vi', now(), '1', '', %s)",
                (first, first, book.getvalue()),
            )


async def test_names_go_and_figures_stay(feeder: Feeder) -> None:
    settings = _settings(feeder)
    with _connect(settings) as connection:
        dossier_sums.fold(connection)
        _name_it(connection)
        before, then = answers(connection, "dossier"), answers(connection, "dossier", STORED)
        assert all(name in _everything(connection) for name in NAMES)

        done = erasing.erase(connection, settings, PORTAL, reason="asked for", by="me")
        assert (done.codes, done.dossiers) == (3, 2)
        assert done.facts == 10 + 10
        assert done.counts["report"] == 1
        assert connection.execute("SELECT first::text FROM ioc.report").fetchall() == [("2024-04-02",)]
        assert set(done.counts) >= {
            "alert",
            "alert_event",
            "alert_message",
            "maintenance",
            "access_log",
            "unreadable",
        }

        everything = _everything(connection)
        assert [name for name in NAMES if name in everything] == []
        assert "dossier:other" in everything
        assert (
            len(re.findall(r"0123456789abcdef", everything)) == 2 * 13
        )  # officers of the others: fact and projection
        dossier_sums.fold(connection)
        assert answers(connection, "dossier") == before
        assert answers(connection, "dossier", STORED) == then
        assert connection.execute("SELECT count(*) FROM ioc.unreadable_count").fetchone() == (1,)
    found = await replay(settings, [Subject.DOSSIERS], since=None, repair=False, progress=lambda _: None)
    assert {one.subject: one.different for one in found if one.different} == {}
    text = ledger.path_of(settings).read_text()
    assert len(text.splitlines()) == 3
    assert [name for name in NAMES if name in text] == []


async def test_later_facts_of_it_are_passed_by(feeder: Feeder) -> None:
    settings = _settings(feeder)
    with _connect(settings) as connection:
        erasing.erase(connection, settings, CODE, reason="asked for", by="me")
        feeder.fresh()
        facts, late = feeder.facts, of(DossierProgressed, CODE, 200, DossierProgress(unit="u1", status=10))
        again = [*dossier(CODE, 5, days=3, aliases=(PORTAL,)), late, *dossier("another", 5, days=1)]
        again += dossier("new-code", 9, days=1, aliases=(PORTAL,))  # another code of it, never heard of
        again += dossier("H53.12-240402-0000", 10, days=0.5, aliases=(CODE,))  # a claim of one that is there
        await feeder.feed([encode(event) for event in again], erasures=1)
        assert feeder.erased == 10 + 1 + 9
        assert feeder.facts == facts + 9
        await feeder.feed(
            [encode(of(DossierProgressed, "new-code", 300, DossierProgress(unit="u1", status=10)))],
            erasures=1,
        )
        assert feeder.erased == 21
        everything = _everything(connection)
        assert [name for name in (*NAMES, "new-code") if name in everything] == []
        assert '"another"' in everything
        row = connection.execute("SELECT sum(refused), count(refused_at) FROM ioc.erasure").fetchone()
        assert row == (21, 2)


async def test_a_batch_either_is_erased_or_knows_of_it(feeder: Feeder) -> None:
    """The worker learns of an erasure by the row that its batch takes first."""
    settings = _settings(feeder)
    with _connect(settings) as connection:
        connection.execute(
            "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset)"
            " VALUES ('c', %s, 't', 0, 5)",
            (settings.topic_prefix + topics.DOSSIERS,),
        )
        erasing.erase(connection, settings, CODE, reason="asked for", by="me")
        assert connection.execute("SELECT erasures FROM ioc.partition_offset").fetchone() == (1,)


async def test_without_the_key_nothing_is_stored(feeder: Feeder) -> None:
    settings = _settings(feeder)
    with _connect(settings) as connection:
        erasing.erase(connection, settings, CODE, reason="asked for", by="me")
    ledger.key_path(settings).unlink()
    feeder.fresh()
    with pytest.raises(SettingsError, match=r"erasure\.key"):
        await feeder.feed([encode(event) for event in dossier("another", 5, days=1)], erasures=1)


async def test_one_in_hand_is_taken_out_of_the_figures_or_waits(feeder: Feeder) -> None:
    settings, code = _settings(feeder), "H53.12-240403-0001"
    with _connect(settings) as connection:
        with pytest.raises(UsageError, match="still in hand"):
            erasing.erase(connection, settings, code, reason="asked for", by="me")
        assert connection.execute("SELECT count(*) FROM ioc.erasure").fetchone() == (0,)
        erasing.erase(connection, settings, code, reason="asked for", by="me", uncount=True)
        assert code not in _everything(connection)
        with pytest.raises(UnknownDossierError):
            erasing.erase(connection, settings, code, reason="again", by="me")


async def test_an_older_database_is_cleaned_by_the_ledger(feeder: Feeder) -> None:
    """As after a restore: the database knows nothing of the erasure, the file does."""
    settings = _settings(feeder)
    with _connect(settings) as connection:
        key = ledger.make_key(settings)
        lines = [
            ledger.Line(key.digest(name).hex(), STORED, "asked for", "me") for name in (CODE, PORTAL, SECOND)
        ]
        ledger.append(ledger.path_of(settings), lines)
        with ledger.path_of(settings).open("ab") as file:
            file.write(b'{"digest":"0123')  # cut short by a crash
        assert erasing.apply_again(connection, settings) == 2
        assert [name for name in NAMES if name in _everything(connection)] == []
        assert erasing.apply_again(connection, settings) == 0


async def test_the_commands(feeder: Feeder) -> None:
    settings = _settings(feeder)
    told = run_ioc(settings, "privacy", "access", PORTAL)
    assert told.returncode == 0, told.stderr
    kept = json.loads(told.stdout)
    assert kept["codes"] == sorted(NAMES)
    assert len(kept["dossiers"]) == 2
    assert len(kept["facts"]) == 20
    assert kept["named_in"]["unreadable"] == 1
    with _connect(settings) as connection:
        ((what, filters),) = connection.execute("SELECT what, filters FROM ioc.access_log").fetchall()
        assert (what, filters) == ("privacy.access", {"dossier": sorted((CODE, SECOND))})
    wanted = ("privacy", "erase", CODE, "--reason", "asked for")
    asked = run_ioc(settings, *wanted)
    assert asked.returncode == 2  # nobody said yes
    with _connect(settings) as connection:
        assert connection.execute("SELECT count(*) FROM ioc.erasure").fetchone() == (0,)
    done = run_ioc(settings, *wanted, "--yes")
    assert done.returncode == 0, done.stderr
    assert "2 dossiers" in done.stdout
    gone = run_ioc(settings, "privacy", "access", CODE)
    assert gone.returncode == 2
    assert "Nothing is kept" in gone.stderr


def test_the_key_of_a_source_is_destroyed_once_somebody_says_so(servers: Servers) -> None:
    with servers.place() as settings:
        path = key_path(settings.state_dir, "//onestop")
        before = Pseudonymiser(path)("Officer A")
        assert run_ioc(settings, "privacy", "destroy-key").stdout == "onestop\n"
        assert run_ioc(settings, "privacy", "destroy-key", "//onestop").returncode == 2
        assert path.exists()
        assert run_ioc(settings, "privacy", "destroy-key", "//onestop", "--yes").returncode == 0
        assert not path.exists()
        assert Pseudonymiser(path)("Officer A") != before


async def test_every_table_there_is_is_in_the_inventory(feeder: Feeder) -> None:
    with _connect(_settings(feeder)) as connection:
        rows = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT LIKE '%%timescaledb%%' AND schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
    assert sorted(rows) == sorted(("ioc", table.name) for table in TABLES)
