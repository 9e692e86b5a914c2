"""How a calibration is said, the same at a terminal and in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from holdfast.measure.attributes import Attribute
from holdfast.measure.calibration import Calibration, Head, Refit
from holdfast.measure.conformal import Bands
from holdfast.measure.cut_offs import CutOff
from holdfast.measure.figures import Figure
from holdfast.measure.migration import THRESHOLDS, Mapped, Migration
from holdfast.measure.quality import Quality
from holdfast.measure.wording import interval, percent, rows

FEW = 100
"""Rows of either class under which a reader is warned."""
UNLIKE = 0.5
"""Share of rows found again under which a reader is told that another thing may be meant."""
QUALITIES = (
    ("ece", "Expected calibration error"),
    ("brier", "Brier score"),
    ("log_loss", "Log loss"),
)
PURPOSES = {"act": "act", "review": "review"}


def number(figure: Figure) -> str:
    """`0.812`, or a dash."""
    return "–" if figure.value is None else f"{figure.value:.3f}"


def span(figure: Figure) -> str:
    """`0.790–0.834`, for figures that are not read in percent."""
    return "" if figure.low is None or figure.high is None else f"{figure.low:.3f}–{figure.high:.3f}"


def quality_of(quality: Quality, name: str) -> Figure:
    found: Figure = getattr(quality, name)
    return found


def probability(at: float | None) -> str:
    """A cut-off as a policy writes it."""
    return "–" if at is None else f"{at:.4f}".rstrip("0").rstrip(".")


def gain_sentence(refit: Refit) -> str:
    """What the refit was worth, for a title."""
    gain = refit.gain
    assert gain.value is not None and gain.low is not None and gain.high is not None
    told = f"log loss {number(refit.before.log_loss)} before, {number(refit.after.log_loss)} after"
    if gain.low > 0:
        return f"the probabilities are better: {told}"
    if gain.high < 0:
        return f"the probabilities are worse for it: {told}"
    return f"no better than before, as far as {rows(refit.kept)} can tell: {told}"


def worse_sentence(calibration: Calibration) -> str | None:
    """What to do where a refit made a head's probabilities worse."""
    worse = [
        one.head
        for one in calibration.heads
        if one.refit is not None and one.refit.gain.high is not None and one.refit.gain.high < 0
    ]
    if not worse:
        return None
    return f"it makes {_listed(worse)} worse. Do without it (move the file away) until there are more labels"


def line_sentence(refit: Refit) -> str:
    line = refit.line
    told = (
        f"p' = sigmoid({line.slope:.4g} · logit(p) {'+' if line.offset >= 0 else '−'} {abs(line.offset):.4g})"
    )
    if refit.prevalence is None:
        return told
    sample = percent(refit.positives / refit.n)
    return f"{told}, for {percent(refit.prevalence)} % positive rows ({sample} % in the sample)"


def sample_sentence(head: Head) -> str:
    """Which rows took part, and which did not."""
    refit = head.refit
    assert refit is not None
    parts = [
        f"{rows(refit.n, 'labelled ')}, {refit.positives:,} positive; fitted to {refit.fitted:,}, measured on the "
        f"other {refit.kept:,}"
    ]
    count = sum(refit.left_out.values())
    if count:
        told = ", ".join(f"{name} {times:,}" for name, times in list(refit.left_out.items())[:6])
        parts.append(f"{rows(count)} left out, whose label does not say ({told})")
    if head.unknown:
        parts.append(f"{rows(head.unknown)} of which the classifier says nothing")
    return "; ".join(parts)


def few_sentence(refit: Refit) -> str | None:
    least = min(refit.positives, refit.n - refit.positives)
    if least >= FEW:
        return None
    return f"Few rows: {least} of the rarer class. Some hundreds would narrow the intervals"


def rejected_sentence(calibration: Calibration) -> str | None:
    if not calibration.rejected:
        return None
    kinds = ", ".join(f"{kind} {times:,}" for kind, times in list(calibration.rejected_kinds.items())[:3])
    return f"{rows(calibration.rejected)} could not be read ({kinds})"


def classifier_words(calibration: Calibration) -> str:
    """Whose probabilities they are."""
    told = f"classifier {calibration.classifier}"
    return told if calibration.in_force is None else f"{told}, calibrated ({calibration.in_force})"


def verdict(cut: CutOff) -> str:
    """Whether a cut-off gives what was asked of it."""
    found = cut.achieved
    if cut.unmet is not None:
        return f"not met: {cut.unmet}" + ("" if cut.at is None else "; the nearest is shown")
    if cut.promised:
        return "promised for new rows like these (conformal)"
    if found.value is None:
        return f"not seen on the rows kept aside: {found.why}"
    if not cut.target.met(found.value):
        return f"missed on the rows kept aside: {percent(found.value)} %"
    assert found.low is not None
    if found.low >= cut.target.bound:
        return "met, its whole interval with it"
    return f"met on the rows kept aside, but the interval reaches down to {percent(found.low)} %"


def bands_sentence(bands: Bands) -> str:
    """What the conformal sets say."""
    share = f"{100 * bands.coverage:.4g} %"
    start, end = probability(bands.positive_from), probability(bands.negative_up_to)
    found = (
        f"Of new positive rows {share} get {start} or more, of new negative ones {share} {end} or less, as long as they "
        "come from where these did"
    )
    unsure = f"{percent(bands.unsure.value or 0)} % of rows ({interval(bands.unsure)} %)"
    if bands.positive_from <= bands.negative_up_to:
        return f"{found}. Between the two a row may be either: {unsure}"
    return f"{found}. What lies between the two is like neither"


def range_sentence(bands: Bands) -> str:
    def told(covered: tuple[float, float]) -> str:
        return f"{percent(covered[0])}–{percent(covered[1])} %"

    return (
        f"Given these rows, {told(bands.positive_covered)} of positive and {told(bands.negative_covered)} of negative "
        "rows to come are covered, 19 times in 20"
    )


def migration_sentence(found: Migration) -> str:
    told = f"{found.score} beside this head, on {rows(found.n)}"
    if found.correlation.value is None:
        return told
    return f"{told}: they rank alike by {_correlation(found.correlation)}"


def attribute_sentence(found: Attribute) -> str:
    """What was found for an attribute, for a title."""
    if found.migration is None:
        return f"{found.attribute}, not compared: {found.why}"
    correlation = found.migration.correlation
    told = f"{found.attribute}, on {rows(found.migration.n)}"
    return told if correlation.value is None else f"{told}: rank correlation {_correlation(correlation)}"


def attribute_detail(found: Attribute) -> str:
    heads = found.heads
    told = f"{found.score} beside " + (
        f"the probability of {heads[0]}"
        if len(heads) == 1
        else f"the highest probability of {_listed(heads)}"
    )
    if found.unknown:
        told += f"; {rows(found.unknown)} of which the classifier says nothing"
    return told


def left_out_sentence(calibration: Calibration) -> str | None:
    if not calibration.left_out:
        return None
    return (
        f"Holdfast has no score for {_listed(calibration.left_out)}: left out, and refused by name over HTTP"
    )


class Step(NamedTuple):
    """Something to do next, with the lines that belong under it."""

    say: str
    lines: tuple[str, ...] = ()


def next_steps(calibration: Calibration) -> list[Step]:
    """What is to be done with mapped attributes, in order."""
    compared = {one.attribute: one.migration for one in calibration.attributes if one.migration is not None}
    if not compared:
        return []
    steps = []
    if mapped := tuple(
        told for attribute, found in compared.items() if (told := _replaced(attribute, found))
    ):
        told = f"Put the new thresholds where your code compares a score.{_as_they_are(compared)}"
        steps.append(Step(told, mapped))
    if all(tuple(at.former.at for at in found.thresholds) == THRESHOLDS for found in compared.values()):
        names = list(compared)
        one = f"{names[0]}=0.8" + (f" {names[-1]}=0.7" if len(names) > 1 else "")
        steps.append(Step(f"These are five usual thresholds. Name the ones in use: --threshold {one}"))
    if unreached := [one for name, found in compared.items() if (one := _unreached(name, found))]:
        steps.append(
            Step(
                f"No row reached {_listed(unreached)}, so there is nothing to map. Add rows that did, and run this again."
            )
        )
    unlike = [
        name
        for name, found in compared.items()
        if any(one.again.value is not None and one.again.value < UNLIKE for one in found.thresholds)
    ]
    if unlike:
        steps.append(
            Step(
                f"{_listed(unlike)}: fewer than half of the rows that a former threshold acted on are found again. Their "
                "number stays the same, but they are largely other rows: read some before you act on these scores."
            )
        )
    if calibration.recalibration is None and calibration.in_force is None:
        steps.append(
            Step(
                "To act on as many rows is not yet to act on the right ones. With some hundreds of labels, calibrate "
                "(--label hate=COLUMN), then run this again: the scores change with it."
            )
        )
    else:
        steps.append(Step("Run this again whenever you calibrate again: the scores change with it."))
    return steps


def mapped_headings(found: Migration) -> dict[str, str]:
    """Headings of the columns of `mapped_cells`, in order."""
    headings = {"former": "Acts on"}
    if found.joint is not None:
        headings |= {"unchanged": "Unchanged", "change": "Change"}
    headings |= {"equal": "Equal here", "here": "Acts on", "again": "Found again", "agree": "Agree"}
    if found.labelled:
        headings |= {
            "precision": "Precision", "precision_here": "Here", "precise": "As precise", "precise_acts": "Acts on"
        }  # fmt: skip
    return headings


def mapped_cells(mapped: Mapped) -> dict[str, tuple[str, str]]:
    """A former threshold's row, each cell with its interval."""
    here, same, change = mapped.same_share, mapped.same_precision, mapped.change
    return {
        "former": _share(mapped.former.acted_on),
        "unchanged": _share(None if mapped.unchanged is None else mapped.unchanged.acted_on),
        "change": ("–", "")
        if change is None
        else (points(change.value), f"{points(change.low)} to {points(change.high)}"),
        "equal": (probability(here.at), f"{mapped.low:.3g}–{mapped.high:.3g}"),
        "here": _share(here.acted_on),
        "again": _share(mapped.again),
        "agree": _share(mapped.agreement),
        "precision": _share(mapped.former.precision),
        "precision_here": _share(here.precision),
        "precise": ("–", "") if same is None else (probability(same.at), ""),
        "precise_acts": ("–", "") if same is None else _share(same.acted_on),
    }


def mapped_sentences(found: Migration) -> list[str]:
    """What the columns of `mapped_cells` mean."""
    told = ["In percent, with 95 % intervals"]
    if found.joint is not None:
        told.append(
            "Unchanged: acts on so many here if the number stays as it is, and Change is how many more or fewer, in points"
        )
    told.append("Equal here: the score from which on as many rows are acted on as before")
    told.append("Found again: of the rows acted on before, those acted on from there; Agree: of all rows")
    if found.labelled:
        told.append(
            "As precise: the lowest cut-off here with the former precision, found on these same rows, so a little too good"
        )
    return told


def points(difference: float | None) -> str:
    """A difference of shares, in points with a sign."""
    if difference is None:
        return "–"
    told = f"{abs(100 * difference):.1f}"
    return told if told == "0.0" else f"{'+' if difference > 0 else '−'}{told}"


def _correlation(found: Figure) -> str:
    assert found.value is not None and found.low is not None and found.high is not None
    between = "–" if found.low >= 0 else " to "
    return f"{found.value:.2f} ({found.low:.2f}{between}{found.high:.2f}, Spearman)".replace("-", "−")


def _replaced(attribute: str, found: Migration) -> str:
    pairs = [
        f"{one.former.at:.4g} → {probability(one.same_share.at)}"
        for one in found.thresholds
        if one.same_share.at is not None
    ]
    return f"{attribute}: {', '.join(pairs)}" if pairs else ""


def _unreached(attribute: str, found: Migration) -> str:
    """The attribute with those of its thresholds that no row's former score reached."""
    missed = [f"{one.former.at:.4g}" for one in found.thresholds if one.same_share.at is None]
    return f"{attribute} {', '.join(missed)}" if missed else ""


def _as_they_are(compared: Mapping[str, Migration]) -> str:
    """The threshold at which most would change if the number stayed."""
    changes = [
        (abs(one.change.value), attribute, one)
        for attribute, found in compared.items()
        for one in found.thresholds
        if one.change is not None and one.change.value is not None
    ]
    if not changes:
        return ""
    _, attribute, most = max(changes, key=lambda change: change[0])
    before = most.former.acted_on.value
    after = None if most.unchanged is None else most.unchanged.acted_on.value
    if before is None or after is None or before == after:
        return ""
    return (
        f" Left as it is, {attribute} from {most.former.at:.4g} on would act on {percent(after)} % of the rows "
        f"rather than {percent(before)} %."
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _share(figure: Figure | None) -> tuple[str, str]:
    if figure is None or figure.value is None:
        return "–", ""
    return percent(figure.value), interval(figure)
