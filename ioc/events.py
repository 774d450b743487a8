"""The facts of the platform as CloudEvents 1.0 in structured JSON: every type, one module.

A fact's ``type`` is ``ioc.<subject>.<happened>.v1``; its ``time`` is when it happened; its Kafka key is its
``subject`` (dossier code, kiosk id, device id). Ids are deterministic, see :func:`event_id`: a fact that is
sent again has the id it had before, which is what lets the sink count it once.

Order among facts about one subject: ``(time, sequence, id)``, see :func:`order_key`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from ioc import topics

Code: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
"""An opaque code of a dossier, unit, device or kiosk: 1 to 50 characters."""
Source: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""Who says so (CloudEvents ``source``): a URI reference of 1 to 200 characters."""
ShortText: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]
Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
StatusCode: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**15), le=2**15 - 1)]
"""Status of a dossier in the code of the national portal, 1 to 10 today; unknown codes are kept."""
Clients: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
"""Clients of one access point; more is a probe's mistake, and would spoil the sums of its unit."""
Counter64: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Dong: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
"""An amount in whole Vietnamese đồng."""
Interval: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
"""Seconds until the source means to report again."""


class Channel(StrEnum):
    """How a dossier came in."""

    COUNTER = "counter"
    ONLINE = "online"
    POST = "post"
    EMAIL = "email"
    INTERNAL = "internal"


class Applicant(StrEnum):
    """What kind of applicant asks; never who."""

    PERSON = "person"
    BUSINESS = "business"


class Status(StrEnum):
    """State of a device as its probe saw it. Silence makes it unknown; that is never sent, it is concluded."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"


# -- what the facts carry -------------------------------------------------------------------------------


class DossierRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A source's whole view of a dossier at the event's time (an upsert). Absent fields are unknown, not empty."""

    unit: Code
    aliases: Annotated[tuple[Code, ...], msgspec.Meta(max_length=8)] = ()
    """Other codes of the same dossier, such as the national portal's."""
    channel: Channel | None = None
    field: ShortText | None = None
    procedure: ShortText | None = None
    applicant: Applicant | None = None
    service_level: Annotated[int, msgspec.Meta(ge=0, le=4)] | None = None
    """Level of the procedure's online service as the portal numbers it: 3 partly online, 4 wholly."""
    status: StatusCode | None = None
    submitted_at: Instant | None = None
    received_at: Instant | None = None
    rejected_at: Instant | None = None
    """When it was refused at the door (never accepted)."""
    due_at: Instant | None = None
    completed_at: Instant | None = None
    returned_at: Instant | None = None
    """When the result was handed over."""
    withdrawn_at: Instant | None = None
    fee_vnd: Dong | None = None
    """Fees and charges due, together."""
    payable_online: bool | None = None
    """What is due may be paid online."""
    paid_online: bool | None = None
    """What was due was paid online."""
    digitised: bool | None = None
    """Papers handed in were digitised."""
    reused: bool | None = None
    """Digitised papers of an earlier dossier were used again."""
    from_store: bool | None = None
    """Papers came from the applicant's own store in the portal."""
    result_digital: bool | None = None
    """The result was issued in electronic form."""


class DossierProgress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One step in the handling of a dossier."""

    unit: Code
    status: StatusCode | None = None
    step: ShortText | None = None
    due_at: Instant | None = None
    """A due date that this step sets, when it does."""
    role: ShortText | None = None
    """The officer's position; never who it is."""
    handler: ShortText | None = None
    """Keyed hash of the officer; never a name."""


class DossierSupplement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A supplement was asked for, or came; where the due date moves, from what to what.

    ``received`` tells which of the two happened at the event's time.
    """

    unit: Code
    received: bool
    old_due_at: Instant | None = None
    new_due_at: Instant | None = None


class DossierPayment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Fees were paid."""

    unit: Code
    amount_vnd: Dong
    online: bool | None = None
    payment: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    """The source's key of this payment: a later fact with the same key corrects an earlier one; without, all add up."""


class DossierApology(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A letter of apology for lateness was issued, with a new date. It moves no due date: late stays late."""

    unit: Code
    reason: ShortText | None = None
    """A code of the reason, never its text."""
    old_due_at: Instant | None = None
    new_due_at: Instant | None = None


class DossierRating(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The applicant's rating of the service."""

    unit: Code
    satisfied: bool
    score: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None


class DossierMerge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The subject turned out to be a second code of another dossier, which had been counted as one of its own."""

    unit: Code
    into: Code | None = None
    """The code that counts from now on; absent takes an earlier merge back."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something happened to a queue ticket. Identity is machine, local date and number: numbers restart daily."""

    unit: Code
    kiosk: Code
    date: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """Local date on the ticket."""
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    service: ShortText | None = None
    counter: ShortText | None = None
    to_service: ShortText | None = None
    received_at: Instant | None = None
    """When the platform's edge got the message, by its own clock; absent from imported files."""
    stated_at: Instant | None = None
    """What the kiosk's clock said, where it can't be right: the event's time is then that of receiving it."""


class Disk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One disk or card of a camera or recorder, as it tells itself over SNMP."""

    name: ShortText
    state: ShortText | None = None
    """In the words of the vendor's MIB."""
    ok: bool | None = None
    size_bytes: Counter64 | None = None
    free_bytes: Counter64 | None = None


class CameraSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one probe of a camera found."""

    unit: Code
    verdict: Status
    point: Code | None = None
    rung: ShortText | None = None
    """First rung of the ladder that failed; the last one passed when all is well."""
    reason: ShortText | None = None
    last_frame_age_s: Seconds | None = None
    fps: Seconds | None = None
    bitrate_kbps: Seconds | None = None
    clock_offset_s: Annotated[float, msgspec.Meta(ge=-1e10, le=1e10)] | None = None
    """The camera's clock minus ours."""
    frozen: bool | None = None
    stalled: bool | None = None
    moved: bool | None = None
    """The camera looks elsewhere than it did."""
    stalls_per_minute: Seconds | None = None
    """Stalls that began, over ``observed_s``."""
    observed_s: Seconds | None = None
    """How long the stream was watched for this sample."""
    model: ShortText | None = None
    firmware: ShortText | None = None
    uptime_s: Seconds | None = None
    disks: Annotated[tuple[Disk, ...], msgspec.Meta(max_length=64)] = ()
    interval_s: Interval = 60.0


class Radio(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One radio of an access point."""

    name: ShortText
    ssid: ShortText | None = None
    channel: int | None = None
    frequency_mhz: int | None = None
    clients: Count | None = None
    noise_dbm: int | None = None
    utilisation: Share | None = None


class Interface(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One network interface, with its 64-bit octet counters where the device has them."""

    index: int
    name: ShortText
    up: bool | None = None
    rx_bytes: Counter64 | None = None
    tx_bytes: Counter64 | None = None
    rx_bps: Counter64 | None = None
    """Bits per second since the sample before; absent where wraps, resets or gaps leave it unknown."""
    tx_bps: Counter64 | None = None


class WifiSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one probe of an access point found. Counts only, never a client's address."""

    unit: Code
    status: Status
    point: Code | None = None
    reason: ShortText | None = None
    clients: Clients | None = None
    radios: tuple[Radio, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    model: ShortText | None = None
    firmware: ShortText | None = None
    rtt_ms: Seconds | None = None
    loss: Share | None = None
    internet_ok: bool | None = None
    rx_bytes: Counter64 | None = None
    """Octets that clients sent in the ``traffic_s`` seconds before this sample."""
    tx_bytes: Counter64 | None = None
    """Octets sent to clients in the same time."""
    traffic_s: Seconds | None = None
    interval_s: Interval = 60.0


class ConnectorState(StrEnum):
    """How a connector is. Silence makes it unknown; that is never sent, it is concluded."""

    OK = "ok"
    FAILING = "failing"
    """Some of its sources can't be read."""
    SPOOLING = "spooling"
    """Kafka is away, or what waited on disk is being forwarded."""
    FULL = "full"
    """Kafka is away and its spool is full: it refuses events."""
    STOPPED = "stopped"


class ConnectorReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a connector says about itself."""

    state: ConnectorState
    since: Instant
    """When this state began."""
    changed: bool = False
    """Whether the state is another one than in the report before."""
    reason: ShortText | None = None
    sources: Count = 0
    """Sources that it reads: devices, folders, senders."""
    failing: Count = 0
    """How many of them can't be read."""
    failing_sources: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=50)] = ()
    """Which ones; the first 50 by name."""
    spooled_events: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    """Events on its disk that Kafka has not acknowledged."""
    spooled_bytes: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    oldest_spooled_s: Seconds | None = None
    """Age of the oldest of them."""
    interval_s: Interval = 60.0


# -- the envelopes --------------------------------------------------------------------------------------


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type"):
    """CloudEvents attributes that every fact has. Unknown extension attributes are let through and dropped."""

    specversion: Literal["1.0"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    source: Source
    subject: Code
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    sequence: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """The source's own order among facts with equal times; compared as text."""
    recordedat: Instant | None = None
    """When a historical import says the fact was learned; absent means when it is stored."""


class DossierRecorded(Event, frozen=True, kw_only=True, gc=False, tag="ioc.dossier.recorded.v1"):
    data: DossierRecord


class DossierProgressed(Event, frozen=True, kw_only=True, gc=False, tag="ioc.dossier.progressed.v1"):
    data: DossierProgress


class DossierApologised(Event, frozen=True, kw_only=True, gc=False, tag="ioc.dossier.apologised.v1"):
    data: DossierApology


class DossierRated(Event, frozen=True, kw_only=True, gc=False, tag="ioc.dossier.rated.v1"):
    data: DossierRating


class DossierPaid(Event, frozen=True, kw_only=True, gc=False, tag="ioc.dossier.paid.v1"):
    data: DossierPayment


class DossierSupplemented(Event, frozen=True, kw_only=True, gc=False, tag="ioc.dossier.supplemented.v1"):
    data: DossierSupplement


class DossierMerged(Event, frozen=True, kw_only=True, gc=False, tag="ioc.dossier.merged.v1"):
    data: DossierMerge


class TicketIssued(Event, frozen=True, kw_only=True, gc=False, tag="ioc.queue.issued.v1"):
    data: Ticket


class TicketCalled(Event, frozen=True, kw_only=True, gc=False, tag="ioc.queue.called.v1"):
    data: Ticket


class TicketRecalled(Event, frozen=True, kw_only=True, gc=False, tag="ioc.queue.recalled.v1"):
    data: Ticket


class TicketStarted(Event, frozen=True, kw_only=True, gc=False, tag="ioc.queue.started.v1"):
    data: Ticket


class TicketCompleted(Event, frozen=True, kw_only=True, gc=False, tag="ioc.queue.completed.v1"):
    data: Ticket


class TicketNoShow(Event, frozen=True, kw_only=True, gc=False, tag="ioc.queue.no-show.v1"):
    data: Ticket


class TicketTransferred(Event, frozen=True, kw_only=True, gc=False, tag="ioc.queue.transferred.v1"):
    data: Ticket


class TicketCancelled(Event, frozen=True, kw_only=True, gc=False, tag="ioc.queue.cancelled.v1"):
    data: Ticket


class CameraProbed(Event, frozen=True, kw_only=True, gc=False, tag="ioc.camera.probed.v1"):
    data: CameraSample


class WifiProbed(Event, frozen=True, kw_only=True, gc=False, tag="ioc.wifi.probed.v1"):
    data: WifiSample


class ConnectorReported(Event, frozen=True, kw_only=True, gc=False, tag="ioc.connector.reported.v1"):
    data: ConnectorReport


DossierEvent: TypeAlias = (
    DossierRecorded
    | DossierProgressed
    | DossierApologised
    | DossierRated
    | DossierPaid
    | DossierSupplemented
    | DossierMerged
)
QueueEvent: TypeAlias = (
    TicketIssued
    | TicketCalled
    | TicketRecalled
    | TicketStarted
    | TicketCompleted
    | TicketNoShow
    | TicketTransferred
    | TicketCancelled
)
CameraEvent: TypeAlias = CameraProbed
WifiEvent: TypeAlias = WifiProbed
AnyEvent: TypeAlias = DossierEvent | QueueEvent | CameraEvent | WifiEvent
"""A fact about the district."""
ConnectorEvent: TypeAlias = ConnectorReported
"""What the platform's own connectors say; no outside sender may."""

#: What each topic may carry; a worker decodes a topic's records as this union.
TOPIC_TYPES: Final[dict[str, Any]] = {
    topics.DOSSIERS: DossierEvent,
    topics.QUEUES: QueueEvent,
    topics.CAMERAS: CameraEvent,
    topics.WIFI: WifiEvent,
    topics.CONNECTORS: ConnectorEvent,
}

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent | ConnectorEvent) -> bytes:
    """Return the event as one line of structured-mode CloudEvents JSON."""
    return _encoder.encode(event)


def decode(record: bytes | str) -> AnyEvent:
    """Read any fact about the district.

    :raises msgspec.DecodeError: (or its subclass ``ValidationError``) naming the field that can't be read.
    """
    return _decoder.decode(record)


def topic_of(event: AnyEvent | ConnectorEvent) -> str:
    """Return the topic that carries this event."""
    subject = event.__struct_config__.tag
    if not isinstance(subject, str):
        raise TypeError(f"{type(event).__name__} has no textual type")
    return _TOPIC_BY_SUBJECT[subject.split(".")[1]]


_TOPIC_BY_SUBJECT: Final = {
    "dossier": topics.DOSSIERS,
    "queue": topics.QUEUES,
    "camera": topics.CAMERAS,
    "wifi": topics.WIFI,
    "connector": topics.CONNECTORS,
}


def event_id(source: str, subject: str, what: str, changed: datetime | str) -> str:
    """Derive an event's id from what makes it the fact it is.

    :param source: who says so (CloudEvents ``source``).
    :param subject: what it is about.
    :param what: type of the fact, with whatever tells two facts of the same moment apart.
    :param changed: the source's own change time; where it has none, the connector's version of what changed.
    :returns: 32 hexadecimal characters; equal arguments give equal ids on every machine.
    """
    moment = changed.astimezone(UTC).isoformat() if isinstance(changed, datetime) else changed
    digest = hashlib.blake2b(digest_size=16)
    for part in (source, subject, what, moment):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def order_key(event: AnyEvent) -> tuple[datetime, str, str]:
    """Key that puts facts about one subject in order: time, then the source's sequence, then id."""
    return (event.time, event.sequence, event.id)
