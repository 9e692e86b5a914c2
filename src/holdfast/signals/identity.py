"""Names of groups of people, found in a text and made one.

"Jews are welcome" and "old people are welcome" become the same words, "GROUPS are welcome", before the
classifier reads them: whatever it answers, it answers for every group. Who was named is told beside it.
The names stand in `identities.yaml`; slurs and histories do not, as one group's cannot stand for another's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib import resources
from typing import Final, NamedTuple

from ruamel.yaml import YAML

ONE: Final = "GROUP"
"""Stands for a noun in the singular or an adjective."""
MANY: Final = "GROUPS"
"""Stands for a noun in the plural. The normaliser leaves no capital, so nobody can write either."""

_WORD: Final = re.compile(r"[^\W_]+")
_AN: Final = re.compile(r"(?:^|[^a-z])an $")
_BETWEEN: Final = frozenset([" ", "-", "'", " -", "- "])
_CODE: Final = "1"


class Mention(NamedTuple):
    """Groups named at `start` to `end` of the text that was read, which stand at `placed` in the canonical one."""

    start: int
    end: int
    groups: tuple[str, ...]
    form: str
    placed: int


class Canonical(NamedTuple):
    """A text with every group's name made one, and who was named."""

    text: str
    mentions: tuple[Mention, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups named, each once, by first mention."""
        return tuple(dict.fromkeys(group for mention in self.mentions for group in mention.groups))


class _Name(NamedTuple):
    words: tuple[str, ...]
    group: str
    form: str
    condition: str


class Identities:
    """The names of every group, ready to be looked for. Pure; takes linear time."""

    def __init__(self, data: Mapping[str, object]) -> None:
        adults = data["adults"]
        assert isinstance(adults, Mapping)
        # What a name may have behind it and still be one name, with the form that it then takes.
        self._tails = dict.fromkeys(_terms(data["person"]) + _terms(adults["one"]), ONE)
        self._tails |= dict.fromkeys(_terms(data["people"]) + _terms(adults["many"]), MANY)
        self._persons = frozenset(self._tails) | frozenset(_terms(data["persons"]))
        self._subjects = frozenset(_terms(data["subjects"]))
        self._determiners = frozenset(_terms(data["determiners"]))
        self.names: list[_Name] = [
            _Name(tuple(term.split()), "", "", "never") for term in _terms(data["never"])
        ]
        groups = data["groups"]
        assert isinstance(groups, Mapping)
        self.groups: tuple[str, ...] = tuple(groups)
        for group, kinds in groups.items():
            for kind, terms in kinds.items():
                form = MANY if kind == "plural" else ONE
                condition = kind if kind in ("of_people", "determined") else ""
                self.names.extend(
                    _Name(tuple(term.split()), group, form, condition) for term in _terms(terms)
                )
        self._by_word: dict[str, list[_Name]] = {}
        for name in self.names:
            self._by_word.setdefault(name.words[0], []).append(name)
        for names in self._by_word.values():
            names.sort(key=lambda name: len(name.words), reverse=True)

    @classmethod
    def shipped(cls) -> Identities:
        """The names that ship with Holdfast."""
        return _shipped()

    @cached_property
    def version(self) -> str:
        """Changes when the same text could become another."""
        said = repr(
            (self.names, self._tails, *map(sorted, (self._persons, self._subjects, self._determiners)))
        )
        return f"{_CODE}+{hashlib.sha256(said.encode()).hexdigest()[:12]}"  # fmt: skip

    def canonical(self, text: str) -> Canonical:
        """`text`, which is in the normaliser's readable form, with groups' names made one.

        "{name} people" is the plural, "{name} person" the singular, "{name} {name}" one; "an" before a name becomes
        "a", and "'s" after a plural "'", so that no trace of the name remains.
        """
        return self._rewritten(text, None)

    def swapped(self, text: str, group: str) -> str:
        """`text` with every group's name made `group`'s: for augmenting and for auditing."""
        return self._rewritten(text, group).text

    def _rewritten(self, text: str, group: str | None) -> Canonical:
        found = self._find(text)
        if not found:
            return Canonical(text, ())
        pieces: list[str] = []
        mentions: list[Mention] = []
        length = done = 0
        for start, end, form, groups in found:
            before = text[done:start]
            if _AN.search(before[-4:]):
                before = before[:-2] + " "
            spoken = form if group is None else self._spoken(group, form)
            length += len(before)
            pieces += [before, spoken]
            mentions.append(Mention(start, end, groups, form, length))
            length += len(spoken)
            done = end
            if form == MANY and text.startswith("'s", end) and not text[end + 2 : end + 3].isalnum():
                pieces.append("'")
                length += 1
                done = end + 2
        pieces.append(text[done:])
        return Canonical("".join(pieces), tuple(mentions))

    def _spoken(self, group: str, form: str) -> str:
        of_group = [name for name in self.names if name.group == group]
        for name in of_group:
            if name.form == form and (form == MANY or not name.condition):
                return " ".join(name.words)
        return " ".join(of_group[-1].words) + (" people" if form == MANY else "")

    def _find(self, text: str) -> list[tuple[int, int, str, tuple[str, ...]]]:
        tokens = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
        words = [word for word, _, _ in tokens]
        found: list[tuple[int, int, str, tuple[str, ...]]] = []
        at = 0
        while at < len(words):
            name = self._at(words, at)
            if name is None or not self._together(text, tokens, at, len(name.words)):
                at += 1
                continue
            after = at + len(name.words)
            if name.condition != "never":
                form, groups = name.form, [name.group]
                while after < len(words) and text.startswith(f" {words[after]}", tokens[after - 1][2]):
                    # "black people" is what "blacks" is, "a jewish woman" what "a jew" is.
                    other = self._behind(words, after) if form == ONE else None
                    if other is not None and self._together(text, tokens, after, len(other.words)):
                        form, after = other.form, after + len(other.words)
                        groups.append(other.group)
                    elif (tail := self._tails.get(words[after])) is not None and (
                        form == ONE or tail == MANY
                    ):
                        form, after = tail, after + 1
                    else:
                        break
                found.append((tokens[at][1], tokens[after - 1][2], form, tuple(dict.fromkeys(groups))))
            at = after
        return found

    def _behind(self, words: Sequence[str], at: int) -> _Name | None:
        """The name at `at`, which another stands before: that is all that a name for people asks for."""
        for name in self._by_word.get(words[at], ()):
            if name.condition in ("", "determined") and tuple(words[at : at + len(name.words)]) == name.words:
                return name
        return None

    def _at(self, words: Sequence[str], at: int) -> _Name | None:
        for name in self._by_word.get(words[at], ()):
            size = len(name.words)
            if size > 1 and tuple(words[at : at + size]) != name.words:
                continue
            after = words[at + size] if at + size < len(words) else ""
            before = words[max(at - 2, 0) : at]
            if name.condition == "of_people" and not (
                after in self._persons
                or " ".join(before) in self._subjects
                or (before and before[-1] in self._subjects)
                # "black muslims", "old gay men": beside another group's name.
                or any(other.form == MANY and not other.condition for other in self._by_word.get(after, ()))
                or (
                    after in self._by_word
                    and at + size + 1 < len(words)
                    and words[at + size + 1] in self._persons
                )
            ):
                continue
            if name.condition == "determined" and not (before and before[-1] in self._determiners):
                continue
            return name
        return None

    @staticmethod
    def _together(text: str, tokens: Sequence[tuple[str, int, int]], at: int, size: int) -> bool:
        return all(text[tokens[n][2] : tokens[n + 1][1]] in _BETWEEN for n in range(at, at + size - 1))


def _terms(said: object) -> list[str]:
    assert isinstance(said, list)
    return [str(term) for term in said]


@cache
def _shipped() -> Identities:
    source = resources.files("holdfast.signals") / "identities.yaml"
    return Identities(YAML(typ="safe", pure=True).load(source.read_text(encoding="utf-8")))
