"""Writes what Grafana reads from its disk at its start: data source, boards, alert rules and whom they tell.

It is the same as what a push brings. The files hold no secret: passwords and addresses are names of environment
variables that Grafana puts in by itself. One Grafana takes boards from files or from pushes, not from both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards.alerting import ADDRESSES, CONTACT_NAME, GROUP, Alerting, rule_core
from dashboards.model import Bundle
from dashboards.push.marks import tagged
from dashboards.source import TYPES, Source
from ioc.errors import SettingsError

#: Environment variables that Grafana has to be given.
PASSWORD_VARIABLE: Final = "IOC_GRAFANA_DATABASE_PASSWORD"  # noqa: S105 - its name
ADDRESS_VARIABLES: Final = {"email": "IOC_GRAFANA_ALERT_EMAIL", "webhook": "IOC_GRAFANA_ALERT_WEBHOOK"}
_HEAD: Final = "# Written by: ioc dashboards provision. Changes made here are lost.\n"
_INTERVAL: Final = "1m"


def write(
    folder: Path, bundle: Bundle, source: Source, alerting: Alerting, *, seen_as: Path | None = None
) -> int:
    """Write everything below ``folder``, and take away boards that are not built any more.

    ``folder/provisioning`` is Grafana's folder of that name (``GF_PATHS_PROVISIONING``), the boards are in
    ``folder/boards``. Each file is replaced at once: a Grafana that looks meanwhile sees the old or the new one.

    :param seen_as: path at which Grafana finds ``folder``; without it, the same.
    :return: how many files were written, those that had the same content already not counted.
    :raises SettingsError: the folder can't be written.
    """
    files = contents(bundle, source, alerting, seen_as=(seen_as or folder).absolute())
    try:
        written = sum(_replace(folder / name, text) for name, text in files.items())
        for kind in ("plugins", "access-control"):  # Grafana complains where they are missing
            (folder / "provisioning" / kind).mkdir(parents=True, exist_ok=True)
        for path in (folder / "boards").rglob("*.json"):
            if str(path.relative_to(folder)) not in files:
                path.unlink()
    except OSError as error:
        raise SettingsError(
            f"The files for Grafana can't be written: {error.strerror} ({error.filename}).",
            remedy="Name a folder that this user may write, with --out.",
        ) from error
    return written


def contents(bundle: Bundle, source: Source, alerting: Alerting, *, seen_as: Path) -> dict[str, bytes]:
    """What the files hold, by their path below the folder; twice the same for the same input."""
    files = {
        "provisioning/datasources/ioc.yaml": _yaml({"apiVersion": 1, "datasources": [_source(source)]}),
        "provisioning/dashboards/ioc.yaml": _yaml(
            {
                "apiVersion": 1,
                "providers": [
                    {
                        "name": folder.uid,
                        "orgId": 1,
                        "folder": folder.title,
                        "folderUid": folder.uid,
                        "type": "file",
                        "disableDeletion": False,
                        "allowUiUpdates": False,
                        "updateIntervalSeconds": 30,
                        "options": {"path": _plain(str(seen_as / "boards" / folder.uid))},
                    }
                    for folder in bundle.folders
                ],
            }
        ),
        "provisioning/alerting/ioc.yaml": _yaml(_alerting(alerting)),
    }
    for board in bundle.boards:
        ours = replace(board, document=tagged(board.document))
        files[f"boards/{board.folder_uid}/{board.uid}.json"] = ours.json()
    return files


def _source(source: Source) -> dict[str, Any]:
    document = {key: _plain(value) for key, value in source.document(TYPES[0]).items()}
    return {
        **document,
        "orgId": 1,
        "editable": False,
        "secureJsonData": {"password": f"${{{PASSWORD_VARIABLE}}}"},
    }


def _alerting(alerting: Alerting) -> dict[str, Any]:
    document: dict[str, Any] = {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": GROUP,
                "folder": alerting.folder.title,
                "interval": _INTERVAL,
                # releases differ in whether contact points or rules come first, so that no rule names one here
                "rules": [rule_core(rule, None) for rule in alerting.rules],
            }
        ],
    }
    if alerting.contacts:
        document["contactPoints"] = [
            {
                "orgId": 1,
                "name": CONTACT_NAME,
                "receivers": [
                    {
                        "uid": contact.uid,
                        "type": contact.kind,
                        "settings": {
                            key: f"${{{ADDRESS_VARIABLES[contact.kind]}}}"
                            if key == ADDRESSES[contact.kind]
                            else value
                            for key, value in contact.settings.items()
                        },
                        "disableResolveMessage": False,
                    }
                    for contact in alerting.contacts
                ],
            }
        ]
        document["policies"] = [
            {"orgId": 1, "receiver": CONTACT_NAME, "group_by": ["grafana_folder", "alertname"]}
        ]
    return document


def _plain(value: Any) -> Any:
    """A text in which Grafana puts in no environment variable."""
    return value.replace("$", "$$") if isinstance(value, str) else value


def _yaml(document: Mapping[str, Any]) -> bytes:
    # through JSON, so that nothing is the same object twice: YAML would write a reference then
    plain = json.loads(json.dumps(document))
    text: str = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=110)
    return (_HEAD + text).encode()


def _replace(path: Path, content: bytes) -> bool:
    """Write a file at once; False where it has that content already."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.chmod(0o644)  # Grafana is another user
    partial.replace(path)
    return True
