"""What is shown of a text is that text, whatever was found in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.decision import Span
from holdfast.schema import Field, Schema, Type
from holdfast.web.console import render
from holdfast.web.console.evidence import HEAD_LIMIT, MARK_LIMIT, because, mark, readings, shape

texts = st.text(max_size=60)
spans = st.lists(
    st.builds(
        lambda start, length, field: Span(
            signal="s", start=start, end=start + length, label=f"{start}+{length}", field=field
        ),
        st.integers(-2, 60),
        st.integers(-1, 20),
        st.sampled_from(["text", "transcript"]),
    ),
    max_size=80,
)


@given(texts, spans)
def test_the_pieces_are_the_text_and_each_mark_covers_its_span(text: str, found: list[Span]) -> None:
    marked = mark(text, found)
    pieces = marked.head + marked.rest
    assert "".join(piece.text for piece in pieces) == text
    valid = [s for s in found if s.field == "text" and 0 <= s.start < s.end <= len(text)]
    assert len(marked.marks) == min(len(valid), MARK_LIMIT)
    assert len(marked.marks) + marked.left_out == len(valid)
    covered: dict[int, str] = {}
    for piece in pieces:
        for number in piece.marks:
            covered[number] = covered.get(number, "") + piece.text
    ordered = sorted(valid, key=lambda s: (s.start, s.end))[:MARK_LIMIT]
    assert covered == {n: text[s.start : s.end] for n, s in enumerate(ordered, 1)}


@given(st.integers(0, 100), st.integers(1, 100))
def test_a_long_text_is_cut_once_and_loses_nothing(before: int, length: int) -> None:
    text = "ab " * HEAD_LIMIT
    start = HEAD_LIMIT - before
    marked = mark(text, [Span(signal="s", start=start, end=start + length, label="x")])
    assert "".join(piece.text for piece in marked.head) == text[:HEAD_LIMIT]
    assert "".join(piece.text for piece in marked.rest) == text[HEAD_LIMIT:]
    assert marked.rest_length == len(text) - HEAD_LIMIT


@given(st.text(min_size=1, max_size=200))
def test_an_outline_has_the_words_lengths_and_none_of_their_letters(text: str) -> None:
    outline = shape(text)
    assert len(outline) <= len(text)
    assert set(outline) <= set(" aeimnorstu")
    assert [letter.isspace() for letter in outline] == [letter.isspace() for letter in text[: len(outline)]]


def test_an_outline_does_not_spell_what_it_stands_for() -> None:
    for word in ("stone", "names", "nearest", "tea", "a tourist in rain"):
        assert word not in shape(f"{word} {word}")


def test_a_reason_names_what_stands_out_and_zeros_only_where_there_is_nothing_else() -> None:
    assert because({"a": 0, "b": 2, "c": None}) == {"b": 2, "c": None}
    assert because({"text.letters": 0}) == {"text.letters": 0}


def test_what_stands_out_comes_first_and_what_is_not_known_apart() -> None:
    schema = Schema(
        [
            Field(name="text.length", type=Type.INTEGER, doc="Length."),
            Field(name="hate", type=Type.NUMBER, doc="Hate."),
        ]
    )
    sorted_ = readings(
        {"text.length": 5, "hate": 0.5, "links": 0, "kinds": [], "language": None, "flag": False}, schema
    )
    assert [reading.name for reading in sorted_.telling] == ["hate", "text.length"]
    assert sorted_.telling[0].doc == "Hate."
    assert [reading.name for reading in sorted_.unknown] == ["language"]
    assert [reading.name for reading in sorted_.plain] == ["links", "kinds", "flag"]


def test_probabilities_stand_in_order_and_small_ones_with_what_is_harmless() -> None:
    def head(name: str, low: float | None = 0) -> Field:
        doc = f"How probable it is that the text is `{name}`. Unknown in other languages."
        return Field(name=name, type=Type.NUMBER, doc=doc, nullable=True, low=low, high=1)

    schema = Schema(
        [
            head("text.capitals"),
            head("hate"),
            head("threat"),
            head("spam"),
            head("sexual"),
            head("score", low=None),
            Field(name="lexicon.insult", type=Type.INTEGER, doc="Insults."),
        ]
    )
    found = {"text.capitals": 0.9, "hate": 0.3, "threat": 0.93, "spam": 0.0499, "sexual": None, "score": 0.01, "lexicon.insult": 1}  # fmt: skip
    sorted_ = readings(found, schema)
    assert [reading.name for reading in sorted_.telling] == ["score", "lexicon.insult", "threat", "hate", "text.capitals"]  # fmt: skip
    assert [reading.share for reading in sorted_.telling] == [False, False, True, True, True]
    assert [reading.name for reading in sorted_.plain] == ["spam"]
    assert [reading.name for reading in sorted_.unknown] == ["sexual"]
    assert sorted_.telling[2].doc == "How probable it is that the text is threat."


def test_a_probability_is_shown_rounded_and_an_unknown_one_as_not_known() -> None:
    field = Field(name="hate", type=Type.NUMBER, doc="Hate.", nullable=True, low=0, high=1)
    for value, shown in (
        (0.9317, "93%"),
        (0.0512, "5.1%"),
        (1.0, "100%"),
        (0.0, "0%"),
        (0.0004, "under 0.1%"),
    ):
        html = render.fragment("parts/evidence.html", "signals", readings({"hate": value}, {"hate": field}))
        assert f"</meter> {shown}</dd>" in html
    html = render.fragment("parts/evidence.html", "signals", readings({"hate": None}, {"hate": field}))
    assert "<meter" not in html
    assert "not known" in html
