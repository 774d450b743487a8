"""The supervisor as a person meets it: up, up again, crashes, ports that are taken, down. Real servers throughout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.stack import control, ensure_installed
from deploy.stack.doctor import examine
from deploy.stack.process import last_lines, wait_for_leftovers
from deploy.stack.supervisor import running_pid
from ioc.errors import SettingsError
from ioc.settings import Settings
from tests.servers import stack_settings, state_folder

ROOT = Path(__file__).parents[2]
#: The platform's roles come from elsewhere; what is tested here is how any role is kept.
_SUPERVISE = """
import sys
from deploy.stack import control, roles
from deploy.stack.supervisor import Supervisor
from ioc.settings import Settings
settings = Settings.model_validate_json(sys.argv[1])
settings = settings.model_copy(update={"database_url": None}) if sys.argv[2] == "servers" else settings
control.log_to_file(settings)
sleep = (sys.executable, "-c", "import time; time.sleep(600)")
fails = (sys.executable, "-c", "print('no way'); raise SystemExit(7)")
mine = [roles.Role("steady", sleep), roles.Role("failing", fails)]
if sys.argv[2] == "servers":
    mine = [roles.PREPARE, roles.Role("steady", sleep, needs=("prepare",))]
Supervisor(settings, mine).run()
"""


def _wait(condition: Callable[[], bool], timeout_s: float = 120.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def _service(settings: Settings, name: str) -> control.ServiceFacts | None:
    status = control.read_status(settings)
    found = [service for service in status.services if service.name == name] if status else []
    return found[0] if found else None


def _is(settings: Settings, name: str, state: str) -> bool:
    service = _service(settings, name)
    return service is not None and service.state == state


def _pids(settings: Settings) -> list[int]:
    status = control.read_status(settings)
    return [service.pid for service in status.services if service.pid] if status else []


class Platform:
    """A supervisor with servers and one steady role, in its own folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, what: str = "servers") -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self.environment}
        facts = self.settings.model_dump(mode="json")
        if self.settings.database_url is not None:  # which is masked there
            facts["database_url"] = self.settings.database_url.get_secret_value()
        command = [sys.executable, "-c", _SUPERVISE, json.dumps(facts), what]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    @property
    def environment(self) -> dict[str, str]:
        names = ("state_dir", "software_dir", "kafka_port", "database_port", "api_port", "ingest_port")
        names += ("kafka_heap_mb", "database_buffers_mb")  # type: ignore[assignment]
        return {f"IOC_{name.upper()}": str(getattr(self.settings, name)) for name in names}

    def ioc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ioc.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def close(self) -> None:
        control.stop(self.settings)
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def platform() -> Iterator[Platform]:
    with state_folder() as folder:
        found = Platform(stack_settings(folder / "state"))
        ensure_installed(found.settings)
        yield found
        found.close()


@pytest.fixture
def roles_only() -> Iterator[Platform]:
    """No servers of its own: quick."""
    with state_folder() as folder:
        external = {"kafka": "127.0.0.1:1", "database_url": "postgresql://nobody@127.0.0.1:1/none"}
        found = Platform(stack_settings(folder / "state", **external))
        yield found
        found.close()


def _kill_and_see_it_return(settings: Settings, name: str) -> None:
    before = _service(settings, name)
    assert before is not None
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    assert _wait(lambda: (now := _service(settings, name)) is not None and now.restarts == 1)
    assert _wait(lambda: _is(settings, name, "ready"))
    after = _service(settings, name)
    assert after is not None
    assert after.pid != before.pid


@pytest.mark.drills
@pytest.mark.servers
def test_life_of_a_platform(platform: Platform) -> None:
    """Up, second up, a killed server and role, a killed supervisor, up again, down: one story, one start-up time."""
    settings = platform.settings
    first = platform.start()
    assert _wait(lambda: _is(settings, "steady", "ready")), last_lines(
        settings.state_dir / "logs/supervisor.log"
    )
    with psycopg.connect(settings.database_dsn) as connection:
        connection.execute("CREATE TABLE kept (a int)")

    second = platform.start()
    assert second.wait(120) != 0
    assert running_pid(settings) == first.pid

    up = platform.ioc("up", "--no-simulation")
    assert up.returncode == 0, up.stderr
    assert "already up" in up.stdout
    with pytest.raises(SettingsError, match=f"on port {settings.kafka_port}, not on 1"):
        control.require_same_ports(settings.model_copy(update={"kafka_port": 1}))

    status = json.loads(platform.ioc("status", "--json").stdout)
    assert status["up"] is True
    assert {service["name"]: service["state"] for service in status["services"]} == {
        "kafka": "ready",
        "postgres": "ready",
        "prepare": "done",
        "steady": "ready",
    }
    assert platform.ioc("doctor").returncode == 0, platform.ioc("doctor").stdout

    for name in ("postgres", "steady"):
        _kill_and_see_it_return(settings, name)

    pids = _pids(settings)
    assert len(pids) == 3
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert wait_for_leftovers(settings.state_dir / "run" / "processes.lock", 120.0)
    assert not any(_alive(pid) for pid in pids)
    assert running_pid(settings) is None

    third = platform.start()
    assert _wait(lambda: running_pid(settings) == third.pid and _is(settings, "steady", "ready"))
    with psycopg.connect(settings.database_dsn) as connection:
        assert connection.execute("SELECT to_regclass('kept')::text").fetchone() == ("kept",)

    pids = _pids(settings)
    down = platform.ioc("down")
    assert (down.returncode, down.stdout.strip()) == (0, "Stopped.")
    assert third.poll() == 0  # gone when down returns
    assert not any(_alive(pid) for pid in pids)
    assert platform.ioc("down").stdout.strip() == "Nothing runs."
    assert platform.ioc("status").returncode == 3


@pytest.mark.parametrize("name", ["api_port", "ingest_port"])
def test_taken_port_is_told_before_anything_is_fetched(name: str) -> None:
    import socket

    with state_folder() as folder, socket.socket() as other:
        settings = stack_settings(folder / "state", software_dir=folder / "software")
        other.bind(("127.0.0.1", getattr(settings, name)))
        other.listen()
        newcomer = Platform(settings)
        try:
            told = newcomer.ioc("up", "--timeout", "60")
        finally:
            newcomer.close()
        assert not any((folder / "software").rglob("*.jar"))
    assert told.returncode == SettingsError.exit_code, told.stderr
    assert f"Port {getattr(settings, name)}" in told.stderr
    assert f"IOC_{name.upper()}" in told.stderr


@pytest.mark.servers
def test_taken_port_is_told_by_up(platform: Platform) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", platform.settings.database_port))
        other.listen()
        told = platform.ioc("up", "--no-simulation", "--timeout", "60")
    assert told.returncode == SettingsError.exit_code, told.stderr
    assert f"Port {platform.settings.database_port}" in told.stderr
    assert "IOC_DATABASE_PORT" in told.stderr
    assert "Traceback" not in told.stderr
    assert running_pid(platform.settings) is None


def test_failing_role_waits_longer_each_time_and_spares_the_others(roles_only: Platform) -> None:
    settings = roles_only.settings
    roles_only.start("roles")
    assert _wait(lambda: (service := _service(settings, "failing")) is not None and service.restarts >= 3)
    failing, steady = _service(settings, "failing"), _service(settings, "steady")
    assert failing is not None
    assert steady is not None
    assert failing.last_exit == 7
    assert steady.restarts == 0
    assert last_lines(Path(failing.log), 1) == ["no way"]
    lines: list[str] = []
    with pytest.raises(Exception, match=r"failing is .*last exit 7") as caught:
        control.wait_until_up(settings, figures=False, timeout_s=0.5, say=lines.append)
    assert "no way" in str(caught.value)
    # whoever waits is told at once, and not when the time is over
    waiting = [line for line in lines if line.startswith("failing: waiting to restart")]
    assert all("it ended with 7" in line and "failing.log" in line for line in waiting)


def test_doctor_names_what_is_wrong_and_what_mends_it(roles_only: Platform) -> None:
    findings = {finding.subject: finding for finding in examine(roles_only.settings) if not finding.ok}
    assert findings["supervisor"].remedy == "ioc up"
    assert "127.0.0.1:1" in findings["kafka"].message
    assert findings["kafka"].remedy
    assert "IOC_DATABASE_URL" in findings["database"].remedy
    assert "nobody" not in findings["database"].message


def test_doctor_of_a_fresh_machine() -> None:
    with state_folder() as folder:
        settings = stack_settings(folder / "state", software_dir=folder / "software")
        wrong = [finding for finding in examine(settings) if not finding.ok]
        remedies = [finding.remedy for finding in wrong if finding.subject == "software"]
        assert remedies == ["ioc install", "ioc install"]
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        closed.chmod(0o000 if os.geteuid() else 0o700)
        barred = settings.model_copy(update={"state_dir": closed / "state"})
        found = [finding for finding in examine(barred) if finding.subject == "state folder"]
        assert [finding.ok for finding in found] == [False]
        assert "IOC_STATE_DIR" in found[0].remedy
        closed.chmod(0o700)
