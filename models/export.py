"""Export trained weights to what the engine loads: python -m models.export --trained FOLDER --to FOLDER [--data PARQUET]

Builds the ONNX graphs, rounds them to int8 (dynamic, per channel), and writes `model.onnx`, `student.onnx`,
`tokenizer.json` and `manifest.json`. With the dev rows it compares the encoder before and after rounding, calibrates
every head of both networks, and sets how far the student is trusted. Needs no PyTorch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from holdfast.signals.classifier_input import Window
from holdfast.signals.classifier_model import (
    FORMAT,
    MANIFEST,
    NETWORK,
    STUDENT,
    TOKENIZER,
    Calibration,
    Distilled,
    Manifest,
    Model,
    sigmoid,
)
from holdfast.signals.identity import Identities
from models.calibration import apply, fitted, trusted
from models.graph import build, build_student
from models.heads import GROUPS, HEADS

LIMIT = 30_000_000
"""Bytes of an exported folder."""
ROUNDED = ["MatMul", "Attention", "EmbedLayerNormalization"]

Weights = Mapping[str, NDArray[np.float32]]


def export(
    weights: Weights,
    tokenizer: str,
    to: Path,
    *,
    layers: int,
    attention_heads: int,
    canonical: bool = True,
    calibration: Mapping[str, Calibration] | None = None,
    measured: Mapping[str, float | str] | None = None,
    reduced: bool = True,
    student: Weights | None = None,
    distilled: Distilled | None = None,
) -> Manifest:
    """Write the folder `to` for these weights of `models.encoder.Encoder` and this `tokenizer.json`.

    `student` are those of `models.student.Student`, and `distilled` says how far it is trusted (by default never).
    `reduced` rounds weights to 7 bits, so that a CPU without VNNI, which adds two products in 16 bits, cannot
    overflow: the same text scores the same on both.
    """
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        onnx.save(build(weights, layers, attention_heads), whole)
        quantize_dynamic(
            whole,
            to / NETWORK,
            op_types_to_quantize=ROUNDED,
            per_channel=True,
            reduce_range=reduced,
            weight_type=QuantType.QInt8,
            # The fused operators are not ONNX's own: shape inference does not know what they give.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    (to / TOKENIZER).write_text(tokenizer, encoding="utf-8")
    if student is not None:
        onnx.save(build_student(student), to / STUDENT)
        distilled = distilled or Distilled(certain=0.0, certain_in_context=0.0, heads=HEADS)
    return write_manifest(to, canonical, calibration or {}, measured or {}, distilled)


def write_manifest(
    folder: Path,
    canonical: bool,
    calibration: Mapping[str, Calibration],
    measured: Mapping[str, float | str],
    distilled: Distilled | None = None,
) -> Manifest:
    """Write the manifest for the networks and the tokenizer that lie in `folder`."""
    names = (NETWORK, TOKENIZER, *([STUDENT] if distilled else []))
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    curves = {head: calibration.get(head, Calibration()) for head in HEADS}
    said = json.dumps(
        [files, HEADS, GROUPS, canonical, msgspec.to_builtins(curves), msgspec.to_builtins(distilled)],
        sort_keys=True,
    )
    manifest = Manifest(
        format=FORMAT,
        version=hashlib.sha256(said.encode()).hexdigest()[:12],
        heads=HEADS,
        groups=GROUPS,
        canonical=canonical,
        identities=Identities.shipped().version,
        files=files,
        calibration=curves,
        student=distilled,
        measured=dict(measured),
    )
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return manifest


def whole_logits(
    weights: Weights, layers: int, attention_heads: int, windows: Sequence[Window]
) -> NDArray[np.float32]:
    """The logits of the network before it is rounded, float32 [windows, outputs]."""
    session = onnxruntime.InferenceSession(
        build(weights, layers, attention_heads).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.concatenate(
        [
            session.run(
                None, {"ids": ids, "mask": np.ones_like(ids), "types": np.array([window.types], np.int32)}
            )[0]
            for window in windows
            for ids in [np.array([window.ids], np.int32)]
        ]
    )


def compared(
    whole: NDArray[Any], rounded: NDArray[Any], labels: NDArray[np.float32]
) -> dict[str, float | str]:
    """How far probabilities `rounded` are from the `whole`, and what that costs in AUC, by head."""
    from models.figures import FEWEST, auc

    apart = np.abs(whole - rounded)[:, : len(HEADS)]
    found: dict[str, float | str] = {
        "rows_compared": len(whole),
        "largest_difference": round(float(apart.max()), 4),
        "difference_99th": round(float(np.quantile(apart, 0.99)), 4),
        "mean_difference": round(float(apart.mean()), 5),
    }
    for at, head in enumerate(HEADS):
        known = ~np.isnan(labels[:, at])
        truth = labels[known, at] >= 0.5
        if FEWEST <= truth.sum() <= len(truth) - FEWEST:
            before, after = auc(truth, whole[known, at]), auc(truth, rounded[known, at])
            found[f"auc_{head}"] = round(after, 4)
            found[f"auc_{head}_lost"] = round(before - after, 5)
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="models.export", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trained", type=Path, required=True, help="folder that models.train wrote")
    parser.add_argument("--to", type=Path, required=True, help="folder for the engine")
    parser.add_argument("--data", type=Path, help="Parquet of models.build, to compare on its dev rows")
    parser.add_argument("--rows", type=int, default=0, help="dev rows to calibrate on (0: all)")
    parser.add_argument(
        "--full-range", action="store_true", help="8 bits of every weight (CPUs with VNNI only)"
    )
    options = parser.parse_args(argv)
    weights = dict(np.load(options.trained / "weights.npz"))
    training = json.loads((options.trained / "training.json").read_text(encoding="utf-8"))
    layers, attention_heads = training["shape"]["layers"], training["shape"]["heads"]
    if training["outputs"] != [*HEADS, *GROUPS]:
        sys.stderr.write("these weights answer other heads than models/heads.py says; train again\n")
        return 1
    tokenizer = (options.trained / TOKENIZER).read_text(encoding="utf-8")
    path = options.trained / "student.npz"
    export(
        weights, tokenizer, options.to, layers=layers, attention_heads=attention_heads,
        canonical=training["canonical"], reduced=not options.full_range,
        student=dict(np.load(path)) if path.exists() else None,
    )  # fmt: skip
    measured: dict[str, float | str] = {}
    if options.data is not None:
        from models.examples import load

        model = Model(options.to)
        dev = load(options.data, "dev", model.reader)
        dev = dev.take(np.random.default_rng(0).permutation(len(dev))[: options.rows or None].tolist())
        logits = model.encoder.logits(dev.windows)
        some = dev.take(list(range(min(2000, len(dev)))))
        whole = whole_logits(weights, layers, attention_heads, some.windows)
        measured = compared(sigmoid(whole), sigmoid(logits[: len(some)]), some.targets)
        calibration = fitted(logits, dev)
        write_manifest(options.to, training["canonical"], calibration, measured)
        if model.student is not None:
            easy = model.student.logits(dev.windows)
            heads = sigmoid(apply(logits, calibration))
            distilled, told = trusted(easy, heads, dev)
            measured |= told
            write_manifest(options.to, training["canonical"], calibration, measured, distilled)
        np.savez(options.trained / "dev.npz", logits=logits, targets=dev.targets)
    size = sum(
        (options.to / name).stat().st_size
        for name in (NETWORK, STUDENT, TOKENIZER, MANIFEST)
        if (options.to / name).exists()
    )
    sys.stdout.write(json.dumps({"bytes": size, **measured}, indent=1) + "\n")
    if size > LIMIT:
        sys.stderr.write(f"{size:,} bytes are more than the {LIMIT:,} that may ship\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
