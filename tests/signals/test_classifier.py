"""The classifier around a tiny random network: pure, unknown where it cannot tell, and clear when its weights are not."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.export import write_manifest
from models.heads import GROUPS, HEADS
from tests.models.tiny import write
from tests.signals.conformance import QUIET, SignalConformance, hostile, items_of
from tests.signals.test_identity import PLURAL, SPOKEN

from holdfast.content import TEXT_LIMIT, Item
from holdfast.engine import Engine
from holdfast.schema import Type, Value
from holdfast.signals import default_signals
from holdfast.signals.classifier import CACHED_CHARACTERS, Classifier, InvalidModel, Stages
from holdfast.signals.classifier_input import CONTEXT_PIECES, OVERLAP, TEXT_PIECES, WINDOWS, readable
from holdfast.signals.classifier_model import Calibration, Manifest
from holdfast.signals.signal import Batch, Signal


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        write(Path(made))
        yield Path(made)


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Classifier:
    return Classifier.load(folder)


def measured(classifier: Classifier, *items: Item) -> list[dict[str, Value]]:
    columns = classifier.measure(Batch(items)).columns
    return [{name: column[row] for name, column in columns.items()} for row in range(len(items))]


def of(classifier: Classifier, text: str, **more: str) -> dict[str, Value]:
    return measured(classifier, Item(id="1", text=text, **more))[0]  # type: ignore[arg-type]


class TestConformance(SignalConformance):
    texts: ClassVar[tuple[str, ...]] = (
        "hello you",
        "he is not the person he was",
        "GR8 v1be5 😀",
        "some jews, an asian person",
    )
    _made: ClassVar[list[TemporaryDirectory[str]]] = []

    @classmethod
    def make(cls) -> Signal:  # type: ignore[override]
        if not cls._made:
            cls._made.append(TemporaryDirectory())
            write(Path(cls._made[0].name))
        return Classifier.load(Path(cls._made[0].name))

    def test_declares_itself(self) -> None:
        # Its fields are named as policies speak of them: `hate`, not `classifier.hate`.
        assert isinstance(self.signal, Signal)
        assert self.signal.version == type(self).make().version != ""
        assert all(field.doc.endswith(".") for field in self.signal.fields)

    def test_without_a_cache_the_same(self) -> None:
        one = self.signal
        assert isinstance(one, Classifier)
        other = Classifier(one.model.folder, Stages(cache=0))
        batch = Batch(items_of([*self.texts, *self.texts]))
        assert one.measure(batch) == other.measure(batch) == one.measure(batch)


def test_declares_a_number_per_head_and_the_groups(classifier: Classifier) -> None:
    *heads, groups, stage = classifier.fields
    assert [(f.name, f.type, f.nullable, f.low, f.high) for f in heads] == [
        (h, Type.NUMBER, True, 0, 1) for h in HEADS
    ]
    assert (groups.name, groups.type, groups.nullable) == ("groups", Type.TEXT_LIST, True)
    assert (stage.name, stage.type, stage.nullable) == ("classifier.stage", Type.TEXT, True)


def test_goes_into_an_engine(folder: Path) -> None:
    others = [signal for signal in default_signals() if signal.name != "classifier"]
    engine = Engine([*others, Classifier.load(folder)])
    assert engine.schema["hate"].nullable
    found = engine.measure([Item(id="1", text="hello you"), Item(id="2", text="")])
    assert isinstance(found.signals["hate"][0], float)
    assert found.signals["hate"][1] is None


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "\u200b\u200d",
        "Das ist wirklich ein sehr schöner Abend mit euch allen",
        "Je ne sais pas pourquoi tout le monde parle de ce film",
        "Это очень хорошая песня, спасибо вам большое",
        "שלום לכולם", "مرحبا", "你好", "привет всем",
    ],
)  # fmt: skip
def test_what_is_not_covered_is_unknown_never_fine(classifier: Classifier, text: str) -> None:
    assert set(of(classifier, text).values()) == {None}


@pytest.mark.parametrize("text", ["hi", "😀😀😀", "1488", "lol ok", "a" * 20_000, "hello שלום", "@you"])
def test_what_is_short_or_odd_is_read(classifier: Classifier, text: str) -> None:
    assert all(isinstance(of(classifier, text)[head], float) for head in HEADS)


def test_the_context_counts_the_parent_before_the_caption(classifier: Classifier) -> None:
    alone = of(classifier, "they are the people")
    parent = of(classifier, "they are the people", parent="I was never the person", caption="hello hello")
    assert parent != alone
    assert parent == of(classifier, "they are the people", parent="I was never the person")
    assert of(classifier, "they are the people", caption="hello hello") not in (alone, parent)
    assert of(classifier, "they are the people", caption=" ", parent="") == alone


def test_a_huge_context_and_a_huge_text_are_bounded(classifier: Classifier) -> None:
    text, context = "you are not the people " * 2_849, "hello face " * 5_957
    assert len(text) <= TEXT_LIMIT
    (reading,) = classifier.model.reader.read(readable([text]), readable([context]))
    assert len(reading.windows) == WINDOWS
    for window in reading.windows:
        assert len(window.ids) == len(window.types) <= TEXT_PIECES + CONTEXT_PIECES + 3
        assert sum(window.types) <= CONTEXT_PIECES + 1
    assert all(isinstance(of(classifier, text, caption=context)[head], float) for head in HEADS)


def test_the_highest_window_counts(classifier: Classifier) -> None:
    text = "he was not a person and " * 40
    (reading,) = classifier.model.reader.read([text], [None])
    assert 1 < len(reading.windows) <= WINDOWS
    each = classifier.model.probabilities(classifier.model.encoder.logits(reading.windows))
    found = of(classifier, text)
    assert [found[head] for head in HEADS] == each.max(0)[: len(HEADS)].round(4).tolist()


@given(st.integers(1, 600))
@settings(QUIET)
def test_windows_cover_beginning_and_end(length: int) -> None:
    reader = _reader()
    (reading,) = reader.read(["a " * length], [None])
    texts = [window.ids[1 : window.types.count(0) - 1] for window in reading.windows]
    assert 1 <= len(texts) <= WINDOWS
    assert all(1 <= len(text) <= TEXT_PIECES for text in texts)
    if length <= WINDOWS * (TEXT_PIECES - OVERLAP):
        assert sum(map(len, texts)) - OVERLAP * (len(texts) - 1) == length


_readers: list[object] = []


def _reader():  # type: ignore[no-untyped-def]
    if not _readers:
        with TemporaryDirectory() as made:
            write(Path(made))
            _readers.append(Classifier.load(Path(made)).model.reader)
    return _readers[0]


@given(st.sampled_from(PLURAL), st.sampled_from(sorted(SPOKEN)), st.sampled_from(sorted(SPOKEN)))
@settings(QUIET, max_examples=60)
def test_the_same_words_about_any_group_score_the_same(template: str, one: str, other: str) -> None:
    classifier = TestConformance.make()
    assert isinstance(classifier, Classifier)
    found = measured(
        classifier, *(Item(id=group, text=template.format(SPOKEN[group][0][0])) for group in (one, other))
    )
    groups = [entry.pop("groups") for entry in found]
    assert found[0] == found[1]
    for group, said in zip((one, other), groups, strict=True):
        assert isinstance(said, list)
        assert group in said


def test_names_are_read_as_they_are_where_the_weights_say_so(tmp_path: Path) -> None:
    write(tmp_path, canonical=False)
    classifier = Classifier.load(tmp_path)
    assert of(classifier, "all jews love soup") != of(classifier, "all hindus love soup")


def test_the_calibration_bends_the_answer(tmp_path: Path, classifier: Classifier) -> None:
    write(tmp_path)
    before = of(Classifier.load(tmp_path), "hello you")
    version = Classifier.load(tmp_path).version
    write_manifest(tmp_path, True, {"hate": Calibration(0.0, 0.0)}, {})
    after = Classifier.load(tmp_path)
    assert of(after, "hello you") == {**before, "hate": 0.5}
    assert after.version != version


TEXTS = (
    "hello you",
    "he is not the person he was",
    "some people",
    "a box",
    "never never",
    "it was the beverage",
    "i am",
)


def test_the_student_answers_where_it_is_sure_and_the_encoder_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, certain=0.0)
    items = items_of(TEXTS)
    by_student = measured(Classifier.load(tmp_path, Stages(encoder=False)), *items)
    highest = [max(float(entry[head]) for head in ("hate", "threat")) for entry in by_student]  # type: ignore[arg-type]
    certain = sum(sorted(highest)[2:4]) / 2
    write(tmp_path, certain=certain)
    both = Classifier.load(tmp_path)
    found = measured(both, *items)
    stages = [entry["classifier.stage"] for entry in found]
    assert set(stages) == {"student", "encoder"}
    by_encoder = measured(Classifier.load(tmp_path, Stages(student=False)), *items)
    assert {entry["classifier.stage"] for entry in by_student} == {"student"}
    assert [stage == "student" for stage in stages] == [value < certain for value in highest]
    for stage, entry, one, other in zip(stages, found, by_student, by_encoder, strict=True):
        assert entry == (one if stage == "student" else other)


def test_stages_are_told_by_the_version(tmp_path: Path) -> None:
    write(tmp_path, certain=0.4)
    stages = [Stages(), Stages(student=False), Stages(encoder=False), Stages(cache=0)]
    one, other, third, fourth = (Classifier.load(tmp_path, chosen).version for chosen in stages)
    assert len({one, other, third}) == 3
    assert fourth == one  # a memory changes no answer


def test_somebody_must_be_left_to_answer(folder: Path) -> None:
    with pytest.raises(InvalidModel, match="nobody is left to answer"):
        Classifier(folder, Stages(encoder=False))


def test_the_cache_is_bounded_and_leaves_long_texts_out(folder: Path) -> None:
    classifier = Classifier(folder, Stages(cache=3))
    for number in range(10):
        of(classifier, f"hello {number}")
    assert len(classifier._cache) == 3
    of(classifier, "hello " * CACHED_CHARACTERS)
    assert list(classifier._cache._answers) == [(f"hello {number}", "", None) for number in (7, 8, 9)]
    of(classifier, "hello 7")
    of(classifier, "hello 10")
    assert [key[0] for key in classifier._cache._answers] == ["hello 9", "hello 7", "hello 10"]


def test_what_is_not_covered_is_remembered_too_and_what_the_platform_says_parts_it(folder: Path) -> None:
    classifier = Classifier(folder, Stages(cache=10))
    text = "que canción tan bonita, muchas gracias por compartirla"
    items = [Item(id="1", text=text), Item(id="2", text=text, language="en"), Item(id="3", text=text)]
    first = classifier.measure(Batch(items)).columns["hate"]
    assert len(classifier._cache) == 2
    assert [value is None for value in first] == [True, False, True]
    assert classifier.measure(Batch(items)).columns["hate"] == first


def test_a_repeated_text_is_scored_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier.load(folder)
    asked: list[int] = []
    plain = classifier.model.encoder.logits
    monkeypatch.setattr(
        classifier.model.encoder, "logits", lambda windows: asked.append(len(windows)) or plain(windows)
    )
    classifier.measure(Batch(items_of(["hello you", "HELLO   you", "he is", "hello you"])))
    classifier.measure(Batch(items_of(["hello you"])))
    assert asked == [2]


def _child(classifier: Classifier, answers: multiprocessing.SimpleQueue[object]) -> None:
    answers.put(of(classifier, "hello you"))


def test_a_forked_worker_opens_its_own_session(classifier: Classifier) -> None:
    here = of(classifier, "hello you")
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    worker = context.Process(target=_child, args=(classifier, answers))
    worker.start()
    there = answers.get()
    worker.join(30)
    assert worker.exitcode == 0
    assert there == here


def test_goes_to_another_process_by_its_folder(classifier: Classifier) -> None:
    again = pickle.loads(pickle.dumps(classifier))
    assert again.version == classifier.version
    assert of(again, "hello you") == of(classifier, "hello you")


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-100])


def _signed(name: str, content: bytes) -> Callable[[Path], None]:
    """Another content of a file, with a manifest that vouches for it."""

    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)
        write_manifest(folder, True, {}, {})

    return change


def _manifest(**changed: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        said = json.loads((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_text(json.dumps({**said, **changed}))

    return change


@pytest.mark.parametrize(
    ("harm", "file", "what"),
    [
        (shutil.rmtree, "manifest.json", "cannot be read"),
        (_without("manifest.json"), "manifest.json", "cannot be read"),
        (_without("model.onnx"), "model.onnx", "cannot be read"),
        (_without("tokenizer.json"), "tokenizer.json", "cannot be read"),
        (_cut("model.onnx"), "model.onnx", "is damaged"),
        (_cut("tokenizer.json"), "tokenizer.json", "is damaged"),
        (_cut("manifest.json"), "manifest.json", "is not a manifest"),
        (_manifest(format=1), "manifest.json", "is of a format"),
        (_manifest(heads=["hate"]), "model.onnx", "answers something else"),
        (_manifest(surprise=1), "manifest.json", "is not a manifest"),
        (_signed("model.onnx", b"not a network"), "model.onnx", "is not a network"),
        (_signed("tokenizer.json", b"{}"), "tokenizer.json", "is not a tokenizer"),
    ],
)  # fmt: skip
def test_missing_or_damaged_weights_are_named_with_their_mend(
    tmp_path: Path, harm: Callable[[Path], None], file: str, what: str
) -> None:
    folder = tmp_path / "weights"
    write(folder)
    harm(folder)
    with pytest.raises(InvalidModel) as raised:
        Classifier.load(folder)
    assert raised.value.where == str(folder / file)
    assert raised.value.what.startswith(what)
    assert raised.value.next_step
    assert len(str(raised.value)) < 1_000


def test_a_manifest_comes_back_as_written(folder: Path) -> None:
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    assert (manifest.heads, manifest.groups) == (HEADS, GROUPS)
    assert Classifier.load(folder).model.manifest == manifest


@given(hostile, hostile)
@settings(QUIET, max_examples=60)
def test_any_text_under_any_caption_is_answered(text: str, caption: str) -> None:
    classifier = TestConformance.make()
    assert isinstance(classifier, Classifier)
    found = of(classifier, text, caption=caption)
    assert len({value is None for value in found.values()}) == 1
