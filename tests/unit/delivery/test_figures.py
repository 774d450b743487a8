"""What became of attempts to send is counted by channel."""

from __future__ import annotations

from ioc.delivery import sending
from ioc.delivery.channels.interface import Receipt
from ioc.delivery.settling import Outcome
from ioc.metrics import PROCESS, processes


def attempts() -> dict[tuple[str, str], float]:
    return {
        (labels["channel"], labels["outcome"]): value
        for name, labels, value in PROCESS.samples()
        if name == processes.DELIVER_ATTEMPTS.name
    }


def test_sent_refused_and_failed_are_told_apart() -> None:
    before = attempts()
    sending._count(Outcome(1, 1, "figures", Receipt("7", {})), 0.2)
    sending._count(Outcome(2, 1, "figures", error="no such person", final=True), 0.3)
    sending._count(Outcome(3, 1, "figures", error="busy"), 0.4)
    sending._count(Outcome(3, 2, "figures", error="busy"), 0.4)
    after = attempts()
    grown = {key: value - before.get(key, 0) for key, value in after.items() if key[0] == "figures"}
    assert grown == {("figures", "sent"): 1, ("figures", "refused"): 1, ("figures", "failed"): 2}
