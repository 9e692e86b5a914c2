"""Lists of terms, as operators write them: YAML in, terms out, or an error that names file and line.

category: insult            # of every term below that does not name its own
language: en                # ISO 639-1; "mul" for signs and codes that belong to none
note: What the list is for.
terms:
  - nincompoop
  - {term: bristo, endings: [s], target: made up, note: Why it stands here.}
  - {term: 傻瓜, language: zh, whole_word: false}
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from holdfast.errors import HoldfastError
from holdfast.signals.normalise_reference import NormalisedText, normalise_text

FILE_LIMIT: Final = 4 * 2**20
"""Bytes of one list."""
TERMS_LIMIT: Final = 100_000
"""Terms of all lists together, endings included."""
TERM_LIMIT: Final = 200
"""Characters of a term."""
NOTE_LIMIT: Final = 2_000
"""Characters of a note."""
ENDINGS_LIMIT: Final = 16
"""Endings of one term."""

LANGUAGES: Final = frozenset(
    re.findall(
        "..",
        "aaabaeafakamanarasavayazbabebgbhbibmbnbobrbscacechcocrcscucvcydadedvdzeeeleneoeseteufafffifjfofrfygagdglgngugv"
        "hahehihohrhthuhyhziaidieigiiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkylalblglilnloltlulvmgmhmimkmlmnmrmsmtmy"
        "nanbndnengnlnnnonrnvnyocojomorospapiplpsptqurmrnrorurwsascsdsesgsiskslsmsnsosqsrssstsusvswtatetgthtitktltntotr"
        "tstttwtyugukuruzvevivowawoxhyiyozazhzu",
    )
)
"""ISO 639-1."""
_MANY = "mul"

_CATEGORY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FILE_KEYS = ("category", "language", "note", "terms")
_TERM_KEYS = ("term", "category", "language", "note", "target", "whole_word", "endings")

# Scripts that are written without spaces between words: a term there need not be one.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")  # fmt: skip


class InvalidLexicon(HoldfastError):
    """A list of terms cannot be read; `where` is its file and line."""

    code = "invalid-lexicon"


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a list.

    `whole_word` says whether it must stand alone; `endings` are further forms that count as the same
    term ("s" beside "bristo"). `where` is file and line.
    """

    term: str
    category: str
    language: str
    note: str = ""
    target: str | None = None
    whole_word: bool = True
    endings: tuple[str, ...] = ()
    where: str = ""


class Pattern(NamedTuple):
    """A normal form in which a term is looked for: its collapsed characters and the run of each.

    Several patterns may belong to one term (`term` is its place in the list).
    """

    text: str
    runs: tuple[int, ...]
    term: int


def load_terms(paths: Iterable[Path]) -> list[Term]:
    """The terms of all lists, in order. Raises `InvalidLexicon`, also when two are the same after normalisation."""
    terms: list[Term] = []
    for path in paths:
        terms.extend(_read(path))
    _refuse_duplicates(terms)
    return terms


def digest(terms: Iterable[Term]) -> str:
    """12 hex characters that change when any term does (but not when it moves to another line or file)."""
    rows = sorted(
        json.dumps(
            [t.term, t.category, t.language, t.note, t.target, t.whole_word, *t.endings], ensure_ascii=False
        )
        for t in terms
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:12]


def patterns(terms: Iterable[Term]) -> list[Pattern]:
    """The normal forms to look for, without repeats, in the order of `terms`."""
    found: dict[Pattern, None] = {}
    for index, term in enumerate(terms):
        for form in forms(term):
            for normal in _in_context(form):
                found[Pattern(normal.collapsed, tuple(normal.runs), index)] = None
                leet = _with_last_as_digit(normal)
                if leet is not None:
                    found[Pattern(leet, tuple(normal.runs), index)] = None
    return list(found)


def forms(term: Term) -> list[str]:
    """The term and it with each of its endings."""
    return [term.term, *(term.term + ending for ending in term.endings)]


_DISTINCTIVE = {"Ѐ-ӿ": "ж", "Ͱ-Ͽ": "ω"}
"""A letter of Cyrillic and Greek that looks like no Latin one, beside their ranges."""


def _in_context(form: str) -> Iterator[NormalisedText]:
    """The normal form by itself and, where it holds Cyrillic or Greek, all that its look-alikes may lead to.

    Which letters look like Latin ones depends on their case, and which is meant on what stands around.
    """
    yield _stripped(normalise_text(form))
    for script, letter in _DISTINCTIVE.items():
        if re.search(f"[{script}]", form):
            for written in (form, form.upper(), form.capitalize()):
                yield _stripped(normalise_text(written))
                yield _stripped(normalise_text(f"{letter} {written}"), skip=2)


def _stripped(normal: NormalisedText, skip: int = 0) -> NormalisedText:
    """Without the first `skip` places, and without space at either end."""
    text, runs = normal.collapsed[skip:], normal.runs[skip:]
    left = len(text) - len(text.lstrip(" "))
    right = len(text.rstrip(" "))
    return normal._replace(collapsed=text[left:right], runs=runs[left:right])


_AS_DIGIT = {"o": "0", "i": "1", "e": "3", "a": "4", "s": "5", "t": "7"}


def _with_last_as_digit(normal: NormalisedText) -> str | None:
    """The form with its last letter as a digit. The normaliser leaves "covid4" alone, for good reason; so that
    a term ending in "4" for "a" is still found, it is looked for."""
    text = normal.collapsed
    if len(text) < 4 or normal.runs[-1] != 1 or not text[-2].isalpha():
        return None
    digit = _AS_DIGIT.get(text[-1])
    return None if digit is None else text[:-1] + digit


def _refuse_duplicates(terms: list[Term]) -> None:
    if sum(1 + len(term.endings) for term in terms) > TERMS_LIMIT:
        raise InvalidLexicon(
            "the lists hold too many terms", value=f"{len(terms):,}", expected=f"at most {TERMS_LIMIT:,}"
        )
    seen: dict[tuple[str, tuple[int, ...]], Term] = {}
    for term in terms:
        for form in forms(term):
            normal = _stripped(normalise_text(form))
            if not normal.collapsed or (len(normal.collapsed) == 1 and normal.collapsed.isascii()):
                raise InvalidLexicon(
                    "a term leaves nothing to look for once it is normalised",
                    where=term.where,
                    value=repr(form[:40]),
                    expected="two characters or more",
                )
            first = seen.setdefault((normal.collapsed, tuple(normal.runs)), term)
            if first is not term:
                raise InvalidLexicon(
                    "a term stands there twice: both are the same once case, accents and disguises are undone",
                    where=term.where,
                    value=repr(form[:40]),
                    expected=f"one entry; the other is at {first.where} ({first.term[:40]!r})",
                    next_step="remove one of them",
                )


def _read(path: Path) -> Iterator[Term]:
    name = path.name
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= FILE_LIMIT else b""
    except OSError as error:
        raise InvalidLexicon(f"cannot be read ({error.strerror})", where=name) from None
    if size > FILE_LIMIT:
        raise InvalidLexicon(
            "is too large", where=name, value=f"{size:,} bytes", expected=f"at most {FILE_LIMIT:,}"
        )
    try:
        root = YAML(typ="safe").compose(io.StringIO(data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise InvalidLexicon("is not UTF-8", where=name, value=f"byte {error.start}") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        raise InvalidLexicon(
            f"is not YAML: {error.problem}", where=name if mark is None else f"{name}:{mark.line + 1}"
        ) from None
    except (YAMLError, RecursionError, ValueError):
        raise InvalidLexicon("is not YAML", where=name) from None
    fields = _mapping(root, name, _FILE_KEYS)
    if "terms" not in fields or not isinstance(fields["terms"], SequenceNode):
        raise InvalidLexicon("has no list of terms", where=name, expected="terms:, with one entry a line")
    defaults: dict[str, str] = {
        key: _text(fields[key], name, key) for key in _TERM_KEYS[1:3] if key in fields
    }
    if "note" in fields:
        _text(fields["note"], name, "note", NOTE_LIMIT)
    for node in fields["terms"].value:
        yield _term(node, name, defaults)


def _line(node: Node | None, name: str) -> str:
    return name if node is None else f"{name}:{node.start_mark.line + 1}"


def _mapping(node: Node | None, name: str, keys: tuple[str, ...]) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        raise InvalidLexicon("is not a mapping", where=_line(node, name), expected=", ".join(keys))
    fields: dict[str, Node] = {}
    for key, value in node.value:
        known = key.value if isinstance(key, ScalarNode) else None
        if known not in keys:
            raise InvalidLexicon(
                "holds an unknown key",
                where=_line(key, name),
                value=repr(known)[:40],
                expected=", ".join(keys),
            )
        if known in fields:
            raise InvalidLexicon("holds a key twice", where=_line(key, name), value=known)
        fields[known] = value
    return fields


def _text(node: Node, name: str, key: str, limit: int = TERM_LIMIT) -> str:
    if not isinstance(node, ScalarNode) or not 1 <= len(node.value) <= limit:
        raise InvalidLexicon(
            f"`{key}` is not a text", where=_line(node, name), expected=f"1 to {limit} characters"
        )
    return str(node.value)


def _term(node: Node, name: str, defaults: dict[str, str]) -> Term:
    where = _line(node, name)
    fields = {"term": node} if isinstance(node, ScalarNode) else _mapping(node, name, _TERM_KEYS)
    if "term" not in fields:
        raise InvalidLexicon("an entry has no `term`", where=where)
    text = _text(fields["term"], name, "term")
    category = (
        _text(fields["category"], name, "category") if "category" in fields else defaults.get("category")
    )
    language = (
        _text(fields["language"], name, "language") if "language" in fields else defaults.get("language")
    )
    if category is None or _CATEGORY.fullmatch(category) is None:
        raise InvalidLexicon(
            "a term has no usable category",
            where=where,
            value=repr(category)[:40],
            expected="category: in lower case, as in `insult` or `threat_phrase`",
        )
    if language is None or (language not in LANGUAGES and language != _MANY):
        raise InvalidLexicon(
            "a term has no known language",
            where=where,
            value=repr(language)[:40],
            expected=f"language: an ISO 639-1 code such as en, or {_MANY}",
        )
    return Term(
        term=text,
        category=category,
        language=language,
        note=_text(fields["note"], name, "note", NOTE_LIMIT) if "note" in fields else "",
        target=_text(fields["target"], name, "target", 64) if "target" in fields else None,
        whole_word=_flag(fields["whole_word"], name)
        if "whole_word" in fields
        else not _UNSPACED.search(text),
        endings=_endings(fields["endings"], name) if "endings" in fields else (),
        where=where,
    )


def _flag(node: Node, name: str) -> bool:
    if isinstance(node, ScalarNode) and node.value in ("true", "false"):
        return bool(node.value == "true")
    raise InvalidLexicon("`whole_word` is neither true nor false", where=_line(node, name))


def _endings(node: Node, name: str) -> tuple[str, ...]:
    if not isinstance(node, SequenceNode) or len(node.value) > ENDINGS_LIMIT:
        raise InvalidLexicon(
            "`endings` is not a short list",
            where=_line(node, name),
            expected=f"at most {ENDINGS_LIMIT}, as in [s, es]",
        )
    return tuple(_text(ending, name, "endings", 32) for ending in node.value)
