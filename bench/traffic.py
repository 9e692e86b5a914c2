"""Ordinary traffic: composed everyday comments, of which some repeat as they do under short videos."""

from __future__ import annotations

import random

from generate import comments


def traffic(n: int, seed: int) -> list[str]:
    """`n` comments of which about a quarter are refrains, by Zipf's law: what a fandom or a raid says again and again."""
    chance = random.Random(seed)
    refrains = comments(2_000, seed=7)
    weights = [1 / (rank + 1) for rank in range(len(refrains))]
    said = chance.choices(refrains, weights, k=n)
    fresh = comments(n, seed=100 + seed)
    return [one if chance.random() < 0.25 else other for one, other in zip(said, fresh, strict=True)]
