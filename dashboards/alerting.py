"""Grafana's own alerts on the platform's health: rules and whom they tell, one source for files and for pushes.

The platform calls people by itself and watches itself (docs/concepts/watchman.md). These rules are another pair of
eyes: Grafana's, that may stand on another machine and sees the case in which all of it is gone. They ask by the same
functions as the boards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboards.model import DATA_SOURCE_UID, Folder
from ioc.settings import Settings

#: Folder, group and beginning of the uid of every rule.
FOLDER: Final = Folder(uid="ioc-health", title="IOC: sức khỏe nền tảng (platform health)")
GROUP: Final = "ioc-health"
RULE_PREFIX: Final = "ioc-health-"
#: Name of the contact point that the rules tell.
CONTACT_NAME: Final = "IOC"
#: Label of every rule, by which notification policies find them.
LABEL: Final = {"ioc": "platform"}
#: The setting of each kind of contact that is its address.
ADDRESSES: Final = {"email": "addresses", "webhook": "url"}
_EXPRESSION: Final = "__expr__"
#: What the rules look back over, in seconds. Their queries ask for now and make no use of it.
_RANGE: Final = {"from": 600, "to": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: raised for each row of the query whose figure is above or below a limit for some time."""

    code: str
    vi: str
    en: str
    sql: str
    """One figure a row; texts beside it tell one alert from another."""
    above: float | None = None
    below: float | None = None
    lasting: str
    """For how long, as ``5m``."""
    severity: str
    on_error: str = "OK"
    """State when the query fails. One rule tells of a database that is away, the others keep quiet then."""
    on_nothing: str = "OK"
    """State when the query gives no row."""
    todo_vi: str
    todo_en: str

    @property
    def uid(self) -> str:
        return RULE_PREFIX + self.code

    @property
    def title(self) -> str:
        return f"{self.vi} · {self.en}"


RULES: Final = (
    Rule(
        code="database",
        vi="Grafana không hỏi được cơ sở dữ liệu",
        en="Grafana gets no answer from the database",
        sql="SELECT 1 AS answers",
        below=1,
        lasting="2m",
        severity="critical",
        on_error="Alerting",
        on_nothing="Alerting",
        todo_vi="Chạy ioc status và ioc doctor trên máy chủ; xem nguồn điện và mạng nếu máy chủ không trả lời.",
        todo_en="Run ioc status and ioc doctor on the machine; look at its power and network if it does not answer.",
    ),
    Rule(
        code="heartbeat",
        vi="Tiến trình của nền tảng im lặng",
        en="A process of the platform is silent",
        sql="SELECT name, CASE WHEN state = 'silent' THEN silent_s ELSE 0 END AS silent_s FROM ioc_board.processes()",
        above=0,
        lasting="1m",
        severity="critical",
        on_nothing="Alerting",
        todo_vi="Chạy ioc status, xem nhật ký của tiến trình được nêu; nền tảng tự khởi động lại tiến trình đã tắt.",
        todo_en="Run ioc status and look at the log of the process that is named; what ended is started again.",
    ),
    Rule(
        code="halted",
        vi="Phân vùng dừng, chờ sửa",
        en="A partition is halted and waits for a repair",
        sql="SELECT topic, partition::text AS partition, halted::int AS halted FROM ioc_board.partitions()",
        above=0,
        lasting="1m",
        severity="critical",
        todo_vi="Chạy ioc status: lệnh sửa được nêu cạnh phân vùng đã dừng.",
        todo_en="Run ioc status: it names the command that repairs the partition.",
    ),
    Rule(
        code="lag",
        vi="Dữ liệu xử lý chậm",
        en="Records wait to be counted",
        sql="SELECT value AS records FROM ioc_board.kpi_now(ARRAY['platform.lag'], '') WHERE value IS NOT NULL",
        above=50_000,
        lasting="5m",
        severity="major",
        on_nothing="NoData",
        todo_vi="Xem ioc status và tải của máy chủ; thêm tiến trình ioc stream nếu tồn đọng không giảm.",
        todo_en="Look at ioc status and the machine's load; start another ioc stream if the backlog does not shrink.",
    ),
    Rule(
        code="freshness",
        vi="Không có dữ liệu mới của thiết bị",
        en="No new facts of devices",
        # dossiers and queues rest at night; cameras and access points report around the clock
        sql="SELECT dim AS topic, value AS seconds FROM ioc_board.kpi_parts('platform.freshness', '', 'topic', 'vi')"
        " WHERE value IS NOT NULL AND (dim LIKE '%cameras' OR dim LIKE '%wifi')",
        above=900,
        lasting="5m",
        severity="major",
        todo_vi="Xem ioc status: bộ kết nối, Kafka hoặc tiến trình stream của chủ đề được nêu đã ngừng.",
        todo_en="Look at ioc status: the connector, Kafka or the stream worker of the topic that is named has stopped.",
    ),
    Rule(
        code="unreadable",
        vi="Nhiều bản ghi không đọc được hôm nay",
        en="Many unreadable records today",
        sql="SELECT value AS records FROM ioc_board.kpi_now(ARRAY['platform.dead_letters'], '')"
        " WHERE value IS NOT NULL",
        above=100,
        lasting="0s",
        severity="warning",
        todo_vi="Chạy ioc kpi show platform.dead_letters --by topic, tìm nguồn gửi sai và báo đơn vị vận hành.",
        todo_en="Run ioc kpi show platform.dead_letters --by topic, find the source and tell its operator.",
    ),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to tell people: a mail or a webhook."""

    uid: str
    kind: str
    """Grafana's name of the integration: ``email`` or ``webhook``."""
    settings: Mapping[str, str] = field(repr=False)
    """Holds the address, which may hold a token."""

    def document(self) -> dict[str, Any]:
        """As Grafana's HTTP API has it."""
        return {
            "uid": self.uid,
            "name": CONTACT_NAME,
            "type": self.kind,
            "settings": dict(self.settings),
            "disableResolveMessage": False,
        }


@dataclass(frozen=True, slots=True)
class Alerting:
    """Rules and whom they tell. Without a contact nobody outside is told: the rules show in Grafana alone."""

    contacts: tuple[Contact, ...] = ()
    rules: Sequence[Rule] = RULES
    folder: Folder = FOLDER

    @property
    def secrets(self) -> tuple[str, ...]:
        """Addresses that no message may repeat."""
        return tuple(
            text for one in self.contacts for key, text in one.settings.items() if key in ADDRESSES.values()
        )

    def documents(self, org: int, *, receivers: bool) -> tuple[dict[str, Any], ...]:
        """The rules as Grafana's HTTP API has them.

        :param org: Grafana's number of the organization.
        :param receivers: whether rules may name the contact point.
        """
        return tuple(self._document(rule, org, receivers=receivers) for rule in self.rules)

    def _document(self, rule: Rule, org: int, *, receivers: bool) -> dict[str, Any]:
        named = receivers and bool(self.contacts)
        core = rule_core(rule, CONTACT_NAME if named else None)
        text = json.dumps(core, sort_keys=True, ensure_ascii=False)
        # Grafana adds to what it is given; by this the next push knows whether the rule is still the same
        notes = {**core["annotations"], "ioc_digest": hashlib.sha256(text.encode()).hexdigest()[:24]}
        return {
            **core,
            "orgID": org,
            "folderUID": self.folder.uid,
            "ruleGroup": GROUP,
            "annotations": notes,
        }


def rule_core(rule: Rule, receiver: str | None) -> dict[str, Any]:
    """What the HTTP API and files have in common.

    :param receiver: contact point that the rule names; None leaves it to the notification policies.
    """
    evaluator = (
        {"type": "gt", "params": [rule.above]}
        if rule.above is not None
        else {"type": "lt", "params": [rule.below]}
    )
    core: dict[str, Any] = {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "B",
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": _RANGE,
                "datasourceUid": DATA_SOURCE_UID,
                "model": {
                    "refId": "A",
                    "datasource": {"type": "postgres", "uid": DATA_SOURCE_UID},
                    "rawSql": rule.sql,
                    "rawQuery": True,
                    "editorMode": "code",
                    "format": "table",
                    "intervalMs": 1000,
                    "maxDataPoints": 43200,
                },
            },
            {
                "refId": "B",
                "relativeTimeRange": _RANGE,
                "datasourceUid": _EXPRESSION,
                "model": {
                    "refId": "B",
                    "datasource": {"type": _EXPRESSION, "uid": _EXPRESSION},
                    "type": "threshold",
                    "expression": "A",
                    "conditions": [
                        {
                            "type": "query",
                            "evaluator": evaluator,
                            "operator": {"type": "and"},
                            "query": {"params": ["A"]},
                            "reducer": {"type": "last", "params": []},
                        }
                    ],
                    "intervalMs": 1000,
                    "maxDataPoints": 43200,
                },
            },
        ],
        "noDataState": rule.on_nothing,
        "execErrState": rule.on_error,
        "for": rule.lasting,
        "labels": {**LABEL, "severity": rule.severity},
        "annotations": {"summary": rule.title, "description": f"{rule.todo_vi}\n{rule.todo_en}"},
    }
    if receiver is not None:
        core["notification_settings"] = {"receiver": receiver}
    return core


def of(settings: Settings) -> Alerting:
    """Rules, and the contacts that the settings name."""
    contacts: list[Contact] = []
    if settings.grafana_alert_email:
        contacts.append(
            Contact("ioc-health-email", "email", {ADDRESSES["email"]: settings.grafana_alert_email})
        )
    if settings.grafana_alert_webhook is not None and (
        address := settings.grafana_alert_webhook.get_secret_value()
    ):
        contacts.append(Contact("ioc-health-webhook", "webhook", {"url": address, "httpMethod": "POST"}))
    return Alerting(tuple(contacts))
