"""The network as an ONNX graph, built from its weights with the runtime's fused operators.

Writing the graph, rather than tracing it, needs no PyTorch, gives the same file for the same weights, and hands the
runtime the operators (`Attention`, `EmbedLayerNormalization`, `SkipLayerNormalization`, `BiasGelu`) it would otherwise
have to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
_FUSED = "com.microsoft"


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, onnx.TensorProto] = {}

    def tensor(self, name: str, values: NDArray[Any]) -> str:
        self.tensors[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def node(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output


def build(weights: Mapping[str, NDArray[np.float32]], layers: int, heads: int) -> onnx.ModelProto:
    """The graph of `models.encoder.Encoder`: `ids`, `mask`, `types` (int32 [rows, length]) to `logits`.

    `weights` are the encoder's by name.
    """
    graph = _Graph()

    def weight(name: str, turned: bool = False) -> str:
        values = weights[name]
        return graph.tensor(name, values.T if turned else values)

    epsilon = 1e-12
    graph.nodes.append(
        helper.make_node(
            "EmbedLayerNormalization",
            [
                "ids",
                "types",
                *map(weight, ("words.weight", "places.weight", "types.weight", "norm.weight", "norm.bias")),
            ],
            ["embedded", "unused_lengths"],
            name="embedded",
            domain=_FUSED,
            epsilon=epsilon,
        )
    )
    x = "embedded"
    for n in range(layers):
        at = f"layers.{n}"
        seen = graph.node(
            "Attention",
            [x, weight(f"{at}.qkv.weight", True), weight(f"{at}.qkv.bias"), "mask"],
            f"{at}.seen",
            _FUSED,
            num_heads=heads,
        )
        out = graph.node("MatMul", [seen, weight(f"{at}.out.weight", True)], f"{at}.attended")
        x = _skip(graph, weight, [out, x], f"{at}.norm1", f"{at}.out.bias", epsilon)
        up = graph.node("MatMul", [x, weight(f"{at}.up.weight", True)], f"{at}.raised")
        up = graph.node("BiasGelu", [up, weight(f"{at}.up.bias")], f"{at}.activated", _FUSED)
        down = graph.node("MatMul", [up, weight(f"{at}.down.weight", True)], f"{at}.lowered")
        x = _skip(graph, weight, [down, x], f"{at}.norm2", f"{at}.down.bias", epsilon)
    # The mean over the text: what is seen and is not context.
    one = graph.tensor("one", np.array(1, np.int32))
    of_text = graph.node("Sub", [one, "types"], "of_text")
    of_text = graph.node("Mul", ["mask", of_text], "seen_of_text")
    of_text = graph.node("Cast", [of_text], "share", to=TensorProto.FLOAT)
    of_text = graph.node("Unsqueeze", [of_text, graph.tensor("last", np.array([2], np.int64))], "shares")
    axis = graph.tensor("length_axis", np.array([1], np.int64))
    total = graph.node("ReduceSum", [graph.node("Mul", [x, of_text], "weighed"), axis], "total", keepdims=0)
    count = graph.node("ReduceSum", [of_text, axis], "count", keepdims=0)
    mean = graph.node("Div", [total, count], "mean")
    # As plain Gemm, these stay float32: they are small, and the answer is sensitive to them.
    dense = graph.node("Gemm", [mean, weight("dense.weight", True)], "dense")
    dense = graph.node("BiasGelu", [dense, weight("dense.bias")], "dense_activated", _FUSED)
    graph.node("Gemm", [dense, weight("answer.weight", True), weight("answer.bias")], "logits")
    outputs = len(weights["answer.bias"])
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "holdfast",
            [helper.make_tensor_value_info(name, TensorProto.INT32, ["rows", "length"]) for name in ("ids", "mask", "types")],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", outputs])],
            list(graph.tensors.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(_FUSED, 1)],
        producer_name="holdfast",
        ir_version=10,
    )  # fmt: skip


def build_student(weights: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """The graph of `models.student.Student` for unpadded rows: `ids`, `types` (int32 [rows, length]) to `logits`.

    The word embeddings, nine tenths of it, are int8 with one scale a word.
    """
    graph = _Graph()
    words = weights["words.weight"]
    scale = np.maximum(np.abs(words).max(1, keepdims=True), 1e-6) / 127
    table = graph.tensor("words", np.round(words / scale).astype(np.int8))
    scales = graph.tensor("scales", scale.astype(np.float32))
    x = graph.node("Gather", [table, "ids"], "words_int8")
    x = graph.node("Cast", [x], "words_float", to=TensorProto.FLOAT)
    x = graph.node("Mul", [x, graph.node("Gather", [scales, "ids"], "word_scales")], "words_scaled")
    kinds = graph.node("Gather", [graph.tensor("kinds", weights["types.weight"]), "types"], "kind")
    x = graph.node("Transpose", [graph.node("Add", [x, kinds], "embedded")], "channels", perm=[0, 2, 1])
    for name in ("near", "far"):
        filters = [graph.tensor(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias")]
        y = graph.node("Conv", [x, *filters], f"{name}.seen", kernel_shape=[3], pads=[1, 1])
        y = graph.node("Relu", [y], f"{name}.activated")
        x = y if name == "near" else graph.node("Add", [x, y], f"{name}.added")
    axis = graph.tensor("length_axis", np.array([2], np.int64))
    most = graph.node("ReduceMax", [x], "most", axes=[2], keepdims=0)
    mean = graph.node(
        "Div", [graph.node("ReduceSum", [x, axis], "sum", keepdims=0), _length(graph, "ids")], "mean"
    )
    x = graph.node("Concat", [most, mean], "pooled", axis=1)
    for name in ("dense", "answer"):
        parts = [
            graph.tensor(
                f"{name}.{part}",
                weights[f"{name}.{part}"].T if part == "weight" else weights[f"{name}.{part}"],
            )
            for part in ("weight", "bias")
        ]
        x = graph.node("Gemm", [x, *parts], "logits" if name == "answer" else name)
        if name == "dense":
            x = graph.node("Relu", [x], "dense.activated")
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "holdfast-student",
            [helper.make_tensor_value_info(name, TensorProto.INT32, ["rows", "length"]) for name in ("ids", "types")],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", len(weights["answer.bias"])])],
            list(graph.tensors.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="holdfast",
        ir_version=10,
    )  # fmt: skip


def _length(graph: _Graph, ids: str) -> str:
    size = graph.node(
        "Gather",
        [graph.node("Shape", [ids], "shape"), graph.tensor("second", np.array([1], np.int64))],
        "size",
    )
    return graph.node("Cast", [size], "length", to=TensorProto.FLOAT)


def _skip(graph: _Graph, weight: Any, inputs: list[str], norm: str, bias: str, epsilon: float) -> str:
    return graph.node(
        "SkipLayerNormalization",
        [*inputs, weight(f"{norm}.weight"), weight(f"{norm}.bias"), weight(bias)],
        norm,
        _FUSED,
        epsilon=epsilon,
    )
