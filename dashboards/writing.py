"""Boards as files: a folder for each language, a file for each board. Nothing else in there is touched."""

from __future__ import annotations

import os
from pathlib import Path

from dashboards.model import Board, Bundle
from ioc.errors import UsageError


def _path(board: Board, folder: Path) -> Path:
    return folder / board.folder_uid / f"{board.uid}.json"


def write(bundle: Bundle, folder: Path) -> int:
    """Write each board whose file has another content; return how many were written.

    Boards of ours that are not built any more are removed: files named ``ioc-*.json`` in the folders of the bundle.

    :raises UsageError: the folder can't be written.
    """
    wanted = {_path(board, folder): board.json() for board in bundle.boards}
    written = 0
    try:
        for path, content in wanted.items():
            if path.is_file() and path.read_bytes() == content:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.{os.getpid()}")
            partial.write_bytes(content)
            partial.replace(path)
            written += 1
        for path in _ours(bundle, folder):
            if path not in wanted:
                path.unlink()
    except OSError as error:
        raise UsageError(
            f"{folder} can't be written: {error.strerror}.", remedy="Name a folder of yours with --out."
        ) from error
    return written


def differences(bundle: Bundle, folder: Path) -> list[str]:
    """Say which files are missing, other than what is built, or of no board."""
    wanted = {_path(board, folder): board.json() for board in bundle.boards}
    found = []
    for path, content in wanted.items():
        if not path.is_file():
            found.append(f"{path} is missing")
        elif path.read_bytes() != content:
            found.append(f"{path} is another board")
    return found + [f"{path} is of no board" for path in _ours(bundle, folder) if path not in wanted]


def _ours(bundle: Bundle, folder: Path) -> list[Path]:
    return sorted(path for one in bundle.folders for path in (folder / one.uid).glob("ioc-*.json"))
