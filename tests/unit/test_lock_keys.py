"""Advisory locks of one database share one space of keys: two parts with the same key would wait for each other."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_advisory_lock_has_a_key_of_its_own() -> None:
    sources = [path for name in ("ioc", "streams", "deploy") for path in (ROOT / name).rglob("*.py")]
    keys = Counter(key for path in sources for key in re.findall(r"= (0x696F63\w\w)\b", path.read_text()))
    assert len(keys) >= 4
    assert [key for key, count in keys.items() if count > 1] == []
