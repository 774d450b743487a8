"""What tells our things from other people's in a Grafana, and what we pushed from what was edited since.

A board of ours has a tag and a uid of ours. Each of its versions that a push made says so in its message, with a digest
of the document as it was sent. Grafana keeps messages and tags through its own changes of a document's format, which it
does not do for keys that it does not know.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

#: Tag of every board that a push made.
TAG: Final = "ioc-managed"
#: How the uids of everything of ours begin.
PREFIX: Final = "ioc-"
_MESSAGE: Final = re.compile(r"^ioc dashboards push [^\n]*sha256:([0-9a-f]{24})$")
#: Given by Grafana, and not part of what was pushed.
_GIVEN: Final = ("id", "version", "iteration")


def digest(document: Mapping[str, Any]) -> str:
    """A digest of a document's content, without what Grafana gives it."""
    plain = {key: value for key, value in document.items() if key not in _GIVEN}
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def message(mark: str, *, taken_back: bool = False) -> str:
    """What a version of a board says about where it comes from."""
    return f"ioc dashboards push {'(taken back) ' if taken_back else ''}sha256:{mark}"


def mark_of(text: object) -> str | None:
    """The digest in a version's message; None where the version is not of a push."""
    found = _MESSAGE.match(str(text or ""))
    return found[1] if found else None


def tagged(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with our tag, and without what Grafana gives."""
    tags = [tag for tag in document.get("tags") or [] if tag != TAG]
    plain = {key: value for key, value in document.items() if key not in _GIVEN}
    return {**plain, "tags": [*tags, TAG]}
