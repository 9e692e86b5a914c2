"""Tables in Markdown, and the places between markers that hold them in the model card.

<!-- table: heads -->
(written by a command; what stands here is replaced)
<!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from holdfast.measure.figures import Figure
from models.sources import InvalidRecipe

_PLACE = re.compile(r"(<!-- table: ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MARK = re.compile(r"<!-- (?:table: [a-z_]+|end) -->")

Columns = tuple[tuple[str, str, str], ...]
"""Key of a record, heading, and kind: text, count, number (0.843), share (84.3 %), bar (≥ 95 %), yes."""

LAYOUTS: dict[str, Columns] = {
    "bars": (
        ("what", "what", "text"),
        ("n", "n", "count"),
        ("figure", "measured (95 %)", "number"),
        ("bar", "bar", "text"),
        ("met", "met", "yes"),
    ),
    "classes": (
        ("class", "class", "text"),
        ("wanted", "wanted", "text"),
        ("n", "sentences", "count"),
        ("patterns", "patterns", "count"),
        ("right", "right (95 %)", "share"),
        ("encoder_alone", "encoder alone", "share"),
        ("policy", "shipped policy", "share"),
        ("bar", "bar", "bar"),
        ("met", "met", "yes"),
    ),
    "functionalities": (
        ("functionality", "functionality", "text"),
        ("class", "class", "text"),
        ("wanted", "wanted", "text"),
        ("n", "sentences", "count"),
        ("patterns", "patterns", "count"),
        ("right", "right (95 %)", "share"),
        ("policy", "shipped policy", "share"),
        ("low", "under 80 %", "flag"),
    ),
    "checks": (
        ("class", "class", "text"),
        ("wanted", "wanted", "text"),
        ("n", "sentences", "count"),
        ("cases", "cases", "count"),
        ("policy", "right, shipped policy (95 %)", "share"),
        ("heads", "right, heads alone", "share"),
    ),
    "heads": (
        ("head", "head", "text"),
        ("source", "source", "text"),
        ("n", "n", "count"),
        ("positive", "positive", "share"),
        ("auc", "AUC", "number"),
        ("macro_f1", "macro-F1", "number"),
        ("accuracy", "accuracy", "share"),
        ("precision", "precision", "share"),
        ("recall", "recall", "share"),
        ("ece", "ECE", "number"),
    ),
    "baselines": (
        ("head", "head", "text"),
        ("source", "source", "text"),
        ("n", "n", "count"),
        ("classifier_macro_f1", "classifier macro-F1", "number"),
        ("keyword_macro_f1", "word list macro-F1", "number"),
        ("always_yes_macro_f1", "always yes macro-F1", "number"),
        ("always_no_macro_f1", "always no macro-F1", "number"),
        ("classifier_accuracy", "classifier accuracy", "share"),
        ("keyword_accuracy", "word list accuracy", "share"),
        ("always_yes_accuracy", "always yes accuracy", "share"),
        ("always_no_accuracy", "always no accuracy", "share"),
    ),
    "groups": (
        ("group", "group", "text"),
        ("n", "n", "count"),
        ("about", "about it", "count"),
        ("precision", "precision", "share"),
        ("recall", "recall", "share"),
        ("f1", "F1", "number"),
    ),
    "stages": (
        ("source", "source", "text"),
        ("n", "n", "count"),
        ("unknown", "unknown", "share"),
        ("student", "answered by the student", "share"),
        ("accuracy", "right, all stages", "share"),
        ("encoder_alone", "right, encoder alone", "share"),
        ("difference", "difference (points)", "points"),
    ),
    "benign": (
        ("pool", "pool", "text"),
        ("n", "n", "count"),
        ("acted_on", "acted on", "share"),
        ("encoder_alone", "encoder alone", "share"),
        ("reviewed", "at least reviewed", "share"),
        ("hate", "hate", "share"),
        ("harassment", "harassment", "share"),
        ("threat", "threat", "share"),
        ("spam", "spam", "share"),
    ),
    "cutoffs": (
        ("cutoff", "cut-off", "text"),
        ("n", "own sentences", "count"),
        ("acted_on", "acted on where asked", "share"),
        ("left_up", "left up where asked", "share"),
        ("accuracy", "right", "share"),
        ("false_alarms", "false alarms, goemotions", "share"),
        ("dynahate", "Dynahate dev macro-F1", "number"),
    ),
    "fairness": (
        ("set", "set", "text"),
        ("among", "among", "text"),
        ("groups", "groups", "count"),
        ("n", "n", "count"),
        ("false_positive_rate", "false alarms", "share"),
        ("false_positive_gap", "largest gap (points)", "points"),
        ("false_positive_by_chance", "by chance under", "points"),
        ("false_positive_between", "between", "text"),
        ("false_negative_rate", "misses", "share"),
        ("false_negative_gap", "largest gap (points)", "points"),
        ("false_negative_by_chance", "by chance under", "points"),
        ("false_negative_between", "between", "text"),
        ("score_gap", "gap of mean score", "number"),
    ),
    "fairness_groups": (
        ("set", "set", "text"),
        ("group", "group", "text"),
        ("n", "n", "count"),
        ("harmful", "harmful", "count"),
        ("false_positive_rate", "false alarms", "share"),
        ("false_negative_rate", "misses", "share"),
        ("score_of_innocent", "mean hate, innocent", "number"),
        ("score_of_harmful", "mean hate, harmful", "number"),
    ),
    "templates": (
        ("set", "set", "text"),
        ("of", "filled with", "text"),
        ("n", "sentences", "count"),
        ("texts", "texts", "count"),
        ("one_decision", "one decision for all", "share"),
        ("mean_spread", "mean spread of hate", "number"),
        ("largest_spread", "largest", "number"),
    ),
    "migration": (
        ("attribute", "attribute", "text"),
        ("heads", "our heads", "text"),
        ("n", "n", "count"),
        ("rank_correlation", "rank correlation", "number"),
    ),
    "data": (
        ("source", "source", "text"),
        ("licence", "licence", "text"),
        ("use", "use", "text"),
        ("train", "train rows", "count"),
        ("dev", "dev rows", "count"),
        ("share", "share of train", "share"),
        ("weight", "weight", "weight"),
        ("attribution", "attribution", "text"),
    ),
}


def markdown(name: str, records: Sequence[Mapping[str, Any]]) -> str:
    """The table `name` of `LAYOUTS` over its records, ending in a line break; a word where there are none."""
    if not records:
        return "(not measured in this run)\n"
    columns = LAYOUTS[name]
    lines = ["| " + " | ".join(heading for _, heading, _ in columns) + " |"]
    lines.append("|" + "|".join("---" if kind == "text" else "--:" for _, _, kind in columns) + "|")
    for record in records:
        cells = [_cell(record.get(key), kind) for key, _, kind in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def put(card: str, tables: Mapping[str, str]) -> str:
    """The text of a card with these tables in their places; the others stay. Raises `InvalidRecipe`."""
    marks = _MARK.findall(card)
    if any((mark == "<!-- end -->") != (at % 2 == 1) for at, mark in enumerate(marks)) or len(marks) % 2:
        raise InvalidRecipe(
            "has a marker without its other half",
            where="the model card",
            expected="<!-- table: name --> … <!-- end -->",
        )
    places = {name for _, name, _ in _PLACE.findall(card)}
    missing = sorted(set(tables) - places)
    if missing:
        raise InvalidRecipe(
            "has no place for a table",
            where="the model card",
            value=", ".join(missing),
            expected="<!-- table: name --> … <!-- end -->",
        )
    return _PLACE.sub(
        lambda found: f"{found[1]}{tables[found[2]]}{found[3]}" if found[2] in tables else found[0], card
    )


def _cell(value: Any, kind: str) -> str:
    if isinstance(value, Mapping):
        value = msgspec.convert(value, Figure)
    if isinstance(value, Figure):
        if value.value is None:
            return "–"
        if value.low is None or value.high is None:
            return _plain(value.value, kind)
        return f"{_plain(value.value, kind)} ({_plain(value.low, kind, bare=True)} – {_plain(value.high, kind, bare=True)})"
    return _plain(value, kind)


def _plain(value: Any, kind: str, bare: bool = False) -> str:
    if kind in ("yes", "flag"):
        return "" if value is None or (kind == "flag" and not value) else "yes" if value else "**no**"
    if value is None:
        return "–"
    if kind == "count":
        return f"{value:,}"
    if kind == "number":
        return f"{value:.3f}".replace("-0.000", "0.000").replace("-", "−")
    if kind == "weight":
        return f"{value:g}"
    if kind == "share":
        return f"{100 * value:.1f}" if bare else f"{100 * value:.1f} %"
    if kind == "points":
        return f"{100 * value:.1f}".replace("-0.0", "0.0").replace("-", "−")
    if kind == "bar":
        return f"≥ {100 * value:g} %"
    return " ".join(str(value).split()).replace("|", "\\|")
