"""What is seen of HTML: examples, laws, and Chromium's own reading of the same sources."""

from __future__ import annotations

import html
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.web.perspective.html import visible
from holdfast.web.perspective.sentences import Span

PIECES = [
    "<", ">", "</", "/>", "<b", "<b>", "</b>", "<p>", "</p>", "<br>", "<a href=", "<i x='", '<i x="', "=", "'", '"', "/", " ",
    "\n", "x", "Y", "é", "😀", "<!", "<!-", "<!--", "-->", "--!>", "->", "-", "!", "<?", "</ ", "<1", "&", ";", "&amp;", "&lt;",
    "&#65;", "&#x42;", "&#", "&#x", "0", "&notit;", "&hellip;", "<script>", "</script>", "</script ", "<style>", "</style>", "<u/title=1>", "==",
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("plain", "plain"),
        ("f<b>o</b>o", "foo"),
        ("one<p>two</p>three", "one\ntwo\nthree"),
        ("one<br/>two", "one\ntwo"),
        ("a &lt;b&gt; &amp;amp; &#65;&#x42; &hellip;", "a <b> &amp; AB …"),
        ("x<!-- not <b>this</b> -->y", "xy"),
        ("x<!-->y--><!--->z", "xy-->z"),
        ("x<!-- a --!>y", "xy"),
        ("x<!-- never closed", "x"),
        ("<script>var a = '<b>';</script>seen", "\nseen"),
        ("<style>b{}</styles>x</style >seen", "\nseen"),
        ("<a title='a > b'>seen</a>", "seen"),
        ('<b a=">">seen', "seen"),
        ("<b '>seen", "seen"),
        ('<b a=="> seen', " seen"),
        ("<b a=x\"'>seen", "seen"),
        ("1 < 2 and 3 > 2 <3", "1 < 2 and 3 > 2 <3"),
        ("x</>y</ p>z<?php ?>", "xyz"),
        ("&#0000000000065;", "A"),
        ("&#" + "9" * 10_000 + ";", "\ufffd"),
        ("&#0;&#xD800;&#x110000;", "\ufffd\ufffd\ufffd"),
        ("AT&T &unknown; & &", "AT&T &unknown; & &"),
        ("", ""),
    ],
)
def test_a_reader_sees(source: str, seen: str) -> None:
    found = visible(source)
    lines = seen.replace("\n", "")
    assert found.text.replace("\n", "") == lines
    if "<p>" in source or "<br" in source:
        assert found.text.split() == seen.split()


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_what_was_escaped_is_seen_as_it_was(text: str) -> None:
    text = text.replace("\0", "").replace("\r", "")
    source = html.escape(text)
    found = visible(source)
    assert found.text == text
    for number, character in enumerate(text):
        start, end = found.source(Span(number, number + 1))
        assert html.unescape(source[start:end]) == character


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@settings(max_examples=200, deadline=None)
def test_every_character_has_its_place_in_the_source_and_they_are_in_order(source: str) -> None:
    found = visible(source)
    assert len(found.text) == len(found.starts) == len(found.ends)
    place = 0
    for start, end in zip(found.starts, found.ends, strict=True):
        assert place <= start < end <= len(source)
        place = start
    for number, character in enumerate(found.text):
        at = source[found.starts[number] : found.ends[number]]
        assert at == character or at[0] in "<&"


def test_what_is_never_closed_takes_no_time() -> None:
    # Quadratic time would be hours here.
    size = 100_000
    for piece in ("<a", "<a ", "<!--", "</", "<a b='", '<a b="', "<a =", "&", "&#", "&#1", "&a", "<script>", "<", "<!", "<a/", "<!-- --", "<style><script>"):  # fmt: skip
        assert len(visible(piece * size).text) <= size * len(piece)


def sources(count: int = 3_000) -> list[str]:
    chosen = random.Random(7)
    return ["".join(chosen.choices(PIECES, k=chosen.randint(1, 14))) for _ in range(count)]


def test_sources_for_the_browser_are_not_all_plain() -> None:
    assert sum(visible(source).text != source for source in sources()) > 2_000
