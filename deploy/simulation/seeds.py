"""Randomness that is a function of names: equal seeds and names give equal numbers on every machine."""

from __future__ import annotations

import hashlib
import math
import random


def rng(seed: int, *names: object) -> random.Random:
    """Generator of its own for one named part of the model."""
    text = "\x1f".join(str(name) for name in (seed, *names))
    return random.Random(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big"))


def poisson(source: random.Random, mean: float) -> int:
    """A Poisson draw; the sum of draws with small means where ``mean`` is large."""
    count = 0
    while mean > 30.0:
        count += poisson(source, 30.0)
        mean -= 30.0
    limit, product = math.exp(-mean), source.random()
    while product > limit:
        count += 1
        product *= source.random()
    return count
