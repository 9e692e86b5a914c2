"""The build joins corpora and composed rows, tells what it did, and says what to do when a corpus is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from models import composed, sources
from models.build import build, main, summary, tables

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def book() -> composed.Book:
    whole = composed.load()
    few = [pattern for pattern in whole.patterns if pattern.functionality in ("banter", "slur_use")]
    return composed.Book(patterns=few, slots=whole.slots, groups=whole.groups)


def test_corpora_and_composed_rows_stand_together(book: composed.Book, tmp_path: Path) -> None:
    source = msgspec.convert(
        {
            "name": "made_up",
            "licence": "CC0",
            "use": "train",
            "reason": "a test",
            "splits": {"train": "train.csv", "dev": "dev.csv"},
            "labels": [{"column": "label", "values": {"1": {"spam": 1}, "0": {"spam": 0}}}],
        },
        sources.Source,
    )
    folder = tmp_path / "data" / "made_up"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text("text,label\none two three,1\nfour five six,0\n", encoding="utf-8")
    (folder / "dev.csv").write_text("text,label\nOne two three!,1\n", encoding="utf-8")
    rows, dropped = build(book, [source], tmp_path)
    assert [(row.text, row.split) for row in rows if row.source == "made_up"] == [
        ("One two three!", "dev"),
        ("four five six", "train"),
    ]
    assert dropped >= 1
    told = summary(rows)
    assert told["made_up/dev"] == {"rows": 1, "groups known": 0, "spam known": 1, "spam positive": 1}
    assert told["composed/train"]["rows"] == sum(
        row.split == "train" and row.pattern is not None for row in rows
    )


def test_the_tables_name_licences(book: composed.Book) -> None:
    rows, _ = build(book, [], None)
    by_head, by_functionality, by_group = tables(rows)
    assert list(by_head.columns[2].cells) == ["Apache-2.0 (own)"] * 2
    assert list(by_functionality.columns[0].cells) == ["banter", "slur_use"]
    assert len(list(by_group.columns[0].cells)) == 24


def test_a_missing_corpus_ends_in_a_plain_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shared", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "--shared" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_it_runs_as_a_file_from_anywhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(_ROOT / "models" / "build.py"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rows.parquet" in done.stdout
