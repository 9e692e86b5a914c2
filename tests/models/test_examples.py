"""Labelled rows become what the network is trained on: read as at run time, merged, sampled, batched."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from models import examples as ex
from models.heads import GROUPS, HEADS
from models.rows import Row, write
from tests.models.tiny import tokenizer

from holdfast.signals.classifier_input import Reader, Window, readable

JEWISH, MUSLIM = (len(HEADS) + GROUPS.index(group) for group in ("jewish", "muslim"))


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "tokenizer.json").write_text(tokenizer())
    return Reader.load(tmp_path / "tokenizer.json")


def row(text: str, **more: object) -> Row:
    return Row(**{"text": text, "labels": {"hate": 0.0}, "source": "made_up", "split": "train", **more})  # type: ignore[arg-type]


def loaded(tmp_path: Path, reader: Reader, *rows: Row) -> ex.Examples:
    write(rows, tmp_path / "rows.parquet")
    return ex.load(tmp_path / "rows.parquet", "train", reader)


def test_rows_are_read_as_at_run_time(tmp_path: Path, reader: Reader) -> None:
    found = loaded(
        tmp_path, reader, row("H3llo 😀", context="The Jewish PEOPLE"), row("the", split="dev"), row(" ")
    )
    (at_run_time,) = reader.read(readable(["H3llo 😀"]), readable(["The Jewish PEOPLE"]))
    assert found.windows == [at_run_time.windows[0]]
    assert np.isnan(found.targets[0, 1:]).all()
    assert found.targets[0, 0] == 0


def test_a_group_that_is_named_is_masked_others_are_learnt(tmp_path: Path, reader: Reader) -> None:
    found = loaded(tmp_path, reader, row("some jews", groups={"jewish": 1.0, "muslim": 1.0}))
    assert np.isnan(found.targets[0, JEWISH])
    assert found.targets[0, MUSLIM] == 1


def test_rows_that_read_alike_become_one(tmp_path: Path, reader: Reader) -> None:
    found = ex.merged(
        loaded(
            tmp_path,
            reader,
            row("all jews are here", labels={"hate": 1.0, "threat": 0.0}, weight=0.5),
            row("hello"),
            row("All Muslims are here!!!"[:-3], labels={"hate": 0.0}, weight=1.0),
            row("all hindus are here", source="another"),
        )
    )
    assert found.sources == ["made_up", "made_up", "another"]
    assert found.targets[0, 0] == 0.5
    assert found.targets[0, HEADS.index("threat")] == 0
    assert np.isnan(found.targets[0, HEADS.index("spam")])
    assert found.weights.tolist() == [1.0, 1.0, 1.0]


def made(count: int, lengths: int = 20) -> ex.Examples:
    return ex.Examples(
        [Window((1,) * (1 + n % lengths) + (n + 10,), (0,) * (2 + n % lengths)) for n in range(count)],
        np.zeros((count, len(HEADS) + len(GROUPS)), np.float32),
        np.array([0.01 if n % 2 else 1.0 for n in range(count)], np.float32),
        ["made_up"] * count,
        ["a_pattern" if n % 10 == 0 else None for n in range(count)],
        [None] * count,
    )


def test_a_sample_keeps_own_rows_and_draws_by_weight() -> None:
    found = ex.sampled(made(1000), 300, seed=1)
    assert len(found) == 300
    assert found.patterns.count("a_pattern") == 100
    light = (found.weights < 0.5).mean()
    assert light < 0.05
    assert found.windows == ex.sampled(made(1000), 300, seed=1).windows
    assert found.windows != ex.sampled(made(1000), 300, seed=2).windows
    assert len(ex.sampled(made(10), 300, seed=1)) == 10
    assert ex.sampled(made(1000), 0, seed=1).windows == made(1000).windows


def test_a_sample_holds_no_more_own_rows_than_asked() -> None:
    found = ex.sampled(made(1000), 300, seed=1, own=40)
    assert len(found) == 300
    assert found.patterns.count("a_pattern") == 40
    assert ex.sampled(made(1000), 0, seed=1, own=40).patterns.count(None) == 900
    assert ex.sampled(made(1000), 20, seed=1, own=40).patterns.count(None) == 0


def test_varied_texts_are_made_of_the_pieces_of_others_and_keep_their_context() -> None:
    cls, sep = 1, 2
    alone = [Window((cls, *range(10 * n, 10 * n + 1 + n % 7), sep), (0,) * (3 + n % 7)) for n in range(1, 40)]
    window = Window((cls, 500, 501, 502, sep, 900, 901, sep), (0, 0, 0, 0, 0, 1, 1, 1))
    found = ex.varied([*alone, window], 3000, seed=1)
    assert 2500 < len(found) <= 3000  # what nothing is left of is dropped
    known = {piece for one in (*alone, window) for piece in one.ids}
    for one in found:
        assert one.ids[0] == cls and one.ids[-1] == sep and len(one.ids) == len(one.types)
        assert set(one.ids) <= known
        assert one.ids.count(sep) == (2 if 1 in one.types else 1)
        context = one.ids[one.types.index(1) :] if 1 in one.types else ()
        assert context in ((), (900, 901, sep))
    assert any(1 in one.types for one in found)
    assert len(set(found)) > len(found) // 3
    assert found == ex.varied([*alone, window], 3000, seed=1) != ex.varied([*alone, window], 3000, seed=2)


def test_batches_hold_every_row_once_with_its_like() -> None:
    examples = made(5000)
    found = ex.batches(examples.lengths, 32, seed=1)
    assert Counter(row for batch in found for row in batch) == Counter(range(5000))
    assert found == ex.batches(examples.lengths, 32, seed=1) != ex.batches(examples.lengths, 32, seed=2)
    spread = [max(s) - min(s) for b in found for s in [[len(examples.windows[n].ids) for n in b]]]
    assert float(np.mean(spread)) < 2


def test_padding_is_masked() -> None:
    ids, mask, types = ex.padded([Window((4, 5), (0, 0)), Window((4, 6, 5, 7), (0, 0, 0, 1))])
    assert ids.tolist() == [[4, 5, 0, 0], [4, 6, 5, 7]]
    assert mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert types.tolist() == [[0, 0, 0, 0], [0, 0, 0, 1]]


def test_in_order_scores_every_row_once() -> None:
    found = [row for batch in ex.in_order(made(100).lengths, 8) for row in batch]
    assert sorted(found) == list(range(100))


def test_a_swapped_row_names_another_group_and_keeps_its_label(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(tokenizer())
    named = Reader.load(tmp_path / "tokenizer.json", canonical=False)
    rows = [row(f"all jews are here {n}", labels={"hate": 1.0}, groups={"jewish": 1.0}) for n in range(40)]
    write([*rows, row("nobody is here", groups={})], tmp_path / "rows.parquet")
    plain = ex.load(tmp_path / "rows.parquet", "train", named)
    swapped = ex.load(tmp_path / "rows.parquet", "train", named, ex.Swap(0.5, seed=1))
    changed = [n for n in range(41) if plain.windows[n] != swapped.windows[n]]
    assert 8 <= len(changed) <= 32
    assert 40 not in changed
    assert np.isnan(swapped.targets[changed, len(HEADS) :]).all()
    assert (swapped.targets[:40, 0] == 1).all()
    again = ex.load(tmp_path / "rows.parquet", "train", named, ex.Swap(0.5, seed=1))
    assert again.windows == swapped.windows
