"""Kafka's jars: Maven coordinates resolved by ``jgo``, every jar compared with its recorded checksum."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.stack.installing import publish, staging
from ioc.errors import InputError, UnavailableError

VERSION = "4.1.1"
ENDPOINT = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
_SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_CHECKSUMS = Path(__file__).with_name("kafka-jars.sha256")


def folder(software: Path) -> Path:
    """Where this version's jars are, or will be."""
    return software / f"kafka-{VERSION}"


def is_installed(software: Path) -> bool:
    return (folder(software) / "libs").is_dir()


def expected_checksums() -> dict[str, str]:
    """SHA-256 by jar name."""
    pairs = (line.split() for line in _CHECKSUMS.read_text().splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def check(libs: Path) -> None:
    """:raises InputError: a jar is missing, not expected, or not the one that was recorded."""
    expected = expected_checksums()
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in libs.glob("*.jar")}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise InputError(
            f"Kafka's jars are not the recorded ones: {', '.join(wrong)}.",
            remedy=f"Delete {libs} and try again; if it stays so, do not run them.",
        )


@contextmanager
def trust_of_the_system() -> Iterator[None]:
    """Let jgo's ``requests`` trust what the machine trusts: an office's own root is in the system's store only."""
    named = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} & os.environ.keys()
    if named or not _SYSTEM_CERTIFICATES.is_file():
        yield
        return
    os.environ["REQUESTS_CA_BUNDLE"] = str(_SYSTEM_CERTIFICATES)
    try:
        yield
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]


def install(software: Path) -> None:
    """Fetch the jars, check them, and put them in place at once.

    :raises UnavailableError: Maven's repository can't be reached.
    :raises InputError: a jar is not the recorded one.
    """
    from jgo import EnvironmentBuilder, LinkStrategy, MavenContext

    with staging(software, "kafka") as work, trust_of_the_system():
        builder = EnvironmentBuilder(
            MavenContext(repo_cache=work / "m2", timeout=60),
            cache_dir=work / "jgo",
            link_strategy=LinkStrategy.HARD,
        )
        try:
            environment = builder.from_endpoint(ENDPOINT)
        except Exception as error:  # jgo raises what requests and its own parser raise
            raise UnavailableError(
                f"Kafka {VERSION} can't be fetched from Maven Central: {error}.",
                remedy="Check the network (jgo obeys HTTPS_PROXY), or name a Kafka that runs in IOC_KAFKA.",
            ) from error
        libs = work / "new" / "libs"
        libs.mkdir(parents=True)
        for jar in environment.path.rglob("*.jar"):
            shutil.copy2(jar, libs / jar.name)
        check(libs)
        publish(work / "new", folder(software))
