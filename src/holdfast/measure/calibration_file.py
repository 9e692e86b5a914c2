"""A calibration as a file: what the classifier applies, and beside it everything that was found. No text of anybody."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from holdfast import __version__
from holdfast.bulk.output import replace
from holdfast.measure.attributes import Attribute
from holdfast.measure.calibration import Calibration, Refit
from holdfast.measure.cut_offs import CutOff
from holdfast.measure.migration import Migration
from holdfast.signals.recalibration import FORMAT, digest

METHODS = (
    "All intervals are 95 % intervals, on rows that took no part in the fit unless told otherwise.",
    "The line of a head: logistic regression on the logit of its probability, with Platt's targets and a weak pull of "
    "the slope towards 1, on half of the rows of either class, drawn by a fixed seed.",
    "Another share of positives than the sample's (--prevalence) moves the offset and weighs the classes (Saerens, "
    "Latinne and Decaestecker 2002): it supposes that positive and negative rows look the same on the platform.",
    "Expected calibration error: 15 bins with the same number of rows. Brier score: mean squared error of the "
    "probability. Log loss in nats. Intervals: percentiles of a Bayesian bootstrap of the rows.",
    "Cut-offs for recall and false positives, and the conformal sets: class by class from the rows kept aside (Vovk, "
    "Gammerman and Shafer 2005; Angelopoulos, Bates, Fisch, Lei and Schuster 2022). The promise holds for any number "
    "of rows, on average over samples such as this one, as long as new rows come from where these did; given these "
    "rows what is covered lies in the range told. What such a cut-off achieved is told on the rows that set it.",
    "Cut-offs for precision: the one that finds most while Wilson's interval of one standard error stays above the "
    "target on the rows fitted to, then measured on those kept aside. There is no conformal promise behind it.",
    "Shares: Wilson's score interval; mixed by a given share of positives: 20,000 draws of both classes' shares. "
    "Correlation of ranks: Spearman's, with the interval of Bonett and Wright (2000). Equal cut-offs: the interval of "
    "the share comes from the rows on which the two scores differ (McNemar 1947). Change of a share at the same number: "
    "Agresti and Min (2005), classes put together as by Zou and Donner (2008).",
)


def as_json(calibration: Calibration, name: str, now: datetime) -> bytes:
    """The file's content, indented. `Recalibration.load` reads format, version, classifier and each head's slope and
    offset."""
    recalibration = calibration.recalibration
    document = {
        "format": FORMAT,
        "version": digest(calibration.classifier, {}) if recalibration is None else recalibration.version,
        "classifier": calibration.classifier,
        "heads": {one.head: _refit(one.refit, one.unknown) for one in calibration.heads if one.refit},
        "migration": {one.head: _migration(one.migration) for one in calibration.heads if one.migration},
        "attributes": {one.attribute: _attribute(one) for one in calibration.attributes},
        "holdfast": __version__,
        "signal": calibration.version,
        "in_force": calibration.in_force,
        "input": name,
        "at": now,
        "rows": calibration.rows,
        "rejected": calibration.rejected,
        "rejected_kinds": calibration.rejected_kinds,
        "seed": calibration.seed,
        "methods": METHODS,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def keep(path: Path, data: bytes) -> Path | None:
    """Put `data` at `path`, at once or not at all. What was there is kept beside it with the ending `.1`, which is
    returned."""
    former = None
    if path.exists():
        former = path.with_name(f"{path.name}.1")
        replace(former, path.read_bytes())
    replace(path, data)
    return former


def _refit(refit: Refit, unknown: int) -> dict[str, Any]:
    return {
        "slope": refit.line.slope,
        "offset": refit.line.offset,
        "cut_offs": {"act": _cut_off(refit.act), "review": _cut_off(refit.review)},
        "conformal": refit.bands,
        "label": refit.label,
        "rows": refit.n,
        "fitted": refit.fitted,
        "kept": refit.kept,
        "positives": refit.positives,
        "unknown": unknown,
        "left_out": refit.left_out,
        "prevalence": refit.prevalence,
        "fitted_line": refit.fitted_line,
        "before": refit.before,
        "after": refit.after,
        "log_loss_gain": refit.gain,
    }


def _migration(migration: Migration) -> dict[str, Any]:
    """Without what only a plot needs."""
    found: dict[str, Any] = msgspec.structs.asdict(migration)
    del found["joint"]
    return found


def _attribute(attribute: Attribute) -> dict[str, Any]:
    return {
        "score": attribute.score,
        "heads": attribute.heads,
        "unknown": attribute.unknown,
        "why": attribute.why,
        "migration": None if attribute.migration is None else _migration(attribute.migration),
    }


def _cut_off(cut: CutOff) -> dict[str, Any]:
    return {
        "at": cut.at,
        "target": cut.target,
        "met": cut.unmet is None,
        "why": cut.unmet,
        "conformal": cut.promised,
        "note": cut.note,
        "precision": cut.precision,
        "recall": cut.recall,
        "false_positive_rate": cut.false_positive_rate,
        "acted_on": cut.acted_on,
    }
