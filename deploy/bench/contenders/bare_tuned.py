"""The limit with librdkafka's default pause taken away: it stops fetching for a second whenever its queue is full."""

from __future__ import annotations

from deploy.bench.contenders import bare
from deploy.bench.outcome import given_task

if __name__ == "__main__":
    bare.main(given_task(), **{"fetch.queue.backoff.ms": 10})
