"""A recalibration: it bends and never reorders, answers for one classifier only, and says what is wrong with its file."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.heads import HEADS
from tests.models.tiny import write

from holdfast.content import Item
from holdfast.schema import Value
from holdfast.signals.classifier import DIGITS, Classifier, Stages
from holdfast.signals.recalibration import (
    FORMAT,
    LIMIT,
    NEAREST,
    InvalidRecalibration,
    Line,
    Recalibration,
    logit,
)
from holdfast.signals.signal import Batch

TEXTS = (
    "hello you",
    "they are the people",
    "is it not a box",
    "you are never the person",
    "the face",
    "",
    "to a",
)
lines = st.builds(Line, slope=st.floats(0.05, 2), offset=st.floats(-3, 3))
probabilities = st.lists(st.floats(0, 1), min_size=2, max_size=30)


@given(lines, probabilities)
@settings(max_examples=150, deadline=None)
def test_a_line_never_changes_a_ranking(line: Line, given: list[float]) -> None:
    ordered = np.sort(np.array(given))
    bent = line(ordered)
    assert (np.diff(bent) >= 0).all()
    assert ((bent > 0) & (bent < 1)).all()


@given(probabilities)
@settings(max_examples=100, deadline=None)
def test_the_line_that_bends_nothing(given: list[float]) -> None:
    found = Line()(np.array(given))
    assert found == pytest.approx(np.clip(given, NEAREST, 1 - NEAREST), abs=1e-12)


@given(lines, probabilities)
@settings(max_examples=100, deadline=None)
def test_a_line_is_straight_in_log_odds(line: Line, given: list[float]) -> None:
    bent = line(np.array(given))
    assert np.log(bent / (1 - bent)) == pytest.approx(
        line.slope * logit(np.array(given)) + line.offset, abs=1e-4
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        write(Path(made), certain=0.8)
        yield Path(made)


def columns(classifier: Classifier, texts: tuple[str, ...] = TEXTS) -> dict[str, list[Value]]:
    found = classifier.measure(
        Batch([Item(id=str(row), text=text) for row, text in enumerate(texts)])
    ).columns
    return {name: list(column) for name, column in found.items()}


def bent(folder: Path, **heads: Line) -> Recalibration:
    return Recalibration.of(Classifier(folder).answering, heads)


def test_the_classifier_bends_what_either_network_says(folder: Path) -> None:
    plain = columns(Classifier.load(folder))
    assert set(plain["classifier.stage"]) == {"student", "encoder", None}
    line = Line(slope=1.7, offset=-0.4)
    found = columns(Classifier.load(folder, recalibration=bent(folder, hate=line)))
    expected = [
        None if value is None else round(float(line(np.array(value))), DIGITS) for value in plain["hate"]
    ]
    assert found["hate"] == expected
    assert found["hate"] != plain["hate"]
    assert {name: found[name] for name in plain if name != "hate"} == {
        name: plain[name] for name in plain if name != "hate"
    }


def test_a_recalibration_changes_the_version_and_the_answers_are_remembered(folder: Path) -> None:
    plain = Classifier(folder)
    one = Classifier(folder, recalibration=bent(folder, hate=Line(slope=2)))
    other = Classifier(folder, recalibration=bent(folder, hate=Line(slope=3)))
    assert len({plain.version, one.version, other.version}) == 3
    assert plain.answering == one.answering
    assert columns(one) == columns(one) == columns(Classifier(folder, Stages(cache=0), one.recalibration))


def test_workers_bend_alike(folder: Path) -> None:
    classifier = Classifier(folder, recalibration=bent(folder, threat=Line(offset=2)))
    sent = pickle.loads(pickle.dumps(classifier))
    assert sent.version == classifier.version
    assert columns(sent) == columns(classifier)


def test_lines_for_another_classifier_are_refused(folder: Path, tmp_path: Path) -> None:
    made = bent(folder, hate=Line(slope=2))
    write(tmp_path, canonical=False)
    for other in (
        lambda: Classifier(tmp_path, recalibration=made),
        lambda: Classifier.load(folder, Stages(student=False), made),
    ):
        with pytest.raises(InvalidRecalibration, match="another classifier") as raised:
            other()
        assert "holdfast calibrate" in str(raised.value.next_step)
    with pytest.raises(InvalidRecalibration, match="a head that the classifier does not have") as raised:
        Classifier(folder, recalibration=bent(folder, hat=Line()))
    assert raised.value.expected == f"one of {', '.join(HEADS)}"


def test_a_file_comes_back_as_written(tmp_path: Path) -> None:
    made = Recalibration.of("abc.se", {"hate": Line(slope=0.5, offset=1), "threat": Line()})
    path = tmp_path / "calibration.json"
    document = msgspec.to_builtins(made)
    document["heads"]["hate"]["cut_offs"] = {"act": {"at": 0.8}}  # for people
    document["migration"] = {"hate": [1, 2]}
    path.write_bytes(msgspec.json.encode(document))
    assert Recalibration.load(path) == made


GOOD = msgspec.to_builtins(Recalibration.of("abc.se", {"hate": Line(slope=0.5, offset=1)}))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is not a calibration"),
        (b"\xff\xfe", "is not a calibration"),
        (b"[" * 100_000, "is not a calibration"),
        (b'{"format": 1}', "is not a calibration"),
        ({**GOOD, "format": FORMAT + 1}, "is of a format"),
        ({**GOOD, "version": "0" * 12}, "was changed since it was made"),
        ({**GOOD, "classifier": "abd.se"}, "was changed since it was made"),
        ({**GOOD, "heads": {"hate": {"slope": 0.6, "offset": 1}}}, "was changed since it was made"),
        ({**GOOD, "heads": {"hate": {"slope": 0, "offset": 1}}}, "is not a calibration"),
        ({**GOOD, "heads": {"hate": {"slope": -1, "offset": 1}}}, "is not a calibration"),
        ({**GOOD, "heads": {"hate": {"slope": 1, "offset": 1e300}}}, "is not a calibration"),
        (b'{"format": 1, "heads": {"hate": {"slope": NaN}}}', "is not a calibration"),
        (b" " * (LIMIT + 1), "is too large"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: object, what: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(InvalidRecalibration) as raised:
        Recalibration.load(path)
    assert raised.value.what.startswith(what)
    assert raised.value.where == str(path)
    assert raised.value.next_step
    assert len(str(raised.value)) < 1_000


def test_a_file_that_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(InvalidRecalibration, match="cannot be read"):
            Recalibration.load(path)
