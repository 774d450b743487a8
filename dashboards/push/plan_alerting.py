"""Looks at the alert rules and contact points of a Grafana, for the plan of a push."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dashboards.alerting import CONTACT_NAME, GROUP, RULE_PREFIX, Alerting
from dashboards.push.changes import DeleteProvisioned, SaveProvisioned
from dashboards.push.finding import Plan, Problem, holds
from dashboards.push.server import Grafana

#: From this release on a rule may name its contact point; before it, notification policies alone decide.
_RULES_NAME_RECEIVERS: Final = (11, 0)


def rules_of(grafana: Grafana) -> list[Mapping[str, Any]] | None:
    """All alert rules; None where alerting is not switched on."""
    found = grafana.find("/v1/provisioning/alert-rules")
    return None if found is None else list(found)


def look(grafana: Grafana, alerting: Alerting, rules: Iterable[Mapping[str, Any]], plan: Plan) -> None:
    """Add to the plan what is to be done about rules and the contact point.

    :param rules: all that the Grafana has, as :func:`rules_of` gives them.
    """
    receivers = bool(alerting.contacts) and grafana.version >= _RULES_NAME_RECEIVERS
    gone = _contacts(grafana, alerting, plan)
    there = {str(one["uid"]): one for one in rules}
    for after in alerting.documents(grafana.org, receivers=receivers):
        before = there.pop(after["uid"], None)
        what = f"alert rule “{after['title']}” ({after['uid']})"
        if before is None:
            plan.changes.append(SaveProvisioned("alert-rules", what, None, after))
        elif before.get("provenance") == "file":
            plan.problems.append(
                Problem(
                    f"The {what} comes from files on Grafana's disk, which alone may change it.",
                    "Take the files away to push, or leave alerting to the files: one of the two.",
                )
            )
        elif "ioc_digest" not in (before.get("annotations") or {}):
            plan.problems.append(
                Problem(
                    f"The uid {after['uid']} belongs to an alert rule that is not ours: “{before.get('title')}”.",
                    "Delete that rule in Grafana, then push again.",
                )
            )
        elif before["annotations"]["ioc_digest"] != after["annotations"]["ioc_digest"]:
            plan.changes.append(SaveProvisioned("alert-rules", what, before, after))
        else:
            plan.unchanged += 1
    for uid, before in there.items():
        if (
            uid.startswith(RULE_PREFIX)
            and before.get("ruleGroup") == GROUP
            and "ioc_digest" in (before.get("annotations") or {})
        ):
            what = f"alert rule “{before.get('title')}” ({uid}), which is not built any more"
            plan.changes.append(DeleteProvisioned("alert-rules", what, before))
    plan.changes += gone
    if alerting.contacts and not receivers:
        version = ".".join(map(str, grafana.version))
        plan.notes.append(
            f"Grafana {version} lets notification policies alone decide who is told: add one for ioc = platform"
            f" that leads to the contact point “{CONTACT_NAME}”. From 11.0 on the rules name it themselves."
        )


def _contacts(grafana: Grafana, alerting: Alerting, plan: Plan) -> list[DeleteProvisioned]:
    """Plan the contact point; the answer is what goes of it, which must wait until no rule names it."""
    points = list(grafana.ask("GET", "/v1/provisioning/contact-points"))
    there = {str(one.get("uid")): one for one in points if str(one.get("uid")).startswith(RULE_PREFIX)}
    strange = [one for one in points if one.get("name") == CONTACT_NAME and str(one.get("uid")) not in there]
    if strange and alerting.contacts:
        plan.problems.append(
            Problem(
                f"There is a contact point “{CONTACT_NAME}” already that is not ours; ours would become a part of it.",
                "Rename it in Grafana, then push again.",
            )
        )
        return []
    for contact in alerting.contacts:
        before, after = there.pop(contact.uid, None), contact.document()
        what = f"contact point “{CONTACT_NAME}” ({contact.kind})"
        if before is not None and before.get("provenance") == "file":
            plan.notes.append(f"The {what} comes from files on Grafana's disk and is left as it is.")
        elif before is None or not holds(before, after):
            plan.changes.append(SaveProvisioned("contact-points", what, before, after))
        else:
            plan.unchanged += 1
    return [
        DeleteProvisioned(
            "contact-points",
            f"contact point “{CONTACT_NAME}” ({one.get('type')}), which has no address any more",
            one,
        )
        for one in there.values()
        if one.get("provenance") != "file"
    ]
