"""What a calibration leaves: a file that the classifier loads, a page that nothing breaks out of, a table that says it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from tests.measure.calibration_samples import HEAD, calibrated, classifier, sample, weights
from tests.measure.samples import NOW
from tests.measure.test_attributes import compared, former
from tests.measure.test_attributes import told as told_here
from tests.measure.test_report import HOSTILE, parsed

from holdfast.measure.calibration import Aims, Calibration
from holdfast.measure.calibration_file import METHODS, as_json, keep
from holdfast.measure.calibration_report import render_report, write_report
from holdfast.measure.calibration_terminal import show
from holdfast.measure.calibration_wording import points, probability, worse_sentence
from holdfast.measure.cut_offs import Target
from holdfast.measure.labels import Labels
from holdfast.signals.classifier import Classifier
from holdfast.signals.recalibration import FORMAT, Recalibration


@pytest.fixture(scope="module")
def found() -> Calibration:
    return calibrated(sample(600), scored=True, prevalence=0.05)


def printed(calibration: Calibration, width: int = 110) -> str:
    console = Console(width=width, force_terminal=False, record=True, file=io.StringIO())
    show(console, calibration, "rows.csv")
    return console.export_text()


def test_the_file_is_what_the_classifier_loads(found: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    assert keep(path, as_json(found, "rows.csv", NOW)) is None
    loaded = Recalibration.load(path)
    assert loaded == found.recalibration
    bent = Classifier.load(weights(), recalibration=loaded)
    assert bent.version.endswith(f"+c{loaded.version}")
    document = json.loads(path.read_text())
    assert (document["format"], document["classifier"]) == (FORMAT, classifier().answering)
    assert (document["input"], document["rows"], document["at"]) == ("rows.csv", 600, "2026-01-02T12:00:00Z")
    head = document["heads"][HEAD]
    refit = found.heads[0].refit
    assert refit is not None
    assert (head["slope"], head["offset"]) == (refit.line.slope, refit.line.offset)
    for purpose, cut in (("act", refit.act), ("review", refit.review)):
        assert head["cut_offs"][purpose]["at"] == cut.at
        assert head["cut_offs"][purpose]["met"] == (cut.unmet is None)
        assert head["cut_offs"][purpose]["recall"]["value"] == cut.recall.value
    assert head["conformal"]["positive_from"] == refit.bands.positive_from
    assert len(document["migration"][HEAD]["thresholds"]) == 5
    assert document["methods"] == list(METHODS)


def test_the_former_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    for content in (b"one", b"two", b"three"):
        kept = keep(path, content)
    assert kept == tmp_path / "calibration.json.1"
    assert (path.read_bytes(), kept.read_bytes()) == (b"three", b"two")
    assert {entry.name for entry in tmp_path.iterdir()} == {"calibration.json", "calibration.json.1"}


def test_a_file_without_a_fit_bends_nothing(tmp_path: Path) -> None:
    found = calibrated([(text, None, score) for text, _, score in sample(100)], labelled=False, scored=True)
    path = tmp_path / "mapping.json"
    keep(path, as_json(found, "rows.csv", NOW))
    loaded = Recalibration.load(path)
    assert loaded.heads == {}
    loaded.check(classifier().answering, classifier().model.manifest.heads)


def test_no_text_is_in_what_is_left(found: Calibration) -> None:
    left = as_json(found, "rows.csv", NOW).decode() + render_report(found, "rows.csv", NOW) + printed(found)
    assert not [text for text, *_ in sample(600) if len(str(text)) > 14 and str(text) in left]


def test_a_hostile_name_stays_a_name(found: Calibration, tmp_path: Path) -> None:
    labels = Labels(HOSTILE)
    odd = calibrated(sample(100), wanted=labels)
    head = msgspec.structs.replace(found.heads[0], head=HOSTILE)
    assert head.migration is not None
    head = msgspec.structs.replace(head, migration=msgspec.structs.replace(head.migration, score=HOSTILE))
    page = render_report(msgspec.structs.replace(found, heads=(head, *odd.heads)), HOSTILE, NOW)
    elements = parsed(page)
    assert not {"script", "img", "iframe", "link", "object"} & elements.tags
    assert not {name for name in elements.attributes if name.startswith("on")}
    assert "49" not in "".join(word for word in elements.words if "7*7" in word)
    assert "\x00" not in page and "\u202e" not in page
    write_report(tmp_path / "r.html", found, "rows.csv", NOW)
    assert "default-src 'none'" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize("width", [80, 110])
def test_the_terminal_says_what_was_found(found: Calibration, width: int) -> None:
    told = " ".join(printed(found, width).split())
    refit = found.heads[0].refit
    assert refit is not None
    for said in (
        "rows.csv: 600 rows, classifier",
        f"{HEAD}: the probabilities are better: log loss",
        "fitted to 299, measured on the other 301" if refit.fitted == 299 else f"fitted to {refit.fitted}",
        "for 5.0 % positive rows",
        "Expected calibration error",
        "act: precision at least 90 %, ",
        "review: recall at least 90 %, promised for new rows like these (conformal)",
        "Of new positive rows 90 % get",
        "19 times in 20",
        "column:api beside this head, on 600 rows: they rank alike by 0.9",
        "As precise: the lowest cut-off here with the former precision",
    ):
        assert said in told, said
    assert "…" not in told


def test_few_rows_and_targets_out_of_reach_are_said() -> None:
    aims = Aims(act=Target(aim="false-positives", bound=0.001), review=Target(aim="recall", bound=0.999))
    told = " ".join(printed(calibrated(sample(120), aims=aims)).split())
    for said in (
        "Few rows:",
        "act: false positives at most 0.1 %, not met: it takes 999 negative rows that nothing was fitted to",
        "review: recall at least 99.9 %, not met: it takes 999 positive rows",
        "the nearest is shown",
    ):
        assert said in told, said
    assert "the nearest is shown" in " ".join(
        parsed(render_report(calibrated(sample(120), aims=aims), "x.csv", NOW)).words
    )


def test_former_scores_alone_are_shown_without_a_fit() -> None:
    found = calibrated([(text, None, score) for text, _, score in sample(100)], labelled=False, scored=True)
    told = printed(found)
    assert "Equal here" in told
    assert "Precision" not in told and "log loss" not in told
    assert "What former thresholds are equal to here" in render_report(found, "rows.csv", NOW)


def test_mapped_attributes_are_told_and_kept_without_a_fit(tmp_path: Path) -> None:
    found = compared({name: former(name) for name in ("TOXICITY", "THREAT")}, thresholds=(0.25, 0.7))
    told = " ".join(printed(found).split())
    page = " ".join(parsed(render_report(found, "old.csv", NOW)).words)
    for one in found.attributes:
        assert one.migration is not None
        value = f"{one.migration.correlation.value:.2f}".replace("-", "−")
        mapped = one.migration.thresholds[0]
        assert mapped.change is not None
        for said in (
            f"{one.attribute}, on 299 rows: rank correlation {value} (",
            points(mapped.change.value),
        ):
            assert said in told, said
            assert said in page, said
        assert f"{one.attribute}: 0.25 → {probability(mapped.same_share.at)}" in told
    for said in ("Holdfast has no score for OBSCENE: left out", "Next steps", "With some hundreds of labels"):
        assert said in told, said
        assert said in page, said
    assert "five usual thresholds" not in told
    assert "five usual thresholds" in printed(compared({"THREAT": former("THREAT")}))
    assert "…" not in printed(found, 80) + printed(found, 100)
    document = json.loads(as_json(found, "old.csv", NOW))
    assert (document["heads"], document["migration"]) == ({}, {})
    assert document["attributes"]["TOXICITY"]["score"] == "TOXICITY"
    kept = document["attributes"]["TOXICITY"]["migration"]
    assert [one["former"]["at"] for one in kept["thresholds"]] == [0.25, 0.7]
    assert "joint" not in kept
    keep(tmp_path / "m.json", as_json(found, "old.csv", NOW))
    assert Recalibration.load(tmp_path / "m.json").heads == {}


def test_a_head_that_a_refit_makes_worse_is_warned_of(found: Calibration) -> None:
    assert worse_sentence(found) is None
    (head,) = found.heads
    assert head.refit is not None
    lost = msgspec.structs.replace(head.refit.gain, value=-0.04, low=-0.05, high=-0.01)
    worse = msgspec.structs.replace(head, refit=msgspec.structs.replace(head.refit, gain=lost))
    told = worse_sentence(msgspec.structs.replace(found, heads=[worse]))
    assert told is not None and told.startswith(f"it makes {HEAD} worse")


def test_rows_that_are_not_found_again_are_warned_of() -> None:
    noise = compared({"THREAT": former("THREAT")}, thresholds=(0.95,))
    assert "THREAT: fewer than half of the rows" in printed(noise)
    alike = compared({"THREAT": told_here(None, "THREAT")}, thresholds=(0.0,))  # type: ignore[dict-item]
    assert "fewer than half of the rows" not in printed(alike)


def test_an_attribute_that_was_not_compared_says_why() -> None:
    found = compared({"TOXICITY": former("TOXICITY"), "SPAM": [0.5] * 300})
    for said in (printed(found), " ".join(parsed(render_report(found, "old.csv", NOW)).words)):
        assert "SPAM, not compared: the former score is the same in every row" in said
