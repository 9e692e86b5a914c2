"""`[classifier]` in holdfast.toml and the environment: which stages answer, with which weights, and what happens without."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from models.export import write_manifest
from tests.cli.conftest import Shell
from tests.cli.conftest import shell as shell
from tests.models.tiny import write

from holdfast.content import Item
from holdfast.decider import open_engine
from holdfast.decision import Decision
from holdfast.engine import Engine
from holdfast.errors import InvalidSetting
from holdfast.policy.packs import pack_source
from holdfast.policy.policy import Policy
from holdfast.settings import ClassifierSettings, load_settings
from holdfast.signals.attribution import classifier_of
from holdfast.signals.classifier import Classifier, InvalidModel, Stages
from holdfast.signals.signal import Batch

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TEXTS = ("hello you", "he is not the person he was", "some people", "a box", "never never", "it was the beverage", "i am")  # fmt: skip
GERMAN = "Das ist wirklich ein sehr schöner Abend mit euch allen"


@pytest.fixture(scope="module")
def weights() -> Iterator[Path]:
    """Other weights, whose student is sure of some texts."""
    with TemporaryDirectory() as folder:
        write(Path(folder), certain=0.0)
        by_student = Classifier(Path(folder), Stages(encoder=False))
        columns = by_student.measure(Batch([Item(id="1", text=text) for text in TEXTS])).columns
        highest = sorted(max(pair) for pair in zip(columns["hate"], columns["threat"], strict=True))  # type: ignore[type-var]
        write(Path(folder), certain=sum(highest[2:4]) / 2)  # type: ignore[arg-type]
        yield Path(folder)


def decided(engine: Engine) -> list[Decision]:
    items = [Item(id=str(n), text=text) for n, text in enumerate((*TEXTS, GERMAN))]
    return engine.decide(items, Policy.load(pack_source("community"), engine.schema), NOW)


def stages(engine: Engine) -> list[object]:
    return [decision.signals["classifier.stage"] for decision in decided(engine)]


def test_every_decision_says_who_answered(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "holdfast.toml").write_text(f'[classifier]\nweights = "{weights}"\n')
    engine = open_engine(tmp_path)
    found = stages(engine)
    assert set(found[:-1]) == {"student", "encoder"}
    assert found[-1] is None, "in a language that is not covered nobody answers"
    assert stages(engine) == found, "the memory repeats whose answer it was"
    assert all(decision.versions["classifier"] for decision in decided(engine))


@pytest.mark.parametrize(("off", "left"), [("student", "encoder"), ("encoder", "student")])
def test_each_network_can_be_switched_off_by_file_and_by_environment(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, off: str, left: str
) -> None:
    (tmp_path / "holdfast.toml").write_text(f'[classifier]\nweights = "{weights}"\n{off} = false\n')
    engine = open_engine(tmp_path)
    assert set(stages(engine)[:-1]) == {left}
    monkeypatch.setenv(f"HOLDFAST_CLASSIFIER_{off.upper()}", "true")
    assert set(stages(open_engine(tmp_path))[:-1]) == {"student", "encoder"}
    monkeypatch.setenv(f"HOLDFAST_CLASSIFIER_{off.upper()}", "false")
    (tmp_path / "holdfast.toml").write_text(f'[classifier]\nweights = "{weights}"\n')
    other = open_engine(tmp_path)
    assert set(stages(other)[:-1]) == {left}
    assert other.versions == engine.versions


@pytest.mark.parametrize("size", [0, 2])
def test_the_memory_can_be_switched_off(tmp_path: Path, weights: Path, size: int) -> None:
    (tmp_path / "holdfast.toml").write_text(f'[classifier]\nweights = "{weights}"\ncache = {size}\n')
    engine = open_engine(tmp_path)
    decided(engine)
    classifier = classifier_of(engine.signals)
    assert classifier is not None
    assert len(classifier._cache) == size
    (tmp_path / "holdfast.toml").write_text(f'[classifier]\nweights = "{weights}"\n')
    assert decided(open_engine(tmp_path)) == decided(engine)


def test_the_environment_names_other_weights(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = open_engine(tmp_path).versions["classifier"]
    monkeypatch.setenv("HOLDFAST_CLASSIFIER_WEIGHTS", str(weights))
    assert open_engine(tmp_path).versions["classifier"] != shipped


def test_defaults_are_the_shipped_weights_with_every_stage(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}).classifier == ClassifierSettings(
        cache=50_000, student=True, encoder=True, weights=None
    )
    classifier = classifier_of(open_engine(tmp_path).signals)
    assert classifier is not None
    assert classifier.stages == Stages()
    assert classifier.version == Classifier.load().version


@pytest.mark.parametrize(
    "said", ["cache = -1", "cache = 0.5", 'student = "perhaps"', "encoder = 3", "weights = 1"]
)
def test_a_wrong_value_is_named(tmp_path: Path, said: str) -> None:
    (tmp_path / "holdfast.toml").write_text(f"[classifier]\n{said}\n")
    with pytest.raises(InvalidSetting, match=rf"classifier\.{said.split()[0]}"):
        load_settings(tmp_path, {})


def test_somebody_must_be_left_to_answer(tmp_path: Path) -> None:
    (tmp_path / "holdfast.toml").write_text("[classifier]\nstudent = false\nencoder = false\n")
    with pytest.raises(InvalidModel, match=r"\[classifier\]"):
        open_engine(tmp_path)


# Weights that cannot be used -----------------------------------------------------------------


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


def _cut(folder: Path) -> None:
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-100])


def _vouched_for(folder: Path) -> None:
    """What only opening it tells: the manifest vouches for a file that is no network."""
    (folder / "model.onnx").write_bytes(b"not a network")
    write_manifest(folder, True, {}, {})


@pytest.fixture(params=[_gone, _cut, _vouched_for])
def broken(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    write(folder)
    harm: Callable[[Path], None] = request.param
    harm(folder)
    monkeypatch.setenv("HOLDFAST_CLASSIFIER_WEIGHTS", str(folder))
    return folder


def test_deciding_with_broken_weights_is_refused_before_anything_is_made(
    shell: Shell, tmp_path: Path, broken: Path
) -> None:
    (tmp_path / "in.csv").write_text("id,text\n1,what a lovely soup\n")
    for words in (("decide", "in.csv", "--out", "out.jsonl"), ("evaluate", "in.csv", "--label", "id"), ("explain", "soup")):  # fmt: skip
        code, out, told = shell(*words)
        assert (code, out) == (2, ""), words
        assert str(broken) in told
        assert "next:" in told
        assert "Traceback" not in told
    assert not (tmp_path / "out.jsonl").exists()
    assert not (tmp_path / "data").exists()


def test_serving_with_broken_weights_is_refused(tmp_path: Path, broken: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "holdfast.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert str(broken) in done.stderr
    assert "next:" in done.stderr
    assert "Traceback" not in done.stderr
