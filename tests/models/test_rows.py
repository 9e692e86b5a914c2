"""A row goes to Parquet and comes back with unknown still unknown."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from models.heads import GROUPS, HEADS
from models.rows import Row, from_table, read, to_table, write

_PROBABILITY = st.sampled_from([0.0, 0.25, 0.5, 1.0])  # exact in float32
_ROWS = st.builds(
    Row,
    text=st.text(max_size=40),
    context=st.none() | st.text(max_size=40),
    labels=st.dictionaries(st.sampled_from(HEADS), _PROBABILITY),
    groups=st.none() | st.dictionaries(st.sampled_from(GROUPS), st.sampled_from([0.5, 1.0])),
    source=st.just("made_up"),
    split=st.sampled_from(["train", "dev"]),
    weight=st.sampled_from([0.25, 1.0]),
    pattern=st.none() | st.just("a_pattern"),
    functionality=st.none() | st.just("a_class"),
)


@given(st.lists(_ROWS, max_size=5))
def test_a_table_gives_back_what_was_laid_in(rows: list[Row]) -> None:
    assert list(from_table(to_table(rows))) == rows


def test_unknown_heads_and_groups_are_not_zero(tmp_path: Path) -> None:
    row = Row(text="a", labels={"hate": 0.0}, source="made_up", split="train")
    assert write([row], tmp_path / "rows.parquet") == 1
    (back,) = read(tmp_path / "rows.parquet")
    assert back.labels == {"hate": 0.0}
    assert back.groups is None
