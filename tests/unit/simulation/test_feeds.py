"""What the simulation writes is what the connectors read, to the last field."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from connectors.onestop.mapping import load as load_mapping
from connectors.queues.reading import TicketReader
from deploy.simulation import state
from deploy.simulation.connectors import MAPPING, environment
from deploy.simulation.district import SimulatedDistrict
from deploy.simulation.feeds import Spool, dossier_csv
from deploy.simulation.playback import Playback, Row
from deploy.simulation.queue import TicketStep
from deploy.simulation.state import Lock, State
from ioc.district import read_pack
from ioc.errors import UnavailableError
from ioc.settings import Settings

START = datetime(2026, 3, 1, 17, tzinfo=UTC)
NOW = START + timedelta(days=3)


@pytest.fixture(scope="module")
def told() -> tuple[list[Row], list[TicketStep]]:
    pack = read_pack(Path(__file__).parents[3] / "deploy" / "packs" / "go-dau")
    return Playback(SimulatedDistrict(pack, seed=2, points=2), START, START).advance(NOW)


def test_every_column_of_the_mapping_is_written(told: tuple[list[Row], list[TicketStep]]) -> None:
    mapping = load_mapping(MAPPING)
    header, *lines = dossier_csv(told[0]).decode().splitlines()
    assert set(mapping.columns().values()) == set(header.split(","))
    assert len(lines) == len(told[0])
    assert mapping.source.startswith("//simulation/")


def test_every_ticket_line_is_read(told: tuple[list[Row], list[TicketStep]], tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(*told, NOW)
    lines = [
        line for path in sorted(spool.tickets.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]
    reader = TicketReader(zone=ZoneInfo("Asia/Ho_Chi_Minh"))
    events = [event for line in lines if (event := reader.read(line, NOW))]
    assert [event.time for event in events] == [step.time for step in told[1]]
    assert Counter(event.data.number for event in events) == Counter(step.number for step in told[1])
    assert len({event.id for event in events}) == len(events)


def test_a_history_comes_in_files_that_sort_by_day(
    told: tuple[list[Row], list[TicketStep]], tmp_path: Path
) -> None:
    spool = Spool(tmp_path)
    spool.put(*told, NOW)
    spool.put(told[0][-1:], [], NOW + timedelta(seconds=2))
    names = [path.name for path in sorted(spool.dossiers.iterdir())]
    assert len(names) >= 4
    assert all(name.endswith(".csv") for name in names)
    days = [name.split("-")[1] for name in names[:-1]]
    assert days == sorted(days)
    assert spool.waiting() == len(names) + len(list(spool.tickets.iterdir()))


def test_a_simulation_is_remembered_and_another_one_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    first = State(seed=1, rate=1.0, points=None, started=START)
    assert state.load(path, first) == first
    later = msgspec.structs.replace(first, told_until=NOW, devices_told=True)
    state.save(path, later)
    again = State(seed=1, rate=1.0, points=None, started=NOW)
    assert state.load(path, again) == later
    other = State(seed=2, rate=1.0, points=None, started=NOW)
    assert state.load(path, other) == other
    path.write_text("{torn")
    assert state.load(path, again) == again


def test_a_memory_of_the_future_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    ahead = State(
        seed=1, rate=1.0, points=None, started=START, told_until=datetime.now(UTC) + timedelta(hours=1)
    )
    state.save(path, ahead)
    wanted = State(seed=1, rate=1.0, points=None, started=NOW)
    assert state.load(path, wanted) == wanted


def test_two_simulations_on_one_folder_are_refused(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    with pytest.raises(UnavailableError, match="already"):
        Lock(tmp_path / "lock")
    lock.release()
    Lock(tmp_path / "lock").release()


def test_a_connector_gets_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate(
        {"state_dir": tmp_path, "kafka": "k:1", "database_url": "postgresql://u:p@h/d"}
    )
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    again = Settings()
    assert (again.state_dir, again.kafka_servers, again.database_dsn) == (
        tmp_path,
        "k:1",
        "postgresql://u:p@h/d",
    )
