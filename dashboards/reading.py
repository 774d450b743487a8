"""Looks into the documents of boards: their panels, and every query with where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dashboards.model import Board


class Role(StrEnum):
    """What a query is for."""

    PANEL = "panel"
    VARIABLE = "variable"
    ANNOTATION = "annotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One query of a board."""

    board: Board
    role: Role
    where: str
    """For people: the panel's number and title and the query's letter, or the variable's or annotation's name."""
    sql: str
    format: str
    source: str | None
    """Uid of its data source."""
    panel: Mapping[str, Any] | None = None


def panels(board: Board) -> list[Mapping[str, Any]]:
    """Panels of a board, those in folded rows too; headings are not among them."""
    found: list[Mapping[str, Any]] = []
    for panel in board.document.get("panels", []):
        if panel.get("type") == "row":
            found.extend(panel.get("panels") or [])
        else:
            found.append(panel)
    return found


def name_of(panel: Mapping[str, Any]) -> str:
    """How a panel is called in messages."""
    return f"panel {panel.get('id')} “{panel.get('title', '')}”"


def variables(board: Board) -> list[Mapping[str, Any]]:
    """Variables of a board."""
    return list(board.document.get("templating", {}).get("list", []))


def marks(board: Board) -> list[Mapping[str, Any]]:
    """Annotations of a board that are asked for with a query."""
    return [one for one in board.document.get("annotations", {}).get("list", []) if not one.get("builtIn")]


def queries(board: Board) -> Iterator[Found]:
    """Every query of a board: of its variables, annotations and panels."""
    for variable in variables(board):
        if variable.get("type") == "query":
            yield Found(
                board=board,
                role=Role.VARIABLE,
                where=f"variable {variable.get('name')}",
                sql=str(variable.get("query", "")),
                format="table",
                source=_uid(variable),
            )
    for one in marks(board):
        yield Found(
            board=board,
            role=Role.ANNOTATION,
            where=f"annotation “{one.get('name')}”",
            sql=str(one.get("rawQuery", "")),
            format="table",
            source=_uid(one),
        )
    for panel in panels(board):
        for target in panel.get("targets") or []:
            yield Found(
                board=board,
                role=Role.PANEL,
                where=f"{name_of(panel)} query {target.get('refId')}",
                sql=str(target.get("rawSql", "")),
                format=str(target.get("format", "")),
                source=_uid(target),
                panel=panel,
            )


def _uid(part: Mapping[str, Any]) -> str | None:
    source = part.get("datasource")
    return None if not isinstance(source, Mapping) else source.get("uid")
