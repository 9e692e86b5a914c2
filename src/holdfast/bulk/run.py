"""A run: a file in, decisions out and on record, in chunks that a killed run neither loses nor doubles.

For every chunk, in this order:

    read ─▶ decide and record (one transaction, keyed `RUN/CHUNK`) ─▶ append to OUT and to the rejected
    every now and then: sync both, then write the checkpoint

So the ledger may be ahead of the checkpoint, but never behind it. A resumed run cuts the outputs back
to the checkpoint and goes through the same chunks again; those that the ledger has are answered with the
places they got then, and decided again only for the output: the same items, counters and policy give the
same decisions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, NamedTuple
from uuid import uuid4

import msgspec

from holdfast.bulk import checkpoint as checkpoints
from holdfast.bulk.ahead import AheadEngine
from holdfast.bulk.checkpoint import CannotResume, Checkpoint, InputIdentity
from holdfast.bulk.columns import option
from holdfast.bulk.encoders import Encoder, OutFormat, ParquetEncoder, make_encoder
from holdfast.bulk.output import CannotWrite, FileOutput, NoOutput, Output, StreamOutput, replacing
from holdfast.bulk.readers import Format, open_reader
from holdfast.bulk.rows import Found, InvalidInput, Reader, Rejected, Row
from holdfast.bulk.tally import Tally
from holdfast.content import Item, Surface
from holdfast.decider import DecidedItem, Decider, Submission
from holdfast.ledger.errors import IdempotencyConflict
from holdfast.schema import Field

CHUNK = 1_000
"""Rows that are decided and recorded at once."""
CHECKPOINT_SECONDS = 2.0


class StrictRun(InvalidInput):
    """A row was refused in a strict run."""

    code = "row-refused"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to decide and where to put it.

    `input` is a path or `-`. `out` is a file; `None` writes JSON lines to the given standard output,
    if any. `rejected` defaults to `OUT.rejected.jsonl`. `record` names where decisions are recorded,
    `None` when they are not. `mapping` names columns by item property.
    """

    input: str
    out: Path | None = None
    out_format: OutFormat = "jsonl"
    format: Format | None = None
    encoding: str | None = None
    mapping: dict[str, str] = {}
    surface: Surface = "comment"
    rejected: Path | None = None
    record: str | None = None
    strict: bool = False
    resume: bool = False
    force: bool = False
    keep_texts: bool = False

    @property
    def rejected_path(self) -> Path | None:
        if self.rejected is not None or self.out is None:
            return self.rejected
        return self.out.with_name(f"{self.out.name}.rejected.jsonl")

    @property
    def spool(self) -> Path | None:
        """The file that grows: OUT itself, but for Parquet, which is made at the end."""
        if self.out is None or self.out_format != "parquet":
            return self.out
        return self.out.with_name(f"{self.out.name}.spool")

    def options(self) -> dict[str, str]:
        """What has to be the same when the run is resumed."""
        given = {
            "the format of --out": self.out_format,
            "--format": self.format,
            "--encoding": self.encoding,
            "--surface": self.surface,
            "--data": self.record,
            "--rejected": None if self.rejected is None else str(self.rejected),
            **{option(name): column for name, column in self.mapping.items()},
        }
        return {name: value for name, value in given.items() if value is not None}


class Outcome(NamedTuple):
    """How a run ended. `seconds` and `rows_before` tell this process's part from an earlier one's."""

    tally: Tally
    found: Found
    policy: str
    versions: dict[str, str]
    interrupted: bool
    seconds: float
    rows_before: int
    rejected_path: Path | None


class Progress(NamedTuple):
    """How far a run is: `position` of `size` in the input's own unit (bytes; rows for Parquet)."""

    position: int
    size: int | None
    rows: int


class _Chunk(NamedTuple):
    number: int
    items: list[Item]
    rows: list[int]
    rejected: list[Rejected]
    size: int


def run(
    job: Job,
    decider: Decider,
    now: datetime,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[Progress], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Do `job`. `now` is the run's start; a resumed run keeps its first one.

    `stopping` is asked after every chunk; when it says so, a checkpoint is written and the run ends
    `interrupted`. Raises `InvalidInput`, `CannotResume`, `CannotWrite`, `StrictRun`, and what the
    decider raises.
    """
    _check_paths(job)
    return _Run(job, decider, now).go(stdin, stdout, progress, stopping)


class _Run:
    def __init__(self, job: Job, decider: Decider, now: datetime) -> None:
        self.job = job
        self.decider = decider
        self.checkpoint_path = None if job.out is None else checkpoints.path_of(job.out)
        self.saved = self._saved(now)
        self.now = self.saved.now
        self.tally = self.saved.tally
        self.tally.keep_texts = job.keep_texts
        self.resumable = self.checkpoint_path is not None and job.input != "-"

    def go(
        self,
        stdin: BinaryIO | None,
        stdout: BinaryIO | None,
        progress: Callable[[Progress], None] | None,
        stopping: Callable[[], bool],
    ) -> Outcome:
        started = time.monotonic()
        policy = self.decider.policy(self.now)
        fields = [field for signal in self.decider.engine.signals for field in signal.fields]
        versions = self.decider.engine.versions
        encoder = make_encoder(self.job.out_format, fields, self.job.record is not None, versions)
        with ExitStack() as stack:
            reader = self._reader(policy.inputs, policy.validate_context if policy.inputs else None, stdin)
            stack.callback(reader.close)
            interrupted = not self.saved.done and self._write_all(
                stack, reader, encoder, stdout, started, progress, stopping
            )
        if not interrupted:
            self._clean_up()
        return Outcome(
            tally=self.tally,
            found=reader.found,
            policy=policy.id,
            versions=versions,
            interrupted=interrupted,
            seconds=time.monotonic() - started,
            rows_before=self.saved.rows,
            rejected_path=self.job.rejected_path if self.tally.rejected else None,
        )

    # The loop -------------------------------------------------------------------------------

    def _write_all(
        self,
        stack: ExitStack,
        reader: Reader,
        encoder: Encoder,
        stdout: BinaryIO | None,
        started: float,
        progress: Callable[[Progress], None] | None,
        stopping: Callable[[], bool],
    ) -> bool:
        """Decide what is left and complete OUT. Returns whether it was told to stop before the end."""
        out, rejected = self._outputs(stdout)
        stack.callback(out.close)
        stack.callback(rejected.close)
        if not self.saved.out_bytes:
            # The checkpoint first: whoever finds an OUT with something in it finds the way on, too.
            self._save(out, rejected, self.saved.chunks, started)
            out.write(encoder.start())
        if self._decide_all(reader, encoder, out, rejected, started, progress, stopping):
            return True
        if isinstance(encoder, ParquetEncoder) and self.job.out is not None and self.job.spool is not None:
            with replacing(self.job.out) as new:
                encoder.join(self.job.spool, new)
            self._save(out, rejected, self.saved.chunks, started, done=True)
        return False

    def _decide_all(
        self,
        reader: Reader,
        encoder: Encoder,
        out: Output,
        rejected: Output,
        started: float,
        progress: Callable[[Progress], None] | None,
        stopping: Callable[[], bool],
    ) -> bool:
        """Decide what is left. Returns whether it was told to stop before the end."""
        due = time.monotonic() + CHECKPOINT_SECONDS
        chunks = self.saved.chunks
        ahead = _chunks(reader.rows(self.saved.rows), self.saved.rows, chunks)
        engine = self.decider.engine
        if isinstance(engine, AheadEngine):
            ahead = engine.ahead(ahead)
        for chunk in ahead:
            if chunk.rejected and self.job.strict:
                self._save(out, rejected, chunks, started)
                raise _strict(chunk.rejected[0])
            if chunk.items:
                decided = self._decide(chunk)
                out.write(encoder.rows(decided))
                self.tally.add(chunk.items, decided, chunk.rows)
            if chunk.rejected:
                rejected.write(b"".join(msgspec.json.encode(one) + b"\n" for one in chunk.rejected))
                self.tally.reject(chunk.rejected)
            self.tally.rows += chunk.size
            chunks = chunk.number + 1
            if progress is not None:
                progress(Progress(reader.position, reader.size, self.tally.rows))
            stop = stopping()
            if stop or time.monotonic() >= due:
                self._save(out, rejected, chunks, started)
                due = time.monotonic() + CHECKPOINT_SECONDS
            if stop:
                return True
        self._save(out, rejected, chunks, started)
        return False

    def _decide(self, chunk: _Chunk) -> Sequence[DecidedItem]:
        if self.job.record is None:
            return self.decider.decide(chunk.items, self.now)
        submission = Submission(
            chunk.items,
            key=f"{self.saved.run}/{chunk.number}",
            fingerprint=_fingerprint(chunk.items),
            respond=lambda decided: msgspec.json.encode([one.ref for one in decided]),
        )
        (answer,) = self.decider.decide_all([submission], self.now)
        if isinstance(answer, IdempotencyConflict):
            raise CannotResume(
                "the input is not what it was when these rows were decided",
                where=f"{self.job.input}, rows {chunk.rows[0]:,} to {chunk.rows[-1]:,}",
                next_step="start again with --force instead of --resume",
            )
        if not answer.replayed:
            return answer.decided
        refs = msgspec.json.decode(answer.response or b"[]", type=list[str])
        return list(map(DecidedItem, refs, self.decider.judge(chunk.items, self.now)))

    # Where it starts and how it goes on -----------------------------------------------------

    def _saved(self, now: datetime) -> Checkpoint:
        """The checkpoint to start from: that of an earlier run, or one of nothing done yet."""
        path = self.checkpoint_path
        earlier = checkpoints.load(path) if self.job.resume and path is not None and path.exists() else None
        if earlier is not None:
            self.decider.restore(earlier.counters, warm=False)
        start = now if earlier is None else earlier.now
        lifecycle = self.decider.lifecycle(start)
        fresh = Checkpoint(
            run=uuid4().hex,
            now=now,
            input=InputIdentity.of(Path(self.job.input)) if self.job.input != "-" else _STREAM,
            options=self.job.options(),
            lifecycle=_told(lifecycle.live, lifecycle.candidate, lifecycle.percent, lifecycle.shadows),
            versions=self.decider.engine.versions,
        )
        if earlier is None:
            return fresh
        checkpoints.check_same(earlier, fresh)
        return earlier

    def _save(
        self, out: Output, rejected: Output, chunks: int, started: float, *, done: bool = False
    ) -> None:
        out.sync()
        rejected.sync()
        if self.resumable and self.checkpoint_path is not None:
            msgspec.structs.replace(
                self.saved,
                rows=self.tally.rows,
                chunks=chunks,
                out_bytes=out.size,
                rejected_bytes=rejected.size,
                seconds=self.saved.seconds + time.monotonic() - started,
                counters=self.decider.snapshot(),
                tally=self.tally,
                done=done,
            ).save(self.checkpoint_path)

    def _clean_up(self) -> None:
        """OUT is complete: let go of what it was made with, the checkpoint last."""
        job = self.job
        if job.out is not None and job.spool is not None and job.spool != job.out:
            job.spool.unlink(missing_ok=True)
        if self.checkpoint_path is not None:
            checkpoints.remove(self.checkpoint_path)

    def _reader(
        self, inputs: Sequence[Field], check: Callable[[Item], None] | None, stdin: BinaryIO | None
    ) -> Reader:
        job = self.job
        return open_reader(
            job.input,
            format=job.format,
            encoding=job.encoding,
            mapping=job.mapping,
            surface=job.surface,
            inputs=inputs,
            check=check,
            stdin=stdin,
        )

    def _outputs(self, stdout: BinaryIO | None) -> tuple[Output, Output]:
        out: Output
        if self.job.spool is not None:
            out = FileOutput(self.job.spool, self.saved.out_bytes)
        else:
            out = NoOutput() if stdout is None else StreamOutput(stdout)
        path = self.job.rejected_path
        rejected: Output = (
            NoOutput() if path is None else FileOutput(path, self.saved.rejected_bytes, now=False)
        )
        return out, rejected


_STREAM = InputIdentity(path="-", size=0, modified_ns=0, head="")


def _chunks(rows: Iterator[Row], before: int, number: int) -> Iterator[_Chunk]:
    """Rows by the thousand. Where a chunk starts depends on the rows before it alone, so that a chunk's
    number means the same rows in a resumed run."""
    items: list[Item] = []
    places: list[int] = []
    rejected: list[Rejected] = []
    count = 0
    for place, row in enumerate(rows, before + 1):
        count += 1
        if type(row) is Rejected:
            rejected.append(row)
        else:
            items.append(row)  # type: ignore[arg-type]
            places.append(place)
        if count == CHUNK:
            yield _Chunk(number, items, places, rejected, count)
            items, places, rejected, count, number = [], [], [], 0, number + 1
    if count:
        yield _Chunk(number, items, places, rejected, count)


def _fingerprint(items: Sequence[Item]) -> bytes:
    digest = blake2b(digest_size=16)
    for item in items:
        digest.update(f"{item.id}\0{item.text}\0".encode())
    return digest.digest()


def _told(live: str | None, candidate: str | None, percent: int, shadows: Sequence[str]) -> str:
    """The policies that decide, in words."""
    told = live or "none"
    if candidate is not None:
        told += f", {candidate} for {percent} %"
    return told + "".join(f", {shadow} in shadow" for shadow in shadows)


def _strict(first: Rejected) -> StrictRun:
    return StrictRun(
        first.kind,
        where=f"row {first.row}" if first.line is None else f"line {first.line}",
        value=first.found,
        expected=first.expected,
        next_step=first.next_step or "mend the row, or leave out --strict to go on without it",
    )


def _holds_something(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def identity_of(path: Path) -> tuple[int, int] | Path:
    """What makes a file the same as another, whatever names and links lead to it."""
    try:
        status = path.stat()
    except OSError:
        return path.resolve()
    return status.st_dev, status.st_ino


def _check_paths(job: Job) -> None:
    """Raise before anything is touched, when an output would be lost or two files are one."""
    if job.input != "-" and not Path(job.input).is_file():
        # The reader says it better.
        open_reader(job.input).close()
    files = {"--out": job.out, "--rejected": job.rejected_path}
    taken: dict[object, str] = {} if job.input == "-" else {identity_of(Path(job.input)): "the input"}
    for name, path in files.items():
        if path is None:
            continue
        identity = identity_of(path)
        if identity in taken:
            raise CannotWrite(
                f"is {taken[identity]} as well", where=f"{name} {path}", next_step="name another file"
            )
        taken[identity] = name
        if path.is_dir():
            raise CannotWrite("is a folder", where=f"{name} {path}", expected="a file")
    if job.out is None or job.force:
        return
    unfinished = checkpoints.path_of(job.out).exists()
    if job.resume:
        if unfinished or not _holds_something(job.out):
            return
        raise CannotResume(
            "has no checkpoint: it is finished, or was not made by a run that can be resumed",
            where=str(job.out),
            next_step="nothing is left to do; or decide it anew with --force",
        )
    if unfinished:
        raise CannotWrite(
            "belongs to a run that did not end",
            where=str(job.out),
            next_step="go on with --resume, or start again with --force",
        )
    for name, path in files.items():
        if path is not None and _holds_something(path):
            raise CannotWrite(
                "exists already",
                where=f"{name} {path}",
                next_step="name another file, or replace it with --force",
            )
