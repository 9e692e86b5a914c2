"""The exported network answers what the whole one does, within what int8 costs, and the same file comes out twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from models.export import LIMIT, compared, whole_logits
from models.graph import build, build_student
from models.heads import GROUPS, HEADS
from tests.models.tiny import ATTENTION_HEADS, HIDDEN, INNER, LAYERS, student, weights, write

from holdfast.signals.classifier_input import Window
from holdfast.signals.classifier_model import Model, sigmoid

_erf = np.vectorize(__import__("math").erf)


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + _erf(x / np.sqrt(2)))


def plain(window: Window) -> np.ndarray:
    """The network said in NumPy, one window at a time."""
    w = weights()

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        return (
            centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * w[f"{name}.weight"]
            + w[f"{name}.bias"]
        )

    ids, types = np.array(window.ids), np.array(window.types)
    x = norm(w["words.weight"][ids] + w["places.weight"][: len(ids)] + w["types.weight"][types], "norm")
    size = HIDDEN // ATTENTION_HEADS
    for n in range(LAYERS):
        at = f"layers.{n}"
        q, k, v = np.split(x @ w[f"{at}.qkv.weight"].T + w[f"{at}.qkv.bias"], 3, axis=1)
        seen = []
        for head in range(ATTENTION_HEADS):
            part = slice(head * size, (head + 1) * size)
            share = np.exp(q[:, part] @ k[:, part].T / np.sqrt(size))
            seen.append(share / share.sum(1, keepdims=True) @ v[:, part])
        x = norm(x + np.concatenate(seen, 1) @ w[f"{at}.out.weight"].T + w[f"{at}.out.bias"], f"{at}.norm1")
        raised = gelu(x @ w[f"{at}.up.weight"].T + w[f"{at}.up.bias"])
        assert raised.shape[1] == INNER
        x = norm(x + raised @ w[f"{at}.down.weight"].T + w[f"{at}.down.bias"], f"{at}.norm2")
    mean = x[types == 0].mean(0)
    mean = gelu(mean @ w["dense.weight"].T + w["dense.bias"])
    return mean @ w["answer.weight"].T + w["answer.bias"]


def windows(count: int) -> list[Window]:
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        text, context = int(random.integers(3, 40)), int(random.integers(0, 20))
        ids = tuple(random.integers(3, 60, text + context).tolist())
        made.append(Window(ids, (0,) * text + (1,) * context))
    return made


def test_the_graph_is_the_network() -> None:
    some = windows(20)
    found = whole_logits(weights(), LAYERS, ATTENTION_HEADS, some)
    assert np.abs(found - np.stack([plain(window) for window in some])).max() < 1e-4


def test_padding_changes_nothing_in_the_whole_network() -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        build(weights(), LAYERS, ATTENTION_HEADS).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (window,) = windows(1)
    size = len(window.ids)
    feeds = [np.zeros((1, size + 7), np.int32) for _ in range(3)]
    feeds[0][0, :size], feeds[1][0, :size], feeds[2][0, :size] = window.ids, 1, window.types
    (padded,) = session.run(None, dict(zip(("ids", "mask", "types"), feeds, strict=True)))
    assert np.abs(padded[0] - plain(window)).max() < 1e-4


def test_int8_stays_close(tmp_path: Path) -> None:
    write(tmp_path)
    some = windows(200)
    whole = sigmoid(whole_logits(weights(), LAYERS, ATTENTION_HEADS, some))
    rounded = sigmoid(Model(tmp_path).encoder.logits(some))
    labels = np.full((len(some), len(HEADS) + len(GROUPS)), np.nan, np.float32)
    labels[:, 0] = whole[:, 0] > np.median(whole[:, 0])
    figures = compared(whole, rounded, labels)
    assert 0 < float(figures["mean_difference"]) < 0.05
    assert float(figures["auc_hate"]) > 0.95
    assert "auc_threat" not in figures  # nothing is known of it


def test_most_weights_are_int8(tmp_path: Path) -> None:
    write(tmp_path)
    network = onnx.load(tmp_path / "model.onnx")
    kinds = {node.op_type for node in network.graph.node}
    assert {"QAttention", "QEmbedLayerNormalization", "DynamicQuantizeMatMul"} & kinds
    assert "QAttention" in kinds
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < LIMIT


def test_the_same_weights_give_the_same_version(tmp_path: Path) -> None:
    assert write(tmp_path / "one") == write(tmp_path / "two")
    assert write(tmp_path / "one").version != write(tmp_path / "three", canonical=False).version


def plain_student(window: Window) -> np.ndarray:
    """The student said in NumPy, one window at a time."""
    w = student()
    scale = np.abs(w["words.weight"]).max(1, keepdims=True) / 127
    words = np.round(w["words.weight"] / scale).astype(np.int8) * scale
    x = (words[list(window.ids)] + w["types.weight"][list(window.types)]).T

    def near(x: np.ndarray, name: str) -> np.ndarray:
        wide = np.pad(x, ((0, 0), (1, 1)))
        seen = sum(w[f"{name}.weight"][:, :, n] @ wide[:, n : n + x.shape[1]] for n in range(3))
        return np.maximum(seen + w[f"{name}.bias"][:, None], 0)

    x = near(x, "near")
    x = x + near(x, "far")
    pooled = np.concatenate([x.max(1), x.mean(1)])
    pooled = np.maximum(w["dense.weight"] @ pooled + w["dense.bias"], 0)
    return w["answer.weight"] @ pooled + w["answer.bias"]


def test_the_student_s_graph_is_the_student(tmp_path: Path) -> None:
    write(tmp_path, certain=0.5)
    some = windows(20)
    network = Model(tmp_path).student
    assert network is not None
    assert np.abs(network.logits(some) - np.stack([plain_student(window) for window in some])).max() < 1e-4
    assert len(build_student(student()).graph.node) > 10
