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
_CODE: Final = "2"
_SHOWN: Final = (
    "helping", "helping_many", "verbs", "links", "going", "openers", "addressed", "addressing", "not_a_people", "all_of", "modifiers", "subjects", "determiners",
)  # fmt: skip
"""Lists of words that show what a name means, see `identities.yaml`; data of one's own may lack some."""
_OF_THE_READER: Final = frozenset(["you", "u", "we", "i", "y", "ya", "yall"])
_CHAIN: Final = 4
"""How far the word for people may stand from the adjective that needs it: "black trans gay men"."""


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


class _Place(NamedTuple):
    """Words around a name: `None` where no word stands in the same clause."""

    before: str | None
    after: str | None
    later: str


class Identities:
    """The names of every group, ready to be looked for. Pure; takes linear time."""

    def __init__(self, data: Mapping[str, object]) -> None:
        adults = data["adults"]
        assert isinstance(adults, Mapping)
        # What a name may have behind it and still be one name, with the form that it then takes.
        self._tails = dict.fromkeys(_terms(data["person"]) + _terms(adults["one"]), ONE)
        self._tails |= dict.fromkeys(_terms(data["people"]) + _terms(adults["many"]), MANY)
        self._persons = frozenset(self._tails) | frozenset(_terms(data["persons"]))
        roles = _terms(data.get("roles", []))
        self._anybody = self._persons | frozenset((*roles, *map(_plural, roles)))
        self._shown = {name: frozenset(_terms(data.get(name, []))) for name in _SHOWN}
        acts = self._shown["helping"] | self._shown["verbs"]
        self._goes_on, self._people_go_on = acts | self._shown["links"], acts | self._shown["going"]
        self.names: list[_Name] = [
            _Name(tuple(term.split()), "", "", "never") for term in _terms(data["never"])
        ]
        groups = data["groups"]
        assert isinstance(groups, Mapping)
        self.groups: tuple[str, ...] = tuple(groups)
        for group, kinds in groups.items():
            for kind, terms in kinds.items():
                form = MANY if kind in ("plural", "after_the", "collective", "generic") else ONE
                condition = "" if kind in ("singular", "plural", "adjective") else kind
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
        lists = (self._persons, self._anybody, *self._shown.values())
        said = repr((self.names, self._tails, *map(sorted, lists)))
        return f"{_CODE}+{hashlib.sha256(said.encode()).hexdigest()[:12]}"

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
            if name.form == form and not name.condition:
                return " ".join(name.words)
        return " ".join(of_group[-1].words) + (" people" if form == MANY else "")

    def _find(self, text: str) -> list[tuple[int, int, str, tuple[str, ...]]]:
        words = _WORD.findall(text)
        if self._by_word.keys().isdisjoint(words):  # most texts name nobody, and places cost more than words
            return []
        tokens = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
        found: list[tuple[int, int, str, tuple[str, ...]]] = []
        at = 0
        while at < len(words):
            name = self._at(text, tokens, words, at)
            if name is None:
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
            end = at + len(name.words)
            if tuple(words[at:end]) != name.words:
                continue
            if name.condition in ("", "determined", "generic"):
                return name
            if name.condition in ("of_people", "of_anybody") and self._people_follow(
                words, end, name.condition
            ):
                return name
        return None

    def _at(
        self, text: str, tokens: Sequence[tuple[str, int, int]], words: Sequence[str], at: int
    ) -> _Name | None:
        for name in self._by_word.get(words[at], ()):
            size = len(name.words)
            if size > 1 and (
                tuple(words[at : at + size]) != name.words or not self._together(text, tokens, at, size)
            ):
                continue
            if name.condition in ("", "never"):
                return name
            if name.condition in ("of_people", "of_anybody"):
                fits = self._of_people(words, at, at + size, name.condition)
            elif name.condition == "determined":
                fits = at > 0 and words[at - 1] in self._shown["determiners"]
            else:
                fits = self._of_all(name.condition, _place(text, tokens, at, at + size))
            if fits:
                return name
        return None

    def _of_people(self, words: Sequence[str], at: int, end: int, condition: str) -> bool:
        """Whether people are what the adjective at `at` to `end` is said of."""
        subjects = self._shown["subjects"]
        before = words[max(at - 2, 0) : at]
        said = " ".join(before) in subjects or (bool(before) and before[-1] in subjects)
        return said or self._people_follow(words, end, condition)

    def _people_follow(self, words: Sequence[str], end: int, condition: str) -> bool:
        persons = self._persons if condition == "of_people" else self._anybody
        for other in range(end, min(end + _CHAIN, len(words))):
            if words[other] in persons:
                return True
            if condition == "of_anybody" and words[other] in self._shown["modifiers"]:
                continue
            names = [
                name
                for name in self._by_word.get(words[other], ())
                if name.words == tuple(words[other : other + len(name.words)])
            ]
            # "black muslims", "old gay men": beside another group's name.
            if any(name.form == MANY and not name.condition for name in names):
                return True
            if not names:
                return False
        return False

    def _of_all(self, condition: str, place: _Place) -> bool:
        """Whether a word that is also something else names all of a group there."""
        shown = self._shown
        if condition == "generic":
            addresses = place.after in shown["addressing"] or (
                place.after in shown["helping"] and place.later in _OF_THE_READER
            )
            if addresses or place.before in shown["addressed"]:
                return False
            return place.before in shown["openers"] or place.after in self._goes_on
        if condition == "after_the":
            return place.before in shown["all_of"] and (place.after is None or place.after in self._goes_on)
        if place.before in shown["all_of"]:
            # "the english in this song" is a language.
            return place.after is None or place.after in self._people_go_on
        return place.before not in shown["not_a_people"] and place.after in shown["helping_many"]

    @staticmethod
    def _together(text: str, tokens: Sequence[tuple[str, int, int]], at: int, size: int) -> bool:
        return all(text[tokens[n][2] : tokens[n + 1][1]] in _BETWEEN for n in range(at, at + size - 1))


def _place(text: str, tokens: Sequence[tuple[str, int, int]], at: int, end: int) -> _Place:
    before = after = None
    later = ""
    if at and text[tokens[at - 1][2] : tokens[at][1]] == " ":
        before = tokens[at - 1][0]
    if end < len(tokens):
        between = text[tokens[end - 1][2] : tokens[end][1]]
        # "chinese-american" goes on; "the blind, the deaf" and "the blind's" do not.
        if between in (" ", "-"):
            after = tokens[end][0] if between == " " else "-"
            later = tokens[end + 1][0] if end + 1 < len(tokens) else ""
    return _Place(before, after, later)


def _plural(word: str) -> str:
    if word.endswith("man"):
        return word[:-3] + "men"
    if word.endswith(("s", "ch", "sh", "x")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def _terms(said: object) -> list[str]:
    assert isinstance(said, list)
    return [str(term) for term in said]


@cache
def _shipped() -> Identities:
    source = resources.files("holdfast.signals") / "identities.yaml"
    return Identities(YAML(typ="safe", pure=True).load(source.read_text(encoding="utf-8")))
