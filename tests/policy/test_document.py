"""Places: every character of a value is found again in the file, however the value is written."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    FoldedScalarString,
    LiteralScalarString,
    SingleQuotedScalarString,
)

from holdfast.policy import limits
from holdfast.policy.document import Mapping, Scalar, Unreadable, read
from holdfast.policy.source import Region, Source

STYLES = (str, SingleQuotedScalarString, DoubleQuotedScalarString, LiteralScalarString, FoldedScalarString)
WORDS = st.sampled_from(
    ["lexicon.insult", ">", "0", "AND", "'it''s'", '"x"', "漢字", "a\\b", "(", ")", "<>", "é"]
)


def scalar_of(text: str) -> tuple[Source, Scalar]:
    source = Source(text)
    value = read(source).get("when")
    assert isinstance(value, Scalar)
    return source, value


@settings(max_examples=200, deadline=None)
@given(
    st.lists(WORDS, min_size=1, max_size=30),
    st.sampled_from(STYLES),
    st.sampled_from([" ", "\n", "  "]),
    st.sampled_from([20, 40, 4096]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_word_is_found_where_it_is_written(
    words: list[str], style: type[str], joint: str, width: int, line_end: str
) -> None:
    yaml = YAML()
    yaml.width = width
    stream = io.StringIO()
    yaml.dump({"policy": "x", "when": style(joint.join(words))}, stream)
    source, scalar = scalar_of(stream.getvalue().replace("\n", line_end))
    quoted = source.text[scalar.at.start] == '"'
    for index, character in enumerate(scalar.value):
        if character.isspace():
            continue
        region = scalar.region(index, index + 1)
        found = source.text[region.start : region.end]
        # In double quotes an escape begins with a backslash; everything else stands as itself.
        assert found == character or (quoted and found == "\\")


@pytest.mark.parametrize(
    ("text", "word", "line", "column"),
    [
        ("when: a > bad", "bad", 1, 11),
        ("when: 'a > ''bad'''", "bad", 1, 14),
        ('when: "a > \\x62 \\\n    bad"', "bad", 2, 5),
        ("when: |\n  a\n    > bad", "bad", 3, 7),
        ("when: |2-  # said\n    a\n   > bad\n", "bad", 3, 6),
        ("when: >\n  a\n  >\n\n  bad\n", "bad", 5, 3),
        ("when: a\n  > bad\n", "bad", 2, 5),
        ("# a\r\nwhen: |\r\n  a\r\n  > bad\r\n", "bad", 4, 5),
        ("\ufeffwhen: bad", "bad", 1, 7),
    ],
)
def test_places_as_an_editor_counts_them(text: str, word: str, line: int, column: int) -> None:
    source, scalar = scalar_of(text)
    start = scalar.value.index(word)
    assert source.place(scalar.region(start, start + len(word)).start) == (line, column)


def test_a_region_covers_exactly_its_words() -> None:
    source, scalar = scalar_of("when: |\n  one two\n  three\n")
    start = scalar.value.index("two")
    region = scalar.region(start, start + len("two\nthree"))
    assert source.text[region.start : region.end] == "two\n  three"


def test_where_places_cannot_be_told_the_whole_value_is_meant() -> None:
    source = Source("when: abc")
    scalar = Scalar("xyz", Region(6, 9), True, "", source)
    assert scalar.region(0, 1) == Region(6, 9)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        root = read(Source(text))
    except Unreadable as error:
        assert 0 <= error.finding.at.start <= max(len(text), 1)
    else:
        assert isinstance(root, Mapping)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab:-?[]{}&*!|>'\"%@`#, \n\t\\x4", max_size=60))
def test_any_yaml_is_read_or_refused(text: str) -> None:
    try:
        read(Source(text))
    except Unreadable as error:
        assert error.finding.message


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(Unreadable, match="1,000,001 characters"):
        read(Source("a" * (limits.SOURCE_CHARACTERS + 1)))
