"""`make train` runs the whole recipe in order, and after a stop only what is left of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def plan(tmp_path: Path, rows: str) -> subprocess.CompletedProcess[str]:
    """What make would do, were the training environment there."""
    trained = tmp_path / "trained"
    given = ["make", "-n", "-o", ".venv-train/.built", "train", f"ROWS={rows}", f"TRAINED={trained}"]
    return subprocess.run(given, cwd=_ROOT, capture_output=True, text=True, check=False)


def steps(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines() if " -m models." in line]


def test_three_passes_then_the_student_then_the_export(tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    rows.touch()
    first, second, third, student, export = steps(plan(tmp_path, str(rows)))
    trained = f'"{tmp_path / "trained"}'
    assert all("models.train" in step and "--resume" in step for step in (first, second, third))
    assert "models.student" in student and "models.export" in export
    for option, value in (("--leave-out", "composed"), ("--rows", "150000"), ("--epochs", "1")):
        assert first[first.index(option) + 1] == value
    assert first[first.index("--out") + 1] == f'{trained}/corpora"'
    for option, value in (("--start", f'{trained}/corpora/weights.npz"'), ("--rows", "230000"), ("--epochs", "2"), ("--seed", "2"), ("--out", f'{trained}/second"')):  # fmt: skip
        assert second[second.index(option) + 1] == value
    for option, value in (("--start", f'{trained}/second/weights.npz"'), ("--rows", "205000"), ("--epochs", "1"), ("--seed", "3"), ("--rate", "4e-5"), ("--out", f'{trained}"')):  # fmt: skip
        assert third[third.index(option) + 1] == value
    assert "--leave-out" not in second + third
    assert student[student.index("--rows") + 1] == "130000"
    assert export[export.index("--to") + 1] == f'{trained}/export"'
    assert export[export.index("--rows") + 1] == "30000"


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    made = [
        tmp_path / "trained" / name
        for name in (
            "corpora/weights.npz",
            "second/weights.npz",
            "weights.npz",
            "student.npz",
            "export/manifest.json",
        )
    ]
    for age, path in enumerate([rows, *made]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    assert steps(plan(tmp_path, str(rows))) == []
    made[4].unlink()
    assert ["models.export" in step for step in steps(plan(tmp_path, str(rows)))] == [True]
    os.utime(made[2])  # trained anew: the student and the export are out of date
    left = steps(plan(tmp_path, str(rows)))
    assert ["models.student" in step for step in left] == [True, False]
    os.utime(rows)
    assert len(steps(plan(tmp_path, str(rows)))) == 5


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
