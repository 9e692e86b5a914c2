"""The YAML of a policy as a small tree in which everything knows its place.

Only what a policy needs of YAML is taken: mappings, lists and scalars. Anchors, aliases, tags and
several documents are refused, so that no file grows when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from holdfast.policy import limits
from holdfast.policy.diagnostics import Finding
from holdfast.policy.source import Region, Source


@dataclass(eq=False)
class Scalar:
    """A text, number or truth value. `plain` says that it stands without quotes."""

    value: str
    at: Region
    plain: bool
    _style: str
    _source: Source = field(repr=False)
    _offsets: list[int] | None = field(default=None, repr=False)

    def region(self, start: int, end: int) -> Region:
        """Where the characters `start` to `end` (exclusive) of the value stand in the source."""
        if self._offsets is None:
            self._offsets = _align(self.value, self._source.text, self.at, self._style)
        if not self._offsets or start >= len(self._offsets):
            return self.at
        first = self._offsets[start]
        last = self._offsets[min(max(start, end - 1), len(self._offsets) - 1)]
        return Region(first, max(first, last) + 1)


@dataclass(eq=False)
class Mapping:
    """Keys with values, in the order written."""

    at: Region
    entries: list[tuple[Scalar, Node]] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        """The value of the first `key`."""
        return next((value for name, value in self.entries if name.value == key), None)

    def key(self, key: str) -> Scalar | None:
        """The first `key` itself."""
        return next((name for name, _ in self.entries if name.value == key), None)


@dataclass(eq=False)
class Sequence:
    """A list."""

    at: Region
    items: list[Node] = field(default_factory=list)


_CODED_BLANK = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")

_SPLITTING = "split it into several policies"
_QUOTING = (
    "a value that holds ': ' or ' #', or begins with a quote or a bracket, goes after | on its own lines"
)

Node: TypeAlias = Scalar | Mapping | Sequence


class Unreadable(Exception):
    """The source is no such YAML; carries the one finding that says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def read(source: Source) -> Mapping:
    """The document in `source`. Raises `Unreadable`."""
    if len(source.text) > limits.SOURCE_CHARACTERS:
        raise Unreadable(
            Finding(
                Region(0, 1),
                f"the policy has {len(source.text):,} characters; at most {limits.SOURCE_CHARACTERS:,} are read",
                _SPLITTING,
            )
        )
    root = _build(source)
    if isinstance(root, Mapping):
        return root
    raise Unreadable(
        Finding(
            Region(0, 1) if root is None else root.at,
            "a policy is a mapping of keys to values" if root is not None else "the policy is empty",
            "begin with a line such as policy: community",
        )
    )


def _build(source: Source) -> Node | None:
    root: Node | None = None
    open_nodes: list[Mapping | Sequence] = []
    keys: list[Scalar | None] = []  # for every open mapping, the key that waits for its value
    documents = values = 0
    for event in _events(source):
        at = Region(event.start_mark.index, event.end_mark.index)
        node: Node
        match event:
            case DocumentStartEvent():
                documents += 1
                if documents > 1:
                    raise Unreadable(Finding(at, "a file holds one policy", "remove what follows this ---"))
                continue
            case AliasEvent():
                raise Unreadable(Finding(at, "aliases (*name) are not read", "write the value out"))
            case CollectionEndEvent():
                open_nodes.pop()
                keys.pop()
                continue
            case ScalarEvent():
                _refuse_decoration(event, at)
                node = Scalar(event.value, at, event.style is None, event.style or "", source)
            case MappingStartEvent():
                _refuse_decoration(event, at)
                node = Mapping(at)
            case SequenceStartEvent():
                _refuse_decoration(event, at)
                node = Sequence(at)
            case _:
                continue
        values += 1
        if values > limits.VALUES:
            raise Unreadable(
                Finding(at, f"a policy has at most {limits.VALUES:,} keys and values", _SPLITTING)
            )
        if not open_nodes:
            root = node
        else:
            parent = open_nodes[-1]
            if isinstance(parent, Sequence):
                parent.items.append(node)
            elif (key := keys[-1]) is not None:
                parent.entries.append((key, node))
                keys[-1] = None
            elif isinstance(node, Scalar):
                keys[-1] = node
                continue
            else:
                raise Unreadable(Finding(at, "a key is a plain word"))
        if not isinstance(node, Scalar):
            open_nodes.append(node)
            keys.append(None)
            if len(open_nodes) > limits.NESTING:
                raise Unreadable(Finding(at, f"nests deeper than {limits.NESTING} levels"))
    return root


def _refuse_decoration(event: Any, at: Region) -> None:
    if event.anchor is not None:
        raise Unreadable(
            Finding(at, "anchors (&name) are not read", "write the value out, or name it under define:")
        )
    if event.tag is not None:
        raise Unreadable(
            Finding(at, "tags (!name) are not read", "put a text that begins with ! in quotes, or after |")
        )


def _events(source: Source) -> Iterator[Any]:
    try:
        yield from YAML(typ="safe", pure=True).parse(source.text)
    except ReaderError as error:
        offset = int(error.position)
        raise Unreadable(
            Finding(
                Region(offset, offset + 1),
                f"the character U+{error.character:04X} is not allowed in a policy",
                "remove it",
            )
        ) from None
    except MarkedYAMLError as error:
        problem = (error.problem or error.context or "is not YAML").strip()
        mark = error.problem_mark or error.context_mark
        offset = min(mark.index, max(0, len(source.text) - 1)) if mark is not None else 0
        context = error.context_mark
        raise Unreadable(
            Finding(
                Region(offset, offset + 1),
                f"this is not YAML: {problem}",
                "use spaces, not tabs" if "'\\t'" in problem else _QUOTING,
                None
                if context is None or error.context is None or context.index == offset
                else (Region(context.index, context.index + 1), error.context),
            )
        ) from None
    except (ValueError, OverflowError, RecursionError):
        # The scanner trusts numbers in escapes and nests by recursion in places.
        raise Unreadable(Finding(Region(0, 1), "this is not YAML")) from None


def _align(value: str, text: str, at: Region, style: str) -> list[int]:
    """For every character of a scalar's value its offset in the source; empty when they do not match.

    Runs of white space are matched as wholes: indentation and folded line breaks differ between
    value and source, everything else is one to one (save the escapes of quoted scalars).
    """
    place, end = at
    if style in ("|", ">"):
        place = text.find("\n", place, end) + 1 or text.find("\r", place, end) + 1
        if not place:
            return []
    elif style in ("'", '"'):
        place, end = place + 1, end - 1
    offsets: list[int] = []
    length = len(value)
    index = 0
    while index < length:
        if value[index].isspace():
            start = place
            place = _behind_blanks(text, place, end, style)
            while index < length and value[index].isspace():
                offsets.append(min(start, max(end - 1, at.start)))
                start = min(start + 1, max(place - 1, at.start))
                index += 1
            continue
        place = _behind_blanks(text, place, end, style)
        if place >= end:
            return []
        if style == '"' and text[place] == "\\":
            # An escape stands for one character; `\x41`, `\u0041` and `\U00000041` have fixed lengths.
            offsets.append(place)
            place += 2 + {"x": 2, "u": 4, "U": 8}.get(text[place + 1], 0)
        elif text[place] != value[index]:
            return []
        else:
            offsets.append(place)
            place += 2 if style == "'" and text[place] == "'" else 1
        index += 1
    return offsets


_BLANK_ESCAPES = {"n", "r", "t", "v", "f", " ", "\t", "N", "_", "L", "P", "\r", "\n"}


def _behind_blanks(text: str, place: int, end: int, style: str) -> int:
    """The first place from `place` on that holds no white space, nor an escape for some."""
    while place < end:
        if text[place].isspace():
            place += 1
        elif style == '"' and text[place] == "\\" and text[place + 1] in _BLANK_ESCAPES:
            place += 2
        elif (
            style == '"'
            and (code := _CODED_BLANK.match(text, place, end))
            and chr(int(code[code.lastindex or 1], 16)).isspace()
        ):
            place = code.end()
        else:
            break
    return place
