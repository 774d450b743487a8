"""``python -m ioc.docs [--check] [FOLDER]``"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ioc.docs import pages


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ioc.docs", description="Write the generated reference pages."
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 when a page is out of date"
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/reference"))
    asked = parser.parse_args()
    stale = []
    for name, text in pages().items():
        path: Path = asked.folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not asked.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"{'out of date' if asked.check else 'written'}: {name}\n")
    return 1 if asked.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
