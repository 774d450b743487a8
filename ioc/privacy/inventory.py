"""What each table of the database holds: whose data, for how long, who reads it. The data inventory is made of this.

A table that is not here fails a test; ``ioc purge-demo`` empties those that facts fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final


class Personal(StrEnum):
    """What the law makes of a table's rows."""

    NONE = "none"
    DEIDENTIFIED = "de-identified"
    """Counts from which nobody can be told."""
    PSEUDONYMOUS = "pseudonymous"
    """Names nobody, and is still personal data: a dossier's code leads to a person in the one-stop system."""
    PERSONAL = "personal"
    """Names people: staff who are called or log in, or what somebody typed."""


class Filled(Enum):
    """By what a table is filled."""

    FACTS = "facts"
    """And what follows from them: emptied before going live."""
    PEOPLE = "people"
    """The pack, settings, accounts, what people did: kept."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    :param kept: for how long, with the setting that says so.
    :param readers: who sees it.
    """

    name: str
    holds: str
    personal: Personal
    kept: str
    readers: str
    filled: Filled = Filled.PEOPLE


_N, _D, _S, _P = Personal.NONE, Personal.DEIDENTIFIED, Personal.PSEUDONYMOUS, Personal.PERSONAL
_F: Final = Filled.FACTS
_GOOD: Final = "for good"
_PACK: Final = "while the pack has it"
_ALL: Final = "everybody, by unit"
_NAMED: Final = "those who are logged in, by unit; each look is in the access log"
_OWN: Final = "the platform alone"
_DUTY: Final = "those who are logged in, by unit"
_ADMIN: Final = "administrators"
_ALERTS: Final = "`IOC_KEEP_ALERTS_DAYS` after they cleared"
_HOURS: Final = "`IOC_KEEP_HOURS_DAYS`"

TABLES: Final = (
    # -- dossiers
    Table(
        "dossier",
        "a dossier as it stands: codes, unit, procedure, dates, marks; an officer's keyed hash. Tombstones of"
        " erased ones, without a code",
        _S,
        _GOOD,
        _NAMED,
        _F,
    ),
    Table(
        "dossier_fact",
        "what sources said of it, field by field of an allow-list; never names, contacts or free text",
        _S,
        _GOOD,
        _NAMED,
        _F,
    ),
    Table("dossier_alias", "second codes of a dossier", _S, _GOOD, _NAMED, _F),
    Table(
        "dossier_ledger",
        "what each dossier adds to the figures, by its number",
        _S,
        _GOOD,
        "everybody, as figures",
        _F,
    ),
    Table("dossier_series", "combinations of unit, channel, field and procedure", _N, _GOOD, _ALL, _F),
    Table("dossier_pending", "ledger entries that are not in the sums yet", _D, "a second or so", _OWN, _F),
    Table("dossier_day", "sums of the ledger by unit and day", _D, _GOOD, _ALL, _F),
    Table("dossier_month", "the same by month", _D, _GOOD, _ALL, _F),
    Table("dossier_series_month", "the same by month and combination", _D, _GOOD, _ALL, _F),
    Table(
        "dossier_amount_day",
        "working time of the dossiers completed on a day, without their numbers",
        _D,
        _GOOD,
        _ALL,
        _F,
    ),
    Table("disclosure_edition", "months whose de-identified counts were given out", _D, _GOOD, _ALL, _F),
    Table("disclosure_group", "those counts, small groups hidden", _D, _GOOD, _ALL, _F),
    Table("disclosure_key", "what orders hidden groups", _N, _GOOD, _OWN),
    Table("erasure", "keyed digests of the codes of erased dossiers, why and by whom", _S, _GOOD, _OWN),
    Table("erasure_key", "fingerprint of their key, which is a file", _N, _GOOD, _OWN),
    # -- queues
    Table(
        "ticket",
        "a queue number: kiosk, day, service, times; nothing of who held it",
        _N,
        "`IOC_KEEP_TICKETS_DAYS`",
        _ALL,
        _F,
    ),
    Table("ticket_fact", "what the kiosk said of it", _N, "`IOC_KEEP_TICKETS_DAYS`", _ALL, _F),
    # -- devices
    Table(
        "camera_sample",
        "what a probe of a camera found; never a picture",
        _N,
        "`IOC_KEEP_SAMPLES_DAYS`",
        _ALL,
        _F,
    ),
    Table(
        "wifi_sample",
        "what a probe of an access point found: counts of clients, never their addresses",
        _N,
        "`IOC_KEEP_SAMPLES_DAYS`",
        _ALL,
        _F,
    ),
    Table("device_state", "each device as it is now", _N, "as the device", _ALL, _F),
    Table("device_run", "stretches of equal state", _N, _GOOD, _ALL, _F),
    Table("device_run_pending", "runs that are not counted yet", _N, "a second or so", _OWN, _F),
    Table("device_day_end", "devices by state at the ends of days", _N, _GOOD, _ALL, _F),
    Table("device_minute", "device-time by unit and minute", _N, "`IOC_KEEP_MINUTES_DAYS`", _ALL, _F),
    Table("device_quarter", "the same by quarter of an hour", _N, "`IOC_KEEP_QUARTERS_DAYS`", _ALL, _F),
    Table("device_hour", "the same by hour", _N, _HOURS, _ALL, _F),
    Table("device_day", "the same by day", _N, _GOOD, _ALL, _F),
    Table("device_month", "the same by month", _N, _GOOD, _ALL, _F),
    Table("sample_hour", "sums of samples by device and hour", _N, _HOURS, _ALL, _F),
    Table("sample_day", "the same by day", _N, _GOOD, _ALL, _F),
    Table("sample_dirty", "hours that are to be summed again", _N, "until they are", _OWN, _F),
    Table("sample_dirty_day", "days that are", _N, "until they are", _OWN, _F),
    Table("sample_progress", "until when samples are summed", _N, _GOOD, _OWN, _F),
    # -- the stream
    Table(
        "partition_offset",
        "how far each partition of Kafka is counted",
        _N,
        _GOOD,
        "those who run the platform",
        _F,
    ),
    Table("partition_silence", "when nothing came", _N, _GOOD, _OWN, _F),
    Table("window_close", "until when windows are closed", _N, _GOOD, _OWN, _F),
    Table("late_count", "late facts by unit", _N, _GOOD, _ALL, _F),
    Table("fact_day", "facts by unit and day", _N, _GOOD, _ALL, _F),
    Table("kept_from", "from when on facts are still kept", _N, _GOOD, _ALL, _F),
    Table("source", "names of systems that facts come from", _N, _GOOD, _ALL),
    Table("source_halt", "sources that were halted, and why", _N, _GOOD, _ALL, _F),
    Table(
        "unreadable",
        "records that could not be read, as they came: may hold anything",
        _P,
        "`IOC_KEEP_UNREADABLE_DAYS`",
        _ADMIN,
        _F,
    ),
    Table("unreadable_count", "how many there were", _N, _GOOD, _ALL, _F),
    Table(
        "agency_unmapped",
        "names that one-stop systems write for an agency, and no unit has",
        _N,
        "until they have one",
        "those who run the platform",
        _F,
    ),
    Table("connector", "what each connector says of itself", _N, _GOOD, _DUTY, _F),
    Table("connector_change", "changes of that", _N, _GOOD, _DUTY, _F),
    # -- the district
    *(
        Table(name, holds, _N, _PACK, _ALL)
        for name, holds in (
            ("district", "the district, its zone and working time"),
            ("unit", "units with their names and validity"),
            ("unit_edge", "predecessors and successors"),
            ("unit_member", "units of a reporting group"),
            ("point", "reception points with their places"),
            ("device", "cameras, access points and kiosks; no login"),
            ("procedure", "procedures and fields"),
            ("agency", "names of agencies, and their units"),
            ("kpi_target", "targets"),
            ("exceptional_day", "days that forecasts leave out"),
        )
    ),
    Table("rollup_zone", "the zone of local days", _N, _GOOD, _OWN),
    Table("kpi_release", "definitions that were ever in force", _N, _GOOD, _ALL),
    Table("index766_fact", "what the portal published of the index", _N, _GOOD, _ALL),
    # -- alerts
    Table("alert_rule", "rules", _N, _PACK, _DUTY),
    Table("alert_rule_fault", "rules that can't be used", _N, "until they can", _DUTY),
    Table("alert_policy", "who is called when, by role", _N, _PACK, _DUTY),
    Table("alert_channel", "ways of telling; secrets are files", _N, _PACK, _DUTY),
    Table("alert_book", "counts changes of those", _N, _GOOD, _OWN),
    Table("channel_position", "how far a channel's answers are read", _N, _GOOD, _OWN),
    Table("alert", "alerts; those of dossiers name their code", _S, _ALERTS, _DUTY, _F),
    Table(
        "alert_signal", "conditions that hold or are over shortly, likewise", _S, "while they do", _DUTY, _F
    ),
    Table("alert_flap", "how often one came and went, likewise", _S, "some hours", _OWN, _F),
    Table("alert_event", "who did what to an alert, comments included", _P, _ALERTS, _DUTY, _F),
    Table("alert_step", "what is to be done next", _N, _ALERTS, _DUTY, _F),
    Table(
        "alert_message",
        "messages: to whom, over which channel, what became of them",
        _P,
        "`IOC_KEEP_ALERTS_DAYS`",
        _DUTY,
        _F,
    ),
    Table("alert_message_alert", "which alerts a message is of", _N, _ALERTS, _DUTY, _F),
    Table("maintenance", "times in which nobody is called, and who said so", _P, _GOOD, _DUTY),
    # -- duty
    Table(
        "duty_person",
        "people who may be on duty, with their contacts",
        _P,
        _PACK,
        "names: those who are logged in, by unit; contacts: delivery alone",
    ),
    Table("duty_edition", "rosters as packs had them, people by code", _S, _GOOD, _DUTY),
    Table("duty_change", "swaps, leave and the like, with reasons", _P, _GOOD, _DUTY),
    Table("duty_log", "the shift log", _P, _GOOD, _DUTY),
    Table("duty_notice", "what was told of duty, by code", _S, _GOOD, _OWN),
    Table("duty_version", "counts changes of duty", _N, _GOOD, _OWN),
    # -- access
    Table(
        "reader", "accounts: names, roles, units, hashes of passwords", _P, "until they are deleted", _ADMIN
    ),
    Table("session", "browsers that are logged in", _P, "30 days at most", "the reader, administrators"),
    Table("api_key", "keys of systems, hashed", _N, "until they are deleted", _ADMIN),
    Table("access_change", "what was changed about accounts and keys, by whom", _P, _GOOD, _ADMIN),
    Table(
        "access_log",
        "who asked for single dossiers and exports; codes of dossiers that there are, never what somebody"
        " typed",
        _P,
        "`IOC_ACCESS_LOG_DAYS`",
        "administrators, and `ioc access-log`",
    ),
    Table(
        "question",
        "questions that readers keep",
        _P,
        "until they are deleted",
        "the reader; all, where shared",
    ),
    # -- the platform itself
    Table(
        "report",
        "reports as files; they name dossiers that are late, by code",
        _S,
        "`IOC_KEEP_REPORTS_DAYS`",
        _NAMED,
        _F,
    ),
    Table("platform_sample", "the platform's own figures", _N, "`IOC_KEEP_PLATFORM_DAYS`", _ALL, _F),
    Table("heartbeat", "which processes live", _N, "as the process", _DUTY, _F),
    Table(
        "process_metrics", "figures of each process", _N, "as the process", "those who run the platform", _F
    ),
    Table("reading", "newest measurements of machines and servers", _N, "7 days", _DUTY, _F),
    Table("echo_key", "what synthetic alerts are signed with", _N, _GOOD, _OWN),
    Table("restored", "backups that were restored here", _N, _GOOD, _OWN),
    Table("alembic_version", "revision of the schema", _N, _GOOD, _OWN),
)


def of_facts() -> tuple[str, ...]:
    """Tables that facts fill, and what follows from them."""
    return tuple(table.name for table in TABLES if table.filled is Filled.FACTS)
