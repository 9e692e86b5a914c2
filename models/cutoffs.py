"""Cut-offs: the probabilities from which a head counts, in one place (`cutoffs.yaml`)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from holdfast.decision import Action
from models.heads import HEADS
from models.sources import InvalidRecipe

FILE = Path(__file__).parent / "cutoffs.yaml"

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Cutoffs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For every head where it is acted on (`act`) and where a person looks (`review`); `acts` are the heads that count
    towards acting on a text at all, and `policy_acts_from` the policy's mildest action that does."""

    acts: tuple[str, ...]
    policy_acts_from: Action
    act: dict[str, float]
    review: dict[str, float]

    def said(self, probabilities: Floats, head: str) -> Bools:
        """Which rows of `probabilities` [rows, heads] reach the head's `act`; an unknown one (NaN) does not."""
        return np.nan_to_num(probabilities[:, HEADS.index(head)]) >= self.act[head]

    def acted_on(self, probabilities: Floats, known: Bools | None = None) -> Bools:
        """Which rows any head of `acts` reaches; with `known` [rows, heads], any head that is known there."""
        return self._any(probabilities, self.act, known)

    def reviewed(self, probabilities: Floats) -> Bools:
        """Which rows a person would at least be shown."""
        return self._any(probabilities, self.review, None)

    def meant(self, labels: Floats) -> tuple[Bools, Bools]:
        """Of `labels` [rows, heads]: which rows ask to be acted on, and for which nothing is known (NaN)."""
        some = labels[:, self._columns]
        meant: Bools = np.any(np.nan_to_num(some) >= 0.5, axis=1)
        return meant, np.all(np.isnan(some), axis=1)

    def _any(self, probabilities: Floats, cuts: dict[str, float], known: Bools | None) -> Bools:
        reached: Bools = np.greater_equal(
            np.nan_to_num(probabilities[:, self._columns]), [cuts[head] for head in self.acts]
        )
        if known is not None:
            reached &= known[:, self._columns]
        found: Bools = np.any(reached, axis=1)
        return found

    @property
    def _columns(self) -> list[int]:
        return [HEADS.index(head) for head in self.acts]


def load(path: Path = FILE) -> Cutoffs:
    """The cut-offs of a YAML file. Raises `InvalidRecipe`."""
    with path.open(encoding="utf-8") as stream:
        data = YAML(typ="safe", pure=True).load(stream)
    try:
        cutoffs = msgspec.convert(data, Cutoffs)
    except msgspec.ValidationError as error:
        raise InvalidRecipe(
            "not cut-offs", where=path.name, value=str(error), expected="the fields of models.cutoffs.Cutoffs"
        ) from None
    for name, cuts in (("act", cutoffs.act), ("review", cutoffs.review)):
        if set(cuts) != set(HEADS) or not all(0 < cut < 1 for cut in cuts.values()):
            raise InvalidRecipe(
                "not one cut-off a head",
                where=f"{path.name}: {name}",
                expected=f"a number between 0 and 1 for each of {', '.join(HEADS)}",
            )
    if any(cutoffs.review[head] > cutoffs.act[head] for head in HEADS):
        raise InvalidRecipe("a head is acted on before it is reviewed", where=path.name)
    if not cutoffs.acts or not set(cutoffs.acts) <= set(HEADS):
        raise InvalidRecipe("unknown head", where=f"{path.name}: acts", expected=", ".join(HEADS))
    return cutoffs
