"""Requests in Perspective's and in OpenAI's format for one text, as their clients send them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


def analyze(text: str) -> bytes:
    return _encode({"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["en"]})


def moderate(text: str) -> bytes:
    return _encode({"input": text, "model": "omni-moderation-latest"})


_encode = msgspec.json.Encoder().encode

FORMATS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "analyze": ("/v1alpha1/comments:analyze", analyze),
    "moderations": ("/v1/moderations", moderate),
}
"""For each format its path, and what makes a request of a text."""
