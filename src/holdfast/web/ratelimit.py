"""Rate limits: a token bucket for each API key, counted in items."""

from __future__ import annotations

import time
from collections.abc import Callable

from holdfast.web.problems import Problem, retry_after

BURST_S = 10
"""Seconds' worth of items that may come at once."""
BUCKET_LIMIT = 10_000
"""Buckets that are kept; a full bucket is the same as none, so full ones are dropped first."""


class _Bucket:
    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at


class RateLimiter:
    """Lets each key spend `items_per_s`, with bursts of `BURST_S` seconds' worth."""

    def __init__(self, items_per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.items_per_s = items_per_s
        self.burst = items_per_s * BURST_S
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._policy = f'"items";q={int(self.burst)};w={BURST_S}'.encode()

    def close(self) -> None:
        """Let go of what it holds."""

    def spend(self, key_id: str, items: int) -> None:
        """Take `items` from the bucket of `key_id`. Raises the problem `rate-limited` when it has less.

        A request larger than a whole burst passes when the bucket is full, and leaves it in debt:
        such a request would otherwise never pass.
        """
        now = self._clock()
        bucket = self._buckets.get(key_id)
        if bucket is None:
            bucket = self._new_bucket(key_id, now)
        else:
            bucket.tokens = min(self.burst, bucket.tokens + (now - bucket.at) * self.items_per_s)
            bucket.at = now
        needed = min(items, self.burst)
        # A hair's breadth of rounding must not make a client that waited as told wait again.
        if bucket.tokens + 1e-6 < needed:
            wait = (needed - bucket.tokens) / self.items_per_s
            raise Problem(
                "rate-limited",
                f"This key may send {self.items_per_s:g} items a second, with bursts of {self.burst:g}.",
                headers=(retry_after(wait), *self.headers(key_id)),
            )
        bucket.tokens -= items

    def headers(self, key_id: str) -> tuple[tuple[bytes, bytes], ...]:
        """`RateLimit-Policy` and `RateLimit` (IETF draft): the quota, what is left of it, and in how
        many seconds it is whole again."""
        bucket = self._buckets.get(key_id)
        left = self.burst if bucket is None else max(0.0, bucket.tokens)
        whole = -int(-(self.burst - left) / self.items_per_s // 1)
        return (
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", b'"items";r=%d;t=%d' % (left, whole)),
        )

    def _new_bucket(self, key_id: str, now: float) -> _Bucket:
        if len(self._buckets) >= BUCKET_LIMIT:
            for known, bucket in list(self._buckets.items()):
                if bucket.tokens + (now - bucket.at) * self.items_per_s >= self.burst:
                    del self._buckets[known]
        bucket = self._buckets[key_id] = _Bucket(self.burst, now)
        return bucket
