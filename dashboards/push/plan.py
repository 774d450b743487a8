"""Looks at a Grafana and says what a push would change, or why it must not begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dashboards.model import Board, Folder
from dashboards.push import plan_alerting
from dashboards.push.changes import (
    DeleteBoard,
    MakeFolder,
    NameFolder,
    SaveBoard,
    SaveSource,
    source_fault,
)
from dashboards.push.differences import summarise
from dashboards.push.finding import InTheWayError, Plan, Problem, Wanted, holds, ignore
from dashboards.push.marks import PREFIX, TAG, digest, mark_of, tagged
from dashboards.push.reading import Known, document_of, known
from dashboards.push.server import Grafana
from dashboards.source import TYPES, Source


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
    with grafana.understood():
        plan = _look(grafana, wanted, overwrite=overwrite, tick=tick)
    if plan.problems:
        raise InTheWayError(plan.problems)
    return plan


def _look(grafana: Grafana, wanted: Wanted, *, overwrite: bool, tick: Callable[[int, int], None]) -> Plan:
    plan = Plan()
    grafana.hide(wanted.source.password.get_secret_value(), *wanted.alerting.secrets)
    has_alerting = plan_alerting.rules_of(grafana)
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
        plan_alerting.look(grafana, wanted.alerting, has_alerting, plan)
    plan.changes += [one for one in removals if one not in first]
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
    different = sorted(key for key, value in after.items() if not holds(found.get(key), value))
    why = f": {', '.join(different)}" if different else ""
    if not different and source_fault(grafana, source.uid) is not None:
        why = ": its log-in is set anew, since Grafana says that it does not reach the database"
    if why:
        plan.changes.append(SaveSource(_restorable(found), after, source.password.get_secret_value(), why))
    else:
        plan.unchanged += 1


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
