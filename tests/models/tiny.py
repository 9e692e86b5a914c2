"""A tiny network with random weights, exported as the real one is: for tests of what stands around it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from models.export import export
from models.heads import GROUPS, HEADS
from models.wordpieces import with_placeholders
from numpy.typing import NDArray

from holdfast.signals.classifier_model import Distilled, Manifest

LAYERS, ATTENTION_HEADS, HIDDEN, INNER = 2, 4, 32, 64
WIDTH, CHANNELS = 8, 16

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789!?.,'\"()@#:/-"
_WORDS = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "i", "you", "he", "she", "it", "we", "they", "are", "is", "am", "was", "the", "a", "and", "to", "of", "not", "never", "people", "person", "hello", "face", "beverage", "box"]  # fmt: skip


def tokenizer() -> str:
    """A word-piece tokenizer that spells what it does not know."""
    pieces = list(dict.fromkeys([*_WORDS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]))
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    special = [
        {"id": vocabulary[piece], "content": piece, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for piece in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
    ]  # fmt: skip
    made = with_placeholders(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": special,
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocabulary},
        }
    )  # fmt: skip
    return json.dumps(made)


def weights(seed: int = 1) -> dict[str, NDArray[np.float32]]:
    """Random weights by the names of `models.encoder.Encoder`, wide enough that texts score apart."""
    random = np.random.default_rng(seed)
    size = len(json.loads(tokenizer())["model"]["vocab"])

    def drawn(*shape: int, scale: float = 0.3) -> NDArray[np.float32]:
        return random.normal(0, scale, shape).astype(np.float32)

    made = {
        "words.weight": drawn(size, HIDDEN, scale=1),
        "places.weight": drawn(160, HIDDEN, scale=0.1),
        "types.weight": drawn(2, HIDDEN),
        "dense.weight": drawn(HIDDEN, HIDDEN),
        "dense.bias": drawn(HIDDEN),
        "answer.weight": drawn(len(HEADS) + len(GROUPS), HIDDEN, scale=1),
        "answer.bias": drawn(len(HEADS) + len(GROUPS)),
    }
    norms = ["norm"]
    for layer in range(LAYERS):
        at = f"layers.{layer}"
        norms += [f"{at}.norm1", f"{at}.norm2"]
        for name, rows, columns in (("qkv", 3 * HIDDEN, HIDDEN), ("out", HIDDEN, HIDDEN), ("up", INNER, HIDDEN), ("down", HIDDEN, INNER)):  # fmt: skip
            made[f"{at}.{name}.weight"] = drawn(rows, columns)
            made[f"{at}.{name}.bias"] = drawn(rows)
    for norm in norms:
        made[f"{norm}.weight"] = np.ones(HIDDEN, np.float32)
        made[f"{norm}.bias"] = np.zeros(HIDDEN, np.float32)
    return made


def student(seed: int = 2) -> dict[str, NDArray[np.float32]]:
    """Random weights by the names of `models.student.Student`."""
    random = np.random.default_rng(seed)
    size = len(json.loads(tokenizer())["model"]["vocab"])
    shapes = {
        "words.weight": (size, WIDTH), "types.weight": (2, WIDTH),
        "near.weight": (CHANNELS, WIDTH, 3), "near.bias": (CHANNELS,),
        "far.weight": (CHANNELS, CHANNELS, 3), "far.bias": (CHANNELS,),
        "dense.weight": (CHANNELS, 2 * CHANNELS), "dense.bias": (CHANNELS,),
        "answer.weight": (len(HEADS) + len(GROUPS), CHANNELS), "answer.bias": (len(HEADS) + len(GROUPS),),
    }  # fmt: skip
    return {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def write(folder: Path, canonical: bool = True, certain: float | None = None) -> Manifest:
    """Export the tiny network to `folder`; with `certain`, a student beside it that answers below it."""
    return export(
        weights(), tokenizer(), folder, layers=LAYERS, attention_heads=ATTENTION_HEADS, canonical=canonical,
        student=None if certain is None else student(),
        distilled=None if certain is None else Distilled(certain=certain, certain_in_context=certain, heads=("hate", "threat")),
    )  # fmt: skip
