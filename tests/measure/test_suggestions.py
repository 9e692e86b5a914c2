"""Suggestions as a file of labels: what each format holds, what is left out, and that it is a sample to calibrate by."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.csv import ParseOptions, read_csv
from tests.ledger.samples import NOW, an_item, record

from holdfast.bulk.encoders import OutFormat
from holdfast.content import Item
from holdfast.ledger import Ledger
from holdfast.ledger.suggestions import Suggested, newest, suggest
from holdfast.measure import suggestions
from holdfast.measure.columns import open_labelled
from holdfast.measure.suggestions import HEADS, SCORE, Written, write_suggestions
from holdfast.perspective import ATTRIBUTES, EXPERIMENTAL, NAMES


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with Ledger.open(database_url) as opened:
        yield opened


def from_csv(path: Path) -> list[dict[str, Any]]:
    def value(name: str, cell: str) -> Any:
        if cell == "":
            return None
        return int(cell) if name in NAMES else float(cell) if name.endswith(SCORE) else cell

    with path.open(newline="") as file:
        return [{name: value(name, cell) for name, cell in row.items()} for row in csv.DictReader(file)]


READ: dict[OutFormat, Callable[[Path], list[dict[str, Any]]]] = {
    "csv": from_csv,
    "jsonl": lambda path: [json.loads(line) for line in path.read_bytes().splitlines()],
    "parquet": lambda path: pq.read_table(path).to_pylist(),
}


@pytest.mark.parametrize("text", ["nice\rday", "nice day\r", "\rnice day", "nice\r\nday", "nice,\rday"])
def test_a_carriage_return_parts_no_row(ledger: Ledger, tmp_path: Path, text: str) -> None:
    suggest(ledger, [Suggested(an_item(0, text), {"SPAM": 1.0}, "k1")], NOW)
    write_suggestions(ledger, tmp_path / "file.csv", "csv")
    (row,) = from_csv(tmp_path / "file.csv")
    table = read_csv(tmp_path / "file.csv", parse_options=ParseOptions(newlines_in_values=True))
    assert row["text"] == text == table["text"][0].as_py()


@pytest.mark.parametrize("format", list(READ))
def test_every_format_holds_the_same(ledger: Ledger, tmp_path: Path, format: OutFormat) -> None:
    record(ledger, [an_item(0)])
    hard = 'a "quoted", text\nof two lines; with \u2028 and \U0001f331'
    suggest(
        ledger, [Suggested(an_item(1, hard, caption="c", parent="p"), {"THREAT": 0.5}, "k1", "forum")], NOW
    )
    suggest(ledger, [Suggested(an_item(2, language="de"), {"TOXICITY": 0.49, "SPAM": 1.0}, "k2")], NOW)
    written = write_suggestions(ledger, tmp_path / "file", format)
    second, first = READ[format](tmp_path / "file")
    assert {name: value for name, value in first.items() if value is not None} == {
        "id": "1",
        "text": hard,
        "caption": "c",
        "parent": "p",
        "community": "forum",
        "suggested_by": "k1",
        "suggested_at": NOW.isoformat(),
        "THREAT": 1,
        "THREAT_SCORE": 0.5,
    }
    assert (second["TOXICITY"], second["TOXICITY_SCORE"], second["SPAM"]) == (0, 0.49, 1)
    assert second["language"] == "de"
    assert list(first) == list(second)
    assert (written.rows, written.erased, written.superseded) == (2, 0, 0)
    assert {name: (n, written.positive[name]) for name, n in written.labels.items() if n} == {
        "TOXICITY": (1, 0),
        "THREAT": (1, 1),
        "SPAM": (1, 1),
    }
    assert (tmp_path / "file").stat().st_mode & 0o077 == 0, "for its owner's eyes only"


def test_erased_texts_and_what_a_key_took_back_are_left_out(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "TOGETHER", 2)
    for minute, score in enumerate((1.0, 0.0, 1.0)):
        suggest(ledger, [Suggested(an_item(1), {"SPAM": score}, "k1")], NOW + timedelta(minutes=minute))
    suggest(ledger, [Suggested(an_item(1), {"SPAM": 0.0}, "k2")], NOW)
    suggest(ledger, [Suggested(an_item(n), {"SPAM": 0.0}, "k1") for n in (2, 3)], NOW)
    ledger.erase(newest(ledger, 1)[0].event.item.text or "", "ada", "asked for", NOW)
    written = write_suggestions(ledger, tmp_path / "file", "csv")
    assert (written.rows, written.erased, written.superseded) == (3, 1, 2)
    rows = from_csv(tmp_path / "file")
    assert [(row["suggested_by"], row["SPAM"]) for row in rows] == [("k1", 0), ("k2", 0), ("k1", 1)]
    assert "number 3" not in (tmp_path / "file").read_text()


def test_the_experimental_name_is_the_same_attribute(ledger: Ledger, tmp_path: Path) -> None:
    both = {"THREAT_EXPERIMENTAL": 1.0, "INSULT": 0.2, "INSULT_EXPERIMENTAL": 0.9}
    suggest(ledger, [Suggested(an_item(1), both, "k1")], NOW)
    write_suggestions(ledger, tmp_path / "file", "csv")
    (row,) = from_csv(tmp_path / "file")
    assert (row["THREAT_SCORE"], row["INSULT_SCORE"]) == (1.0, 0.2)


def test_without_suggestions_there_is_a_header_only(ledger: Ledger, tmp_path: Path) -> None:
    assert write_suggestions(ledger, tmp_path / "file", "csv") == Written(0, 0, 0, {}, {})
    assert from_csv(tmp_path / "file") == []


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("before")
    suggest(ledger, [Suggested(an_item(1), {"SPAM": 1.0}, "k1")], NOW)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(suggestions, "_row", fail)
    with pytest.raises(KeyboardInterrupt):
        write_suggestions(ledger, tmp_path / "file", "parquet")
    assert (tmp_path / "file").read_text() == "before"


def test_only_attributes_of_a_single_head_are_labels_of_it() -> None:
    assert {
        name: heads[0]
        for name, heads in ATTRIBUTES.items()
        if len(heads) == 1 and not name.endswith(EXPERIMENTAL)
    } == HEADS
    assert "TOXICITY" not in HEADS and "INSULT" not in HEADS


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.floats(0, 1)), min_size=1, max_size=8))
def test_labels_and_texts_are_read_back_as_calibrate_reads_them(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, float]]
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    with Ledger.open(data=folder) as ledger:
        suggest(
            ledger, [Suggested(an_item(n), {name: score}, "k") for n, (name, score) in enumerate(said)], NOW
        )
        write_suggestions(ledger, folder / "file.jsonl", "jsonl")
    wanted = dict.fromkeys(NAMES, "--label")
    reader, cells = open_labelled(str(folder / "file.jsonl"), wanted, mapping={})
    items = [row for row in reader.rows() if isinstance(row, Item)]
    reader.close()
    assert [item.text for item in items] == [an_item(n).text for n in reversed(range(len(said)))]
    for item, (name, score) in zip(items, reversed(said), strict=True):
        assert {column: cells[column](item) for column in NAMES} == {
            column: (int(score >= 0.5) if column == name else None) for column in NAMES
        }
