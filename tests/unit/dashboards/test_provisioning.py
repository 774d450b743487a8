"""Files that Grafana reads at its start: the same as what is pushed, without a secret, and always the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from dashboards import alerting, provisioning, source
from dashboards.alerting import RULES, Alerting
from dashboards.model import DATA_SOURCE_UID, Board, Bundle, DataSource, Folder, Language
from dashboards.push.marks import TAG
from dashboards.source import Source
from ioc.errors import SettingsError
from ioc.settings import Settings

FOLDER = Folder(uid="ioc-vi", title="Trung tâm điều hành (IOC)")
BOARD = Board(
    uid="ioc-wall-vi",
    folder_uid="ioc-vi",
    title="Tường",
    document={"uid": "ioc-wall-vi", "title": "Tường", "tags": ["ioc"]},
)
BUNDLE = Bundle(languages=(Language.VI,), folders=(FOLDER,), boards=(BOARD,), data_source=DataSource())
SOURCE = Source(
    uid=DATA_SOURCE_UID,
    name="IOC TimescaleDB",
    address="timescaledb:5432",
    database="ioc$1",
    user="ioc_grafana",
    tls="disable",
    password=SecretStr("s3cret-password"),
)


def settings(**facts: Any) -> Settings:
    return Settings.model_validate(
        {"grafana_alert_email": "it@example.vn", "grafana_alert_webhook": "http://x/s3cret", **facts}
    )


def read(folder: Path, name: str) -> Any:
    return yaml.safe_load((folder / "provisioning" / name / "ioc.yaml").read_text("utf-8"))


def test_everything_that_a_push_brings_is_written(tmp_path: Path) -> None:
    provisioning.write(tmp_path, BUNDLE, SOURCE, alerting.of(settings()), seen_as=Path("/etc/grafana/ioc"))
    (found,) = read(tmp_path, "datasources")["datasources"]
    assert {key: found[key] for key in ("uid", "type", "url", "user")} == {
        "uid": DATA_SOURCE_UID,
        "type": "postgres",
        "url": "timescaledb:5432",
        "user": "ioc_grafana",
    }
    assert found["database"] == "ioc$$1"  # Grafana would put in a variable where one sign stands
    assert found["jsonData"]["timescaledb"] is True
    assert found["editable"] is False
    (provider,) = read(tmp_path, "dashboards")["providers"]
    assert (provider["folderUid"], provider["folder"]) == (FOLDER.uid, FOLDER.title)
    assert provider["options"]["path"] == "/etc/grafana/ioc/boards/ioc-vi"
    document = json.loads((tmp_path / "boards" / "ioc-vi" / "ioc-wall-vi.json").read_text("utf-8"))
    assert document == {**BOARD.document, "tags": ["ioc", TAG]}
    (group,) = read(tmp_path, "alerting")["groups"]
    pushed = Alerting().documents(1, receivers=False)
    for written, api in zip(group["rules"], pushed, strict=True):
        for key in ("uid", "title", "condition", "data", "noDataState", "execErrState", "for", "labels"):
            assert written[key] == api[key], key


def test_no_file_holds_a_secret_and_each_names_the_variable_that_has_it(tmp_path: Path) -> None:
    provisioning.write(tmp_path, BUNDLE, SOURCE, alerting.of(settings()))
    text = "\n".join(path.read_text("utf-8") for path in tmp_path.rglob("*.*"))
    assert "s3cret" not in text
    assert "it@example.vn" not in text
    for name in (provisioning.PASSWORD_VARIABLE, *provisioning.ADDRESS_VARIABLES.values()):
        assert f"${{{name}}}" in text
    (point,) = read(tmp_path, "alerting")["contactPoints"]
    assert [one["type"] for one in point["receivers"]] == ["email", "webhook"]
    assert read(tmp_path, "alerting")["policies"][0]["receiver"] == point["name"]


def test_without_an_address_nobody_outside_is_told_and_policies_are_left_alone(tmp_path: Path) -> None:
    plain = settings(grafana_alert_email="", grafana_alert_webhook="")
    provisioning.write(tmp_path, BUNDLE, SOURCE, alerting.of(plain))
    assert read(tmp_path, "alerting").keys() == {"apiVersion", "groups"}


def test_written_twice_nothing_is_written_and_boards_that_are_gone_go(tmp_path: Path) -> None:
    other = replace(BOARD, uid="ioc-old-vi", document={**BOARD.document, "uid": "ioc-old-vi"})
    both = replace(BUNDLE, boards=(BOARD, other))
    assert provisioning.write(tmp_path, both, SOURCE, Alerting()) == 5
    assert provisioning.write(tmp_path, both, SOURCE, Alerting()) == 0
    assert provisioning.write(tmp_path, BUNDLE, SOURCE, Alerting()) == 0
    assert [path.name for path in (tmp_path / "boards").rglob("*.json")] == ["ioc-wall-vi.json"]


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="can't be written"):
        provisioning.write(tmp_path / "file", BUNDLE, SOURCE, Alerting())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_it_is_and_what_to_do_in_both_languages(rule: alerting.Rule) -> None:
    (document,) = Alerting(rules=(rule,)).documents(1, receivers=False)
    assert len(document["uid"]) <= 40
    assert rule.vi in document["title"]
    assert rule.en in document["title"]
    assert rule.todo_vi in document["annotations"]["description"]
    assert (rule.above is None) != (rule.below is None)
    # files are read with variables put in: a rule must have nothing that looks like one
    assert "$" not in json.dumps(document)


def test_a_rule_that_is_changed_has_another_digest() -> None:
    before, after = (
        Alerting(rules=(one,)).documents(1, receivers=False)[0]["annotations"]["ioc_digest"]
        for one in (RULES[0], replace(RULES[0], lasting="9m"))
    )
    assert before != after


@pytest.mark.parametrize(
    ("facts", "address", "tls"),
    [
        ({}, "127.0.0.1:15432", "disable"),
        ({"database_url": "postgresql://u:p@db.example:6432/ioc"}, "db.example:6432", "require"),
        (
            {"database_url": "postgresql://u:p@db.example/ioc?sslmode=verify-full"},
            "db.example:5432",
            "verify-full",
        ),
        ({"database_url": "postgresql://u:p@db.example/ioc?sslmode=prefer"}, "db.example:5432", "require"),
        ({"database_url": "postgresql://u:p@[::1]:5433/ioc"}, "[::1]:5433", "disable"),
        (
            {"grafana_database": "10.0.0.5:5432", "grafana_database_tls": "verify-ca"},
            "10.0.0.5:5432",
            "verify-ca",
        ),
    ],
)
def test_grafanas_way_to_the_database_follows_the_platforms_own(
    facts: dict[str, Any], address: str, tls: str, tmp_path: Path
) -> None:
    found = source.of(settings(state_dir=tmp_path, **facts), SecretStr("x"))
    assert (found.address, found.tls, found.database) == (address, tls, "ioc")
    assert "s3cret" not in repr(found)


def test_a_way_that_can_not_be_told_is_asked_for() -> None:
    with pytest.raises(SettingsError, match="IOC_DATABASE_URL"):
        source.of(settings(database_url="postgresql://u:p@/ioc?host=/run/postgresql"), SecretStr("x"))


@pytest.mark.parametrize("value", ["db", "db:x", "http://db:5432", "db:5432/ioc", "u@db:5432"])
def test_a_database_address_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="grafana_database"):
        settings(grafana_database=value)
