"""Attributes of Perspective in a file: which column is which, and that what is compared is what the server would say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from tests.measure.calibration_samples import HEAD, classifier, labels, sample, texts, weights

from holdfast.bulk.rows import InvalidInput
from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.measure.attributes import (
    OTHERS,
    InvalidAttribute,
    WantedAttribute,
    attribute_of,
    check_attribute,
    check_heads,
    find,
    open_scored,
)
from holdfast.measure.calibration import Calibration, Calibrator, Wanted, calibrate
from holdfast.measure.evaluation import Chunk
from holdfast.measure.labels import Labels
from holdfast.measure.refit import InvalidSample
from holdfast.measure.score import Score
from holdfast.perspective import ATTRIBUTES, NAMES, score
from holdfast.signals.classifier import Classifier
from holdfast.signals.recalibration import Line, Recalibration
from holdfast.signals.signal import Batch

N = 300
LINES = {"hate": Line(slope=0.5, offset=1.0), HEAD: Line(slope=2.0, offset=-0.5)}


def former(attribute: str, n: int = N) -> list[float | None]:
    """Scores of another API for the same rows: noise, with one that is not there."""
    drawn = np.random.default_rng(NAMES.index(attribute)).random(n)
    return [None if row == 3 else round(float(value), 3) for row, value in enumerate(drawn)]


def compared(
    attributes: Mapping[str, list[float | None]],
    *,
    said: tuple[str, ...] = texts(N),
    heads: tuple[Wanted, ...] = (),
    in_force: Recalibration | None = None,
    thresholds: tuple[float, ...] = (),
    size: int = 70,
) -> Calibration:
    items = [
        Item(
            id=str(row),
            text=text,
            context={
                "label": int(labels(N)[row]) if row < N else 0,
                **{name: scores[row] for name, scores in attributes.items() if scores[row] is not None},
            },
        )
        for row, text in enumerate(said)
    ]
    wanted = [
        WantedAttribute(
            attribute=name, former=Score(name, lambda item, name=name: item.context.get(name)), thresholds=thresholds
        )
        for name in attributes
    ]  # fmt: skip
    calibrator = Calibrator(
        Engine([classifier()]), classifier(), heads, None, in_force, attributes=wanted, left_out=["OBSCENE"]
    )
    parts = [Chunk(items[at : at + size], [*range(at, at + size)][: len(items) - at], []) for at in range(0, len(items), size)]  # fmt: skip
    return calibrate(calibrator, parts, where="old.csv")


def told(recalibration: Recalibration | None, attribute: str) -> list[float | None]:
    """What the server would say of each text."""
    found = Classifier.load(weights(), recalibration=recalibration).measure(
        Batch([Item(id=str(row), text=text) for row, text in enumerate(texts(N))])
    )
    rows = (dict(zip(found.columns, row, strict=True)) for row in zip(*found.columns.values(), strict=True))
    return [score(attribute, row) for row in rows]


@pytest.mark.parametrize("lines", [{}, LINES])
def test_what_is_compared_is_what_the_server_would_say(lines: dict[str, Line]) -> None:
    in_force = Recalibration.of(classifier().answering, lines) if lines else None
    found = compared({name: former(name) for name in NAMES}, in_force=in_force, thresholds=(0.3, 0.8))
    assert [one.attribute for one in found.attributes] == list(NAMES)
    assert (found.heads, found.recalibration, found.left_out) == ((), None, ("OBSCENE",))
    for one in found.attributes:
        here, before = told(in_force, one.attribute), former(one.attribute)
        pairs = np.array([pair for pair in zip(before, here, strict=True) if None not in pair], float)
        assert one.heads == ATTRIBUTES[one.attribute]
        assert one.migration is not None
        assert one.migration.n == len(pairs) == N - 1
        assert one.migration.correlation.value == pytest.approx(spearmanr(*pairs.T).statistic)
        for mapped in one.migration.thresholds:
            assert mapped.unchanged is not None
            assert mapped.unchanged.acted_on.value == pytest.approx((pairs[:, 1] >= mapped.former.at).mean())
            assert mapped.former.acted_on.value == pytest.approx((pairs[:, 0] >= mapped.former.at).mean())


def test_labels_of_heads_bend_the_attributes_too() -> None:
    wanted = Wanted(head=HEAD, labels=Labels("label"), label=lambda item: item.context.get("label"))
    found = compared({"INSULT": former("INSULT"), "THREAT": former("THREAT")}, heads=(wanted,))
    assert found.recalibration is not None
    later = compared({"INSULT": former("INSULT"), "THREAT": former("THREAT")}, in_force=found.recalibration)
    assert later.attributes == found.attributes
    before = compared({"INSULT": former("INSULT"), "THREAT": former("THREAT")})
    assert before.attributes[0] != later.attributes[0]  # harassment is in it
    assert before.attributes[1] == later.attributes[1]


def test_one_attribute_that_cannot_be_compared_does_not_keep_the_others() -> None:
    rows = {"TOXICITY": former("TOXICITY"), "INSULT": [0.5] * N, "THREAT": [None] * N, "SPAM": [7.0, *former("SPAM")[1:]]}  # fmt: skip
    found = {one.attribute: one for one in compared(rows).attributes}
    assert found["TOXICITY"].migration is not None
    for attribute, why in (
        ("INSULT", "the same in every row"),
        ("THREAT", "no row has a former score"),
        ("SPAM", "not between 0 and 1"),
    ):
        assert found[attribute].migration is None
        assert why in (found[attribute].why or "")
    with pytest.raises(InvalidSample, match="no attribute whose scores can be compared") as raised:
        compared({"INSULT": [0.5] * N})
    assert "INSULT" in (raised.value.value or "")


def test_rows_of_which_nothing_is_said_are_counted() -> None:
    said = (*texts(N - 2), "", "Das ist wirklich ein sehr schöner Abend mit euch allen")
    (one,) = compared({"TOXICITY": former("TOXICITY")}, said=said).attributes
    assert one.unknown == 2
    assert one.migration is not None and one.migration.n == N - 3


def test_the_same_rows_give_the_same_in_any_chunks() -> None:
    rows = {"TOXICITY": former("TOXICITY"), "SPAM": former("SPAM")}
    assert compared(rows) == compared(rows, size=7)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*NAMES, *OTHERS]),
    st.sampled_from(["{}", "{}_score", "{} score", "perspective_{}", "{}.summaryScore.value", "{}_EXPERIMENTAL",
                     "attributeScores.{}.summaryScore.value", "attributeScores/{}/summaryScore/value"]),
    st.sampled_from([str, str.lower, str.title, lambda name: name.replace("_", " "), lambda name: name.replace("_", "-")]),
)  # fmt: skip
def test_a_column_may_say_more_than_the_attribute(attribute: str, shape: str, written: object) -> None:
    assert attribute_of(shape.format(written(attribute))) == attribute  # type: ignore[operator]


@pytest.mark.parametrize(
    "column",
    ["", "score", "text", "toxic", "TOXICITY_v5", "toxicity_label", "TOXICITY.summaryScore.type", "is_threat",
     "requestedAttributes.TOXICITY", "TOXICITY.spanScores.0.score.value", "TOXICITY" * 100, "toxicity insult"],
)  # fmt: skip
def test_other_columns_are_no_scores(column: str) -> None:
    assert attribute_of(column) is None


def test_of_several_columns_the_one_that_is_called_so_is_taken() -> None:
    found = find(["toxicity", "TOXICITY.summaryScore.value", "insult_score", "obscene", "Flirtation", "x"])
    assert found.by_attribute == {"TOXICITY": "toxicity", "INSULT": "insult_score"}
    assert found.left_out == ("FLIRTATION", "OBSCENE")
    assert not found.twice
    found = find(["old.toxicity.score", "toxicity_score", "perspective_toxicity", "THREAT"], {"THREAT": "x"})
    assert found.by_attribute == {"THREAT": "x"}
    assert found.twice == {"TOXICITY": ("toxicity_score", "perspective_toxicity")}


@pytest.mark.parametrize("column", ["text", "comment", "Comment_Text", "body"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_texts_and_scores_are_found_in_a_table(tmp_path: Path, column: str, separator: str) -> None:
    path = tmp_path / "old.csv"
    lines = [
        [column, "n", "toxicity_score", "THREAT"],
        ["hello you", "1", "0.5", "NA"],
        ["the face", "2", "", "0.25"],
    ]
    path.write_text("\n".join(separator.join(line) for line in lines) + "\n")
    opened, columns = open_scored(str(path), {}, {}, mapping={})
    items = [row for row in opened.reader.rows() if isinstance(row, Item)]
    opened.reader.close()
    assert [item.text for item in items] == ["hello you", "the face"]
    assert columns.by_attribute == {"TOXICITY": "toxicity_score", "THREAT": "THREAT"}
    measured = Engine([classifier()]).measure(items)
    scores = {
        attribute: Score(column, opened.cells[column]).column(measured, [1, 2])
        for attribute, column in columns.by_attribute.items()
    }
    assert scores == {"TOXICITY": [0.5, None], "THREAT": [None, 0.25]}


def test_stored_answers_are_read_as_they_came(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"

    def answer(value: float) -> dict[str, object]:
        span = {"begin": 0, "end": 3, "score": {"value": value, "type": "PROBABILITY"}}
        return {"spanScores": [span], "summaryScore": {"value": value, "type": "PROBABILITY"}}

    lines = [
        {"comment": {"text": "hello you"}, "attributeScores": {"TOXICITY": answer(0.5), "SEVERE_TOXICITY": answer(0.1)},
         "languages": ["en"], "context": {"entries": [{"text": "before"}]}},
        {"comment": {"text": "the face"}, "error": {"code": 429}},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    opened, columns = open_scored(str(path), {}, {}, mapping={})
    items = [row for row in opened.reader.rows() if isinstance(row, Item)]
    opened.reader.close()
    assert [item.text for item in items] == ["hello you", "the face"]
    assert list(columns.by_attribute) == ["TOXICITY", "SEVERE_TOXICITY"]
    cell = opened.cells[columns.by_attribute["TOXICITY"]]
    assert [cell(item) for item in items] == [0.5, None]


@pytest.mark.parametrize(
    ("header", "named", "what"),
    [
        ("text,score", {}, "no column with scores of Perspective"),
        ("text,toxicity_score,perspective_toxicity", {}, "several columns for TOXICITY"),
        ("text,toxicity", {"INSULT": "insult"}, "has no column 'insult'"),
        ("words,toxicity", {}, "has no column 'text'"),
        ("text,toxicity", {"INSULT": "text"}, "holds the text of items"),
    ],
)
def test_a_file_that_does_not_say_which_is_which(
    tmp_path: Path, header: str, named: dict[str, str], what: str
) -> None:
    path = tmp_path / "old.csv"
    path.write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n")
    with pytest.raises((InvalidAttribute, InvalidInput), match=what):
        open_scored(str(path), {}, named, mapping={})


def test_names_and_heads_that_there_are_not() -> None:
    assert check_attribute("severe_toxicity", "--score") == "SEVERE_TOXICITY"
    assert check_attribute("TOXICITY_EXPERIMENTAL", "--score") == "TOXICITY"
    with pytest.raises(InvalidAttribute, match="is not an attribute") as raised:
        check_attribute("TOXICTY", "--threshold")
    assert raised.value.next_step == "did you mean TOXICITY?"
    with pytest.raises(InvalidAttribute, match="does not score"):
        check_attribute("flirtation", "--threshold")
    check_heads(NAMES, classifier().model.manifest.heads, "old.csv")
    with pytest.raises(InvalidAttribute, match="SPAM takes a head") as raised:
        check_heads(["THREAT", "SPAM"], ["threat"], "old.csv")
    assert raised.value.value == "spam"


def test_no_text_is_kept() -> None:
    assert not [text for text, *_ in sample(N) if len(str(text)) > 14 and str(text) in repr(compared({"SPAM": former("SPAM")}))]  # fmt: skip
