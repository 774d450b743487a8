"""Looks at a Grafana and says what a push would change, or why it must not begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from dashboards.alerting import CONTACT_NAME, GROUP, RULE_PREFIX, Alerting
from dashboards.model import Board, Folder
from dashboards.push.changes import (
    Change,
    DeleteBoard,
    DeleteProvisioned,
    MakeFolder,
    NameFolder,
    SaveBoard,
    SaveProvisioned,
    SaveSource,
    source_fault,
)
from dashboards.push.differences import summarise
from dashboards.push.marks import PREFIX, TAG, digest, mark_of, tagged
from dashboards.push.reading import Known, document_of, known
from dashboards.push.server import Grafana
from dashboards.source import TYPES, Source
from ioc.errors import InputError

#: From this release on a rule may name its contact point; before it, notification policies alone decide.
_RULES_NAME_RECEIVERS: Final = (11, 0)
_ALERTING: Final = "/v1/provisioning/alert-rules"


class InTheWayError(InputError):
    """Something in Grafana is in the way; nothing was changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        lines = "\n".join(f"- {one.message}\n    {one.remedy}" for one in problems)
        super().__init__(
            f"{count} {'thing is' if count == 1 else 'things are'} in the way; nothing was changed:\n{lines}"
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is in the way, and what to do about it."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a Grafana is to hold."""

    folders: tuple[Folder, ...]
    boards: tuple[Board, ...]
    source: Source
    alerting: Alerting


@dataclass(slots=True)
class Plan:
    """What a push would do."""

    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is left as it is, or has to be done by hand."""
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


def ignore(_done: int, _of: int) -> None:
    """Nobody wants to be told how far it is."""


def make(
    grafana: Grafana,
    wanted: Wanted,
    *,
    overwrite: bool = False,
    tick: Callable[[int, int], None] = ignore,
) -> Plan:
    """Look at everything that a push would touch.

    :param overwrite: whether boards that were edited by hand are set back to what was built.
    :param tick: told how many boards were looked at, of how many.
    :raises InTheWayError: with everything that is in the way.
    :raises IocError: Grafana does not answer, or the token may not look.
    """
    plan = Plan()
    grafana.hide(wanted.source.password.get_secret_value(), *wanted.alerting.secrets)
    has_alerting = _alerting_rules(grafana)
    folders = wanted.folders if has_alerting is None else (*wanted.folders, wanted.alerting.folder)
    _folders(grafana, folders, plan)
    _source(grafana, wanted.source, plan)
    removals, saves = _boards(grafana, wanted.boards, plan, overwrite=overwrite, tick=tick)
    titles = {(one.folder_uid, one.document["title"]) for one in saves}
    # a board of ours that goes makes room for one of the same title; the others go when all else is done
    first = [one for one in removals if (_place(one.before), one.before["dashboard"].get("title")) in titles]
    plan.changes += [*first, *saves]
    if has_alerting is None:
        plan.notes.append(
            "This Grafana has no alerting of its own switched on: alert rules on the platform's health are left out."
        )
    else:
        _alerting(grafana, wanted.alerting, has_alerting, plan)
    plan.changes += [one for one in removals if one not in first]
    if plan.problems:
        raise InTheWayError(plan.problems)
    return plan


def _folders(grafana: Grafana, folders: Iterable[Folder], plan: Plan) -> None:
    others = {str(one["title"]): str(one["uid"]) for one in grafana.pages("/folders?")}
    for folder in folders:
        found = grafana.find(f"/folders/{quote(folder.uid, safe='')}")
        if found is not None and found["title"] == folder.title:
            plan.unchanged += 1
            continue
        if (uid := others.get(folder.title)) is not None and uid != folder.uid:
            plan.problems.append(
                Problem(
                    f"There is a folder “{folder.title}” already (uid {uid}), and it is not ours.",
                    "Rename that folder in Grafana, then push again.",
                )
            )
        elif found is None:
            plan.changes.append(MakeFolder(folder))
        else:
            plan.changes.append(NameFolder(folder, before=str(found["title"])))


def _source(grafana: Grafana, source: Source, plan: Plan) -> None:
    found = grafana.find(f"/datasources/uid/{quote(source.uid, safe='')}")
    if found is None:
        names = {str(one.get("name")): str(one.get("uid")) for one in grafana.ask("GET", "/datasources")}
        if source.name in names:
            plan.problems.append(
                Problem(
                    f"There is a data source “{source.name}” already with another uid ({names[source.name]}).",
                    "Rename or delete it in Grafana, then push again.",
                )
            )
        else:
            plan.changes.append(SaveSource(None, source.document(), source.password.get_secret_value()))
        return
    if found.get("type") not in TYPES:
        plan.problems.append(
            Problem(
                f"The data source with our uid {source.uid} is “{found.get('name')}” of type {found.get('type')},"
                " and we need PostgreSQL.",
                "Give that data source another uid, or delete it in Grafana, then push again.",
            )
        )
        return
    if found.get("readOnly"):
        # files made it: it is theirs, and the boards use it as it is
        plan.notes.append(
            f"The data source “{found.get('name')}” comes from files on Grafana's disk and is left as it is."
        )
        return
    after = source.document(str(found["type"]))
    different = sorted(key for key, value in after.items() if not _holds(found.get(key), value))
    why = f": {', '.join(different)}" if different else ""
    if not different and source_fault(grafana, source.uid) is not None:
        why = ": its log-in is set anew, since Grafana says that it does not reach the database"
    if why:
        plan.changes.append(SaveSource(_restorable(found), after, source.password.get_secret_value(), why))
    else:
        plan.unchanged += 1


def _holds(found: object, wanted: object) -> bool:
    """Whether what is there has all that is wanted; what Grafana adds by itself does not count."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            _holds(found.get(key), value) for key, value in wanted.items()
        )
    return found == wanted


def _restorable(found: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        "readOnly",
        "secureJsonFields",
        "version",
        "typeLogoUrl",
        "accessControl",
        "typeName",
        "apiVersion",
    }
    return {key: value for key, value in found.items() if key not in given}


def _boards(
    grafana: Grafana,
    boards: Sequence[Board],
    plan: Plan,
    *,
    overwrite: bool,
    tick: Callable[[int, int], None],
) -> tuple[list[DeleteBoard], list[SaveBoard]]:
    listed = list(grafana.pages("/search?type=dash-db&"))
    built = {board.uid for board in boards}
    gone = [
        str(one["uid"])
        for one in listed
        if TAG in (one.get("tags") or []) and str(one["uid"]).startswith(PREFIX) and one["uid"] not in built
    ]
    taken = {
        (str(one.get("folderUid") or ""), str(one.get("title"))): str(one["uid"])
        for one in listed
        if one["uid"] not in built and one["uid"] not in gone
    }
    saves: list[SaveBoard] = []
    for done, board in enumerate(boards):
        tick(done, len(boards) + len(gone))
        if (uid := taken.get((board.folder_uid, board.title))) is not None:
            plan.problems.append(
                Problem(
                    f"In our folder {board.folder_uid} there is a board “{board.title}” (uid {uid}) that is not ours.",
                    "Rename it or move it elsewhere in Grafana, then push again.",
                )
            )
            continue
        change = _board(board, known(grafana, board.uid), grafana, plan, overwrite=overwrite)
        if change is not None:
            saves.append(change)
    removals: list[DeleteBoard] = []
    for done, uid in enumerate(gone):
        tick(len(boards) + done, len(boards) + len(gone))
        removal = _gone(uid, grafana, plan, overwrite=overwrite)
        if removal is not None:
            removals.append(removal)
    return removals, saves


def _board(
    board: Board, found: Known | None, grafana: Grafana, plan: Plan, *, overwrite: bool
) -> SaveBoard | None:
    document = tagged(board.document)
    if found is None:
        return SaveBoard(document, board.folder_uid, None, None)
    if found.is_provisioned:
        plan.problems.append(_from_files(board.uid, found))
        return None
    if found.pushed is None and not _is_ours(found):
        plan.problems.append(
            Problem(
                f"The uid {board.uid} belongs to a board that is not ours: “{found.board['dashboard'].get('title')}”.",
                "Give that board another uid, or delete it in Grafana, then push again. It is never overwritten.",
            )
        )
        return None
    mark = found.mark
    if mark is None:
        edits = _edits(grafana, board.uid, found)
        if edits == () and found.pushed is not None:
            mark = mark_of(found.pushed.message)  # it was moved, or saved as it was
        elif not overwrite:
            plan.problems.append(_edited(board.uid, found, edits))
            return None
    if mark == digest(document) and found.folder_uid == board.folder_uid:
        plan.unchanged += 1
        return None
    why = (
        "" if mark != digest(document) else f": it is moved back from folder {found.folder_uid or 'General'}"
    )
    if mark is None:
        why = ": what was edited by hand is set back"
    return SaveBoard(document, board.folder_uid, found.board, mark, why)


def _gone(uid: str, grafana: Grafana, plan: Plan, *, overwrite: bool) -> DeleteBoard | None:
    found = known(grafana, uid)
    if found is None:
        return None
    if found.is_provisioned:
        plan.problems.append(_from_files(uid, found))
        return None
    if found.pushed is None:
        plan.notes.append(f"Board {uid} has our tag, but no push made it: it is left as it is.")
        return None
    if found.mark is None and not overwrite:
        edits = _edits(grafana, uid, found)
        if edits != ():
            plan.problems.append(_edited(uid, found, edits, goes=True))
            return None
    return DeleteBoard(found.board, found.mark)


def _edits(grafana: Grafana, uid: str, found: Known) -> tuple[str, ...] | None:
    """What was edited since the last push; None where Grafana no longer knows what that was."""
    if found.pushed is None:
        return None
    # both as Grafana keeps them, so that what it changes by itself does not show
    before = document_of(grafana, uid, found.pushed)
    after = document_of(grafana, uid, found.versions[0])
    return None if before is None or after is None else summarise(before, after)


def _is_ours(found: Known) -> bool:
    """Whether it has our tag: its version by a push may be older than Grafana remembers."""
    return TAG in (found.board["dashboard"].get("tags") or [])


def _edited(uid: str, found: Known, edits: tuple[str, ...] | None, *, goes: bool = False) -> Problem:
    what = "; ".join(edits) if edits else "Grafana no longer knows what was pushed last"
    newest = found.versions[0] if found.versions else None
    when = f" (version {newest.number} of {newest.created[:16]})" if newest is not None else ""
    end = "deletes it" if goes else "sets it back to what was built"
    return Problem(
        f"Board {uid} “{found.board['dashboard'].get('title')}” was edited by hand since the last push{when}: {what}.",
        f"Save it in Grafana under another name to keep it; ioc dashboards push --overwrite then {end}.",
    )


def _from_files(uid: str, found: Known) -> Problem:
    name = found.board["meta"].get("provisionedExternalId") or ""
    return Problem(
        f"Board {uid} comes from files on Grafana's disk{f' ({name})' if name else ''}, which alone may change it.",
        "Take the files away to push boards, or leave boards to the files: one of the two.",
    )


def _place(board: Mapping[str, Any]) -> str:
    return str(board["meta"].get("folderUid") or "")


def _alerting_rules(grafana: Grafana) -> list[Mapping[str, Any]] | None:
    """All alert rules; None where alerting is not switched on."""
    found = grafana.find(_ALERTING)
    return None if found is None else list(found)


def _alerting(grafana: Grafana, alerting: Alerting, rules: Iterable[Mapping[str, Any]], plan: Plan) -> None:
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
        elif before is None or not _holds(before, after):
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
