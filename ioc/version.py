"""Which version of the platform this is."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def platform_version() -> str:
    """Return the installed version; where the code runs from its own folder, the one that pyproject.toml names."""
    try:
        return version("ioc-platform")
    except PackageNotFoundError:
        project = Path(__file__).parents[1] / "pyproject.toml"
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])
