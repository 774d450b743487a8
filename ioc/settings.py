"""Typed settings: environment variables ``IOC_*`` first, then ``ioc.toml`` in the working folder, then defaults.

Secrets are :class:`pydantic.SecretStr`, so that no representation, log line or error can leak them.
"""

from __future__ import annotations

import contextlib
import os
import tomllib
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ioc.errors import SettingsError


def _default_state_dir() -> Path:
    """A folder that the database's system user can reach: homes of root are usually closed to it."""
    if os.geteuid() == 0:
        return Path("/var/lib/ioc")
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "ioc"


def _reached(host: str, port: int) -> str:
    """Address of a process that listens on ``host``; one that listens everywhere is reached over loopback."""
    host = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _parts(secret: str) -> list[str]:
    """Passwords and tokens within an address or a pair of name and password."""
    if "://" not in secret:
        return [secret.partition(":")[2]]
    try:
        address = urlsplit(secret)
        password = address.password or ""
    except ValueError:
        return []
    steps = [step for step in address.path.split("/") if len(step) >= 16]
    asked = [value for _, value in parse_qsl(address.query)]
    return [password, unquote(password), *steps, *asked]


class Settings(BaseSettings):
    """Every setting of the platform. Names in the environment are upper case with the prefix ``IOC_``."""

    model_config = SettingsConfigDict(env_prefix="IOC_", toml_file="ioc.toml", extra="forbid", frozen=True)

    state_dir: Path = Field(default_factory=_default_state_dir)
    """The one folder that holds everything the platform keeps on this machine: servers' data, logs, spools."""
    software_dir: Path | None = None
    """Folder of the embedded servers' programs, shareable; empty means ``software`` in the state folder."""
    run_as: str = "ioc"
    """System user that runs the embedded PostgreSQL when the platform is started by root; made when missing."""
    kafka: str | None = None
    """Bootstrap servers (``host:port,host:port``) of an external Kafka; empty means the embedded one."""
    kafka_port: int = Field(default=19092, ge=1, le=65535)
    """Port of the embedded Kafka on 127.0.0.1; the next one is its controller's."""
    kafka_heap_mb: int = Field(default=512, ge=128)
    """Heap of the embedded Kafka in MiB."""
    database_url: SecretStr | None = None
    """URL of an external PostgreSQL with TimescaleDB; empty means the embedded one."""
    database_port: int = Field(default=15432, ge=1, le=65535)
    """Port of the embedded PostgreSQL on 127.0.0.1."""
    database_buffers_mb: int = Field(default=512, ge=16)
    """Shared buffers of the embedded PostgreSQL in MiB; at most a quarter of the machine's memory is taken."""
    api_host: str = "127.0.0.1"
    """Address that the API and the pages listen on."""
    api_port: int = Field(default=18080, ge=1, le=65535)
    """Port that the API and the pages listen on."""
    api_connections: int = Field(default=512, ge=1, le=10_000)
    """Most connections to the API and the pages at a time; further ones are told to come back."""
    question_timeout_s: float = Field(default=10.0, ge=0.05, le=600.0)
    """Longest time that one question of the API may keep the database busy, in seconds."""
    exports_at_once: int = Field(default=2, ge=1, le=16)
    """Most exports at a time; further ones are told to come back. One reader may have one."""
    export_timeout_s: float = Field(default=600.0, ge=0.1, le=86_400.0)
    """Longest time that one export may take, its client's reading included, in seconds."""
    access_log_days: float = Field(default=365.0, ge=1.0)
    """Days for which it is kept who asked single dossiers and exports, and who changed accounts and keys."""
    smallest_group: int = Field(default=5, ge=3, le=1000)
    """Fewest dossiers in a group of de-identified counts; months that were given already stay as they are."""
    settle_days: float = Field(default=10.0, ge=0.0, le=366.0)
    """Days after a month's end until its de-identified counts are made."""
    ingest_host: str = "127.0.0.1"
    """Address that the ingest process listens on; the API forwards `/ingest/v1/` to it."""
    ingest_port: int = Field(default=18081, ge=1, le=65535)
    """Port that the ingest process listens on."""
    ingest_max_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)
    """Most bytes of one request's body, after decompression."""
    ingest_max_events: int = Field(default=10_000, ge=1, le=100_000)
    """Most events, or dossiers of a portal call, in one request."""
    ingest_body_s: float = Field(default=30.0, ge=0.1, le=600.0)
    """Longest time that a client may take to send a request, in seconds."""
    index766_grades: str = ""
    """Grades of the index of Decision 766, as `90=Xuất sắc;80=Tốt`: points of 100 from which each holds."""
    load_departments: str = ""
    """Departments and roles known to have three officers or more, separated by `;`: shown where no source names any."""
    ingest_connections: int = Field(default=512, ge=1, le=10_000)
    """Most connections to the ingest process at a time; further ones are told to come back."""
    key_refresh_s: float = Field(default=10.0, ge=0.1, le=600.0)
    """Seconds between two looks at the API keys in the database: a revoked key is refused after this at the latest."""
    portal_upstream: str | None = None
    """Address of the upstream portal, to which every call at `/ingest/v1/dvcqg` is forwarded; none: no tee."""
    portal_timeout_s: float = Field(default=60.0, ge=1.0, le=600.0)
    """Longest wait for the upstream portal's answer, in seconds."""
    portal_login: SecretStr | None = None
    """`user:password` with which a one-stop system logs in at `/ingest/v1/dvcqg` where there is no upstream."""
    portal_clients: str = "127.0.0.0/8,::1"
    """Networks of one-stop systems whose calls are recorded beside the upstream without an API key, by commas."""
    public_url: str | None = None
    """Address under which people reach the platform; used in links."""
    telegram_url: str = "https://api.telegram.org"
    """Address of Telegram's Bot API, or of a Bot API server of one's own."""
    grafana_url: str | None = None
    """Address of a Grafana to push boards to."""
    grafana_token: SecretStr | None = None
    """Service-account token for that Grafana."""
    grafana_database: str | None = Field(default=None, pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s/:@?#]+):\d{1,5}$")
    """`host:port` at which Grafana reaches the database; none: as the platform itself does."""
    grafana_database_tls: Literal["disable", "require", "verify-ca", "verify-full"] | None = None
    """How Grafana's connections to the database are encrypted; none: as the platform's, on this machine not at all."""
    grafana_database_password: SecretStr | None = Field(default=None, min_length=8)
    """Password of the database role that Grafana logs in with; none: one is made and kept in the state folder."""
    grafana_alert_email: str = Field(default="", pattern=r"^[^\s$]*$")
    """Mail addresses, separated by `;`, that Grafana tells about the platform's own health. Empty: none."""
    grafana_alert_webhook: SecretStr | None = None
    """Address that Grafana calls with POST about the platform's own health. May hold a token, so it is never logged."""
    pack: Path | None = None
    """Folder of the district pack; empty means the Gò Dầu pack that ships with the platform."""
    kafka_wait_s: float = Field(default=2.0, ge=0.2, le=60.0)
    """Seconds that a connector waits for Kafka's acknowledgement before it keeps events in its spool."""
    spool_bytes: int = Field(default=1024 * 1024 * 1024, ge=1024 * 1024)
    """Most bytes that one connector's spool may take while Kafka is away; beyond them it refuses events."""
    spool_free_bytes: int = Field(default=512 * 1024 * 1024, ge=0)
    """Bytes of the spool's disk that stay free whatever happens; a spool refuses events before it takes them."""
    topic_prefix: str = Field(default="", pattern=r"^[a-z0-9.-]*$")
    """Put before every topic's name, so that several installations can share a Kafka."""
    topic_partitions: int = Field(default=4, ge=1, le=256)
    """Partitions of each topic, fixed when topics are made."""
    topic_replication: int = Field(default=1, ge=1)
    """Copies of each topic's partitions; 1 on the embedded broker."""
    consumer_group: str = "ioc-streams"
    """Kafka consumer group of the stream workers."""
    session_timeout_s: float = Field(default=8.0, ge=2.0, le=120.0)
    """Seconds without a heartbeat after which a worker's partitions go to another worker."""
    statement_timeout_s: float = Field(default=30.0, ge=1.0)
    """Longest time that one statement of a worker may take."""
    batch_records: int = Field(default=10_000, ge=1)
    """Most records in one micro-batch of one partition."""
    fetch_bytes: int = Field(default=4 * 1024 * 1024, ge=65536)
    """Most bytes that one fetch of one partition brings; with the queue limit it bounds a worker's memory."""
    grace_s: float = Field(default=60.0, ge=0.0)
    """Seconds that a window stays open behind the watermark before it closes; later facts count as late."""
    silence_s: float = Field(default=10.0, ge=0.5)
    """Seconds without records after which a caught-up partition's silence is recorded and its windows may close."""
    future_tolerance_s: float = Field(default=300.0, ge=0.0)
    """A fact dated further ahead of this machine's clock than this is unreadable."""
    source_bad_share: float = Field(default=0.5, gt=0.0, le=1.0)
    """A source of which a larger share of records is bad is halted (0 to 1); at 1 none is."""
    source_bad_window_s: float = Field(default=300.0, ge=1.0, le=86_400.0)
    """Seconds over which that share is taken; the window slides."""
    source_bad_minimum: int = Field(default=100, ge=1)
    """Fewest records of a source in the window to judge it by."""
    device_ttl_intervals: float = Field(default=3.0, ge=1.0)
    """A device's state holds for this many of its probe intervals; after that it is unknown."""
    keep_samples_days: int = Field(default=35, ge=0)
    """Days for which samples of cameras and access points are kept; sums of them by hour and day stay. 0: for good."""
    keep_minutes_days: int = Field(default=100, ge=0)
    """Days for which device-time by minute is kept; at least as long as samples. 0: for good."""
    keep_quarters_days: int = Field(default=400, ge=0)
    """Days for which device-time by quarter of an hour is kept; at least as long as minutes. 0: for good."""
    keep_hours_days: int = Field(default=1100, ge=0)
    """Days for which device-time and sums of samples by hour are kept; at least as long as quarters. Days and months
    are kept for good. 0: for good."""
    keep_platform_days: int = Field(default=400, ge=0)
    """Days for which the platform's own gauges are kept. 0: for good."""
    keep_tickets_days: int = Field(default=1830, ge=0)
    """Days for which queue tickets and their facts are kept. 0: for good."""
    keep_unreadable_days: int = Field(default=30, ge=0)
    """Days for which unreadable records are kept, which may hold personal data; their number stays. 0: for good."""
    keep_reports_days: int = Field(default=1830, ge=0)
    """Days for which reports are kept after their period. 0: for good."""
    keep_alerts_days: int = Field(default=1830, ge=0)
    """Days for which alerts, their trail and their messages are kept after they cleared. 0: for good."""
    report_at: str = Field(default="06:30", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """Time of the district's clock from which the report of the day before is made; on Mondays that of the week, on the
    first that of the month. Empty makes none."""
    digest_at: str = Field(default="07:00", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """Time of the district's clock at which those on duty are sent the day's digest. Empty sends none."""
    send_at_once: int = Field(default=8, ge=1, le=64)
    """Most messages that one delivery process sends over one channel at a time."""
    heartbeat_s: float = Field(default=5.0, ge=0.1, le=300.0)
    """Seconds between two heartbeats of each process; after three of them without one it counts as silent."""
    heartbeat_url: SecretStr | None = None
    """Address of a watchdog outside the house, asked with GET while evaluator, delivery and database all live: when it
    hears nothing any more, everything here is dark. May hold a token, so it is never logged."""
    heartbeat_url_every_s: float = Field(default=60.0, ge=1.0, le=86_400.0)
    """Seconds between two such calls."""
    synthetic_every_s: float = Field(default=900.0, ge=0.0, le=86_400.0)
    """Seconds between two synthetic alerts, which show that alerts arrive. 0: none."""
    synthetic_within_s: float = Field(default=60.0, ge=1.0, le=3600.0)
    """Seconds within which a synthetic alert has to be back; until then the time of the one before it holds,
    after them the time for which it has been under way."""
    echo_url: str | None = None
    """Address of the API over which synthetic alerts come back to it; none: IOC_PUBLIC_URL, else the local API.
    For where the process that delivers can't reach the public address."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port at which each process shows its own metrics and health, where each has an address of its own, as containers
    do. 0: none; `/metrics` of the API shows every process of the platform anyhow."""
    metrics_host: str = "127.0.0.1"
    """Address that `IOC_METRICS_PORT` is opened on."""
    log_format: Literal["auto", "json", "text"] = "auto"
    """How log lines are written: `json`, a line each; `text`, for people; `auto`, text where a person reads along."""
    otlp_url: str | None = None
    """Address of an OpenTelemetry collector (OTLP over HTTP, such as `http://127.0.0.1:4318`) to send traces to; none:
    `OTEL_EXPORTER_OTLP_ENDPOINT`, else no traces are made."""
    first_backup_days: float = Field(default=3.0, ge=0.0, le=366.0)
    """Days that an installation may be without any backup; after them its age counts as its backup's."""
    backup_dir: Path | None = None
    """Folder of backups and archived log of the embedded database, best on another disk; empty means `backups` in the
    state folder."""
    backup_keep: int = Field(default=7, ge=0, le=1000)
    """Backups that are kept, with the log since the oldest of them. 0: none is made and no log is archived."""
    backup_at: str = Field(default="01:30", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """Time in Vietnam at which the supervisor makes the day's backup. Empty makes none by itself."""
    restore_quiet_s: float = Field(default=900.0, ge=0.0, le=86_400.0)
    """Seconds after a restore in which nobody is called: what the backup did not know is read again meanwhile."""
    saturated_clients: int = Field(default=50, ge=1)
    """Clients from which on an access point counts as saturated, where the pack's devices.csv gives it no limit."""

    @model_validator(mode="after")
    def _sums_outlive_what_they_are_made_of(self) -> Settings:
        """A figure is asked of its sums once the facts are gone: nothing may go before what it is rolled up from."""
        made = ("keep_samples_days", "keep_minutes_days", "keep_quarters_days", "keep_hours_days")
        for finer, coarser in pairwise(made):
            kept, wanted = getattr(self, coarser), getattr(self, finer)
            if kept and (not wanted or kept < wanted):
                raise ValueError(
                    f"{coarser} ({kept}) is made from what {finer} ({wanted or 'for good'}) keeps and must last as long"
                )
        return self

    @field_validator("database_url")
    @classmethod
    def _is_a_database_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict

        try:
            if not url.get_secret_value().startswith(("postgresql://", "postgres://")):
                raise ValueError
            conninfo_to_dict(url.get_secret_value())
        except (ProgrammingError, ValueError):
            # the driver's own text would repeat the URL, and the password with it
            raise ValueError("not a URL like postgresql://user:password@host:5432/name") from None
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names them
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def software_path(self) -> Path:
        """Folder of the embedded servers' programs."""
        return self.software_dir or self.state_dir / "software"

    @property
    def backup_path(self) -> Path:
        """Folder of backups, of the archived log and of the erasure ledger."""
        return self.backup_dir or self.state_dir / "backups"

    @field_validator("index766_grades")
    @classmethod
    def _are_grades(cls, text: str) -> str:
        from ioc.index766.grades import read_grades

        read_grades(text)
        return text

    @property
    def load_departments_named(self) -> tuple[str, ...]:
        """The departments and roles of ``load_departments``."""
        return tuple(part.strip() for part in self.load_departments.split(";") if part.strip())

    def secrets(self) -> list[str]:
        """Everything that must stand in no log line: secret settings, whole and in the parts that libraries show."""
        whole = [value.get_secret_value() for _, value in self if isinstance(value, SecretStr)]
        with contextlib.suppress(OSError):  # not for this user's eyes, who can't log it then
            whole.append(self.database_dsn)
        parts = [part for text in whole for part in _parts(text)]
        return [text for text in (*whole, *parts) if text]

    @property
    def kafka_servers(self) -> str:
        """Bootstrap servers to use, embedded or external."""
        return self.kafka or f"127.0.0.1:{self.kafka_port}"

    @property
    def api_url(self) -> str:
        """Where this machine reaches the API."""
        return _reached(self.api_host, self.api_port)

    @property
    def ingest_url(self) -> str:
        """Where this machine reaches the ingest process."""
        return _reached(self.ingest_host, self.ingest_port)

    @property
    def kafka_is_embedded(self) -> bool:
        return self.kafka is None

    @property
    def database_is_embedded(self) -> bool:
        return self.database_url is None

    @property
    def database_admin_dsn(self) -> str | None:
        """URL of the platform's database for the embedded server's own administrator; None for external servers, and
        before the server was made. Holds the password: never log it."""
        secret = self.state_dir / "secrets" / "database-admin"
        if self.database_url is not None or not secret.exists():
            return None
        return f"postgresql://postgres:{secret.read_text().strip()}@127.0.0.1:{self.database_port}/ioc"

    @property
    def database_dsn(self) -> str:
        """URL for psycopg. Holds the password: never log it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        secret = self.state_dir / "secrets" / "database"
        password = f":{secret.read_text().strip()}" if secret.exists() else ""
        return f"postgresql://ioc{password}@127.0.0.1:{self.database_port}/ioc"


@lru_cache(maxsize=1)
def load() -> Settings:
    """Read the settings once per process.

    :raises SettingsError: naming each setting that can't be used and why; values are not repeated, they may be secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'settings'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise SettingsError(
            f"Settings can't be used: {faults}.",
            remedy="Mend the IOC_* variable or the line of ioc.toml; docs/reference/settings.md lists all.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"ioc.toml can't be read: {_place(error)}.",
            remedy='Write one setting a line, texts in quotes, in UTF-8: api_host = "127.0.0.1"',
        ) from None
    except OSError as error:
        raise SettingsError(
            f"ioc.toml can't be read: {error.strerror}.", remedy="Make it a file that this user may read."
        ) from None


def _place(error: tomllib.TOMLDecodeError | UnicodeDecodeError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
