"""Alerts as documents: what the API gives, the command line prints and the stream sends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts.asking import Count, Counts, RuleState, RuleStates
from ioc.alerts.asking import Row as Listed
from ioc.alerts.audit import Entry
from ioc.alerts.deliveries import Delivery
from ioc.alerts.detail import Alert, Event, Message
from ioc.alerts.model import Phase, Severity


def row_document(row: Listed, zone: ZoneInfo) -> dict[str, Any]:
    """One alert of a list."""
    return {
        "id": row.id,
        "rule": row.rule,
        "kind": row.kind,
        "name": {"vi": row.name_vi, "en": row.name_en},
        "severity": Severity(row.severity).word,
        "key": row.key,
        "subject": row.subject,
        "unit": row.unit,
        "point": row.point,
        "since": row.since.astimezone(zone),
        "opened_at": row.opened_at.astimezone(zone),
        "cleared_at": _at(row.cleared_at, zone),
        "members": row.members,
        "joined": row.joined,
        "value": row.value,
        "detail": row.detail,
        "acknowledged_at": _at(row.acknowledged_at, zone),
        "acknowledged_by": row.acknowledged_by,
        "ack_expires_at": _at(row.ack_expires_at, zone),
        "assigned_to": row.assigned_to,
        "snoozed_until": _at(row.snoozed_until, zone),
        "inhibited_by": row.inhibited_by,
        "maintenance": row.maintenance,
        "flapping": row.flapping,
        "held": [held.value for held in row.held],
        "policy": row.policy,
        "changed_at": row.changed_at.astimezone(zone),
    }


def alert_document(found: Alert) -> dict[str, Any]:
    """One alert with all that is shown of it."""
    zone = found.zone
    return {
        **row_document(found.row, zone),
        "maintenance_name": found.maintenance,
        "subjects": [
            {
                "subject": member.subject,
                "phase": Phase(member.phase).name.lower(),
                "since": member.since.astimezone(zone),
                "unit": member.unit,
                "point": member.point,
                "value": member.value,
                "detail": member.detail,
            }
            for member in found.members
        ],
        "events": [event_document(event, zone) for event in found.events],
        "steps": [
            {
                "kind": step.kind,
                "run": step.run,
                "round": step.round,
                "step": step.step,
                "due_at": step.due_at.astimezone(zone),
                "attempts": step.attempts,
                "state": step.state,
                "ended_at": _at(step.ended_at, zone),
                "why": step.why,
                "held": step.held,
            }
            for step in found.steps
        ],
        "messages": [message_document(message, zone) for message in found.messages],
        "told": found.told,
    }


def message_document(message: Message, zone: ZoneInfo) -> dict[str, Any]:
    """A line of the delivery log."""
    return {
        "id": message.id,
        "kind": message.kind,
        "person": message.person,
        "channel": message.channel,
        "state": message.state,
        "created_at": message.created_at.astimezone(zone),
        "not_before": message.not_before.astimezone(zone),
        "attempts": message.attempts,
        "started_at": _at(message.started_at, zone),
        "ended_at": _at(message.ended_at, zone),
        "error": message.error,
        "alerts": message.alerts,
        "held": message.held,
        "bundle": message.bundle,
    }


def delivery_document(found: Delivery, zone: ZoneInfo) -> dict[str, Any]:
    """The same, in the log over all alerts."""
    return {
        **message_document(found.message, zone),
        "severity": found.severity.word,
        "alert_ids": found.alerts,
    }


def event_document(event: Event, zone: ZoneInfo) -> dict[str, Any]:
    """Something that happened to an alert."""
    return {
        "id": event.id,
        "at": event.at.astimezone(zone),
        "kind": event.kind,
        "actor": event.actor,
        "detail": event.detail,
    }


def counts_document(found: Counts) -> dict[str, Any]:
    """How many alerts are open."""
    return {
        "open": sum(_sum(count) for count in found.severities.values()),
        "waiting": sum(count.waiting for count in found.severities.values()),
        "severities": _severities(found.severities),
        "units": [
            {
                "unit": unit,
                "open": sum(_sum(count) for count in severities.values()),
                "severities": _severities(severities),
            }
            for unit, severities in sorted(
                found.units.items(), key=lambda one: (one[0] is None, one[0] or "")
            )
        ],
        "newest": _at(found.newest, found.zone),
    }


def rules_document(found: RuleStates) -> dict[str, Any]:
    """Rules: what the pack says, how many alerts of each are open, and which can't be evaluated."""
    return {"rules": [_rule(rule, found) for rule in found.rules]}


def _rule(rule: RuleState, found: RuleStates) -> dict[str, Any]:
    """One rule; units that the reader may not know of are left out of those that it names."""
    fault = found.faults.get(rule.code)
    said: dict[str, Any] = msgspec.json.decode(rule.definition)
    for part in (said, said.get("condition", {})):
        if "units" in part:
            part["units"] = [unit for unit in part["units"] if unit in found.units]
    return {
        **said,
        "severity": Severity(said["severity"]).word,
        "retired": rule.retired,
        "open": rule.open,
        "waiting": rule.waiting,
        "newest": _at(rule.newest, found.zone),
        "fault": None
        if fault is None
        else {
            "reason": fault.reason,
            "since": fault.since.astimezone(found.zone),
            "at": fault.at.astimezone(found.zone),
        },
    }


def entry_document(entry: Entry, zone: ZoneInfo) -> dict[str, Any]:
    """A line of the trail."""
    return {
        "at": entry.at.astimezone(zone),
        "what": entry.what,
        "actor": entry.actor,
        "about": entry.about,
        "detail": entry.detail,
    }


def _severities(found: Mapping[Severity, Count]) -> dict[str, dict[str, int]]:
    """The worst first, those without an alert too: a wall shows all of them."""
    return {
        severity.word: {
            "waiting": found.get(severity, Count()).waiting,
            "held": found.get(severity, Count()).held,
            "acknowledged": found.get(severity, Count()).acknowledged,
        }
        for severity in sorted(Severity, reverse=True)
    }


def _sum(count: Count) -> int:
    return count.waiting + count.held + count.acknowledged


def _at(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if moment is None else moment.astimezone(zone)
