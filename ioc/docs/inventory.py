"""``data-inventory.md``: every table with what it holds, whose data it is, how long it is kept and who reads it."""

from __future__ import annotations

from collections import Counter

from ioc.docs.markdown import code, document, table
from ioc.privacy.inventory import TABLES, Personal

_MEANING = {
    Personal.NONE: "Of no person.",
    Personal.DEIDENTIFIED: "Counts from which nobody can be told.",
    Personal.PSEUDONYMOUS: "Names nobody; a code or a keyed hash leads to a person elsewhere. Still personal data.",
    Personal.PERSONAL: "Names people, or may.",
}


def page() -> str:
    """Return the page."""
    counts = Counter(one.personal for one in TABLES)
    intro = (
        "What the database holds. What is outside it, and what erasing does to each: "
        "[privacy](../concepts/privacy.md). Retention is a setting where one is named: [settings](settings.md)."
    )
    kinds = table(
        ("personal data", "meaning", "tables"),
        ((kind.value, meaning, str(counts[kind])) for kind, meaning in _MEANING.items()),
    )
    rows = table(
        ("table", "holds", "personal data", "kept", "read by"),
        (
            (code(f"ioc.{one.name}"), one.holds, one.personal.value, one.kept, one.readers)
            for one in sorted(TABLES, key=lambda one: one.name)
        ),
    )
    return document("Data inventory", intro, kinds, rows)
