"""Over which channels people can be told. Their addresses are read when a message is sent, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ioc.kpi.steps import Steps

_CONTACTS: Final = """
SELECT code, ARRAY(SELECT jsonb_object_keys(contacts)) FROM ioc.duty_person WHERE code = ANY (%s)
"""


def contacts_of(people: Iterable[str]) -> Steps[dict[str, Sequence[str]]]:
    """Steps to the channels for which each of these people has an address; unknown people are left out."""
    return dict((yield _CONTACTS, (sorted(set(people)),)))
