"""The card's table of data says for every source what was used, under which licence, and whose it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from models import composed, sources
from models.cards import data_records, main, own_line

SUMMARY = {
    "composed/train": {"rows": 60},
    "composed/dev": {"rows": 7},
    "dynahate/train": {"rows": 40},
    "sbic_devtest/dev": {"rows": 5},
}


def test_shares_are_of_all_training_rows() -> None:
    records = {record["source"]: record for record in data_records(sources.load(), SUMMARY)}
    assert len(records) == len(sources.load()) + 1
    shares = {name: record["share"].value for name, record in records.items() if record["share"]}
    assert shares == {"composed (own sentences)": 0.6, "dynahate": 0.4}
    assert records["sbic_devtest"]["dev"] == 5
    assert records["madlibs_77k"]["use"] == "only measures"


def test_whatever_trains_names_whom_it_is_by() -> None:
    for source in sources.load():
        if source.use != "no":
            assert source.attribution, source.name
        if "CC BY-SA" in source.licence:
            assert "Wikipedia" in source.attribution
            assert "CC BY-SA 3.0" in source.attribution


def test_it_fills_what_it_is_given_and_leaves_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.json"
    summary.write_text(json.dumps({"sources": SUMMARY}), encoding="utf-8")
    card = tmp_path / "card.md"
    card.write_text(
        "<!-- table: data -->\nold\n<!-- end -->\n<!-- table: own -->\n<!-- end -->\n"
        "<!-- table: heads -->\nas it was\n<!-- end -->\n",
        encoding="utf-8",
    )
    assert main(["--summary", str(summary), "--card", str(card)]) == 0
    filled = card.read_text(encoding="utf-8")
    assert "old" not in filled
    assert "as it was" in filled
    assert "| dynahate | CC BY 4.0 |" in filled
    assert "data, own" in capsys.readouterr().out
    card.write_text("no places\n", encoding="utf-8")
    assert main(["--summary", str(summary), "--card", str(card)]) == 2
    assert "no place for a table" in capsys.readouterr().err


def test_own_patterns_are_counted() -> None:
    book = composed.load()
    line = own_line(book)
    assert line.startswith(f"{len(book.patterns):,} patterns")
    assert f"{len(composed.dev_patterns(book.patterns))} of them" in line
