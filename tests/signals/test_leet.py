"""Leet, undone in context."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.signals import leet


def undone(text: str) -> str:
    return "".join(map(chr, leet.undo(list(map(ord, text)))[0]))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("n1ce", "nice"), ("b00k", "book"), ("h4te", "hate"), ("fe11ow", "fellow"), ("l053r", "loser"), ("h3ll0", "hello"),
        ("1d10t", "idiot"), ("w0m3n", "women"), ("h0m3", "home"), ("0 m0m3nt5", "0 moments"), ("th3m3", "theme"), ("5tupid", "stupid"), ("b@d", "bad"), ("sh!p", "ship"), ("$tupid", "stupid"), ("a$$", "ass"), ("a$$hole", "asshole"),
        ("€vil d€vil", "€vil devil"), ("b@d.", "bad."),
    ],
)  # fmt: skip
def test_undoes(text: str, plain: str) -> None:
    assert undone(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "10am", "5k", "2nd", "1st", "3d", "covid19", "mp3", "ps5", "2020", "1990s", "5years", "3days", "4ever", "1h45min", "10m30s", "1h10m30s", "2m4s", "it took 1h30m20s",
        "$5", "us$20", "$100", "100$", "$$$", "wow!", "wow! yes", "a@b.com", "first.last@mail.example", "@user", "3.14", "0:43", "b12345678c", "gr8",
        "c3", "s&p500", "1v1", "4k60",
    ],
)  # fmt: skip
def test_leaves_alone(text: str) -> None:
    assert undone(text) == text
    assert leet.undo(list(map(ord, text)))[1] == 0


@given(st.text(alphabet="abhm013457 29@$!.€|", max_size=30))
@settings(deadline=None, max_examples=200)
def test_changes_only_what_may_stand_for_a_letter(text: str) -> None:
    result, count = leet.undo(list(map(ord, text)))
    changed = [before for before, after in zip(map(ord, text), result, strict=True) if before != after]
    assert all(code in leet.DIGITS or code in leet.SIGNS for code in changed)
    assert (count > 0) == bool(changed) and count <= len(changed)


def test_no_counted_word_is_longer_than_what_is_looked_up() -> None:
    assert max(map(len, leet.COUNTED)) <= leet.COUNTED_LIMIT
