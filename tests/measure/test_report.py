"""The report of an evaluation: nothing in it runs, loads or breaks out; everything is said, and drawn."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measure.samples import CALM, LINK, NOW, PHONE, evaluated

from holdfast.measure.evaluation import Evaluation
from holdfast.measure.plots import SIDE, curve_plot, reliability_plot, whisker
from holdfast.measure.report import render_report, write_report
from holdfast.measure.results import METHODS, as_json

HOSTILE = "</bdi></details><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}\u202e\x00"


def scored(group: str = "a", n: int = 80) -> Evaluation:
    rng = np.random.default_rng(1)
    rows = []
    for number in range(n):
        positive = number % 2 == 0
        text = (LINK if number % 3 else CALM) if positive else (PHONE if number % 5 == 0 else CALM)
        rows.append(
            (
                text,
                int(positive),
                group if number % 4 else "b",
                float(np.clip(rng.normal(0.4 + 0.2 * positive, 0.2), 0, 1)),
            )
        )
    return evaluated(rows, keep_texts=True)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(page: str) -> Elements:
    elements = Elements()
    elements.feed(page)
    return elements


CALM_PAGE = parsed(render_report(scored(), "calm.csv", NOW))


@settings(max_examples=15, deadline=None)
@given(st.just(HOSTILE) | st.from_regex(r"[<>/\"'&=a-z ]{1,40}", fullmatch=True))
def test_what_came_from_outside_is_only_text(text: str) -> None:
    found = scored(text)
    mistake = msgspec.structs.replace(
        found.false_positives[0], text=text, id=text, rules=(text,), marks=((0, 3, text),)
    )
    found = msgspec.structs.replace(
        found, false_positives=(mistake,), label=text, left_out={text: 3}, score_name=text
    )
    page = parsed(render_report(found, f"/x/{text}.csv", NOW))
    assert page.tags <= CALM_PAGE.tags | {"mark"}
    assert not page.tags & {"script", "img", "iframe", "link", "object", "form"}
    assert page.attributes <= CALM_PAGE.attributes
    assert not any(name.startswith("on") for name in page.attributes)


def test_nothing_is_loaded_and_nothing_may_run() -> None:
    page = render_report(scored("{{ 7*7 }}\u202e\x00<b>"), "x.csv", NOW)
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"url\(|@import|\bsrc=[\"']|href=", page)
    assert "\u202e" not in page
    assert "{{ 7*7 }}" in page  # as text, not evaluated


def test_every_finding_is_said_with_its_numbers_behind_it() -> None:
    found = scored()
    page = render_report(found, "/some/where/x.csv", NOW)
    words = " ".join(" ".join(parsed(page).words).split())
    assert "/some/where" not in page
    for sentence in (
        f"{found.main.confusion.true_positives} of 40 positive rows found",
        "F1 is",
        "any listed word",
        "of what was acted on is labelled positive",
        "A positive row scores higher than a negative one",
        "The score is",
        "By group: false positives",
        "Wrongly acted on: 8 of 8",
        "Missed: 12 of 14",
        found.policy,
        *METHODS,
    ):
        assert sentence in words, sentence
    assert page.count("<summary>The numbers</summary>") == 3
    assert page.count("<svg") > 8


def test_texts_are_covered_or_left_out() -> None:
    page = render_report(scored(), "x.csv", NOW)
    assert "This file holds 20 texts" in page
    assert CALM in page
    rows = [(LINK, 0, "a"), (CALM, 1, "a")]
    bare = render_report(evaluated(rows), "x.csv", NOW)
    assert "No text of anybody is in this file" in bare
    assert CALM not in bare


@pytest.mark.parametrize(
    "rows",
    [
        [(CALM, 0, "a")],
        [(CALM, 1, "a")],
        [(LINK, 0, "a"), (LINK, 1, None)],
        [(CALM, 0, "a", 7.0)],
        [(CALM, 0, "a", 0.5)],
    ],
)
def test_undefined_figures_have_a_page_and_a_reason(rows: list) -> None:
    found = evaluated(rows)
    page = render_report(found, "x.csv", NOW)
    for predictor in (found.main,):
        for figure in predictor.figures.values():
            assert figure.why is None or figure.why in page
    assert "None" not in " ".join(parsed(page).words)
    assert "nan" not in " ".join(parsed(page).words).lower().split()


def test_plots_stay_within_their_frames() -> None:
    found = scored()
    curve, reliability = curve_plot(found), reliability_plot(found)
    assert curve is not None
    assert reliability is not None
    for x, y in (map(float, pair.split(",")) for pair in (curve.line + " " + reliability.line).split()):
        assert 0 <= x <= SIDE
        assert 0 <= y <= SIDE
    for spot in reliability.spots:
        assert spot.top <= spot.y <= spot.bottom
    line = whisker(found.main.figures["recall"])
    assert line is not None
    assert line.start <= line.at <= line.start + line.width + 0.02
    plain = evaluated([(CALM, 0, "a")])
    assert curve_plot(plain) is reliability_plot(plain) is None
    assert whisker(plain.main.figures["recall"]) is None


def test_json_has_everything_but_texts(tmp_path: Path) -> None:
    found = scored()
    document = msgspec.json.decode(as_json(found, "x.csv", NOW))
    assert LINK not in as_json(found, "x.csv", NOW).decode()
    assert document["format"] == 1
    assert document["predictors"][0]["figures"]["recall"]["method"] == "wilson"
    assert document["score"]["auc"]["low"] < document["score"]["auc"]["value"]
    assert {one["row"] for one in document["false_positives"]} == {one.row for one in found.false_positives}
    assert document["by"][0]["gaps"]["policy"]["false_positive_rate"]["gap"]["value"] is None
    write_report(tmp_path / "r.html", found, "x.csv", NOW)
    assert (tmp_path / "r.html").read_text("utf-8").lstrip().startswith("<!doctype html>")
