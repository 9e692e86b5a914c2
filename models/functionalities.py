"""Functionalities: kinds of own sentences, and whether the classifier does the right thing with each.

A functionality belongs to a class of `classes.yaml`, which names the bar it is held to.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from holdfast.measure.figures import RESAMPLES, Figure, bootstrapped, share
from models.answers import Answers
from models.cutoffs import Cutoffs
from models.development import Development
from models.sources import InvalidRecipe

FILE = Path(__file__).parent / "classes.yaml"
LOW = 0.8
"""Share of right decisions under which a functionality is flagged."""
NO_ROWS = "there are no rows"

Wanted = Literal["acted on", "left up"]
Bools = NDArray[np.bool_]


class Class(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of functionalities of which one thing is wanted, and the share that has to be right."""

    name: str
    wanted: Wanted
    functionalities: list[str]
    bar: float | None = None

    def holds(self, functionality: str) -> bool:
        """Whether its list names this functionality."""
        return any(fnmatchcase(functionality, pattern) for pattern in self.functionalities)


def load(path: Path = FILE) -> list[Class]:
    """The classes of a YAML file, in its order. Raises `InvalidRecipe`."""
    with path.open(encoding="utf-8") as stream:
        data = YAML(typ="safe", pure=True).load(stream)
    try:
        return msgspec.convert(data, list[Class])
    except msgspec.ValidationError as error:
        raise InvalidRecipe("not classes", where=path.name, value=str(error)) from None


def class_of(functionality: str, wanted: Wanted, classes: Sequence[Class]) -> Class:
    """The first class that wants this and names the functionality. Raises `InvalidRecipe` where none does."""
    for one in classes:
        if one.wanted == wanted and one.holds(functionality):
            return one
    raise InvalidRecipe(
        "no class takes it",
        where="classes.yaml",
        value=f"{functionality}, {wanted}",
        expected="a last class of each kind with '*'",
    )


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """Own sentences that ask for something: what they ask for, and whether each was decided so (by all stages, by the
    encoder alone, and by the shipped policy over all signals, where that was asked)."""

    rows: NDArray[np.int64]
    wanted: Bools
    right: Bools
    right_alone: Bools
    right_policy: Bools | None = None


def judge(dev: Development, answers: Answers, cutoffs: Cutoffs, policy: Bools | None = None) -> Judged:
    """The own sentences of `dev`; right means acted on where a head that counts says so, else left up.

    `policy` says of every row of `dev` whether the shipped policy acts on it.
    """
    rows = np.flatnonzero(dev.own)
    labels = dev.labels[rows]
    wanted, unknown = cutoffs.meant(labels)
    rows, labels, wanted = rows[~unknown], labels[~unknown], wanted[~unknown]
    known = ~np.isnan(labels)
    return Judged(
        rows=rows,
        wanted=wanted,
        right=wanted == cutoffs.acted_on(answers.probabilities[rows], known),
        right_alone=wanted == cutoffs.acted_on(answers.encoder[rows], known),
        right_policy=None if policy is None else np.equal(wanted, policy[rows]),
    )


def by_functionality(dev: Development, judged: Judged, classes: Sequence[Class]) -> list[dict[str, Any]]:
    """For every functionality and what it asks for: sentences, patterns, and the share decided right."""
    found = []
    names = dev.functionalities[judged.rows]
    for name in sorted(set(names.tolist())):
        for asks, wanted in ((True, "acted on"), (False, "left up")):
            some = (names == name) & (judged.wanted == asks)
            if not some.any():
                continue
            right = share(int(judged.right[some].sum()), int(some.sum()), NO_ROWS)
            alone = share(int(judged.right_alone[some].sum()), int(some.sum()), NO_ROWS)
            found.append(
                {
                    "functionality": name,
                    "class": class_of(name, wanted, classes).name,  # type: ignore[arg-type]
                    "wanted": wanted,
                    "n": int(some.sum()),
                    "patterns": len(set(dev.patterns[judged.rows[some]].tolist())),
                    "right": right,
                    "encoder_alone": alone,
                    "policy": None
                    if judged.right_policy is None
                    else share(int(judged.right_policy[some].sum()), int(some.sum()), NO_ROWS),
                    "low": right.value is not None and right.value < LOW,
                }
            )
    return found


def by_class(
    dev: Development, judged: Judged, classes: Sequence[Class], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """For every class: sentences, patterns, the share decided right with an interval over patterns, and the bar.

    The last rows take all sentences together, and those that are about hate and those that are not.
    """
    names = dev.functionalities[judged.rows].tolist()
    owner = [
        class_of(name, "acted on" if asks else "left up", classes).name
        for name, asks in zip(names, judged.wanted.tolist(), strict=True)
    ]
    found = [
        _class_record(
            dev, judged, np.array([name == one.name for name in owner], np.bool_), one.name, one.wanted, one.bar, rng
        )
        for one in classes
    ]  # fmt: skip
    totals: tuple[tuple[str, str, Bools, float], ...] = (
        ("all that is to be acted on", "acted on", judged.wanted, 0.95),
        ("all that is to be left up", "left up", ~judged.wanted, 0.92),
        ("all", "either", np.ones(len(judged.rows), np.bool_), 0.95),
    )
    found.extend(
        _class_record(dev, judged, some, name, wanted, bar, rng) for name, wanted, some, bar in totals
    )
    return found


def _class_record(
    dev: Development,
    judged: Judged,
    some: Bools,
    name: str,
    wanted: str,
    bar: float | None,
    rng: np.random.Generator,
) -> dict[str, Any]:
    patterns = dev.patterns[judged.rows[some]]
    right = clustered(judged.right[some], patterns, rng)
    return {
        "class": name,
        "wanted": wanted,
        "n": int(some.sum()),
        "patterns": len(set(patterns.tolist())),
        "right": right,
        "encoder_alone": clustered(judged.right_alone[some], patterns, rng),
        "policy": None
        if judged.right_policy is None
        else clustered(judged.right_policy[some], patterns, rng),
        "bar": bar,
        "met": None if bar is None or right.value is None else right.value >= bar,
    }


def clustered(right: Bools, patterns: NDArray[np.str_], rng: np.random.Generator) -> Figure:
    """The share of `right`, with an interval that takes whole patterns: sentences of one pattern are alike.

    A Bayesian bootstrap (Rubin 1981) over patterns, with half a sentence right and half a sentence wrong spread over
    them by their size, so that a flawless class is not called certain.
    """
    if not len(right):
        return Figure(value=None, why=NO_ROWS)
    _, place = np.unique(patterns, return_inverse=True)
    sizes = np.bincount(place).astype(np.float64)
    hits = np.bincount(place, weights=right.astype(np.float64), minlength=len(sizes))
    weights = rng.standard_gamma(1.0, (RESAMPLES, len(sizes)))
    extra = sizes / sizes.sum()
    prior = rng.beta(0.5, 0.5, (RESAMPLES, 1))
    draws = (weights * (hits + extra * prior)).sum(1) / (weights * (sizes + extra)).sum(1)
    return bootstrapped(float(right.mean()), draws)
