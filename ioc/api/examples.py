"""Examples of the documents that the history gives, for the OpenAPI description."""

from __future__ import annotations

from typing import Any, Final

from ioc.api import alert_examples

_POINT: Final = {
    "time": "2026-10-01T00:00:00+07:00",
    "value": 0.9871,
    "numerator": 612,
    "denominator": 620,
    "target": 0.98,
    "status": "met",
}
_SERIES: Final = {
    "kpi": "dossier.on_time_rate",
    "version": 1,
    "unit": "25663",
    "bucket": "1mo",
    "as_of": None,
    "provenance": {
        "definition": "dossier.on_time_rate@1",
        "time_zone": "Asia/Ho_Chi_Minh",
        "from": "2026-10-01T00:00:00+07:00",
        "to": "2026-11-01T00:00:00+07:00",
        "closed_until": "2026-11-25T09:12:00+07:00",
        "complete": True,
        "late_facts": 3,
        "late_share": 0.0016,
        "newest_fact": "2026-11-25T09:13:05+07:00",
        "coverage": 1.0,
    },
    "points": [_POINT],
}
_DOSSIER: Final = {
    "code": "H53.18-261103-0042",
    "unit": "25663",
    "channel": "online",
    "field": "Đất đai",
    "procedure": "1.012756",
    "applicant": "person",
    "status": 4,
    "state": "open",
    "received_at": "2026-11-03T08:15:00+07:00",
    "original_due_at": "2026-11-20T17:00:00+07:00",
    "due_at": "2026-11-20T17:00:00+07:00",
    "completed_at": None,
    "withdrawn_at": None,
    "overdue": True,
    "due_soon": False,
    "without_apology": True,
    "completed_late": False,
    "apologised_at": None,
    "promised_at": None,
    "paid_online": None,
    "digitised": True,
    "satisfied": None,
    "newest_fact": "2026-11-18T10:02:00+07:00",
}
_QUESTION: Final = {
    "name": "late-last-month",
    "title": "Trễ hạn tháng trước",
    "shared": True,
    "mine": True,
    "updated_at": "2026-11-25T09:13:05+07:00",
    "question": {"kpis": ["dossier.overdue"], "period": "last-month", "by": "field"},
}
_DUTY_CHANGE: Final = {
    "id": 12,
    "kind": "replace",
    "roster": "truc-ioc",
    "layer": "truc-ban",
    "person": "truc-ban-1",
    "other": "truc-ban-3",
    "from": "2026-12-01T07:00:00+07:00",
    "to": "2026-12-02T07:00:00+07:00",
    "other_from": None,
    "other_to": None,
    "shifts": [],
    "reason": "Tập huấn",
    "made_at": "2026-11-25T09:13:05+07:00",
    "made_by": "chanh-van-phong",
    "withdrawn_at": None,
    "withdrawn_by": None,
    "held_until": None,
}
_DUTY_CHANGE_BODY: Final = {
    "kind": "replace",
    "roster": "truc-ioc",
    "layer": "truc-ban",
    "person": "truc-ban-1",
    "other": "truc-ban-3",
    "from": "2026-12-01T07:00",
    "to": "2026-12-02T07:00",
    "reason": "Tập huấn",
}
_DUTY_LOG_ENTRY: Final = {
    "id": 40,
    "roster": "truc-ioc",
    "at": "2026-11-25T14:05:00+07:00",
    "author": "truc-ban-2",
    "text": "Điểm 3 mất điện từ 14:00, đã báo điện lực.",
}
_NEXT: Final = "WyI5ZjM0YjE3YzBhMjE1ZDg4IixbIjIwMjYtMTEtMDNUMDE6MTU6MDBaIiw0Ml1d"

#: By the name of the document in the description.
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    **alert_examples.EXAMPLES,
    "Series": _SERIES,
    "SeriesList": {"series": [_SERIES]},
    "DossierList": {"dossiers": [_DOSSIER], "next": _NEXT},
    "DossierEvents": {
        "code": "H53.18-261103-0042",
        "unit": "25663",
        "merged_into": None,
        "events": [
            {
                "time": "2026-11-18T10:02:00+07:00",
                "recorded_at": "2026-11-18T10:02:04+07:00",
                "type": "ioc.dossier.progressed.v1",
                "id": "7b1c0c6f2d",
                "source": "//motcua.go-dau",
                "sequence": "",
                "data": {"unit": "25663", "status": 4, "step": "tham-dinh"},
            }
        ],
        "next": None,
    },
    "DeviceStates": {
        "device": "cam-04",
        "unit": "25663",
        "states": [
            {
                "started": "2026-11-24T07:12:00+07:00",
                "ended": "2026-11-24T07:31:00+07:00",
                "state": "down",
                "reason": "no answer on TCP",
            }
        ],
        "next": None,
    },
    "DeviceSamples": {
        "device": "ap-12",
        "unit": "25663",
        "samples": [
            {
                "time": "2026-11-24T07:12:00+07:00",
                "recorded_at": "2026-11-24T07:12:01+07:00",
                "state": "ok",
                "clients": 17,
                "rtt_ms": 4.5,
                "loss": 0.0,
                "internet_ok": True,
                "rx_bytes": 1048576.0,
                "tx_bytes": 7340032.0,
                "reason": None,
            }
        ],
        "next": _NEXT,
    },
    "DutyChange": _DUTY_CHANGE,
    "DutyChangeBody": _DUTY_CHANGE_BODY,
    "DutyChangeList": {"changes": [_DUTY_CHANGE], "next": None},
    "DutyChangeMade": {"change": _DUTY_CHANGE, "notes": []},
    "DutySuppositionBody": {
        "changes": [
            {
                "kind": "temporary",
                "roster": "truc-ioc",
                "layer": "truc-ban",
                "reason": "Tết",
                "shifts": [
                    {"people": ["truc-ban-1"], "from": "2027-02-05T07:00", "to": "2027-02-06T07:00"},
                    {
                        "people": ["truc-ban-2", "truc-ban-4"],
                        "from": "2027-02-06T07:00",
                        "to": "2027-02-07T07:00",
                    },
                ],
            }
        ],
        "roster": "truc-ioc",
    },
    "DutyLogBody": {"roster": "truc-ioc", "text": _DUTY_LOG_ENTRY["text"]},
    "DutyLogEntry": _DUTY_LOG_ENTRY,
    "DutyLog": {"roster": "truc-ioc", "entries": [_DUTY_LOG_ENTRY], "next": None},
    "SavedQuestion": _QUESTION,
    "QuestionList": {"questions": [_QUESTION]},
    "Problem": {
        "type": "/problems/bad-question",
        "title": "Bad question",
        "status": 422,
        "detail": "There is no parameter 'untl' here.",
        "remedy": "Did you mean unit?",
    },
}
