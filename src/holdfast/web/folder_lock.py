"""One server a data folder."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from holdfast.errors import HoldfastError
from holdfast.store.errors import StoreUnavailable

LOCK_NAME = "serve.lock"


class AlreadyServing(HoldfastError):
    """Another server uses the same data folder."""

    code = "already-serving"


def lock_folder(data: Path) -> IO[bytes]:
    """The lock on `data`, until it is closed by all who inherited it; the kernel drops it however they end.

    Two servers on one folder would count apart. Makes the folder. Raises `AlreadyServing` or `StoreUnavailable`.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data / LOCK_NAME).open("ab")
    except OSError as error:
        raise StoreUnavailable(
            "the data folder cannot be made or written",
            where=str(data),
            value=error.strerror,
            next_step="name another folder with --data or HOLDFAST_DATA",
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise AlreadyServing(
            "another server uses this data folder",
            where=str(data),
            next_step="stop it, or serve another folder: --data DIR",
        ) from None
    return lock
