"""A desk with people on duty and channels, whose delivery a test turns by hand on a clock of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ioc.alerts import actions
from ioc.alerts.encoding import channel_to_json
from ioc.alerts.model import Channel, Policy, Rule, Severity, Step, Target
from ioc.delivery import claiming, escalation, settling, standing
from ioc.delivery.channels.interface import Receipt
from ioc.delivery.claiming import Claimed, Claims
from ioc.delivery.settling import Outcome
from ioc.district import Pack, read_pack
from ioc.district.apply_duty import apply_rosters
from ioc.duty import calling
from ioc.duty.model import Advance, Cover, Person, Roster, Rotation
from ioc.kpi.query import SYSTEM_READER
from ioc.kpi.steps import run
from tests.integration.alerting import Desk, a_rule, bring_in, down
from tests.integration.history_place import add_places
from tests.integration.kpi_data import Connection

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MINUTE = timedelta(minutes=1)
OFFICER, LEADER = Target(roster="truc", layer="truc-ban"), Target(roster="truc", layer="lanh-dao")
POLICY = Policy(
    "truc",
    "Trực",
    "Duty",
    (Step(timedelta(0), (OFFICER,)), Step(10 * MINUTE, (LEADER,))),
    repeat=1,
    fallback=(Target(channel="siren"),),
    ack_for=2 * timedelta(hours=1),
)
RULES = (
    a_rule("camera.down", policy="truc", remind=30 * MINUTE),
    a_rule("wifi.down", policy="truc", severity=Severity.WARNING),
    a_rule("site.down", policy="truc", severity=Severity.CRITICAL),
)
#: Nothing is bundled, held back or tried again for long, unless a test says so.
PLAIN = {"bundle": timedelta(0), "most_per_hour": None, "timeout": timedelta(seconds=5), "attempts": 3}
CHANNELS = (
    Channel("email", "apprise", **PLAIN),  # type: ignore[arg-type]
    Channel("siren", "siren", **PLAIN),  # type: ignore[arg-type]
    Channel("sms", "webhook", least=Severity.MAJOR, **PLAIN),  # type: ignore[arg-type]
)


def rotation(layer: str, *turns: str, starts: time = time(7), ends: time = time(7)) -> Rotation:
    """A shift of every day; each turn, of people joined by ``+``, has a day."""
    people = tuple(tuple(turn.split("+")) for turn in turns)
    return Rotation(layer, layer, ("daily",), starts, ends, 1, Advance.CALENDAR, people, 1, date(2026, 3, 2))


def people() -> list[Person]:
    """An and Binh take turns as officers, Lan leads; Chi has no way to be told."""
    return [
        Person("an", "An", contacts={"email": "an@example.org", "sms": "0900000001"}),
        Person("binh", "Bình", contacts={"email": "binh@example.org"}),
        Person("lan", "Lan", contacts={"email": "lan@example.org", "sms": "0900000003"}),
        Person("chi", "Chi"),
    ]


@dataclass
class Post(Desk):
    """A desk, and delivery over its channels."""

    channels: dict[str, Channel] = field(default_factory=dict)

    # -- what is set up ------------------------------------------------------------------------------

    def rules(self, *rules: Rule, policies: Sequence[Policy] = (POLICY,)) -> None:
        self.book = bring_in(self.connection, rules, policies)

    def rosters(self, *rotations: Rotation, people_: Iterable[Person] | None = None) -> None:
        """The roster ``truc`` of these rotations."""
        roster = Roster("truc", "Trực", "Duty", str(ZONE), Cover.ALWAYS, rotations)
        there = tuple(people_ if people_ is not None else people())
        with self.connection.transaction(), self.connection.cursor() as cursor:
            apply_rosters(cursor, replace(_pack(), rosters=(roster,), people=there), at=self.now)

    def channel(self, code: str, **given: Any) -> None:
        """Change a channel."""
        self.channels[code] = replace(self.channels[code], **given)

    def keep_channels(self) -> None:
        """Write the channels into the database, for processes."""
        for channel in self.channels.values():
            self.connection.execute(
                "INSERT INTO ioc.alert_channel (code, definition) VALUES (%s, %s)"
                " ON CONFLICT (code) DO UPDATE SET definition = excluded.definition",
                (channel.code, channel_to_json(channel)),
            )

    # -- what happens --------------------------------------------------------------------------------

    def open(self, rule: str, subject: str = "device:c1") -> int:
        """Open an alert now."""
        (opened,) = self.settle(down(rule, subject, self.now)).opened
        return opened

    def passed(self, time_: timedelta) -> None:
        """Let time pass."""
        self.now += time_

    def acknowledge(self, alert: int) -> None:
        with self.connection.transaction():
            run(self.connection, actions.acknowledge(SYSTEM_READER, [alert], "an", self.now))

    def roll(self, connection: Connection | None = None) -> calling.Roll:
        return run(connection or self.connection, calling.current(self.now))

    def escalate(self, connection: Connection | None = None) -> int:
        """Do the steps that are due, and those that these make due; how many messages came of them."""
        connection, made = connection or self.connection, 0
        with connection.transaction():
            run(connection, standing.release(self.now))
        while True:
            roll = self.roll(connection)
            with connection.transaction():
                done = run(connection, escalation.advance(roll, self.channels, self.now))
            made += done.messages
            if done.steps == 0:
                return made

    def claim(self, channel: str, slots: int = 100, connection: Connection | None = None) -> Claims:
        connection = connection or self.connection
        with connection.transaction():
            return run(connection, claiming.claim(self.channels[channel], slots, self.now, ZONE))

    def settled(self, *outcomes: Outcome) -> int:
        roll = self.roll()
        with self.connection.transaction():
            return run(
                self.connection,
                settling.settle(outcomes, roll, self.channels, self.now, [0.5] * len(outcomes)),
            )

    def send(self, channel: str) -> list[Claimed]:
        """Claim what is due, and have the channel take it."""
        found = self.claim(channel).sends
        self.settled(*(Outcome(one.message_id, one.attempt, channel, Receipt("r")) for one in found))
        return found

    def refuse(self, channel: str, error: str = "away", **given: Any) -> list[Claimed]:
        """Claim what is due, and have the channel refuse it."""
        found = self.claim(channel).sends
        self.settled(*(Outcome(one.message_id, one.attempt, channel, error=error, **given) for one in found))
        return found

    # -- what is seen --------------------------------------------------------------------------------

    def outbox(self, alert: int) -> list[tuple[str, str | None, str, str]]:
        """Kind, person, channel and state of an alert's messages, in their order."""
        return self.connection.execute(
            "SELECT m.kind, m.person, m.channel, m.state FROM ioc.alert_message m"
            " JOIN ioc.alert_message_alert USING (message_id) WHERE alert_id = %s ORDER BY m.message_id",
            (alert,),
        ).fetchall()

    def called(self, alert: int, kind: str = "called") -> list[dict[str, Any]]:
        """Details of an alert's events of a kind."""
        return [
            detail
            for (detail,) in self.connection.execute(
                "SELECT detail FROM ioc.alert_event WHERE alert_id = %s AND kind = %s ORDER BY event_id",
                (alert, kind),
            ).fetchall()
        ]

    def message(self, number: int, *columns: str) -> tuple[Any, ...]:
        row = self.connection.execute(
            f"SELECT {', '.join(columns)} FROM ioc.alert_message WHERE message_id = %s".encode(),  # noqa: S608
            (number,),
        ).fetchone()
        assert row is not None
        return row


@cache
def _pack() -> Pack:
    return replace(read_pack(SHIPPED), root="go")


_KEPT = (
    "alert_signal, alert_step, alert_flap, alert_message_alert, alert_message, alert_event, alert, maintenance,"
    " duty_person, duty_edition, duty_change, duty_notice, alert_channel"
)


def prepare(connection: Connection) -> None:
    """Units that rosters can be of."""
    add_places(connection)


def begin(connection: Connection) -> Post:
    """Rules, people and channels in force, and no alert yet. It is eight on a Monday morning; An is on duty."""
    connection.execute(f"TRUNCATE ioc.{_KEPT.replace(', ', ', ioc.')} RESTART IDENTITY".encode())
    post = Post(
        connection, bring_in(connection, RULES, (POLICY,)), channels={one.code: one for one in CHANNELS}
    )
    post.now -= timedelta(days=1)
    post.rosters(rotation("truc-ban", "an", "binh"), rotation("lanh-dao", "lan"))
    post.now += timedelta(days=1)
    return post
