"""The system user of the embedded PostgreSQL, which refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ioc.errors import SettingsError


@dataclass(frozen=True)
class Account:
    """A user and its main group."""

    name: str
    uid: int
    gid: int


def current() -> Account:
    entry_gid = os.getegid()
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return Account(name, os.geteuid(), entry_gid)


def find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def ensure(name: str) -> Account:
    """The user that runs PostgreSQL: the current one, or for root the system user ``name``, made when missing.

    :raises SettingsError: ``name`` is root, or can't be made.
    """
    if os.geteuid() != 0:
        return current()
    account = find(name)
    if account is None:
        program = shutil.which("useradd") or "/usr/sbin/useradd"
        command = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", name]
        try:
            made = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise SettingsError(
                f"The system user {name} can't be made: {error}.", remedy="apt-get install passwd"
            ) from error
        account = find(name)
        if account is None:
            raise SettingsError(
                f"The system user {name} can't be made: {made.stderr.strip()}.",
                remedy="Make it with useradd --system, or name another unprivileged user in IOC_RUN_AS.",
            )
    if account.uid == 0:
        raise SettingsError(
            f"IOC_RUN_AS={name} is root; PostgreSQL refuses to run as root.", remedy="Name an ordinary user."
        )
    return account


def blocked_at(path: Path, account: Account) -> Path | None:
    """First folder on the way to ``path`` that the user can't pass; none when the way is open."""
    if account.uid == 0:
        return None
    for folder in reversed((path, *path.parents)):
        try:
            facts = folder.stat()
        except FileNotFoundError:
            return None
        except PermissionError:
            return folder
        if not stat.S_ISDIR(facts.st_mode):
            return None
        bit = stat.S_IXOTH
        if facts.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif facts.st_gid == account.gid:
            bit = stat.S_IXGRP
        if not facts.st_mode & bit:
            return folder
    return None


def require_reachable(path: Path, account: Account, setting: str) -> None:
    """:raises SettingsError: naming the folder that keeps ``account`` out."""
    if (folder := blocked_at(path, account)) is not None:
        raise SettingsError(
            f"The user {account.name}, which runs PostgreSQL, can't reach {path}: {folder} is closed to it.",
            remedy=f"Set {setting} to a folder outside it (for example under /var/lib), or chmod o+x {folder}.",
        )
