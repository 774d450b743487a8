"""Rules in a database and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.alerts import life
from ioc.alerts.book import RuleBook
from ioc.alerts.encoding import policy_to_json, rule_to_json
from ioc.alerts.life import Settled
from ioc.alerts.model import (
    DeviceCondition,
    Kind,
    Observation,
    Policy,
    Rule,
    Severity,
    Step,
    Target,
)
from ioc.kpi.steps import run
from tests.integration.kpi_data import Connection

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = Policy(
    code="truc",
    name_vi="Trực điều hành",
    name_en="Operations duty",
    steps=(
        Step(timedelta(0), (Target(roster="truc-ioc", layer="truc-ban"),)),
        Step(10 * MINUTE, (Target(roster="truc-ioc", layer="lanh-dao"),)),
    ),
)


def a_rule(code: str, **given: Any) -> Rule:
    """A rule about devices that fires and clears at once, unless told otherwise."""
    told: dict[str, Any] = {
        "name_vi": f"Luật {code}",
        "name_en": f"Rule {code}",
        "severity": Severity.MAJOR,
        "kind": Kind.DEVICE,
        "condition": DeviceCondition("camera", ("down",)),
        "runbook_vi": "Gọi người trực.",
        "policy": "truc",
    }
    return Rule(code=code, **(told | given))


def bring_in(
    connection: Connection, rules: Iterable[Rule], policies: Iterable[Policy] = (POLICY,)
) -> RuleBook:
    """Put rules and policies into the database as a pack would; rules that were there and are not named retire."""
    policies = tuple(policies)
    rules = tuple(rules)
    connection.execute(
        "UPDATE ioc.alert_rule SET retired = true WHERE code <> ALL (%s)", ([rule.code for rule in rules],)
    )
    ids: dict[str, int] = {}
    for place, rule in enumerate(rules):
        row = connection.execute(
            "INSERT INTO ioc.alert_rule (code, position, kind, severity, definition) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (code) DO UPDATE SET definition = excluded.definition, retired = false RETURNING rule_id",
            (rule.code, place, rule.kind.value, int(rule.severity), rule_to_json(rule)),
        ).fetchone()
        assert row is not None
        ids[rule.code] = row[0]
    for policy in policies:
        connection.execute(
            "INSERT INTO ioc.alert_policy (code, definition) VALUES (%s, %s)"
            " ON CONFLICT (code) DO UPDATE SET definition = excluded.definition",
            (policy.code, policy_to_json(policy)),
        )
    return RuleBook({r.code: r for r in rules}, ids, {p.code: p for p in policies})


@dataclass
class Desk:
    """Rules, a database and a moment."""

    connection: Connection
    book: RuleBook
    now: datetime = field(default=T0)

    def settle(self, *observations: Observation) -> Settled:
        """Bring the news, in one transaction."""
        with self.connection.transaction():
            return run(self.connection, life.settle(self.book, observations, self.now))

    def ripen(self, passed: timedelta = timedelta(0)) -> Settled:
        """Let time pass."""
        self.now += passed
        with self.connection.transaction():
            return run(self.connection, life.ripen(self.book, self.now))

    def link(self) -> int:
        """Silence and release."""
        with self.connection.transaction():
            return run(self.connection, life.link(self.book, self.now))

    def alert(self, number: int) -> dict[str, Any]:
        """One alert's row."""
        cursor = self.connection.execute("SELECT * FROM ioc.alert WHERE alert_id = %s", (number,))
        assert cursor.description is not None
        row = cursor.fetchone()
        assert row is not None
        return dict(zip((column.name for column in cursor.description), row, strict=True))

    def events(self, number: int) -> list[str]:
        """What happened to an alert, in order."""
        return [
            kind
            for (kind,) in self.connection.execute(
                "SELECT kind FROM ioc.alert_event WHERE alert_id = %s ORDER BY event_id", (number,)
            ).fetchall()
        ]

    def steps(self, number: int) -> list[tuple[str, str, datetime]]:
        """Kind, state and time of an alert's steps."""
        return self.connection.execute(
            "SELECT kind, state, due_at FROM ioc.alert_step WHERE alert_id = %s ORDER BY due_at, kind",
            (number,),
        ).fetchall()


def down(rule: str, subject: str, since: datetime = T0, **given: Any) -> Observation:
    """The condition holds."""
    return Observation(rule, subject, True, since, **given)


def up(rule: str, subject: str, since: datetime | None = None) -> Observation:
    """The condition does not hold."""
    return Observation(rule, subject, False, since)
