"""The newest backup, by the manifests beside the backups."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ioc.watch.backups import newest_backup


def write(folder: Path, name: str, **manifest: Any) -> None:
    (folder / f"backup-{name}.json").write_text(json.dumps(manifest))


def test_the_newest_complete_backup_counts_whatever_its_file_is_called(tmp_path: Path) -> None:
    write(
        tmp_path, "9", finished_at="2025-01-01T00:00:00+07:00", complete=True, format=1, tables=["ioc.ticket"]
    )
    write(tmp_path, "1", finished_at="2025-03-01T00:00:00Z", complete=True)
    write(tmp_path, "2", finished_at="2025-04-01T00:00:00Z", complete=False)
    write(tmp_path, "3", finished_at="2025-05-01T00:00:00Z")
    assert newest_backup(tmp_path) == (datetime(2025, 3, 1, tzinfo=UTC), 0)


def test_manifests_that_can_not_be_read_are_counted_and_hide_no_other(tmp_path: Path) -> None:
    write(tmp_path, "1", finished_at="2025-03-01T00:00:00Z", complete=True)
    write(tmp_path, "2", finished_at="2025-04-01T00:00:00", complete=True)
    write(tmp_path, "3", finished_at="yesterday", complete=True)
    (tmp_path / "backup-4.json").write_bytes(b"\xff\xfe{")
    (tmp_path / "backup-5.json").write_bytes(b"[" * 300_000)
    (tmp_path / "backup-6.json").mkdir()
    assert newest_backup(tmp_path) == (datetime(2025, 3, 1, tzinfo=UTC), 5)


def test_no_folder_is_no_backup(tmp_path: Path) -> None:
    assert newest_backup(tmp_path / "backups") == (None, 0)
