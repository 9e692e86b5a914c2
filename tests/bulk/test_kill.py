"""Killed at any moment and resumed, a run ends as if nothing had happened: same bytes, same record."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from holdfast.bulk.checkpoint import path_of
from holdfast.ledger import Ledger

ROOT = Path(__file__).parents[2]
ROWS = 1_000
TRIALS = 5


class Runs:
    """Starts runs and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, source: Path, out: Path, every: float, kill_after: float | None = None) -> bool:
        """Whether the run came to its end before it was killed."""
        order = {"input": str(source), "out": str(out), "data": str(out.parent / "data"), "every": str(every)}
        stdin, stdout = self._pipes()
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        child = int(stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        status = int(stdout.readline())
        assert status in (0, signal.SIGKILL), "the run failed by itself"
        return status == 0

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("killable.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Runs(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "in.csv"
    chance = random.Random(1)
    with path.open("w") as file:
        file.write("id,text,author,author_created_at\n")
        for n in range(ROWS):
            text = chance.choice(["soup", f"see https://example.org/{n}", '"two\nlines"', "a,b"])
            author = f"u{chance.randrange(300)}"
            file.write(f"r{n},{text},{author},{'2026-01-01' if n % 7 == 0 else '2020-01-01'}\n")
    return path


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_killed_and_resumed(runs: Runs, source: Path, tmp_path: Path, ending: str) -> None:
    whole = tmp_path / "whole" / f"out.{ending}"
    whole.parent.mkdir()
    began = time.monotonic()
    assert runs.run(source, whole, every=0.01)
    took = time.monotonic() - began
    expected, recorded = contents(whole), record(whole)
    chance = random.Random(ending)
    kills = 0
    for trial in range(TRIALS):
        out = tmp_path / str(trial) / f"out.{ending}"
        out.parent.mkdir()
        # A kill may come when all is done but the process's end; then there is nothing to resume.
        while not runs.run(
            source, out, every=chance.choice([0.0, 0.02, 1.0]), kill_after=chance.uniform(0, 0.8 * took)
        ) and (not out.exists() or not out.stat().st_size or path_of(out).exists()):
            kills += 1
        assert contents(out) == expected
        assert record(out) == recorded
    assert kills >= 2


def contents(out: Path) -> dict[str, bytes]:
    """Every file that the run left, the ledger excepted."""
    return {path.name: path.read_bytes() for path in out.parent.iterdir() if path.is_file()}


def record(out: Path) -> list[tuple[str, str]]:
    """What the ledger holds: the reference and the item of every decision, in order."""
    with Ledger.open(data=out.parent / "data") as ledger:
        assert ledger.verify() == []
        return sorted((entry.ref, entry.item_id) for entry in ledger.decisions(limit=10 * ROWS))
