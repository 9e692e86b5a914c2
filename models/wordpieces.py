"""The tokenizer: that of the base weights, with the placeholders of `holdfast.signals.identity` for unused pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from holdfast.signals.identity import MANY, ONE

PLACEHOLDERS = {ONE: "[unused0]", MANY: "[unused1]"}
LIKE = {ONE: ("person", "jewish", "muslim", "black", "gay", "woman"), MANY: ("people", "jews", "muslims", "women", "immigrants")}  # fmt: skip
"""Words whose mean meaning a placeholder starts from."""


def with_placeholders(base: dict[str, Any]) -> dict[str, Any]:
    """The `tokenizer.json` of `base` in which two unused pieces stand for groups' names; ids stay."""
    vocabulary = dict(base["model"]["vocab"])
    added = list(base["added_tokens"])
    for placeholder, unused in PLACEHOLDERS.items():
        piece = vocabulary.pop(unused)
        vocabulary[placeholder] = piece
        added.append(
            {
                "id": piece,
                "content": placeholder,
                "single_word": True,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        )
    added.sort(key=lambda token: int(token["id"]))
    return {
        **base,
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "model": {**base["model"], "vocab": dict(sorted(vocabulary.items(), key=lambda entry: entry[1]))},
    }


def write_tokenizer(base: Path, path: Path) -> dict[str, int]:
    """Write the tokenizer made from the file `base` to `path`, and return its vocabulary."""
    made = with_placeholders(json.loads(base.read_text(encoding="utf-8")))
    path.write_text(json.dumps(made, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    vocabulary: dict[str, int] = made["model"]["vocab"]
    return vocabulary
