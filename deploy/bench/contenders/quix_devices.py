"""Quix Streams counting per device, the records' own key: less work than the task, without its repartition topic."""

from __future__ import annotations

from deploy.bench.contenders import quix_windows
from deploy.bench.outcome import given_task

if __name__ == "__main__":
    quix_windows.main(given_task(), by_unit=False)
