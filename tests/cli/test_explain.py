"""`holdfast explain` as its users run it, with the weights that ship."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell

from holdfast.cli.explain import explain
from holdfast.content import TEXT_LIMIT, Item
from holdfast.signals.attribution import heads_of
from holdfast.signals.classifier import Classifier
from holdfast.signals.signal import Batch

TEXT = "my 👋🏽 dear bristo, I will find you and hurt you"
CAPTION = "me and my cat"
READS = """
policy: reads
rules:
  - {name: any_threat, when: threat >= 0 AND severe >= 0, then: hold, reason: threat, tells: Threats wait.}
"""


@pytest.fixture
def run(shell: Shell) -> Shell:
    return partial(shell, "explain")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def answer(run: Shell, *words: str, stdin: bytes = b"") -> Any:
    code, out, told = run(*words, "--json", stdin=stdin)
    assert (code, told) == (0, "")
    return json.loads(out)


def test_each_word_named_is_one_without_which_the_head_is_less_probable(
    run: Shell, classifier: Classifier
) -> None:
    heads = heads_of(classifier)
    told = answer(run, TEXT, "--caption", CAPTION, "--head", ",".join(heads), "--words", "3")
    assert list(told["drivers"]) == list(heads)
    assert any(told["drivers"].values())
    for head, drivers in told["drivers"].items():
        assert len(drivers) <= 3
        for driver in drivers:
            start, end = driver["start"], driver["end"]
            assert TEXT[start:end] in TEXT.split()
            without = Item(id="1", text=TEXT[:start] + TEXT[end:], caption=CAPTION)
            assert driver["without"] == classifier.measure(Batch([without])).columns[head][0]
            assert driver["without"] is None or driver["without"] < told["decision"]["signals"][head]


def test_what_the_rules_have_read_is_explained_and_else_what_is_most_probable(
    run: Shell, tmp_path: Path
) -> None:
    (tmp_path / "reads.yaml").write_text(READS)
    told = answer(run, TEXT, "--policy", "reads.yaml")
    assert (told["decision"]["action"], sorted(told["drivers"])) == ("hold", ["severe", "threat"])
    (tmp_path / "reads.yaml").write_text(READS.replace(">= 0 AND", "> 2 AND"))
    told = answer(run, TEXT, "--policy", "reads.yaml")
    signals = told["decision"]["signals"]
    (head,) = told["drivers"]
    assert signals[head] == max(signals[name] for name in heads_of(Classifier.load()))


def test_people_are_told_the_decision_every_head_and_the_words(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "reads.yaml").write_text(READS)
    code, out, told = run(TEXT, "--policy", "reads.yaml", "--head", "threat")
    assert (code, told) == (0, "")
    for said in ("hold", "waits for a person", "any_threat", "Threats wait.", "answered by the ", *heads_of(Classifier.load())):  # fmt: skip
        assert said in out
    assert "threat 0." in out.replace("threat 1.", "threat 0.")
    assert not (tmp_path / "data").exists(), "looking makes nothing"


def test_standard_input_is_taken_and_nothing_in_it_reaches_the_terminal_as_an_order(run: Shell) -> None:
    code, out, _ = run("-", "--head", "hate", stdin="a \x1b[31mbristo\x07 \u202e soup\n".encode())
    assert code == 0
    assert not set("\x1b\x07\u202e") & set(out)
    told = answer(run, "-", stdin=b"\xef\xbb\xbfwhat a soup\r\n")
    assert told["decision"]["signals"]["text.length"] == len("what a soup")


def test_a_language_that_is_not_covered_is_unknown(run: Shell) -> None:
    german = "das ist ein wunderbarer Tag und ich freue mich sehr"
    code, out, _ = run(german, "--head", "hate")
    assert code == 0
    assert "does not know" in out
    assert answer(run, german, "--head", "hate")["drivers"] == {"hate": []}
    assert answer(run, german)["drivers"] == {}


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("soup", "--head", "hat"), b"", "--head"),
        (("soup", "--words", "0"), b"", "--words"),
        (("soup", "--policy", "nowhere.yaml"), b"", "nowhere.yaml"),
        (("-",), b"\xff\xfe", "UTF-8"),
        (("-",), b"x" * (TEXT_LIMIT + 1), "too long"),
        (("-",), "😀".encode() * (TEXT_LIMIT + 10), "too long"),
    ],
)
def test_what_cannot_be_explained_is_refused_by_name(
    run: Shell, words: tuple[str, ...], stdin: bytes, said: str
) -> None:
    code, out, told = run(*words, stdin=stdin)
    assert (code, out) == (2, "")
    assert said in told


def test_every_option_is_told() -> None:
    assert explain.__doc__ is not None
    for name in ("caption", "parent", "surface", "head", "words", "policy", "json", "data"):
        assert f"\n    {name}\n" in explain.__doc__
