"""Runs: every format in and out, what is refused before anything is touched, interruption, memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from tests.bulk.samples import POLICY, signals

from holdfast.bulk import run as runs
from holdfast.bulk.checkpoint import CannotResume
from holdfast.bulk.encoders import format_of
from holdfast.bulk.output import CannotWrite, FileOutput
from holdfast.bulk.run import Job, Outcome, StrictRun, run
from holdfast.decider import Decider
from holdfast.engine import Engine
from holdfast.ledger import Ledger
from holdfast.policy.policy import Policy

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
ENGINE = Engine(signals())
TRIAL = Policy.load(POLICY, ENGINE.schema)
OTHER = Policy.load(POLICY.replace("seen >= 3", "seen >= 4"), ENGINE.schema)


def decide(job: Job, ledger: Ledger | None = None, policy: Policy = TRIAL, **options: Any) -> Outcome:
    return run(job, Decider(ENGINE, ledger, policy=policy), NOW, **options)


def job_of(source: Path, out: Path | None = None, **options: Any) -> Job:
    return Job(input=str(source), out=out, out_format="jsonl" if out is None else format_of(out), **options)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(data=tmp_path / "data") as ledger:
        yield ledger


ROWS = [
    {"id": "a", "text": "good soup", "author": "u1"},
    {"id": "b", "text": "see https://example.org", "author": "u2"},
    {"id": "c", "text": "", "author": "u1"},
    {"id": "d", "text": "more\nsoup", "author": "u1"},
]
ACTIONS = ["allow", "limit", "allow", "label"]


def write(path: Path) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(ROWS[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(ROWS)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    return pq.read_table(path).to_pylist()


@pytest.mark.parametrize("out", ["out.jsonl", "out.csv", "out.parquet"])
@pytest.mark.parametrize("source", ["in.csv", "in.tsv", "in.jsonl", "in.parquet"])
def test_every_format_in_and_out(tmp_path: Path, ledger: Ledger, source: str, out: str) -> None:
    target = tmp_path / out
    outcome = decide(job_of(write(tmp_path / source), target, record="data"), ledger)
    rows = read(target)
    assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
    assert [row["action"] for row in rows] == ACTIONS
    assert [ledger.decision(row["ref"]).item.id for row in rows] == ["a", "b", "c", "d"]
    assert (outcome.tally.rows, outcome.tally.decided, outcome.tally.rejected) == (4, 4, 0)
    assert {name: rule.count for name, rule in outcome.tally.rules.items()} == {"links": 1, "busy": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["data", out, source])


def test_bad_rows_are_listed_and_the_rest_decided(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b"id,text\n1,a\n2,\xff\n3,c,d\n4,e\n")
    outcome = decide(job_of(source, tmp_path / "out.csv"))
    assert [row["id"] for row in read(tmp_path / "out.csv")] == ["1", "4"]
    listed = [json.loads(line) for line in (tmp_path / "out.csv.rejected.jsonl").read_text().splitlines()]
    assert [(one["line"], one["row"], one["reason"]) for one in listed] == [
        (3, 2, "is not UTF-8"),
        (4, 3, "has another number of cells than the header"),
    ]
    assert outcome.rejected_path == tmp_path / "out.csv.rejected.jsonl"
    assert outcome.tally.kinds == {one["reason"]: 1 for one in listed}


def test_a_strict_run_stops_at_the_first_and_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "CHUNK", 2)
    source = tmp_path / "in.csv"
    source.write_bytes(b"id,text\n1,a\n2,b\n3,c\n4,d,e\n5,f\n")
    out = tmp_path / "out.jsonl"
    with pytest.raises(StrictRun) as stopped:
        decide(job_of(source, out, strict=True))
    assert stopped.value.where == "line 5"
    assert [row["id"] for row in read(out)] == ["1", "2"]
    decide(job_of(source, out, resume=True))
    assert [row["id"] for row in read(out)] == ["1", "2", "3", "5"]


def test_standard_input_and_output(tmp_path: Path) -> None:
    printed = io.BytesIO()
    decide(job_of(Path("-")), stdin=io.BytesIO(write(tmp_path / "in.csv").read_bytes()), stdout=printed)
    assert [json.loads(line)["action"] for line in printed.getvalue().splitlines()] == ACTIONS
    outcome = decide(job_of(Path("-")), stdin=io.BytesIO(b"id,text\n"))
    assert outcome.tally.rows == 0


# What is refused before anything is touched -------------------------------------------------


def test_an_output_is_not_overwritten_unasked(tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.jsonl"
    out.write_text("mine")
    with pytest.raises(CannotWrite, match="--force"):
        decide(job_of(source, out))
    with pytest.raises(CannotResume, match="has no checkpoint"):
        decide(job_of(source, out, resume=True))
    assert out.read_text() == "mine"
    decide(job_of(source, out, force=True))
    assert len(read(out)) == 4


@pytest.mark.parametrize(
    "options",
    [
        {"out": "in.csv"},
        {"out": "o.jsonl", "rejected": "in.csv"},
        {"out": "o.jsonl", "rejected": "o.jsonl"},
        {"out": "data"},
        {"out": "none/o.jsonl"},
    ],
)
def test_files_that_would_be_lost_or_cannot_be(tmp_path: Path, options: dict[str, str]) -> None:
    source = write(tmp_path / "in.csv")
    (tmp_path / "data").mkdir()
    before = source.read_bytes()
    paths = {name: tmp_path / path for name, path in options.items()}
    with pytest.raises(CannotWrite):
        decide(Job(input=str(source), force=True, **paths))  # type: ignore[arg-type]
    assert source.read_bytes() == before


def test_two_runs_do_not_share_an_output(tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.jsonl"
    held = FileOutput(out)
    with pytest.raises(CannotWrite, match="by another run"):
        decide(job_of(source, out, force=True))
    held.close()
    decide(job_of(source, out, force=True))


# Interruption -------------------------------------------------------------------------------


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """A run that was told to stop after its first chunk of two rows."""
    monkeypatch.setattr(runs, "CHUNK", 2)

    def make(out: str = "out.jsonl", ledger: Ledger | None = None) -> Job:
        record = None if ledger is None else "data"
        job = job_of(write(tmp_path / "in.csv"), tmp_path / out, record=record)
        outcome = decide(job, ledger, stopping=lambda: True)
        assert outcome.interrupted
        assert outcome.tally.rows == 2
        return job_of(Path(job.input), job.out, record=record, resume=True)

    return make


def test_an_interrupted_run_goes_on(interrupted: Callable[..., Job], ledger: Ledger) -> None:
    job = interrupted(ledger=ledger)
    outcome = decide(job, ledger)
    assert job.out is not None
    rows = read(job.out)
    # The third of u1's comments is busy only if the counters went on too.
    assert [row["action"] for row in rows] == ACTIONS
    assert (outcome.rows_before, outcome.tally.rows) == (2, 4)
    with pytest.raises(CannotResume, match="nothing is left to do"):
        decide(job, ledger)


def test_an_unfinished_run_is_not_started_again_unasked(interrupted: Callable[..., Job]) -> None:
    job = interrupted()
    with pytest.raises(CannotWrite, match="--resume"):
        decide(job_of(Path(job.input), job.out))


def test_resume_without_a_beginning_begins(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    decide(job_of(write(tmp_path / "in.csv"), out, resume=True))
    assert [row["action"] for row in read(out)] == ACTIONS


def test_a_run_is_not_resumed_on_another_input(interrupted: Callable[..., Job]) -> None:
    job = interrupted()
    source = Path(job.input)
    source.write_text(source.read_text() + "e,f,g\n")
    with pytest.raises(CannotResume, match="input's size is not what it was"):
        decide(job)


def test_a_run_is_not_resumed_under_another_policy(interrupted: Callable[..., Job]) -> None:
    with pytest.raises(CannotResume, match="the policy is not the one"):
        decide(interrupted(), policy=OTHER)


def test_a_run_is_not_resumed_with_other_options(interrupted: Callable[..., Job]) -> None:
    job = interrupted()
    with pytest.raises(CannotResume, match="--text-column"):
        decide(job_of(Path(job.input), job.out, resume=True, mapping={"text": "id"}))


def test_a_run_is_not_resumed_on_an_output_that_was_cut(interrupted: Callable[..., Job]) -> None:
    job = interrupted()
    assert job.out is not None
    job.out.write_bytes(b"")
    with pytest.raises(CannotWrite, match="is shorter than the run had written it"):
        decide(job)


def test_a_damaged_checkpoint_is_told(interrupted: Callable[..., Job]) -> None:
    job = interrupted()
    assert job.out is not None
    job.out.with_name("out.jsonl.checkpoint").write_bytes(b"{}")
    with pytest.raises(CannotResume, match="is no checkpoint"):
        decide(job)


# Size ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["out.jsonl", "out.parquet"])
def test_memory_does_not_grow_with_the_input(tmp_path: Path, out: str) -> None:
    def peak(rows: int) -> int:
        source = tmp_path / f"{rows}.csv"
        source.write_text("text,author\n" + "".join(f"soup {n},u{n % 50}\n" for n in range(rows)))
        decide(job_of(source, tmp_path / out, force=True))  # what is loaded once is loaded now
        tracemalloc.start()
        decide(job_of(source, tmp_path / out, force=True))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    small = peak(2_000)
    assert peak(10_000) < 1.5 * small + 1_000_000
