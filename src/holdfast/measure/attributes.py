"""Attributes of Perspective in a file of former scores: which column holds which, and what is found for each.

Columns are called as the interface called them, in any case, with or without what stands around a score there:
`TOXICITY`, `toxicity_score`, `attributeScores.TOXICITY.summaryScore.value`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import BinaryIO, Final, NamedTuple

import msgspec
import numpy as np

from holdfast.bulk.columns import CONTEXT, near
from holdfast.bulk.readers import Format
from holdfast.content import Surface
from holdfast.engine import Measured
from holdfast.errors import HoldfastError
from holdfast.measure.columns import Opened, from_context, open_labelled
from holdfast.measure.figures import Floats
from holdfast.measure.migration import Migration, migration
from holdfast.measure.refit import InvalidSample
from holdfast.measure.score import Score
from holdfast.perspective import ATTRIBUTES, EXPERIMENTAL, NAMES, scores, supported

OTHERS: Final = (
    "FLIRTATION", "ATTACK_ON_AUTHOR", "ATTACK_ON_COMMENTER", "INCOHERENT", "INFLAMMATORY", "LIKELY_TO_REJECT",
    "OBSCENE", "UNSUBSTANTIAL", "AFFINITY", "COMPASSION", "CURIOSITY", "NUANCE", "PERSONAL_STORY", "REASONING",
    "RESPECT", "ALIENATION", "FEARMONGERING", "GENERALIZATION", "MORAL_OUTRAGE", "POWER_APPEAL", "SCAPEGOATING",
)  # fmt: skip
"""Attributes that Perspective had besides, which Holdfast refuses by name."""
TEXTS: Final = ("text", "comment", "comment_text", "comment.text")
"""Columns that hold the text where no option names one, the first that there is."""
_AROUND: Final = frozenset(
    "attributescores summaryscore score scores value perspective experimental".split()  # noqa: SIM905
)
_WORD = re.compile(r"[a-z0-9]+")
_COLUMN_CHARACTERS = 200


class InvalidAttribute(HoldfastError):
    """A file or an option names no attribute of Perspective's, or one twice."""

    code = "invalid-attribute"


class Columns(NamedTuple):
    """Columns by the attribute that they hold; `left_out` are Perspective's that Holdfast does not score."""

    by_attribute: Mapping[str, str]
    twice: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]


class WantedAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute that is to be compared with its former score, at `thresholds` of that."""

    attribute: str
    former: Score
    thresholds: tuple[float, ...] = ()


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """What was found for an attribute. `unknown` counts rows that Holdfast says nothing about; without a `migration`,
    `why` says what stood against it."""

    attribute: str
    score: str
    heads: tuple[str, ...]
    unknown: int
    migration: Migration | None
    why: str | None = None


def attribute_of(column: str) -> str | None:
    """The attribute that `column` is called after, whether Holdfast scores it or not."""
    if len(column) > _COLUMN_CHARACTERS:
        return None
    words = [word for word in _WORD.findall(column.casefold().replace("_", " ")) if word not in _AROUND]
    return _FOLDED.get("".join(words))


def find(columns: Sequence[str], named: Mapping[str, str] | None = None) -> Columns:
    """Which of `columns` hold attributes. `named` (attribute to column) come before what columns are called; one that
    is called exactly as an attribute before those that are called more than that."""
    found: dict[str, list[str]] = {}
    taken = set((named or {}).values())
    for column in columns:
        attribute = None if column in taken else attribute_of(column)
        if attribute is not None and attribute not in (named or {}):
            found.setdefault(attribute, []).append(column)
    chosen, twice = dict(named or {}), {}
    for attribute in NAMES:
        candidates = found.get(attribute, [])
        exact = [one for one in candidates if one.casefold() == attribute.casefold()] or candidates
        if len(exact) == 1:
            chosen[attribute] = exact[0]
        elif exact:
            twice[attribute] = tuple(exact)
    in_order = {name: chosen[name] for name in NAMES if name in chosen}
    return Columns(in_order, twice, tuple(name for name in OTHERS if name in found))


def open_scored(
    path: str,
    wanted: Mapping[str, str],
    named: Mapping[str, str],
    *,
    mapping: Mapping[str, str],
    format: Format | None = None,
    encoding: str | None = None,
    surface: Surface = "comment",
    stdin: BinaryIO | None = None,
) -> tuple[Opened, Columns]:
    """Open `path` as `open_labelled` does, with every column that holds an attribute as well: those `named`
    (attribute to column), and those that `find` finds. Raises `InvalidInput` and `InvalidAttribute`."""

    def more(columns: Sequence[str]) -> dict[str, str]:
        found = {f"{CONTEXT}.{column}": column for column in find(columns, named).by_attribute.values()}
        text = None if "text" in mapping else _text(columns)
        return found if text is None else {**found, "text": text}

    opened = open_labelled(
        path, {**dict.fromkeys(named.values(), "--score"), **wanted}, mapping=mapping, format=format,
        encoding=encoding, surface=surface, stdin=stdin, more=more,
    )  # fmt: skip
    columns = [*opened.reader.found.used.values(), *opened.reader.found.unused]
    found = find(columns, named)
    try:
        _check_found(found, columns, path)
    except InvalidAttribute:
        opened.reader.close()
        raise
    cells = {column: from_context(column) for column in found.by_attribute.values()}
    return Opened(opened.reader, {**cells, **opened.cells}), found


def _text(columns: Sequence[str]) -> str | None:
    folded = {column.casefold(): column for column in reversed(columns)}
    named = next((folded[name] for name in TEXTS if name in folded), None)
    return named or near("text", columns, close=False)


def _check_found(found: Columns, columns: Iterable[str], where: str) -> None:
    """Raise `InvalidAttribute` where a file holds no attribute, or one twice."""
    for attribute, twice in found.twice.items():
        raise InvalidAttribute(
            f"has several columns for {attribute}",
            where=where,
            value=", ".join(twice)[:200],
            next_step=f"say which: --score {attribute}={twice[0]}",
        )
    if not found.by_attribute:
        names = [column for column in columns if len(column) <= 40][:20]
        raise InvalidAttribute(
            "has no column with scores of Perspective",
            where=where,
            value=f"the columns {', '.join(names)}" if names else None,
            expected=f"columns such as {', '.join(NAMES[:3])} or toxicity_score",
            next_step="name them: --score TOXICITY=COLUMN INSULT=COLUMN",
        )


def check_attribute(name: str, option: str) -> str:
    """The attribute called `name`, in any case. Raises `InvalidAttribute`."""
    attribute = _FOLDED.get("".join(_WORD.findall(name.casefold().removesuffix(EXPERIMENTAL.casefold()))))
    if attribute is not None and attribute in ATTRIBUTES:
        return attribute
    close = get_close_matches(name.upper()[:40], NAMES, n=1)
    raise InvalidAttribute(
        "is an attribute that Holdfast does not score" if attribute else "is not an attribute of Perspective",
        where=f"{option} {name[:40]}",
        expected=f"one of {', '.join(NAMES)}",
        next_step=f"did you mean {close[0]}?" if close and not attribute else None,
    )


def check_heads(attributes: Iterable[str], heads: Sequence[str], where: str) -> None:
    """Raise `InvalidAttribute` for one that takes a head that the classifier's weights do not have."""
    able = supported(heads)
    for attribute in attributes:
        if attribute not in able:
            missing = [head for head in ATTRIBUTES[attribute] if head not in heads]
            raise InvalidAttribute(
                f"{attribute} takes a head that the weights in use do not have",
                where=where,
                value=", ".join(missing),
                next_step="leave the column out, or use the weights that ship",
            )


class AttributeRows:
    """A former score of every row, for one attribute."""

    def __init__(self, wanted: WantedAttribute) -> None:
        self.wanted = wanted
        self._former = array("d")

    def add(self, measured: Measured, rows: Sequence[int]) -> None:
        """Raises `InvalidScore` at a former score that is no number."""
        column = self.wanted.former.column(measured, rows)
        self._former.extend(float("nan") if one is None else one for one in column)

    def finish(self, heads: Mapping[str, Floats], seed: int, where: str) -> Attribute:
        """What is found, from the probabilities of all heads, NaN where there is none."""
        wanted = self.wanted
        here = np.array(scores(wanted.attribute, heads), np.float64)  # type: ignore[arg-type]
        former = np.frombuffer(self._former, np.float64)
        known, scored = ~np.isnan(here), ~np.isnan(former)
        moved, why = None, None
        try:
            if not scored.any():
                raise InvalidSample("no row has a former score")
            if not (known & scored).any():
                raise InvalidSample("the classifier says nothing of the rows with a former score")
            moved = migration(
                wanted.former.name,
                former[known & scored],
                here[known & scored],
                None,
                wanted.thresholds,
                None,
                np.random.default_rng(seed),
                f"{where}, {wanted.former.name}",
            )
        except HoldfastError as error:
            why = error.what  # the others are told all the same
        return Attribute(
            attribute=wanted.attribute,
            score=wanted.former.name,
            heads=ATTRIBUTES[wanted.attribute],
            unknown=int((~known).sum()),
            migration=moved,
            why=why,
        )


_FOLDED: Final = {name.casefold().replace("_", ""): name for name in (*NAMES, *OTHERS)}
