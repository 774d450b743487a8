"""When a backup is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.stack.backups.manifest import Backup, File, Manifest
from deploy.stack.backups.schedule import due
from deploy.stack.backups.timelines import Restore, lived, on_the_way
from ioc.settings import Settings

#: Half past one at night in Vietnam.
DUE = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("newest", "now", "gap", "expected"),
    [
        (None, DUE + timedelta(hours=5), False, True),
        (DUE - timedelta(hours=24), DUE - timedelta(minutes=1), False, False),
        (DUE - timedelta(hours=24), DUE, False, True),
        (DUE + timedelta(minutes=2), DUE + timedelta(hours=3), False, False),
        (DUE + timedelta(minutes=2), DUE + timedelta(hours=3), True, True),
        # the machine was off at night
        (DUE - timedelta(hours=30), DUE + timedelta(hours=9), False, True),
    ],
)
def test_once_a_day_and_after_a_gap(
    newest: datetime | None, now: datetime, gap: bool, expected: bool
) -> None:
    assert due(Settings(), newest, now, gap=gap) is expected
    assert due(Settings(backup_at=""), newest, now, gap=gap) is False
    assert due(Settings(backup_keep=0), newest, now, gap=gap) is False


def _backup(name: str, at: datetime, timeline: int) -> Backup:
    made = Manifest(
        format=1,
        name=name,
        started_at=at,
        finished_at=at,
        complete=True,
        platform="1",
        schema="0001",
        postgres="17.1",
        timescaledb="2.19.3",
        data_bytes=1,
        system="s",
        timeline=timeline,
        wal_start="0" * 16,
        files=(File("f", 1, ""),),
        offsets=(),
    )
    return Backup(made, Path(name))


def test_a_moment_is_of_the_history_that_was_lived_then() -> None:
    """Backups at 9 and 11; at 12 all was set back to 10; a backup of the new history at 13."""

    def hour(n: int) -> datetime:
        return datetime(2026, 3, 1, n, tzinfo=UTC)

    nine, eleven, thirteen = _backup("9", hour(9), 1), _backup("11", hour(11), 1), _backup("13", hour(13), 2)
    restores = [Restore(hour(12), hour(10), "s", 2, 1)]
    assert lived(restores, "s", 1, hour(11)) == 1
    assert lived(restores, "s", 1, hour(13)) == 2
    assert lived(restores, "another", 1, hour(13)) == 1
    assert lived(restores, "s", 1, None) == 2
    newest_first = [thirteen, eleven, nine]
    assert on_the_way(newest_first, restores, 2) == [thirteen, nine]
    assert on_the_way(newest_first, restores, 1) == [eleven, nine]
