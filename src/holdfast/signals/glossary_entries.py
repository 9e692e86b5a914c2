"""The lists behind the glossary, as people write them: YAML in, entries, groups and word sets out.

A file holds any of three parts; `kind`, `targets` and `ambiguity` at its top stand for entries that do not say:

kind: code
sets:
  fruit: [banana, plum]
groups:
  martian:
    people: [martians, people from mars]    # names for its people, beside those of `identities.yaml`
    words: [martian, mars colony]           # what else says that it is concerned: languages, places, holidays, emoji
entries:
  - term: red dust
    forms: ["red {dust|sand}", "{@fruit} dust"]
    meaning: Says that Martians should have stayed where they came from.
    targets: [martian]
    ambiguity: high
    needs: {target: anywhere, not_near: [desert, "@fruit"]}

`{a|b}` in a form stands for each alternative, `{@fruit}` for each word of a set. Where `targets` is `[named]`, an
entry stands for every group: `{@people}` is the people of any ("Jews"), `{@person}` a person or an adjective ("Jew",
"Jewish"), and the group that is named is the target. The groups of `identities.yaml` are there without being listed.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from holdfast.errors import HoldfastError

FILE_LIMIT: Final = 2 * 2**20
"""Bytes of one list."""
FORMS_LIMIT: Final = 100_000
"""Forms of all entries together, alternatives written out."""
ALTERNATIVES_LIMIT: Final = 5_000
"""What one form may stand for."""
FORM_LIMIT: Final = 200
"""Characters of a form, alternatives chosen."""

NAMED: Final = "named"
"""The target of an entry that stands for every group: the one that its match names."""
PEOPLE: Final = "people"
PERSON: Final = "person"
MANY, ONE = "\ufdd0", "\ufdd1"
"""Stand in a form for the people of any group, and for a person. Unicode says that they are no characters and never will be."""

Ambiguity = Literal["low", "medium", "high"]
Kind = Literal["number", "emoji", "symbol", "code", "history", "conspiracy", "slogan", "taunt"]


class InvalidGlossary(HoldfastError):
    """A list of the glossary cannot be read; `where` is its file and line."""

    code = "invalid-glossary"


class Needs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A condition on a match's company; all that it says must hold.

    `target`: the entry's group is concerned, `around` (caption, parent or the platform's word) or `anywhere`
    (also in the text itself). `near`: one of these within `within` words, or in the caption or parent;
    `@target` is any word of the entry's group, `@glossary` another match against the same group, `@NAME` a set.
    `alone`: the text holds hardly anything else. `not_near`: with one of these in reach, the match is innocent.
    """

    target: Literal["around", "anywhere"] | None = None
    near: tuple[str, ...] = ()
    not_near: tuple[str, ...] = ()
    within: int = 10
    alone: bool = False

    @property
    def asks(self) -> bool:
        """Whether there is a condition to meet, not just company to avoid."""
        return self.target is not None or bool(self.near) or self.alone


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A term that is used to attack: what it means, whom it targets, and what must stand around it.

    `needs` lists alternatives. `addressed` says that it speaks to somebody ("go back to …"), or calls for violence
    against those it names, and so is aimed at people, whoever they are. `where` is file and line.
    """

    term: str
    name: str
    forms: tuple[str, ...]
    meaning: str
    targets: tuple[str, ...]
    ambiguity: Ambiguity
    kind: Kind
    needs: tuple[Needs, ...] = ()
    addressed: bool = False
    where: str = ""


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of people: names for them that `identities.yaml` lacks, and other words that say that it is concerned."""

    people: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Form(NamedTuple):
    """A text to look for, in which `MANY` and `ONE` stand for whom any group's name names, and the entry (its place in
    the list)."""

    text: str
    entry: int

    @property
    def names(self) -> int:
        """How many names stand in it."""
        return self.text.count(MANY) + self.text.count(ONE)


class Lists(NamedTuple):
    """All files together."""

    entries: tuple[Entry, ...]
    groups: dict[str, Group]
    sets: dict[str, tuple[str, ...]]

    def forms(self) -> list[Form]:
        """Every entry's forms, alternatives written out, without repeats. Raises `InvalidGlossary`."""
        found: dict[Form, None] = {}
        for index, entry in enumerate(self.entries):
            for form in entry.forms:
                for text in self._expand(form, entry):
                    found[Form(text, index)] = None
            if len(found) > FORMS_LIMIT:
                raise InvalidGlossary(
                    "the lists hold too many forms", where=entry.where, expected=f"at most {FORMS_LIMIT:,}"
                )
        return list(found)

    def digest(self) -> str:
        """12 hex characters that change when any list does (but not when an entry moves)."""
        entries = sorted(
            msgspec.json.encode(msgspec.structs.replace(entry, where="")) for entry in self.entries
        )
        rest = msgspec.json.encode([sorted(self.groups.items()), sorted(self.sets.items())])
        return hashlib.sha256(b"\n".join([*entries, rest])).hexdigest()[:12]

    def _expand(self, form: str, entry: Entry) -> Iterator[str]:
        if entry.targets != (NAMED,):
            return _written_out(form, self.sets, entry.where)
        sets = {**self.sets, PEOPLE: (MANY, f"the {MANY}"), PERSON: (ONE,)}
        return (text.replace("the the ", "the ") for text in _written_out(form, sets, entry.where))


_CHOICE = re.compile(r"\{([^{}]*)\}")
_NAMED = re.compile(rf"\{{@({PEOPLE}|{PERSON})\}}")


def _written_out(form: str, sets: dict[str, tuple[str, ...]], where: str) -> Iterator[str]:
    parts = _CHOICE.split(form)  # text, choice, text, …
    choices: list[list[str]] = []
    size = 1
    for place, part in enumerate(parts):
        options = [part] if place % 2 == 0 else _options(part, sets, where)
        size *= len(options)
        choices.append(options)
    if size > ALTERNATIVES_LIMIT:
        raise InvalidGlossary(
            "a form stands for too many texts",
            where=where,
            value=f"{size:,}",
            expected=f"at most {ALTERNATIVES_LIMIT:,}",
        )
    for chosen in itertools.product(*choices):
        text = " ".join("".join(chosen).split())
        if not 1 <= len(text) <= FORM_LIMIT:
            raise InvalidGlossary(
                "a form is empty or too long",
                where=where,
                value=repr(text[:40]),
                expected=f"1 to {FORM_LIMIT} characters",
            )
        yield text


def _options(choice: str, sets: dict[str, tuple[str, ...]], where: str) -> list[str]:
    options: list[str] = []
    for option in choice.split("|"):
        if option.startswith("@"):
            if option[1:] not in sets:
                raise InvalidGlossary(
                    "a form names a set that there is not",
                    where=where,
                    value=repr(option[:40]),
                    expected=f"one of {', '.join('@' + name for name in sorted(sets))}",
                )
            options.extend(sets[option[1:]])
        else:
            options.append(option)
    return options


# Reading ------------------------------------------------------------------------------------

_FILE_KEYS = ("kind", "targets", "ambiguity", "note", "sets", "groups", "entries")
_DEFAULTS = ("kind", "targets", "ambiguity")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
_GROUP = re.compile(r"[a-z][a-z0-9_]{0,31}")


def load_lists(paths: Iterable[Path], groups_known: Iterable[str] = ()) -> Lists:
    """All files as one, and the groups that are known without them. Raises `InvalidGlossary`, also for a name, set or
    group that stands there twice."""
    entries: dict[str, Entry] = {}
    groups: dict[str, Group] = {}
    sets: dict[str, tuple[str, ...]] = {}
    for path in paths:
        root = _root(path)
        if not isinstance(root, MappingNode):
            raise InvalidGlossary("is not a mapping", where=path.name, expected=", ".join(_FILE_KEYS))
        parts = _fields(root, path.name, _FILE_KEYS)
        defaults = {key: _plain(parts[key], path.name) for key in _DEFAULTS if key in parts}
        for name, node in _fields(parts.get("sets"), path.name).items():
            words = _convert(_plain(node, path.name), tuple[str, ...], _line(node, path.name))
            _add(sets, _checked(name, _GROUP, node, path.name), words, node, path.name)
        for name, node in _fields(parts.get("groups"), path.name).items():
            group = _convert(_plain(node, path.name), Group, _line(node, path.name))
            _add(groups, _checked(name, _GROUP, node, path.name), group, node, path.name)
        listed = parts.get("entries")
        if listed is not None and not isinstance(listed, SequenceNode):
            raise InvalidGlossary("`entries` is no list", where=_line(listed, path.name))
        for node in listed.value if listed is not None else ():
            entry = _entry(node, path.name, defaults)
            _add(entries, entry.name, entry, node, path.name)
    lists = Lists(tuple(entries.values()), dict.fromkeys(groups_known, Group()) | groups, sets)
    for entry in lists.entries:
        _check_references(entry, lists)
    return lists


def _root(path: Path) -> Node | None:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= FILE_LIMIT else b""
    except OSError as error:
        raise InvalidGlossary(f"cannot be read ({error.strerror})", where=path.name) from None
    if size > FILE_LIMIT:
        raise InvalidGlossary(
            "is too large", where=path.name, value=f"{size:,} bytes", expected=f"at most {FILE_LIMIT:,}"
        )
    try:
        root: Node | None = YAML(typ="safe").compose(io.StringIO(data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise InvalidGlossary("is not UTF-8", where=path.name, value=f"byte {error.start}") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        raise InvalidGlossary(
            f"is not YAML: {error.problem}",
            where=path.name if mark is None else f"{path.name}:{mark.line + 1}",
        ) from None
    except (YAMLError, RecursionError, ValueError):
        raise InvalidGlossary("is not YAML", where=path.name) from None
    _refuse_aliases(root, path.name)
    return root


def _refuse_aliases(root: Node | None, file: str) -> None:
    """A few aliases of aliases would write out to more than any machine holds."""
    seen: set[int] = set()
    waiting = [] if root is None else [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            raise InvalidGlossary("an alias stands for what is written elsewhere", where=_line(node, file))
        seen.add(id(node))
        if isinstance(node, MappingNode):
            waiting.extend(part for pair in node.value for part in pair)
        elif isinstance(node, SequenceNode):
            waiting.extend(node.value)


def _entry(node: Node, file: str, defaults: dict[str, Any]) -> Entry:
    where = _line(node, file)
    data = _plain(node, file)
    if not isinstance(data, dict):
        raise InvalidGlossary("an entry is not a mapping", where=where, expected="term: …, meaning: …")
    data = {**defaults, **data}
    term = str(data.get("term", ""))
    name = data.setdefault("name", re.sub(r"[^a-z0-9]+", "_", term.casefold()).strip("_"))
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise InvalidGlossary(
            "an entry has no usable name",
            where=where,
            value=repr(name)[:40],
            expected="name: in lower case, as in juice_box",
        )
    data.setdefault("forms", [term])
    if isinstance(data.get("needs"), dict):
        data["needs"] = [data["needs"]]
    entry: Entry = _convert({**data, "where": where}, Entry, where)
    if not entry.meaning or not entry.targets or not entry.forms:
        raise InvalidGlossary(
            "an entry says too little", where=where, value=entry.name, expected="term, meaning and targets"
        )
    return entry


def _check_references(entry: Entry, lists: Lists) -> None:
    for group in entry.targets:
        if group not in lists.groups and entry.targets != (NAMED,):
            raise InvalidGlossary(
                "an entry targets a group that there is not",
                where=entry.where,
                value=repr(group[:40]),
                expected=f"[{NAMED}], or some of {', '.join(sorted(lists.groups))}",
                next_step="add it under `groups:`, with its `people`",
            )
    if entry.targets == (NAMED,) and not all(map(_NAMED.search, entry.forms)):
        raise InvalidGlossary(
            "an entry that stands for every group has a form that names none",
            where=entry.where,
            value=entry.name,
            expected=f"{{@{PEOPLE}}} or {{@{PERSON}}} in each of its forms",
        )
    for needs in entry.needs:
        for word in (*needs.near, *needs.not_near):
            if word.startswith("@") and word not in ("@target", "@glossary") and word[1:] not in lists.sets:
                raise InvalidGlossary(
                    "a condition names a set that there is not", where=entry.where, value=repr(word[:40])
                )


def _convert(data: Any, kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidGlossary(f"cannot be read: {error}", where=where) from None


def _add(known: dict[str, Any], name: str, value: Any, node: Node, file: str) -> None:
    if name in known:
        raise InvalidGlossary("a name stands there twice", where=_line(node, file), value=repr(name[:40]))
    known[name] = value


def _checked(name: str, pattern: re.Pattern[str], node: Node, file: str) -> str:
    if pattern.fullmatch(name) is None:
        raise InvalidGlossary("a name is not usable", where=_line(node, file), value=repr(name[:40]))
    return name


def _fields(node: Node | None, file: str, keys: tuple[str, ...] = ()) -> dict[str, Node]:
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        raise InvalidGlossary("is not a mapping", where=_line(node, file))
    fields: dict[str, Node] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, ScalarNode) else ""
        if keys and name not in keys:
            raise InvalidGlossary(
                "holds an unknown key",
                where=_line(key, file),
                value=repr(name[:40]),
                expected=", ".join(keys),
            )
        _add(fields, name, value, key, file)
    return fields


def _plain(node: Node, file: str) -> Any:
    """A node as plain data; every scalar is a text, so that numbers can be terms."""
    if isinstance(node, MappingNode):
        return {name: _plain(value, file) for name, value in _fields(node, file).items()}
    if isinstance(node, SequenceNode):
        return [_plain(value, file) for value in node.value]
    return str(node.value)


def _line(node: Node, file: str) -> str:
    return f"{file}:{node.start_mark.line + 1}"
