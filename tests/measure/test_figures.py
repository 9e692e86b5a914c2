"""Figures of a yes-or-no predictor: as scikit-learn has them, with intervals that hold what they promise."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from holdfast.measure.evaluation import confusion
from holdfast.measure.figures import FIGURES, Confusion, bootstrapped, constant, figures

SEED = 7
counts = st.builds(
    Confusion,
    true_positives=st.integers(0, 300),
    false_positives=st.integers(0, 300),
    false_negatives=st.integers(0, 300),
    true_negatives=st.integers(0, 300),
)
pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


def of(counts: Confusion, **options: object) -> dict:
    return figures(counts, np.random.default_rng(SEED), resamples=400, **options)


@settings(max_examples=150, deadline=None)
@given(pairs)
def test_figures_are_those_of_scikit_learn(rows: list[tuple[bool, bool]]) -> None:
    predicted, positive = (np.array(side) for side in zip(*rows, strict=True))
    found = of(confusion(predicted, positive))
    both = 0 < positive.sum() < positive.size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scikit-learn's, about figures that are undefined
        expected = {
            "accuracy": metrics.accuracy_score(positive, predicted),
            "precision": metrics.precision_score(positive, predicted) if predicted.any() else None,
            "recall": metrics.recall_score(positive, predicted) if positive.any() else None,
            "specificity": metrics.recall_score(positive, predicted, pos_label=False)
            if not positive.all()
            else None,
            "f1": metrics.f1_score(positive, predicted) if (positive | predicted).any() else None,
            "macro_f1": metrics.f1_score(positive, predicted, average="macro") if both else None,
            "balanced_accuracy": metrics.balanced_accuracy_score(positive, predicted) if both else None,
        }
    for name, value in expected.items():
        assert found[name].value == (None if value is None else pytest.approx(value)), name
    assert found["prevalence"].value == pytest.approx(positive.mean())
    assert found["predicted"].value == pytest.approx(predicted.mean())
    if found["recall"].value is not None:
        assert found["false_negative_rate"].value == pytest.approx(1 - found["recall"].value)
    if found["specificity"].value is not None:
        assert found["false_positive_rate"].value == pytest.approx(1 - found["specificity"].value)


@settings(max_examples=150, deadline=None)
@given(counts)
def test_an_interval_holds_its_estimate_or_there_is_a_reason(counts: Confusion) -> None:
    found = of(counts)
    assert tuple(found) == FIGURES
    for figure in found.values():
        if figure.value is None:
            assert figure.why
            assert figure.low is figure.high is figure.method is None
        else:
            assert figure.why is None
            assert 0 <= figure.low <= figure.value <= figure.high <= 1


@given(st.integers(1, 500), st.integers(1, 500))
@settings(max_examples=50, deadline=None)
def test_a_perfect_predictor_is_perfect_and_not_certain(positives: int, negatives: int) -> None:
    found = of(Confusion(true_positives=positives, true_negatives=negatives))
    for name in ("accuracy", "precision", "recall", "specificity", "f1", "macro_f1", "balanced_accuracy"):
        assert found[name].value == found[name].high == 1
        assert found[name].low < 1
    assert found["false_positive_rate"].value == found["false_negative_rate"].value == 0


@given(st.integers(1, 500), st.integers(1, 500), st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_constant_predictor_cannot_surprise(positives: int, negatives: int, says: bool) -> None:
    found = of(constant(positives, negatives, says=says), constant=says)
    assert found["recall"].value == found["false_positive_rate"].value == float(says)
    balanced = found["balanced_accuracy"]
    assert balanced.low == balanced.value == balanced.high == pytest.approx(0.5)
    if says:
        assert found["precision"].value == pytest.approx(positives / (positives + negatives))
    else:
        assert found["precision"].why == "nothing was predicted positive"
        assert (found["f1"].low, found["f1"].high) == (0, 0)


def test_one_class_says_what_is_undefined() -> None:
    found = of(Confusion(false_positives=3, true_negatives=4))
    undefined = {name: figure.why for name, figure in found.items() if figure.value is None}
    assert set(undefined) == {"recall", "false_negative_rate", "balanced_accuracy", "macro_f1"}
    assert set(undefined.values()) == {"no row is positive"}
    assert of(Confusion())["accuracy"].why == "there are no rows"


@pytest.mark.parametrize(("n", "prevalence", "recall", "fpr"), [(60, 0.3, 0.7, 0.1), (400, 0.1, 0.95, 0.02)])
def test_intervals_cover_the_truth(n: int, prevalence: float, recall: float, fpr: float) -> None:
    """Of 95 % intervals about 95 in 100 hold the true figure: 600 samples, within what chance allows."""
    rng = np.random.default_rng(1)
    p = np.array([prevalence * recall, (1 - prevalence) * fpr, prevalence * (1 - recall)])
    p = np.append(p, 1 - p.sum())
    tp, fp, fn, tn = p
    truth = {
        "f1": 2 * tp / (2 * tp + fp + fn),
        "macro_f1": tp / (2 * tp + fp + fn) + tn / (2 * tn + fp + fn),
        "balanced_accuracy": (recall + 1 - fpr) / 2,
        "precision": tp / (tp + fp),
        "recall": recall,
        "accuracy": tp + tn,
    }
    held = dict.fromkeys(truth, 0)
    for sample in rng.multinomial(n, p, size=600):
        found = _of_sample(sample, rng)
        for name, value in truth.items():
            figure = found[name]
            held[name] += figure.value is not None and figure.low <= value <= figure.high
    for name, count in held.items():
        assert 0.92 <= count / 600 <= 0.99, name


def _of_sample(sample: np.ndarray, rng: np.random.Generator) -> dict:
    tp, fp, fn, tn = map(int, sample)
    counts = Confusion(true_positives=tp, false_positives=fp, false_negatives=fn, true_negatives=tn)
    return figures(counts, rng, resamples=400)


def test_the_same_seed_gives_the_same_figures() -> None:
    counts = Confusion(true_positives=5, false_positives=3, false_negatives=2, true_negatives=9)
    assert of(counts) == of(counts)


def test_draws_that_are_undefined_do_not_count() -> None:
    figure = bootstrapped(0.5, np.array([np.nan, 0.4, 0.6]))
    assert 0.4 <= figure.low <= 0.5 <= figure.high <= 0.6
    assert bootstrapped(0.5, np.array([np.nan])).low == 0.5
