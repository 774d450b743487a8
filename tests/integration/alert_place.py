"""A district with two units, readers of each, and alerts of both: for tests of what people see and do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ioc.access import readers
from ioc.alerts.model import Grouping, Kind, SyntheticCondition
from tests.integration.alerting import POLICY, Desk, a_rule, bring_in, down
from tests.integration.history_place import PASSWORD, add_places
from tests.integration.kpi_data import Connection

ACK_FOR = timedelta(hours=2)
HANDED = a_rule("camera.down", remind=timedelta(minutes=30), policy="handed")
SITES = a_rule("site.power", group_by=Grouping.POINT)
SLOW = a_rule("wifi.down", clear_for=timedelta(minutes=5), policy=None)
OWN = a_rule("disk.full", kind=Kind.SYNTHETIC, condition=SyntheticCondition())
_KEPT = (
    "alert_signal, alert_step, alert_flap, alert_message_alert, alert_message, alert_event, alert, maintenance,"
    " duty_person"
)


@dataclass
class Place(Desk):
    """The desk, with the units ``go-1`` and ``go-2`` of the district ``go``."""

    def unit(self, code: str) -> int:
        """Number of a unit."""
        row = self.connection.execute("SELECT unit_id FROM ioc.unit WHERE code = %s", (code,)).fetchone()
        assert row is not None
        return int(row[0])

    def open(self, rule: str, subject: str, unit: str | None = "go-1", point: str | None = None) -> int:
        """Open an alert now; returns its number."""
        number = None if unit is None else self.unit(unit)
        (opened,) = self.settle(down(rule, subject, self.now, unit_id=number, point=point)).opened
        return opened

    def told(self, number: int) -> list[tuple[str, str, dict[str, object]]]:
        """Kind, actor and detail of an alert's events."""
        return self.connection.execute(
            "SELECT kind, actor, detail FROM ioc.alert_event WHERE alert_id = %s ORDER BY event_id", (number,)
        ).fetchall()


def prepare(connection: Connection) -> None:
    """Units, and readers: clerk of go-1, head of the district, chief of everything, each with the same password."""
    add_places(connection)
    readers.add(connection, "head", PASSWORD, role="operator", root_unit="go")


def begin(connection: Connection) -> Place:
    """The rules in force, and no alert yet."""
    connection.execute(f"TRUNCATE ioc.{_KEPT.replace(', ', ', ioc.')}".encode())
    connection.execute("INSERT INTO ioc.duty_person (code, name) VALUES ('truc-1', 'Trực 1')")
    handed = type(POLICY)("handed", "Bàn giao", "Handed", POLICY.steps, ack_for=ACK_FOR)
    return Place(connection, bring_in(connection, (HANDED, SITES, SLOW, OWN), (POLICY, handed)))
