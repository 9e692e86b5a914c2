"""Lists of terms: what is read, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.errors import HoldfastError
from holdfast.signals.terms import (
    FILE_LIMIT,
    LANGUAGES,
    NOTE_LIMIT,
    TERM_LIMIT,
    InvalidLexicon,
    Term,
    digest,
    load_terms,
    patterns,
)

HEAD = "category: insult\nlanguage: en\nterms:\n"


def write(folder: Path, text: str, name: str = "list.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_reads_terms_with_their_lists_defaults(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "category: insult\nlanguage: en\nnote: Why.\nterms:\n"
        "  - bristo\n"
        "  - {term: 傻瓜, language: zh, target: made up, note: Because.}\n"
        '  - term: "314"\n    category: hate_symbol\n    language: mul\n    whole_word: false\n    endings: [th, s]\n',
    )
    assert load_terms([path]) == [
        Term(term="bristo", category="insult", language="en", where="list.yaml:5"),
        Term(
            term="傻瓜", category="insult", language="zh", target="made up", note="Because.", whole_word=False, where="list.yaml:6"
        ),
        Term(
            term="314", category="hate_symbol", language="mul", whole_word=False, endings=("th", "s"), where="list.yaml:7"
        ),
    ]  # fmt: skip


def test_numbers_and_words_that_yaml_reads_otherwise_stay_as_written(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "  - 0314\n  - yes\n  - null\n  - 1_000\n")
    assert [term.term for term in load_terms([path])] == ["0314", "yes", "null", "1_000"]


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        (HEAD + "  - bristo\n  - wally\n  - BRÍSTO\n", "list.yaml:6", "stands there twice"),
        (HEAD + "  - bristo\n  - {term: brist, endings: [o]}\n", "list.yaml:5", "stands there twice"),
        (HEAD + "  - {term: bristo, targets: x}\n", "list.yaml:4", "unknown key"),
        (HEAD + "  - {term: bristo, term: wally}\n", "list.yaml:4", "key twice"),
        (HEAD + "  - {note: x}\n", "list.yaml:4", "no `term`"),
        (HEAD + "  - [bristo]\n", "list.yaml:4", "not a mapping"),
        (HEAD + "  - ''\n", "list.yaml:4", "not a text"),
        (HEAD + "  - {term: bristo, target: [x]}\n", "list.yaml:4", "`target` is not a text"),
        (HEAD + "  - '   '\n", "list.yaml:4", "nothing to look for"),
        (HEAD + "  - x\n", "list.yaml:4", "nothing to look for"),
        (HEAD + f"  - {'x' * (TERM_LIMIT + 1)}\n", "list.yaml:4", "not a text"),
        (
            HEAD + f"  - {{term: bristo, note: {'x' * (NOTE_LIMIT + 1)}}}\n",
            "list.yaml:4",
            "`note` is not a text",
        ),
        (HEAD + "  - {term: bristo, whole_word: perhaps}\n", "list.yaml:4", "neither true nor false"),
        (HEAD + "  - {term: bristo, endings: s}\n", "list.yaml:4", "not a short list"),
        (HEAD + "  - {term: bristo, language: xx}\n", "list.yaml:4", "no known language"),
        (HEAD + "  - {term: bristo, language: EN}\n", "list.yaml:4", "no known language"),
        (HEAD + "  - {term: bristo, category: Bad One}\n", "list.yaml:4", "no usable category"),
        ("terms:\n  - bristo\n", "list.yaml:2", "no usable category"),
        ("category: insult\nterms:\n  - bristo\n", "list.yaml:3", "no known language"),
        ("category: insult\nlanguage: en\n", "list.yaml", "no list of terms"),
        ("category: insult\nwords: []\nterms: []\n", "list.yaml:2", "unknown key"),
        ("- bristo\n", "list.yaml:1", "not a mapping"),
        ("", "list.yaml", "not a mapping"),
        (HEAD + "  - {term: bristo\n", "list.yaml", "not YAML"),
        (HEAD + "  - \x00\n", "list.yaml", "not YAML"),
        (HEAD + "  - *nowhere\n", "list.yaml:4", "not YAML"),
        ("[" * 20_000, "list.yaml", "not YAML"),
    ],
)
def test_refuses(tmp_path: Path, text: str, where: str, says: str) -> None:
    with pytest.raises(InvalidLexicon) as caught:
        load_terms([write(tmp_path, text)])
    assert isinstance(caught.value, HoldfastError)
    assert (caught.value.where or "").startswith(where)
    assert says in str(caught.value)


def test_refuses_what_is_no_text_too_large_or_missing(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(HEAD.encode() + b"  - \xff\n")
    with pytest.raises(InvalidLexicon, match="not UTF-8"):
        load_terms([binary])
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (FILE_LIMIT + 1))
    with pytest.raises(InvalidLexicon, match="too large"):
        load_terms([large])
    with pytest.raises(InvalidLexicon, match="cannot be read"):
        load_terms([tmp_path / "missing.yaml"])


def test_the_same_term_in_two_files_names_both(tmp_path: Path) -> None:
    with pytest.raises(InvalidLexicon) as caught:
        load_terms(
            [
                write(tmp_path, HEAD + "  - bristo\n", "a.yaml"),
                write(tmp_path, HEAD + "  - Bristo\n", "b.yaml"),
            ]
        )
    assert caught.value.where == "b.yaml:4"
    assert "a.yaml:4" in str(caught.value)


def test_a_doubled_letter_makes_another_term(tmp_path: Path) -> None:
    assert len(load_terms([write(tmp_path, HEAD + "  - ballo\n  - balo\n")])) == 2


def test_patterns_keep_runs_and_look_for_a_final_digit() -> None:
    (term,) = [Term(term="Ballo", category="a", language="en")]
    assert [(p.text, p.runs) for p in patterns([term])] == [("balo", (1, 1, 2, 1)), ("bal0", (1, 1, 2, 1))]


def test_the_digest_is_of_the_content() -> None:
    term = Term(term="bristo", category="a", language="en", where="x:1")
    assert digest([term]) == digest([Term(term="bristo", category="a", language="en", where="y:2")])
    assert digest([term]) != digest([Term(term="bristo", category="b", language="en")])


def test_knows_the_languages() -> None:
    assert all(len(code) == 2 for code in LANGUAGES) and 180 <= len(LANGUAGES) <= 190
    assert {"en", "de", "he", "yi", "ar", "zh", "zu"} <= LANGUAGES
