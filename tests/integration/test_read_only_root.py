"""Every process works with a read-only root, as in its container: it writes to its state folder and /tmp only."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from ioc.settings import Settings
from tests.integration.streaming import ROOT, environment, fetch, wait_until

ROLES = {
    "stream": ("stream",),
    "serve": ("serve",),
    "ingest": ("connect", "ingest"),
    "evaluate": ("evaluate",),
    "deliver": ("deliver",),
}
#: Everything read-only in a view of the file system of its own, but the state folder and one that stands for /tmp.
SEALED = (
    "mount --make-rprivate / && mount --bind {state} {state} && mount -t tmpfs tmpfs {tmp}"
    " && mount -o bind,remount,ro / && for at in $(findmnt -rno TARGET -t ext4,xfs,btrfs,overlay,tmpfs); do"
    ' case "$at" in /|{state}|{tmp}|/proc*|/sys*|/dev*) ;; *) mount -o bind,remount,ro "$at" 2>/dev/null ;; esac; done;'
    " if touch /written {home}/written 2>/dev/null; then echo not sealed >&2; exit 99; fi;"
    " export TMPDIR={tmp} HOME=/nonexistent; exec {command}"
)


def can_seal() -> bool:
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("findmnt"):
        return False
    probe = ["unshare", "--mount", "sh", "-c", "mount --make-rprivate / && mount -o bind,remount,ro /"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@contextmanager
def sealed(
    settings: Settings, tmp: Path, name: str, command: tuple[str, ...]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that can write nothing else; its log is ``NAME.log``."""
    log = tmp / f"{name}.log"
    (tmp / name).mkdir()
    words = [sys.executable, "-m", "ioc.cli", *command]
    script = SEALED.format(
        state=settings.state_dir, tmp=tmp / name, home=Path.home(), command=shlex.join(words)
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script],
            cwd=ROOT,
            env={**environment(settings), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.skipif(not can_seal(), reason="only root may make a read-only view of the file system")
def test_every_process_works_with_a_read_only_root(settings: Settings, tmp_path: Path) -> None:
    often = Settings.model_validate({**settings.model_dump(), "heartbeat_s": 0.5})

    def living() -> set[str]:
        return {row[0] for row in fetch(often, "SELECT kind FROM ioc.heartbeat WHERE NOT stopped")}

    with ExitStack() as running:
        processes = {
            name: running.enter_context(sealed(often, tmp_path, name, command))
            for name, command in ROLES.items()
        }
        wait_until(lambda: living() >= {*ROLES, "auditor"}, within_s=90, what=f"all live; {living()} do")
        wait_until(lambda: answers(f"{often.api_url}/health/live"), within_s=60, what="serve answers")
        for page in ("/ops", "/docs", "/metrics", "/api/v1/kpis"):
            assert httpx.get(often.api_url + page, timeout=30, follow_redirects=True).status_code == 200, page
        for name, process in processes.items():
            assert process.poll() is None, f"{name} ended: {(tmp_path / f'{name}.log').read_text()[-2000:]}"
            process.terminate()
    for name in ROLES:
        text = (tmp_path / f"{name}.log").read_text("utf-8", "replace")
        assert "Read-only file system" not in text, f"{name}: {text[-2000:]}"
        assert "not sealed" not in text
