"""How figures and findings are said, the same at a terminal and in the report."""

from __future__ import annotations

from holdfast.measure.evaluation import Evaluation, Predictor
from holdfast.measure.figures import Figure
from holdfast.measure.gaps import RATES, Gap

HEADINGS = {
    "prevalence": "Positive rows",
    "predicted": "Predicted positive",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "f1": "F1",
    "macro_f1": "Macro-F1",
    "false_positive_rate": "False positives",
    "false_negative_rate": "Misses",
}
MEANINGS = {
    "prevalence": "of all rows, the share that is labelled positive",
    "predicted": "of all rows, the share that was acted on",
    "accuracy": "of all rows, the share that was judged as labelled",
    "balanced_accuracy": "mean of recall and specificity",
    "precision": "of the rows acted on, the share that is positive",
    "recall": "of the positive rows, the share that was acted on",
    "specificity": "of the negative rows, the share that was left up",
    "f1": "harmonic mean of precision and recall",
    "macro_f1": "mean of the F1 of either class",
    "false_positive_rate": "of the negative rows, the share that was acted on",
    "false_negative_rate": "of the positive rows, the share that was left up",
}
RATE_WORDS = {RATES[0]: "false positives", RATES[1]: "misses"}


def percent(value: float) -> str:
    """A share in percent with one decimal; not 0 for what is there, not 100 for what is not all."""
    percentage = 100 * value
    if 0 < percentage < 0.05:
        return "<0.1"
    if 99.95 < percentage < 100:
        return ">99.9"
    return "100" if percentage == 100 else "0" if percentage == 0 else f"{percentage:.1f}"


def interval(figure: Figure) -> str:
    """`58.0–66.2`, in percent."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{percent(figure.low)}–{percent(figure.high)}"


def proportion(figure: Figure) -> str:
    """`0.812 (0.790–0.834)`, for figures that are not read in percent."""
    if figure.value is None:
        return f"undefined: {figure.why}"
    return f"{figure.value:.3f} ({figure.low:.3f}–{figure.high:.3f})"


def rows(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}row" + ("" if count == 1 else "s")


def headline(evaluation: Evaluation) -> str:
    """The finding in one sentence."""
    counts = evaluation.main.confusion
    if not evaluation.positives:
        return f"{counts.false_positives:,} of {rows(counts.negatives, 'negative ')} acted on; none is labelled positive"
    found = f"{counts.true_positives:,} of {rows(counts.positives, 'positive ')} found"
    if not counts.negatives:
        return f"{found}; none is labelled negative"
    return f"{found}, {counts.false_positives:,} of {rows(counts.negatives, 'negative ')} wrongly acted on"


def comparison(evaluation: Evaluation) -> str:
    """How the predictor's F1 stands to the baselines', for a title."""

    def told(figure: Figure) -> str:
        return "undefined" if figure.value is None else f"{percent(figure.value)} %"

    f1 = {one.kind: one.figures["f1"] for one in evaluation.predictors}
    return (
        f"F1 is {told(f1[evaluation.primary])}; any listed word alone gives {told(f1['keyword'])}, "
        f"acting on everything {told(f1['always positive'])}"
    )


def mistakes_sentence(evaluation: Evaluation) -> str:
    """Precision and misses in words, for a title."""
    figures = evaluation.main.figures
    precision, missed = figures["precision"].value, figures["false_negative_rate"].value
    first = (
        "Nothing was acted on"
        if precision is None
        else f"{percent(precision)} % of what was acted on is labelled positive"
    )
    if missed is None:
        return f"{first}; no row is labelled positive"
    return f"{first}; {percent(missed)} % of what is labelled positive was left up"


def gap_sentence(rate: str, found: Gap, *, first: bool = True) -> str:
    """What a gap says, in a sentence for a title; not the `first` one starts small."""
    word = RATE_WORDS[rate].capitalize() if first else RATE_WORDS[rate]
    if found.gap.value is None or found.by_chance is None:
        return f"{word}: {found.gap.why}"
    if found.gap.value == 0:
        return f"{word} are equally frequent in all {found.slices} slices"
    points = f"{100 * found.gap.value:.1f} points ({found.lowest} to {found.highest})"
    verdict = "more than chance gives" if found.beyond_chance else "no more than chance gives"
    return f"{word} differ by {points}, {verdict}"


def gap_detail(found: Gap) -> str:
    if found.gap.value is None or found.by_chance is None:
        return ""
    low, high = 100 * (found.gap.low or 0), 100 * (found.gap.high or 0)
    return (
        f"95 % interval {low:.1f} to {high:.1f} points; {found.slices} slices of these sizes with one rate would "
        f"stay under {100 * found.by_chance:.1f} points 19 times in 20"
    )


def undefined(predictor: Predictor) -> dict[str, list[str]]:
    """Reasons, with the figures that are undefined for them."""
    reasons: dict[str, list[str]] = {}
    for name, figure in predictor.figures.items():
        if figure.value is None and figure.why is not None:
            reasons.setdefault(figure.why, []).append(HEADINGS[name].lower())
    return reasons


def ranking_sentence(evaluation: Evaluation) -> str:
    scored = evaluation.score
    assert scored is not None
    if scored.auc.value is None:
        return f"AUC and average precision are undefined: {scored.auc.why}"
    return (
        f"A positive row scores higher than a negative one {percent(scored.auc.value)} % of the time "
        f"(AUC {scored.auc.value:.3f}, 95 % interval {scored.auc.low:.3f} to {scored.auc.high:.3f})"
    )


def calibration_sentence(evaluation: Evaluation) -> str:
    scored = evaluation.score
    assert scored is not None
    ece, expected = scored.ece, scored.ece_if_calibrated
    if ece.value is None or expected is None:
        return f"Calibration is undefined: {ece.why}"
    points = f"{100 * ece.value:.1f} points off on average"
    if ece.value <= expected:
        return f"The score is {points}, no more than chance gives a probability on {rows(scored.n)}"
    over = sum(one.n * (one.mean_score - one.positive) for one in scored.reliability)
    direction = "too high" if over > 0 else "too low"
    return f"The score is no probability yet: {points}, mostly {direction}"


def left_out_sentence(evaluation: Evaluation) -> str | None:
    """Which rows take no part, or `None` when all do."""
    parts = []
    count = sum(evaluation.left_out.values())
    if count:
        values = list(evaluation.left_out.items())
        told = ", ".join(f"{name} {times:,}" for name, times in values[:6])
        more = f", and {len(values) - 6} more values" if len(values) > 6 else ""
        parts.append(f"{rows(count)} left out, whose label does not say ({told}{more})")
    if evaluation.rejected:
        kinds = ", ".join(f"{kind} {times:,}" for kind, times in list(evaluation.rejected_kinds.items())[:3])
        parts.append(f"{rows(evaluation.rejected)} could not be read ({kinds})")
    if evaluation.without_score:
        parts.append(f"{rows(evaluation.without_score)} without a score")
    return "; ".join(parts) or None
