"""Examples of the documents about alerts, for the OpenAPI description."""

from __future__ import annotations

from typing import Any, Final

_ROW: Final[dict[str, Any]] = {
    "id": 4711,
    "rule": "camera.down",
    "kind": "device",
    "name": {"vi": "Camera mất tín hiệu", "en": "Camera down"},
    "severity": "major",
    "key": "device:cam-04",
    "subject": "device:cam-04",
    "unit": "25663",
    "point": "diem-04",
    "since": "2026-11-25T07:12:00+07:00",
    "opened_at": "2026-11-25T07:15:00+07:00",
    "cleared_at": None,
    "members": 1,
    "joined": 1,
    "value": None,
    "detail": {"reason": "no answer on TCP"},
    "acknowledged_at": "2026-11-25T07:21:40+07:00",
    "acknowledged_by": "truc-ban-1",
    "ack_expires_at": "2026-11-25T09:21:40+07:00",
    "assigned_to": "truc-ban-1",
    "snoozed_until": None,
    "inhibited_by": None,
    "maintenance": None,
    "flapping": False,
    "held": [],
    "policy": "truc",
    "changed_at": "2026-11-25T07:21:40+07:00",
}
_EVENTS: Final[list[dict[str, Any]]] = [
    {
        "id": 90210,
        "at": "2026-11-25T07:15:00+07:00",
        "kind": "opened",
        "actor": "system",
        "detail": {"members": 1, "subjects": ["device:cam-04"]},
    },
    {
        "id": 90233,
        "at": "2026-11-25T07:21:40+07:00",
        "kind": "acknowledged",
        "actor": "truc-ban-1",
        "detail": {"via": "telegram", "comment": "Đang đến nơi"},
    },
]
_NEXT: Final = "WyI5ZjM0YjE3YzBhMjE1ZDg4Iixbd1N1IiwxMl1d"
_NONE: Final = {"waiting": 0, "held": 0, "acknowledged": 0}
_SEVERITIES: Final = {
    "critical": _NONE,
    "major": {"waiting": 1, "held": 0, "acknowledged": 1},
    "minor": _NONE,
    "warning": {"waiting": 0, "held": 3, "acknowledged": 0},
    "info": _NONE,
}
_ACTED: Final = {"id": 4711, "changed": True, "note": ""}
_AGAIN: Final = {
    "id": 4712,
    "changed": False,
    "note": "truc-ban-1 acknowledged it at 2026-11-25T00:21:40Z already.",
}
_WINDOW: Final[dict[str, Any]] = {
    "id": 12,
    "name": "Bảo trì camera chủ nhật",
    "from": "2026-11-29T08:00:00+07:00",
    "length_s": 14400.0,
    "recurs": "FREQ=WEEKLY;BYDAY=SU",
    "rules": ["camera.down"],
    "units": ["25663"],
    "points": [],
    "subjects": [],
    "reason": "Thay nguồn",
    "holds": False,
    "next": {"from": "2026-11-29T08:00:00+07:00", "to": "2026-11-29T12:00:00+07:00"},
    "made_at": "2026-11-25T09:00:00+07:00",
    "made_by": "admin",
    "withdrawn_at": None,
    "withdrawn_by": None,
}
_RULE: Final[dict[str, Any]] = {
    "code": "camera.down",
    "name_vi": "Camera mất tín hiệu",
    "name_en": "Camera down",
    "severity": "major",
    "kind": "device",
    "condition": {"device": "camera", "states": ["down"]},
    "holds_for": "PT180S",
    "policy": "truc",
    "runbook_vi": "Kiểm tra nguồn điện và mạng tại điểm.",
    "retired": False,
    "open": 2,
    "waiting": 1,
    "newest": "2026-11-25T07:15:00+07:00",
    "fault": None,
}
_ENTRY: Final = {
    "at": "2026-11-25T07:21:40+07:00",
    "what": "alert.acknowledged",
    "actor": "truc-ban-1",
    "about": "alert:4711",
    "detail": {"rule": "camera.down", "subject": "device:cam-04", "via": "telegram"},
}
_DELIVERY: Final[dict[str, Any]] = {
    "id": 815,
    "kind": "alert",
    "person": "truc-ban-1",
    "channel": "telegram",
    "state": "failed",
    "created_at": "2026-11-25T07:15:00+07:00",
    "not_before": "2026-11-25T07:15:00+07:00",
    "attempts": 8,
    "started_at": "2026-11-25T07:41:12+07:00",
    "ended_at": "2026-11-25T07:41:27+07:00",
    "error": "The server does not answer.",
    "alerts": 1,
    "held": None,
    "bundle": None,
    "severity": "major",
    "alert_ids": [4711],
}
_POLICY: Final[dict[str, Any]] = {
    "code": "muc-1",
    "name_vi": "Hồ sơ mức 1: cán bộ xử lý",
    "name_en": "Dossiers, level 1: the officer",
    "steps": [{"after": "PT0S", "targets": [{"roster": "truc-ioc", "layer": "truc-ban"}]}],
}
_CHANNEL: Final[dict[str, Any]] = {
    "code": "siren",
    "driver": "siren",
    "bundle": "PT10S",
    "waiting": 1,
    "oldest": "2026-11-25T07:15:00+07:00",
}

#: By the name of the document in the description.
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "AlertRow": _ROW,
    "AlertList": {"alerts": [_ROW], "next": _NEXT},
    "Alert": {
        **_ROW,
        "maintenance_name": None,
        "subjects": [
            {
                "subject": "device:cam-04",
                "phase": "firing",
                "since": "2026-11-25T07:12:00+07:00",
                "unit": "25663",
                "point": "diem-04",
                "value": None,
                "detail": {"reason": "no answer on TCP"},
            }
        ],
        "events": _EVENTS,
        "steps": [
            {
                "kind": "escalate",
                "run": 0,
                "round": 0,
                "step": 1,
                "due_at": "2026-11-25T07:25:00+07:00",
                "attempts": 0,
                "state": "cancelled",
                "ended_at": "2026-11-25T07:21:40+07:00",
                "why": "acknowledged",
                "held": None,
            }
        ],
        "messages": [
            {
                "id": 3301,
                "kind": "alert",
                "person": "truc-ban-1",
                "channel": "telegram",
                "state": "sent",
                "created_at": "2026-11-25T07:15:00+07:00",
                "not_before": "2026-11-25T07:15:00+07:00",
                "attempts": 1,
                "started_at": "2026-11-25T07:15:00+07:00",
                "ended_at": "2026-11-25T07:15:01+07:00",
                "error": None,
                "alerts": 1,
                "held": None,
                "bundle": None,
            }
        ],
        "told": ["truc-ban-1"],
    },
    "AlertEvents": {"events": _EVENTS, "next": None},
    "AlertCounts": {
        "open": 5,
        "waiting": 1,
        "severities": _SEVERITIES,
        "units": [{"unit": "25663", "open": 5, "severities": _SEVERITIES}],
        "newest": "2026-11-25T07:15:00+07:00",
    },
    "AlertActed": _ACTED,
    "AlertsActed": {"alerts": [_ACTED, _AGAIN]},
    "Maintenance": _WINDOW,
    "MaintenanceList": {"windows": [_WINDOW], "next": None},
    "AlertRule": _RULE,
    "AlertRules": {"rules": [_RULE]},
    "DeliveryLog": {"deliveries": [_DELIVERY], "next": None},
    "PolicyList": {"policies": [_POLICY]},
    "ChannelList": {"channels": [_CHANNEL]},
    "AuditEntry": _ENTRY,
    "AuditTrail": {"entries": [_ENTRY], "next": _NEXT},
}
