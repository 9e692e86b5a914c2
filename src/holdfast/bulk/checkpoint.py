"""Checkpoints: how far a run came, so that another process can go on from there.

A checkpoint lies beside OUT while a run is under way (`OUT.checkpoint`) and goes when it ends.
"""

from __future__ import annotations

import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from holdfast.bulk.output import replace, sync_folder
from holdfast.bulk.tally import Tally
from holdfast.errors import HoldfastError

VERSION = 1
_HEAD = 64 * 1024


class CannotResume(HoldfastError):
    """A run cannot go on: something that its decisions hang on is not what it was."""

    code = "cannot-resume"


class InputIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What tells an input from another, or from itself before it changed."""

    path: str
    size: int
    modified_ns: int
    head: str
    """SHA-256 of the first 64 KiB."""

    @classmethod
    def of(cls, path: Path) -> InputIdentity:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            head = sha256(file.read(_HEAD)).hexdigest()
        return cls(path=str(path.resolve()), size=status.st_size, modified_ns=status.st_mtime_ns, head=head)


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Everything up to input row `rows` is in the outputs; nothing after it counts. `done`: OUT is
    complete, and only what it was made with is still to go.

    `now` stands in for absent times throughout the run, so that a resumed one decides the same.
    """

    version: int = VERSION
    run: str
    now: datetime
    input: InputIdentity
    options: dict[str, str]
    lifecycle: str
    versions: dict[str, str]
    rows: int = 0
    chunks: int = 0
    out_bytes: int = 0
    rejected_bytes: int = 0
    seconds: float = 0.0
    counters: bytes = b""
    tally: Tally = msgspec.field(default_factory=Tally)
    done: bool = False

    def save(self, path: Path) -> None:
        # Only the owner may read it: with --report it holds some of the texts.
        replace(path, msgspec.json.encode(self), 0o600)


def path_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.checkpoint")


def load(path: Path) -> Checkpoint:
    """Raises `CannotResume` when `path` holds no checkpoint of this version."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Checkpoint)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        found = None
    if found is None or found.version != VERSION:
        raise CannotResume(
            "is no checkpoint that this version can read",
            where=str(path),
            next_step="start again with --force instead of --resume",
        )
    return found


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def check_same(old: Checkpoint, new: Checkpoint) -> None:
    """Raise `CannotResume` unless the two start from the same input, options, policies and signals."""
    again = "put back what changed, or start again with --force instead of --resume"
    for name, label in (("path", "name"), ("size", "size"), ("head", "start"), ("modified_ns", "time")):
        before, after = getattr(old.input, name), getattr(new.input, name)
        if before != after:
            shown = (str(before), str(after)) if name in ("path", "size") else (None, None)
            raise CannotResume(
                f"the input's {label} is not what it was",
                where=new.input.path,
                value=shown[1],
                expected=shown[0],
                next_step=again,
            )
    for name in old.options.keys() | new.options.keys():
        was, is_ = old.options.get(name), new.options.get(name)
        if was != is_:
            raise CannotResume(
                "is not what the run began with",
                where=name,
                value=is_ or "not given",
                expected=was or "not given",
                next_step=f"give {name} as before, or start again with --force instead of --resume",
            )
    if old.lifecycle != new.lifecycle:
        raise CannotResume(
            "the policy is not the one that the run began with",
            value=new.lifecycle,
            expected=old.lifecycle,
            next_step="name the old one with --policy NAME@VERSION, or start again with --force",
        )
    for signal in old.versions.keys() | new.versions.keys():
        if old.versions.get(signal) != new.versions.get(signal):
            raise CannotResume(
                "the signal is not in the version that the run began with",
                where=signal,
                value=new.versions.get(signal, "absent"),
                expected=old.versions.get(signal, "absent"),
                next_step="start again with --force instead of --resume",
            )
