"""Distil the student from the trained encoder: python -m models.student --trained FOLDER --data rows.parquet

The student is a small convolutional network over the same word pieces (about 30 times as fast). It answers by itself
where it is sure that the encoder would find nothing. Writes `student.npz` and `student.json` beside the encoder's
weights, and prints what it lets go and what it would lose, source by source.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from holdfast.signals.classifier_input import Reader, Window
from models import examples as ex
from models.calibration import CAUGHT, HARMFUL
from models.encoder import OUTPUTS, Encoder, Shape
from models.train import say, write_json

WIDTH, CHANNELS = 64, 128
CAUGHT_WEIGHT = 4.0
"""What a row in which the encoder found something counts for: a catch that is let go costs more than one answer more."""


class Student(nn.Module):
    """Two convolutions over word pieces, the highest and the mean of each channel, two layers."""

    def __init__(self, vocabulary: int, width: int = WIDTH, channels: int = CHANNELS) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.types = nn.Embedding(2, width)
        self.near = nn.Conv1d(width, channels, 3, padding=1)
        self.far = nn.Conv1d(channels, channels, 3, padding=1)
        self.dense = nn.Linear(2 * channels, channels)
        self.answer = nn.Linear(channels, len(OUTPUTS))

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """`ids`, `mask` and `types` are int64 [rows, length]; the answer is float32 [rows, outputs] (logits)."""
        seen = mask.unsqueeze(1).float()
        x = (self.words(ids) + self.types(types)).transpose(1, 2)
        x = (
            functional.dropout(x, 0.1, self.training) * seen
        )  # what pads is 0, as it is at the edge of a single row
        x = functional.relu(self.near(x)) * seen
        x = x + functional.relu(self.far(x)) * seen
        most = x.max(2).values  # nothing is below 0
        mean = x.sum(2) / seen.sum(2)
        x = functional.relu(self.dense(torch.cat([most, mean], 1)))
        return self.answer(functional.dropout(x, 0.1, self.training))


def start(encoder: Encoder) -> Student:
    """A fresh student whose word embeddings are the encoder's, in their principal directions."""
    words = encoder.words.weight.detach().float()
    words = words - words.mean(0)
    _, _, directions = torch.pca_lowrank(words, q=WIDTH, center=False)
    student = Student(len(words))
    projected = words @ directions
    with torch.no_grad():
        student.words.weight.copy_(projected / projected.std() * 0.3)
        student.types.weight.mul_(0.1)
    return student


def answers(network: nn.Module, windows: Sequence[Window], size: int = 64) -> NDArray[np.float32]:
    """The probability of every output for every window."""
    network.eval()
    found = np.zeros((len(windows), len(OUTPUTS)), np.float32)
    began = time.monotonic()
    with torch.inference_mode():
        for count, rows in enumerate(ex.in_order([len(window.ids) for window in windows], size)):
            parts = (torch.from_numpy(part) for part in ex.padded([windows[n] for n in rows]))
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(*parts)
            found[rows] = torch.sigmoid(logits.float()).numpy()
            if count % 500 == 499:
                say(
                    f"{count * size:,} rows answered, {count * size / (time.monotonic() - began):.0f} a second"
                )
    return found


def distil(
    student: Student,
    windows: Sequence[Window],
    taught: NDArray[np.float32],
    epochs: int,
    rate: float,
    seed: int,
) -> None:
    """Teach the student to answer as the encoder did."""
    optimiser = torch.optim.AdamW(student.parameters(), lr=rate, weight_decay=0.01)
    lengths = [len(window.ids) for window in windows]
    plan = [batch for epoch in range(epochs) for batch in ex.batches(lengths, 128, seed * 1000 + epoch)]
    harmful = [OUTPUTS.index(head) for head in HARMFUL]
    weights = np.where(taught[:, harmful].max(1) >= CAUGHT, CAUGHT_WEIGHT, 1.0).astype(np.float32)
    student.train()
    smooth, began = 0.0, time.monotonic()
    for step, batch in enumerate(plan):
        for group in optimiser.param_groups:
            group["lr"] = rate * min((step + 1) / 200, 1 - step / len(plan))
        parts = (torch.from_numpy(part) for part in ex.padded([windows[n] for n in batch]))
        loss = functional.binary_cross_entropy_with_logits(
            student(*parts), torch.from_numpy(taught[batch]), torch.from_numpy(weights[batch, None])
        )
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        smooth = 0.99 * smooth + 0.01 * float(loss.detach()) if step else float(loss.detach())
        if step % 500 == 499:
            left = (time.monotonic() - began) / (step + 1) * (len(plan) - step)
            say(f"step {step + 1}/{len(plan)}  loss {smooth:.4f}  {left / 60:.1f} min left")


def load_encoder(trained: Path) -> Encoder:
    """The trained encoder of a folder that `models.train` wrote."""
    with np.load(trained / "weights.npz") as weights:
        encoder = Encoder(Shape(vocabulary=len(weights["words.weight"])))
        encoder.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
    return encoder


def newer(made: Path, of: Path) -> bool:
    """Whether `made` is there and not older than what it is made of."""
    return made.exists() and made.stat().st_mtime_ns >= of.stat().st_mtime_ns


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="models.student", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trained", type=Path, required=True, help="folder that models.train wrote")
    parser.add_argument("--data", type=Path, required=True, help="Parquet of models.build")
    parser.add_argument("--rows", type=int, default=0, help="distil on so many rows at most (0: all)")
    parser.add_argument(
        "--varied", type=int, default=0, help="texts that nobody wrote, to distil on beside them"
    )
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="distil even where student.npz is up to date")
    options = parser.parse_args(argv)
    if not options.again and newer(options.trained / "student.npz", options.trained / "weights.npz"):
        say("student.npz is newer than weights.npz: nothing to do (--again distils it anew)")
        return 0
    torch.manual_seed(options.seed)
    encoder = load_encoder(options.trained)
    reader = Reader.load(options.trained / "tokenizer.json")
    train = ex.merged(ex.load(options.data, "train", reader))
    if options.rows:
        drawn = np.random.default_rng(options.seed).permutation(len(train))[: options.rows]
        train = train.take(drawn.tolist())
    windows = [*train.windows, *ex.varied(train.windows, options.varied, options.seed)]
    say(f"{len(windows):,} texts to distil on, {len(windows) - len(train):,} of them varied")
    taught = answers(encoder, windows)
    student = start(encoder)
    distil(student, windows, taught, options.epochs, options.rate, options.seed)
    np.savez(
        options.trained / "student.npz",
        **{name: tensor.detach().numpy() for name, tensor in student.state_dict().items()},
    )
    write_json(
        options.trained / "student.json",
        {
            "rows": len(train),
            "varied": len(windows) - len(train),
            "epochs": options.epochs,
            "rate": options.rate,
            "seed": options.seed,
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
