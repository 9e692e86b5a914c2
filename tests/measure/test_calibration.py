"""Calibrating through the classifier: the known line is found, the ranking stays, rows that cannot help are counted."""

from __future__ import annotations

import numpy as np
import pytest
from tests.measure.calibration_samples import (
    HEAD,
    TRUE,
    calibrated,
    classifier,
    labels,
    probabilities,
    sample,
    texts,
    weights,
)

from holdfast.bulk.rows import InvalidInput, Rejected
from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.measure.calibration import Aims, Calibrator, Wanted, calibrate, check_head, prevalences
from holdfast.measure.cut_offs import Target
from holdfast.measure.evaluation import Chunk
from holdfast.measure.labels import InvalidLabels, Labels
from holdfast.measure.refit import InvalidSample
from holdfast.measure.score import InvalidScore
from holdfast.signals.classifier import Classifier
from holdfast.signals.recalibration import Line, Recalibration
from holdfast.signals.signal import Batch


def test_the_line_that_bent_the_labels_is_found_and_helps() -> None:
    found = calibrated(sample(3_000))
    (head,) = found.heads
    refit = head.refit
    assert refit is not None
    assert refit.line.slope == pytest.approx(TRUE.slope, abs=0.15)
    assert refit.line.offset == pytest.approx(TRUE.offset, abs=0.2)
    assert (refit.n, refit.positives) == (3_000, int(labels(3_000).sum()))
    assert refit.gain.low > 0  # type: ignore[operator]
    for name in ("ece", "brier", "log_loss"):
        before, after = getattr(refit.before, name), getattr(refit.after, name)
        assert after.value < before.value
        assert after.low <= after.value <= after.high
    assert refit.after.ece.value <= refit.after.ece_if_calibrated  # type: ignore[operator]
    assert refit.after.auc.value == pytest.approx(refit.before.auc.value)
    assert found.recalibration == Recalibration.of(classifier().answering, {HEAD: refit.line})


def test_the_engine_then_says_what_was_measured() -> None:
    """A classifier with the recalibration gives the bent probabilities, and its shares of positives are the labels'."""
    n = 3_000
    recalibration = calibrated(sample(n)).recalibration
    bent = Classifier.load(weights(), recalibration=recalibration)
    items = [Item(id=str(row), text=text) for row, text in enumerate(texts(n))]
    said = np.array(bent.measure(Batch(items)).columns[HEAD], float)
    assert abs(said.mean() - labels(n).mean()) < 0.02
    order = np.argsort(probabilities(n), kind="stable")
    assert (np.diff(said[order]) >= 0).all()
    assert calibrated(sample(n)).version == classifier().version != bent.version


def test_probabilities_that_are_right_are_told_to_be() -> None:
    (head,) = calibrated(sample(3_000, Line())).heads
    assert head.refit is not None
    assert head.refit.gain.low < 0.002  # type: ignore[operator]
    moved = np.abs(head.refit.line(probabilities(3_000)) - probabilities(3_000))
    assert moved.mean() < 0.03


def test_the_same_rows_give_the_same_calibration_in_any_chunks() -> None:
    assert calibrated(sample(300)) == calibrated(sample(300), size=7)


def test_rows_that_do_not_help_are_left_out_and_counted() -> None:
    rows = sample(600)
    noise = [
        ("hello you", "?", 0.5),
        ("", 1, 0.5),
        ("Das ist wirklich ein sehr schöner Abend mit euch allen", 0, 0.5),
    ]
    (plain,), (head,) = calibrated(rows).heads, calibrated([*rows, *noise]).heads
    assert head.refit is not None and plain.refit is not None
    assert head.unknown == 2
    assert head.refit.left_out == {"?": 1}
    assert (head.refit.n, head.refit.line) == (600, plain.refit.line)


def test_another_share_of_positives_moves_offset_and_precision_alone() -> None:
    (plain,), (rare,) = calibrated(sample()).heads, calibrated(sample(), prevalence=0.01).heads
    one, other = plain.refit, rare.refit
    assert one is not None and other is not None
    assert other.fitted_line == one.line == one.fitted_line
    assert other.line.slope == one.line.slope
    assert other.line.offset < one.line.offset - 2
    assert (other.before, other.after) == (one.before, one.after)
    assert other.review.recall.value == pytest.approx(one.review.recall.value, abs=0.02)
    assert other.review.precision.value < one.review.precision.value  # type: ignore[operator]
    assert other.review.acted_on.value < one.review.acted_on.value  # type: ignore[operator]


def test_targets_and_coverage_are_the_operators() -> None:
    aims = Aims(
        act=Target(aim="false-positives", bound=0.05), review=Target(aim="recall", bound=0.7), coverage=0.8
    )
    (head,) = calibrated(sample(), aims=aims).heads
    assert head.refit is not None
    assert head.refit.act.promised and head.refit.review.promised
    assert head.refit.act.false_positive_rate.value <= 0.05  # type: ignore[operator]
    assert head.refit.bands.coverage == 0.8
    for covered in (head.refit.bands.checked_positive, head.refit.bands.checked_negative):
        assert covered.low - 0.1 <= 0.8 <= covered.high + 0.1  # type: ignore[operator]


def test_former_scores_need_no_labels() -> None:
    found = calibrated([(text, None, score) for text, _, score in sample(400)], labelled=False, scored=True)
    (head,) = found.heads
    assert found.recalibration is None
    assert head.refit is None
    assert head.migration is not None
    assert not head.migration.labelled
    assert head.migration.n == 400
    assert head.migration.correlation.value > 0.8  # type: ignore[operator]


def test_former_scores_are_mapped_to_what_is_told_from_then_on() -> None:
    """With labels to the refitted probabilities, without them to those that are in force."""
    rows = sample(800)
    (labelled,) = calibrated(rows, scored=True).heads
    assert labelled.refit is not None and labelled.migration is not None
    in_force = Recalibration.of(classifier().answering, {HEAD: labelled.refit.line})
    (bent,) = calibrated(rows, labelled=False, scored=True, in_force=in_force).heads
    (plain,) = calibrated(rows, labelled=False, scored=True).heads
    assert bent.migration is not None and plain.migration is not None
    for one, two, raw in zip(
        labelled.migration.thresholds, bent.migration.thresholds, plain.migration.thresholds, strict=True
    ):
        assert one.same_share.at == two.same_share.at
        expected = round(float(labelled.refit.line(np.array(raw.same_share.at))), 4)
        assert two.same_share.at == pytest.approx(expected, abs=0.001)
        assert one.former.precision is not None and two.former.precision is None


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([("hello you", 1, 0.5)] * 10 + [("the face", 0, 0.5)] * 100, "too few positive rows"),
        ([(text, 1, 0.5) for text in texts(100)], "has no negative row"),
        ([("hello you", number % 2, 0.5) for number in range(100)], "the same probability"),
        ([("", number % 2, 0.5) for number in range(100)], "no row of which the classifier says"),
        ([], "holds no rows"),
    ],
)  # fmt: skip
def test_samples_that_cannot_calibrate_are_refused(rows: list[tuple[object, ...]], what: str) -> None:
    with pytest.raises(InvalidSample, match=what) as raised:
        calibrated(rows)
    assert "rows.csv" in str(raised.value.where)
    assert "hello you" not in str(raised.value)


def test_labels_the_wrong_way_round_are_refused() -> None:
    turned = [(text, 1 - int(label), score) for text, label, score in sample(800)]  # type: ignore[call-overload]
    with pytest.raises(InvalidSample, match="low, or by chance"):
        calibrated(turned)


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidLabels, match="no label that is understood"):
        calibrated([(text, "maybe", 0.5) for text in texts(50)])
    with pytest.raises(InvalidLabels, match="holds no label"):
        calibrated([(text, "fine", 0.5) for text in texts(50)], wanted=Labels("label", ["bad"]))


def test_scores_that_are_none_are_refused() -> None:
    rows = [(text, label, None) for text, label, _ in sample(100)]
    with pytest.raises(InvalidScore, match="has no score in any labelled row"):
        calibrated(rows, scored=True)
    with pytest.raises(InvalidScore, match="is not a number"):
        calibrated([*rows[:5], ("hello you", 1, "high")], scored=True)


def test_a_file_of_rows_that_cannot_be_read() -> None:
    calibrator = Calibrator(Engine([classifier()]), classifier(), [Wanted(head=HEAD, labels=Labels("label"))])
    rejected = Rejected(row=1, reason="is not text")
    with pytest.raises(InvalidInput, match="no row that could be read"):
        calibrate(calibrator, [Chunk([], [], [rejected])], where="rows.csv")


def test_heads_and_shares_that_are_none() -> None:
    with pytest.raises(InvalidSample, match="not a head") as raised:
        check_head("harasment", classifier(), "--head")
    assert raised.value.next_step == "did you mean harassment?"
    check_head(HEAD, classifier(), "--head")
    for share in ("0", "1", "2", "1e-300", "x", "nan", ""):
        with pytest.raises(InvalidSample, match="is not a share"):
            prevalences({"hate": share})
    assert prevalences({"hate": "0.02"}) == {"hate": 0.02}
