"""A district as data: the pack, its checks, and its way into the database.

>>> from ioc.district import read_pack, apply_pack
"""

from __future__ import annotations

from ioc.district.apply import Applied, apply_pack
from ioc.district.model import Pack
from ioc.district.problems import PackError, Problem
from ioc.district.reader import Reading, examine, read_pack

__all__ = ["Applied", "Pack", "PackError", "Problem", "Reading", "apply_pack", "examine", "read_pack"]
