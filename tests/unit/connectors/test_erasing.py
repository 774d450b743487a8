"""What connectors keep of a dossier on disk is found and taken away, and nothing else."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from connectors.onestop.aliases import AliasStore, Named, store_path
from connectors.shared import erasing
from connectors.shared.frames import Message
from connectors.shared.snapshots import SnapshotStore
from connectors.shared.spool import Spool

_CODE, _PORTAL, _OTHER = "H53-1", "000.1", "H53-2"


def _place(folder: Path) -> None:
    with SnapshotStore(folder / "checkpoints" / "onestop.sqlite") as store:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        store.reserve([store.resolve(code, code.encode(), now) for code in (_CODE, _OTHER)])
    with AliasStore(store_path(folder)) as aliases:
        aliases.resolve([Named(_CODE, "//onestop", "u1", (_PORTAL,)), Named(_OTHER, "//onestop", "u1", ())])
    with Spool(folder / "spool" / "onestop", most_bytes=10**7) as spool:
        spool.append([Message("ioc.dossiers", _CODE.encode(), b"{}")])
    for name, text in (("1", _CODE), ("2", _OTHER)):
        (folder / "spool" / "onestop" / "aside" / name).write_text(f"damaged {text} piece")


def _codes(folder: Path) -> str:
    text = []
    for path in (folder / "checkpoints").glob("*.sqlite"):
        with sqlite3.connect(path) as database:
            text += list(database.iterdump())
    return "\n".join(text)


def test_what_names_it_goes_and_what_waits_is_told(tmp_path: Path) -> None:
    _place(tmp_path)
    found = erasing.named(tmp_path, [_CODE, _PORTAL])
    assert (found.rows > 3, found.waiting, found.aside, found.busy) == (True, 1, 1, ())
    assert _CODE in _codes(tmp_path)
    assert erasing.take_away(tmp_path, [_CODE, _PORTAL]) == found
    assert _CODE not in _codes(tmp_path)
    assert _PORTAL not in _codes(tmp_path)
    assert _OTHER in _codes(tmp_path)
    assert [path.name for path in (tmp_path / "spool" / "onestop" / "aside").iterdir()] == ["2"]
    after = erasing.named(tmp_path, [_CODE, _PORTAL])
    assert (after.rows, after.aside) == (0, 0)


def test_a_checkpoint_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "broken.sqlite").write_bytes(b"no database" * 100)
    assert erasing.take_away(tmp_path, [_CODE]).busy == ("broken.sqlite",)
    assert erasing.named(tmp_path / "nothing", [_CODE]) == erasing.OnDisk()
