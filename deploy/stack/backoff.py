"""How long to wait before a process that ended is started again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Waits that double, with jitter so that processes do not come back in step; forgotten after a stable run."""

    first_s: float = 0.5
    longest_s: float = 30.0
    stable_s: float = 60.0
    """A run at least this long counts as stable: the next end starts over with the shortest wait."""
    failures: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def next_wait(self, ran_s: float) -> float:
        """Seconds to wait after a run of ``ran_s`` seconds: between half of the doubled step and all of it."""
        if ran_s >= self.stable_s:
            self.failures = 0
        step = min(self.longest_s, self.first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return step * self._random.uniform(0.5, 1.0)
