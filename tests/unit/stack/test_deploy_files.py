"""Files beside the code that machines read: compose file, lock files, the commands of the Makefile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "deploy" / "compose.yaml"


def test_compose_file_fits_the_specification() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("check-jsonschema")),
            "--builtin-schema",
            "vendor.compose-spec",
            str(COMPOSE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_runs_every_role_of_the_supervisor() -> None:
    from deploy.stack.roles import DEMONSTRATION

    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert {role.name for role in DEMONSTRATION} <= services.keys()
    for role in DEMONSTRATION:
        assert tuple(services[role.name]["command"]) == role.argv[3:]
    for name in ("kafka", "timescaledb", "grafana", "serve"):
        assert "healthcheck" in services[name]


def test_compose_has_no_default_secret_and_publishes_no_server() -> None:
    text = COMPOSE.read_text()
    for name in re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN|SECRET|GRAFANA_USER)\w*)", text):
        assert f"${{{name}:?" in text
        assert not re.search(rf"\${{{name}:?-", text)
    services = yaml.safe_load(text)["services"]
    assert "ports" not in services["kafka"]
    assert "ports" not in services["timescaledb"]


def test_compose_gives_grafana_the_boards_to_read_and_nothing_else_of_the_platform() -> None:
    from dashboards.provisioning import ADDRESS_VARIABLES, PASSWORD_VARIABLE

    services = yaml.safe_load(COMPOSE.read_text())["services"]
    writer, grafana = services["boards"], services["grafana"]
    assert grafana["volumes"] == ["grafana:/var/lib/grafana", "boards:/etc/grafana/ioc:ro"]
    assert writer["command"] == [
        "dashboards",
        "provision",
        "--out",
        "/var/lib/ioc-grafana",
        "--at",
        "/etc/grafana/ioc",
    ]
    assert "boards:/var/lib/ioc-grafana" in writer["volumes"]
    assert grafana["depends_on"]["boards"] == {"condition": "service_completed_successfully"}
    assert grafana["environment"]["GF_PATHS_PROVISIONING"] == "/etc/grafana/ioc/provisioning"
    assert grafana["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    for name in (PASSWORD_VARIABLE, *ADDRESS_VARIABLES.values()):
        assert writer["environment"][name] == grafana["environment"][name]
    assert "IOC_DATABASE_URL" not in grafana["environment"]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock"])
def test_lock_file_pins_hashes_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip(), flags=re.IGNORECASE)
    assert len(blocks) > 50
    for block in blocks:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


@pytest.mark.parametrize("script", ["find-python", "link-project", "apt-test", "check-locks"])
def test_helper_scripts_parse_and_may_be_run(script: str) -> None:
    path = ROOT / "deploy" / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0


def test_unsupported_python_is_refused_with_a_command(tmp_path: Path) -> None:
    bash = "/bin/bash"
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "python3").write_text("#!/bin/sh\necho ''\n")
    (fake / "python3").chmod(0o755)
    for name in ("env", "bash"):
        (fake / name).symlink_to(bash)
    script = (ROOT / "deploy" / "find-python").read_text().replace("/usr/bin/python3", "/none/python3")
    done = subprocess.run(
        [bash, "-c", script], env={"PATH": str(fake)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "apt-get install python3.11" in done.stderr


def test_our_containers_can_write_little_and_tell_their_health() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    ours = {name: service for name, service in services.items() if "ioc-platform" in service.get("image", "")}
    assert {"prepare", "serve", "ingest", "connect", "stream", "evaluate", "deliver", "simulate"} <= set(ours)
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
    for name in ("serve", "ingest", "stream", "evaluate", "deliver"):
        assert "/health/ready" in ours[name]["healthcheck"]["test"][-1]
    for name in ("ingest", "stream", "evaluate", "deliver"):
        assert f":{ours[name]['environment']['IOC_METRICS_PORT']}/" in ours[name]["healthcheck"]["test"][-1]


def test_the_image_runs_as_nobody_special_and_brings_no_installer() -> None:
    text = (ROOT / "deploy" / "Containerfile").read_text()
    *_, last = text.split("\nFROM ")
    assert re.search(r"^USER (\d+):\1$", last, re.MULTILINE), (
        "by number: Kubernetes can tell that it is not root"
    )
    assert "USER 0" not in text
    assert "pip uninstall" in text
    assert "--require-hashes" in text
    assert not re.search(r"(?i)(password|token|secret)=", text)
