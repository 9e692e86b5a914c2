"""`make train` runs the whole recipe in order, and after a stop only what is left of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


PASSES = 6


def value(step: list[str], option: str) -> str:
    return step[step.index(option) + 1]


def plan(tmp_path: Path, rows: str) -> subprocess.CompletedProcess[str]:
    """What make would do, were the training environment there."""
    trained = tmp_path / "trained"
    given = ["make", "-n", "-o", ".venv-train/.built", "train", f"ROWS={rows}", f"TRAINED={trained}"]
    return subprocess.run(given, cwd=_ROOT, capture_output=True, text=True, check=False)


def steps(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines() if " -m models." in line]


def test_pass_after_pass_then_the_student_then_the_export(tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    rows.touch()
    *passes, student, export = steps(plan(tmp_path, str(rows)))
    trained = f'"{tmp_path / "trained"}'
    assert len(passes) == PASSES
    for number, step in enumerate(passes, 1):
        assert "models.train" in step and "--resume" in step
        assert value(step, "--out") == f'{trained}/{number}"'
        if number > 1:
            assert value(step, "--start") == f'{trained}/{number - 1}/weights.npz"'
    assert len({value(step, "--seed") for step in passes}) == PASSES
    assert value(passes[0], "--leave-out") == "composed"
    assert "--start" not in passes[0]
    assert not any("--leave-out" in step for step in passes[1:])
    assert "models.student" in student and "models.export" in export
    assert value(student, "--trained") == value(export, "--trained") == f'{trained}/{PASSES}"'
    assert value(export, "--to") == f'{trained}/export"'


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    names = [f"{number}/weights.npz" for number in range(1, PASSES + 1)]
    names += [f"{PASSES}/student.npz", "export/manifest.json"]
    made = [tmp_path / "trained" / name for name in names]
    for age, path in enumerate([rows, *made]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    assert steps(plan(tmp_path, str(rows))) == []
    made[-1].unlink()
    assert ["models.export" in step for step in steps(plan(tmp_path, str(rows)))] == [True]
    os.utime(made[PASSES - 1])  # trained anew: the student and the export are out of date
    left = steps(plan(tmp_path, str(rows)))
    assert ["models.student" in step for step in left] == [True, False]
    os.utime(rows)
    assert len(steps(plan(tmp_path, str(rows)))) == PASSES + 2


def test_without_rows_it_says_what_it_needs(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "-o", ".venv-train/.built", "train", f"TRAINED={tmp_path}"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name not in ("ROWS", "MAKEFLAGS")},
    )
    assert done.returncode == 2
    assert "ROWS=rows.parquet" in done.stderr
    assert "models.train" not in done.stdout
