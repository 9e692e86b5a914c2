"""Rate limits of a server with several workers: one bucket for each API key, whichever worker it is spent at."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from struct import Struct

from holdfast.store.errors import StoreUnavailable
from holdfast.web.ratelimit import BUCKET_LIMIT, RateLimiter

_BUCKET = Struct("=16sdd")
"""The digest of a key's id, its tokens, and when they were counted; the clock is one for all processes."""
PROBES = 16
"""Places at which a key's bucket may stand. When all are taken the fullest makes room."""
_SIZE = _BUCKET.size * (BUCKET_LIMIT + PROBES)
_EMPTY = bytes(16)


class SharedRateLimiter(RateLimiter):
    """As `RateLimiter`, over buckets in the file `path`. A process that is killed leaves its bucket usable:
    the lock is the kernel's, and half of a write costs at most what one request spent."""

    def __init__(self, path: Path, items_per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(items_per_s, clock)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # All of it now: a page that a full disk has no room for ends the process that touches it.
            os.posix_fallocate(self._file, 0, _SIZE)
        except OSError as error:
            os.close(self._file)
            raise StoreUnavailable(
                "the data folder cannot be written", where=str(path), value=error.strerror
            ) from None
        self._shared = mmap.mmap(self._file, _SIZE)

    def close(self) -> None:
        self._shared.close()
        os.close(self._file)

    def spend(self, key_id: str, items: int) -> None:
        digest = blake2b(key_id.encode(), digest_size=16).digest()
        with self._alone():
            place, tokens, at = self._find(digest)
            bucket = self._buckets.get(key_id) or self._new_bucket(key_id, at)
            bucket.tokens, bucket.at = tokens, at
            try:
                super().spend(key_id, items)
            finally:
                _BUCKET.pack_into(self._shared, place, digest, bucket.tokens, bucket.at)

    def _find(self, digest: bytes) -> tuple[int, float, float]:
        """Where the bucket stands, with what is in it."""
        now = self._clock()
        first = int.from_bytes(digest[:8], "big") % BUCKET_LIMIT
        fullest, most = first, -1.0
        for number in range(first, first + PROBES):
            place = number * _BUCKET.size
            found, tokens, at = _BUCKET.unpack_from(self._shared, place)
            if found == digest:
                return place, tokens, at
            # An empty place is as good as a full bucket: both say that nothing was spent lately.
            left = self.burst if found == _EMPTY else min(self.burst, tokens + (now - at) * self.items_per_s)
            if left > most:
                fullest, most = place, left
        return fullest, self.burst, now

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
