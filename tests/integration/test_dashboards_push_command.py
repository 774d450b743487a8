"""`ioc dashboards push` and `provision` as people run them: the real boards, a real database, a double of Grafana."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from pydantic import SecretStr

from dashboards import role
from dashboards.build import build
from dashboards.model import DATA_SOURCE_UID, DATABASE_ROLE
from ioc.errors import UnavailableError
from ioc.settings import Settings
from tests.grafana_double import TOKEN, Double, running
from tests.integration.streaming import run_ioc
from tests.servers import Servers


@pytest.fixture(scope="module")
def prepared(servers: Servers, place: Settings) -> Settings:
    """Settings of a database on which an administrator made the role that Grafana logs in with."""
    role.ensure(place, admin_dsn=servers.admin_dsn(place))
    return place


def reaches(source: Mapping[str, Any], password: str) -> bool:
    """Whether the data source as it was pushed logs in to the database."""
    host, _, port = str(source["url"]).rpartition(":")
    try:
        with psycopg.connect(
            host=host,
            port=int(port),
            user=source["user"],
            password=password,
            dbname=source["jsonData"]["database"],
            sslmode=source["jsonData"]["sslmode"],
            connect_timeout=5,
        ) as session:
            row = session.execute("SELECT current_user, has_schema_privilege('ioc', 'USAGE')").fetchone()
            return row == (DATABASE_ROLE, False)
    except psycopg.Error:
        return False


@pytest.fixture
def double() -> Iterator[Double]:
    with running(Double(version="12.2.0", reaches=reaches)) as served:
        yield served


@pytest.fixture
def pushing(prepared: Settings, double: Double) -> Settings:
    return prepared.model_copy(update={"grafana_url": double.url, "grafana_token": None})


def push(settings: Settings, *arguments: str, token: str = TOKEN) -> tuple[int, str]:
    facts = {**settings.model_dump(), "grafana_token": token}
    done = run_ioc(Settings.model_validate(facts), "dashboards", "push", *arguments)
    return done.returncode, done.stdout + done.stderr


def test_a_role_that_may_not_be_made_leaves_no_password_in_the_servers_log(
    servers: Servers, place: Settings
) -> None:
    other = place.model_copy(update={"grafana_database_password": SecretStr("not-to-be-logged-7261")})
    log = servers.settings.state_dir / "logs" / "postgres.log"
    before = log.stat().st_size
    with pytest.raises(UnavailableError, match="may not make the role"):
        role.ensure(other)
    deadline = time.monotonic() + 30  # the server's guard copies what it says
    while DATABASE_ROLE not in (told := log.read_bytes()[before:].decode()):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    assert "not-to-be-logged-7261" not in told


def test_a_look_a_push_and_another_one(pushing: Settings, double: Double) -> None:
    boards = build().boards
    code, said = push(pushing, "--dry-run")
    assert code == 0, said
    assert "changes would be made" in said
    assert double.changes == 0
    code, said = push(pushing)
    assert code == 0, said
    assert set(double.boards) == {one.uid for one in boards}
    assert double.passwords[DATA_SOURCE_UID] == role.password(pushing).get_secret_value()
    made = double.changes
    code, said = push(pushing)
    assert code == 0, said
    assert "0 changes were made" in said
    assert double.changes == made


def test_errors_are_two_sentences_without_the_token_and_with_a_status(
    pushing: Settings, double: Double
) -> None:
    code, said = push(pushing, token="glsa_wrong-one")
    assert code == 3
    assert said.startswith("error: The Grafana at http://127.0.0.1:")
    assert "Traceback" not in said
    assert "glsa_wrong-one" not in said
    double.version = "8.0.0"
    code, said = push(pushing)
    assert code == 3
    assert "too old: it is 8.0.0" in said


def test_files_for_grafana_hold_all_boards_and_no_password(prepared: Settings, tmp_path: Path) -> None:
    done = run_ioc(prepared, "dashboards", "provision", "--out", str(tmp_path), "--at", "/etc/grafana/ioc")
    assert done.returncode == 0, done.stderr
    boards = build().boards
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in (tmp_path / "boards").rglob("*.json")}
    assert set(found) == {one.uid for one in boards}
    text = "\n".join(path.read_text("utf-8") for path in (tmp_path / "provisioning").rglob("*.yaml"))
    assert role.password(prepared).get_secret_value() not in text
    (source,) = yaml.safe_load((tmp_path / "provisioning/datasources/ioc.yaml").read_text("utf-8"))[
        "datasources"
    ]
    assert reaches(source, role.password(prepared).get_secret_value())
    assert (
        "0 files were written"
        in run_ioc(
            prepared, "dashboards", "provision", "--out", str(tmp_path), "--at", "/etc/grafana/ioc"
        ).stdout
    )
