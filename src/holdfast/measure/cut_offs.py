"""Cut-offs: from which probability on to act, and from which on to look, by what the operator wants of either.

A promise about one class (recall, false positives) is kept by a conformal cut-off on the rows that nothing was fitted
to. Precision mixes the classes: its cut-off is chosen, with caution, on the rows that were fitted to, and measured on
the others, so that what is told about it is not the luck of the choice.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import msgspec
import numpy as np

from holdfast.errors import HoldfastError
from holdfast.measure.conformal import STEP, ceiling_of, floor_of, mixed, needed
from holdfast.measure.figures import Figure, Floats, share
from holdfast.measure.refit import Truths
from holdfast.measure.scores import rank
from holdfast.statistics import share_interval

Aim: TypeAlias = Literal["precision", "recall", "false-positives"]
Purpose: TypeAlias = Literal["act", "review"]
CAUTION: Final = 0.6826894921370859
"""Confidence of the interval whose lower end has to reach a precision: one standard error on either side."""


def is_share(number: float) -> bool:
    """Whether a share can be asked for: between 0 and 1, and so far from both that rows could ever tell."""
    return 1e-6 <= number <= 1 - 1e-6


class InvalidTarget(HoldfastError):
    """A target is not one that a cut-off can have."""

    code = "invalid-target"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a cut-off is to give: precision or recall of at least `bound`, or false positives of at most."""

    aim: Aim
    bound: float

    @classmethod
    def parse(cls, given: str, option: str) -> Target:
        """From `recall=0.9`, as it was `given` to `option`. Raises `InvalidTarget`."""
        aim, _, bound = given.partition("=")
        try:
            number = float(bound)
        except ValueError:
            number = float("nan")
        if aim.strip() not in get_args(Aim) or not is_share(number):
            raise InvalidTarget(
                "is not a target",
                where=option,
                value=given[:60],
                expected=f"{', '.join(get_args(Aim))}, then = and a share between 0 and 1, such as {option} recall=0.9",
            )
        return cls(aim=aim.strip(), bound=number)  # type: ignore[arg-type]

    def __str__(self) -> str:
        sign = "at most" if self.aim == "false-positives" else "at least"
        return f"{self.aim.replace('-', ' ')} {sign} {100 * self.bound:.4g} %"

    def met(self, value: float) -> bool:
        return value <= self.bound if self.aim == "false-positives" else value >= self.bound


class CutOff(msgspec.Struct, frozen=True, kw_only=True):
    """A cut-off `at` a probability, and what acting on rows from it on gave on the rows that were kept aside.

    `promised` says that a conformal promise stands behind it. Where no cut-off meets the target, `at` is the nearest
    that there is (None: there is none) and `unmet` says why. `note` is for what else a reader must know.
    """

    target: Target
    at: float | None
    promised: bool
    unmet: str | None
    precision: Figure
    recall: Figure
    false_positive_rate: Figure
    acted_on: Figure
    note: str | None = None

    @property
    def achieved(self) -> Figure:
        """The figure that the target is about."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "false-positives": self.false_positive_rate,
        }[self.target.aim]


class Rows(msgspec.Struct, frozen=True):
    """Probabilities with their labels."""

    scores: Floats
    positive: Truths


def cut_off(
    target: Target, fitted: Rows, kept: Rows, prevalence: float | None, rng: np.random.Generator
) -> CutOff:
    """The cut-off for `target` where `prevalence` of all rows are positive (None: as many as in the sample)."""
    if target.aim == "precision":
        at, unmet = _precise(target, fitted, prevalence)
        promised = False
    else:
        at, unmet = _promising(target, kept)
        promised = unmet is None
    return _measured(target, at, unmet, promised, kept, prevalence, rng)


def precision_at(hits: int, false: int, kept: Rows, prevalence: float | None) -> Figure:
    """Precision of a cut-off with so many rows of either class, with its interval."""
    found = share(hits, hits + false, "no row reaches it")
    if prevalence is None or found.value is None or found.low is None or found.high is None:
        return found
    odds = _odds(kept.positive, prevalence)
    return Figure(
        value=_bent(found.value, odds),
        low=_bent(found.low, odds),
        high=_bent(found.high, odds),
        method="wilson",
    )


def lower_first(
    act: CutOff, review: CutOff, kept: Rows, prevalence: float | None, rng: np.random.Generator
) -> CutOff:
    """The cut-off for review, no higher than the one for acting: what is acted on need not be looked for."""
    if act.unmet is not None or act.at is None or review.at is None or review.at <= act.at:
        return review
    if review.target.aim != "recall":
        return msgspec.structs.replace(
            review, note="stricter than the cut-off for acting: nothing is left between them"
        )
    moved = _measured(review.target, act.at, review.unmet, review.promised, kept, prevalence, rng)
    return msgspec.structs.replace(moved, note="acting reaches it already: nothing is left to look at")


def _precise(target: Target, fitted: Rows, prevalence: float | None) -> tuple[float | None, str | None]:
    """The cut-off that finds most with a precision that reaches the target with caution, the highest of several; or
    the most precise there is."""
    ranked = rank(fitted.positive, fitted.scores)
    hits, false = np.cumsum(ranked.positives), np.cumsum(ranked.negatives)
    odds = 1.0 if prevalence is None else _odds(fitted.positive, prevalence)
    cautious = np.array(
        [
            _bent(share_interval(int(hit), int(hit + miss), CAUTION).low, odds)
            for hit, miss in zip(hits, false, strict=True)
        ]
    )
    reached = np.flatnonzero(cautious >= target.bound)
    if reached.size:
        most = reached[
            np.argmax(hits[reached])
        ]  # the first of them: what lies below adds false positives alone
        return float(ranked.scores[most]), None
    best = int(np.argmax(cautious))
    return float(ranked.scores[best]), (
        "no cut-off reaches it on the rows fitted to, with one standard error to spare"
    )


def _promising(target: Target, kept: Rows) -> tuple[float | None, str | None]:
    """The cut-off that keeps a promise about one class, or the nearest and why there is none."""
    recall = target.aim == "recall"
    side = kept.scores[kept.positive if recall else ~kept.positive]
    miss = 1 - target.bound if recall else target.bound
    word = "positive" if recall else "negative"
    bound = floor_of(side, miss) if recall else ceiling_of(side, miss)
    unmet = None
    if bound.cut is None:
        nearest = 1 / (side.size + 1)
        possible = f"at least {100 * (1 - nearest):.3g} %" if recall else f"at most {100 * nearest:.3g} %"
        unmet = (
            f"it takes {needed(miss):,} {word} rows that nothing was fitted to, and there are {side.size:,}: "
            f"they can promise {possible}"
        )
        bound = floor_of(side, nearest) if recall else ceiling_of(side, nearest)
    assert bound.cut is not None
    if recall:
        return bound.cut, unmet
    at = round(bound.cut + STEP, 4)
    return (at, unmet) if at <= 1 else (None, "negative rows have the highest probability that there is")


def _measured(
    target: Target,
    at: float | None,
    unmet: str | None,
    promised: bool,
    kept: Rows,
    prevalence: float | None,
    rng: np.random.Generator,
) -> CutOff:
    beyond = np.zeros(kept.scores.size, np.bool_) if at is None else kept.scores >= at
    hits, false = int((beyond & kept.positive).sum()), int((beyond & ~kept.positive).sum())
    positives = int(kept.positive.sum())
    return CutOff(
        target=target,
        at=at,
        promised=promised,
        unmet=unmet,
        precision=precision_at(hits, false, kept, prevalence),
        recall=share(hits, positives, "no row is positive"),
        false_positive_rate=share(false, kept.positive.size - positives, "no row is negative"),
        acted_on=mixed(beyond, kept.positive, prevalence, rng),
    )


def _odds(positive: Truths, prevalence: float) -> float:
    """How much more the platform's odds of a positive row are than these rows'."""
    here = positive.mean()
    return float(prevalence / (1 - prevalence) * (1 - here) / here)


def _bent(precision: float, odds: float) -> float:
    """A precision among these rows, where the odds of a positive row are multiplied."""
    # Rounded: what is certain must not become almost certain.
    return round(precision * odds / (precision * odds + 1 - precision), 12)
