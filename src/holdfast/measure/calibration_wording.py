"""How a calibration is said, the same at a terminal and in the report."""

from __future__ import annotations

from holdfast.measure.calibration import Calibration, Head, Refit
from holdfast.measure.conformal import Bands
from holdfast.measure.cut_offs import CutOff
from holdfast.measure.figures import Figure
from holdfast.measure.migration import Mapped, Migration
from holdfast.measure.quality import Quality
from holdfast.measure.wording import interval, percent, rows

FEW = 100
"""Rows of either class under which a reader is warned."""
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
    correlation = found.correlation
    told = f"{found.score} beside this head, on {rows(found.n)}"
    if correlation.value is None:
        return told
    return f"{told}: they rank alike by {correlation.value:.2f} ({span(correlation)}, Spearman)"


def mapped_cells(mapped: Mapped, labelled: bool) -> list[tuple[str, str]]:
    """A former threshold's row, each cell with its interval."""
    here = mapped.same_share
    cells = [
        _share(mapped.former.acted_on),
        (probability(here.at), f"{mapped.low:.3g}–{mapped.high:.3g}"),
        _share(here.acted_on),
        _share(mapped.agreement),
    ]
    if labelled:
        same = mapped.same_precision
        cells += [
            _share(mapped.former.precision),
            _share(here.precision),
            ("–", "") if same is None else (probability(same.at), ""),
            ("–", "") if same is None else _share(same.acted_on),
        ]
    return cells


def mapped_headings(labelled: bool) -> list[str]:
    found = ["Acts on", "Equal here", "Acts on", "Agree"]
    return [*found, "Precision", "Here", "As precise", "Acts on"] if labelled else found


def _share(figure: Figure | None) -> tuple[str, str]:
    if figure is None or figure.value is None:
        return "–", ""
    return percent(figure.value), interval(figure)
