"""Train the classifier: python -m models.train --data rows.parquet --out FOLDER [--resume]

Writes to FOLDER: `checkpoint.pt` (everything needed to go on after a stop), `metrics.jsonl` (one object a line),
`tokenizer.json`, and at the end `weights.npz` and `training.json`, which `models.export` reads. On a machine with a CUDA
device it uses that, else the CPU in bfloat16 where the CPU knows it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from holdfast.signals.classifier_input import Reader
from holdfast.signals.identity import Identities
from models import examples as ex
from models.encoder import OUTPUTS, Encoder, base, base_folder, give_meaning
from models.figures import by_functionality, by_source
from models.heads import HEADS
from models.wordpieces import LIKE, write_tokenizer

GROUP_SHARE = 0.1
"""Weight of a group's loss beside a head's: there are more of them, and they matter less."""


class Stopped(Exception):
    """A signal asked the run to end; it did so after a checkpoint."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="models.train", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Parquet of models.build")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, metrics and weights")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the folder's checkpoint, if there is one"
    )
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rows", type=int, default=0, help="train on so many rows at most (0: all)")
    parser.add_argument("--own", type=int, default=0, help="composed rows at most (0: all that fit)")
    parser.add_argument("--leave-out", default="", help="sources not to train on, with commas between")
    parser.add_argument("--start", type=Path, help="weights.npz of an earlier run to start from")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=5e-5, help="peak learning rate of the encoder")
    parser.add_argument("--warm-up", type=float, default=0.06, help="share of the steps")
    parser.add_argument("--decay", type=float, default=0.01, help="weight decay")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
    parser.add_argument("--measure-every", type=int, default=1000, help="steps between figures on dev")
    parser.add_argument("--dev-rows", type=int, default=3000, help="dev rows of the figures on the way")
    parser.add_argument("--final-rows", type=int, default=0, help="dev rows of the last figures (0: all)")
    parser.add_argument("--named", action="store_true", help="leave groups' names as they are")
    parser.add_argument(
        "--swap", type=float, default=0.0, help="with --named: share of rows that name another group"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    options = arguments().parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vocabulary = write_tokenizer(base_folder() / "tokenizer.json", options.out / "tokenizer.json")
    reader = Reader.load(options.out / "tokenizer.json", canonical=not options.named)
    swap = ex.Swap(options.swap, options.seed) if options.named and options.swap else None
    train = ex.merged(ex.load(options.data, "train", reader, swap))
    train = ex.without(train, options.leave_out.split(","))
    train = ex.sampled(train, options.rows, options.seed, options.own)
    dev = ex.load(options.data, "dev", reader)
    say(f"{len(train):,} rows to train on, {len(dev):,} to measure on, on {device}")

    encoder = base()
    for placeholder, like in LIKE.items():
        give_meaning(encoder, vocabulary[placeholder], [vocabulary[word] for word in like])
    if options.start:
        with np.load(options.start) as weights:
            encoder.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
    encoder.to(device)
    run = Run(options, encoder, device)
    run.plan_for(train)
    if options.resume and not run.load():
        return 2
    try:
        run.train(train, dev)
    except Stopped:
        say(f"stopped at step {run.step}; go on with --resume")
        return 3
    if options.final_rows:
        dev = drawn(dev, options.final_rows)
    figures = run.measure(dev, "final")
    np.savez(
        options.out / "weights.npz", **{name: value.numpy() for name, value in encoder.weights().items()}
    )
    write_json(
        options.out / "training.json",
        {
            "outputs": OUTPUTS,
            "shape": {name: getattr(encoder.shape, name) for name in encoder.shape.__struct_fields__},
            "canonical": not options.named,
            "identities": Identities.shipped().version,
            "options": {name: value if isinstance(value, int | float | bool) else str(value) for name, value in vars(options).items()},
            "rows": len(train),
            "torch": torch.__version__,
            "figures": figures,
        },
    )  # fmt: skip
    return 0


class Run:
    """One training run: the network, its optimiser, and where it stands."""

    def __init__(self, options: argparse.Namespace, encoder: Encoder, device: torch.device) -> None:
        self.options = options
        self.encoder = encoder
        self.device = device
        self.step = 0
        self.plan: list[list[int]] = []
        self.print = ""
        self._stop = False
        fresh = [p for name, p in encoder.named_parameters() if name.startswith(("dense", "answer"))]
        flat = [
            p
            for name, p in encoder.named_parameters()
            if p.ndim < 2 and not name.startswith(("dense", "answer"))
        ]
        deep = [
            p
            for name, p in encoder.named_parameters()
            if p.ndim >= 2 and not name.startswith(("dense", "answer"))
        ]
        # What starts from nothing learns faster.
        self.optimiser = torch.optim.AdamW(
            [
                {"params": deep, "weight_decay": options.decay, "rate": options.rate},
                {"params": flat, "weight_decay": 0.0, "rate": options.rate},
                {"params": fresh, "weight_decay": options.decay, "rate": options.rate * 10},
            ],
            lr=options.rate,
            fused=True,
        )

    def plan_for(self, train: ex.Examples) -> None:
        """Lay out every batch of every epoch; a checkpoint only fits the plan that it was made under."""
        options = self.options
        self.plan = [
            batch
            for epoch in range(options.epochs)
            for batch in ex.batches(train.lengths, options.batch, options.seed * 1000 + epoch)
        ]
        said = repr((options.rate, options.warm_up, options.decay, options.seed, self.plan))
        digest = hashlib.sha256(said.encode())
        digest.update(repr(train.windows).encode())
        digest.update(train.targets.tobytes() + train.weights.tobytes())
        if options.start:
            digest.update(options.start.read_bytes())
        self.print = digest.hexdigest()

    def train(self, train: ex.Examples, dev: ex.Examples) -> None:
        """Every epoch from where the run stands. Raises `Stopped` after SIGTERM or SIGINT."""
        options, plan = self.options, self.plan
        shown = drawn(dev, options.dev_rows)
        started, first, smooth = time.monotonic(), self.step, 0.0
        with self._stoppable():
            for batch in plan[self.step :]:
                loss = self._learn(train.take(batch), self._rate(len(plan)))
                smooth = loss if not smooth else 0.98 * smooth + 0.02 * loss
                self.step += 1
                if self.step % 50 == 0 or self.step == len(plan):
                    spent = time.monotonic() - started
                    left = spent / (self.step - first) * (len(plan) - self.step)
                    speed = (self.step - first) * options.batch / spent
                    say(
                        f"step {self.step}/{len(plan)}  loss {smooth:.4f}  {speed:.0f} rows/s  {left / 60:.1f} min left"
                    )
                if self.step % options.measure_every == 0 and len(shown):
                    self.measure(shown, "sample", loss=round(smooth, 4))
                if self._stop or self.step % options.save_every == 0 or self.step == len(plan):
                    self.save()
                if self._stop:
                    raise Stopped

    def _rate(self, steps: int) -> float:
        """The learning rate's factor: up over the warm-up, then down to nothing at the end."""
        warm = max(int(steps * self.options.warm_up), 1)
        return min((self.step + 1) / warm, (steps - self.step) / max(steps - warm, 1))

    def _learn(self, batch: ex.Examples, factor: float) -> float:
        self.encoder.train()
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * factor
        logits = self._logits(batch)
        loss = masked_loss(
            logits,
            torch.from_numpy(batch.targets).to(self.device),
            torch.from_numpy(batch.weights).to(self.device),
        )
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _logits(self, batch: ex.Examples) -> Tensor:
        ids, mask, types = (torch.from_numpy(part).to(self.device) for part in ex.padded(batch.windows))
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            logits: Tensor = self.encoder(ids, mask, types)
        return logits

    def scores(self, examples: ex.Examples) -> NDArray[np.float32]:
        """The probability of every output for every row."""
        self.encoder.eval()
        found = np.zeros((len(examples), len(OUTPUTS)), np.float32)
        with torch.inference_mode():
            for rows in ex.in_order(examples.lengths, 64):
                found[rows] = torch.sigmoid(self._logits(examples.take(rows))).cpu().numpy()
        return found

    def measure(self, dev: ex.Examples, kind: str, **more: float) -> dict[str, Any]:
        """Figures on dev, which are also added to `metrics.jsonl`."""
        scores = self.scores(dev)
        figures: dict[str, Any] = {
            "step": self.step,
            "kind": kind,
            **more,
            "heads": by_source(dev.targets[:, : len(HEADS)], scores[:, : len(HEADS)], dev.sources),
            "functionalities": by_functionality(dev.targets, scores, dev.functionalities),
        }
        with (self.options.out / "metrics.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(figures) + "\n")
        say(
            "  ".join(
                f"{head} {found['all']['auc']:.3f}"
                for head, found in figures["heads"].items()
                if "all" in found
            )
        )
        return figures

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        path = self.options.out / "checkpoint.pt"
        state = {
            "step": self.step,
            "encoder": self.encoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
            "print": self.print,
        }
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load(self) -> bool:
        """Go back to the checkpoint, if there is one: the run goes on as if it had never stopped.

        Returns False, with a word on standard error, where it was made from other data or options.
        """
        path = self.options.out / "checkpoint.pt"
        if not path.exists():
            return True
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["print"] != self.print:
            say(
                f"{path} was made from other data or options; give them again, or another --out, or leave out --resume"
            )
            return False
        self.encoder.load_state_dict(state["encoder"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"].cpu())
        if state["random_cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"].cpu())
        self.step = state["step"]
        say(f"going on from step {self.step}")
        return True

    @contextlib.contextmanager
    def _stoppable(self) -> Iterator[None]:
        def stop(*_: object) -> None:
            self._stop = True

        before: dict[int, Callable[..., Any] | int | None] = {}
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def drawn(dev: ex.Examples, rows: int) -> ex.Examples:
    """So many dev rows, the same ones whenever asked."""
    return dev.take(np.random.default_rng(0).permutation(len(dev))[:rows].tolist())


def masked_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy over what is known (NaN is not), each row by its weight, a mean over rows."""
    known = ~torch.isnan(targets)
    loss = functional.binary_cross_entropy_with_logits(logits, torch.nan_to_num(targets), reduction="none")
    share = torch.full((logits.shape[1],), GROUP_SHARE, device=logits.device)
    share[: len(HEADS)] = 1.0
    return (loss * known * share * weights[:, None]).sum() / weights.sum().clamp_min(1e-6)


def write_json(path: Path, said: object) -> None:
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
