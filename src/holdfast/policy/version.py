"""A policy's version: the hash of what it says.

Two files have the same version when they differ only in comments, white space, the order of keys
within a mapping, YAML's ways of writing a text, white space in prose and in expressions, and in
expressions the case of words and functions, and `!=` for `<>`. Everything else counts: names, texts, numbers, the order of
rules, descriptions and examples.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from holdfast.policy.document import Mapping, Node, Scalar
from holdfast.policy.draft import Draft
from holdfast.policy.grammar import tokenize

_FORM = "holdfast-policy-1"
"""Changes when the same content would be hashed in another way."""


def version(written: Draft) -> str:
    """12 hexadecimal digits for a policy that holds together."""
    expressions = {
        id(scalar)
        for scalar in (
            *(text for _, text in written.definitions),
            *(text for _, text in written.counters),
            *(rule.when for rule in written.rules),
        )
    }
    prose = {
        id(scalar)
        for scalar in (
            written.description,
            *(declared.doc for declared in written.inputs),
            *(rule.tells for rule in written.rules),
        )
    }
    content = json.dumps(
        [_FORM, _canonical(written.root, expressions, prose)], sort_keys=True, ensure_ascii=False
    )
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _canonical(node: Node, expressions: set[int], prose: set[int]) -> Any:
    if isinstance(node, Scalar):
        if id(node) in expressions:
            return tokenize(node).canonical()
        if id(node) in prose:
            return " ".join(node.value.split())
        # Unquoted, `1` and `true` may be a number and a truth value; in quotes they are texts.
        return node.value if not node.plain or not _could_be_data(node.value) else [node.value]
    if isinstance(node, Mapping):
        return {key.value: _canonical(value, expressions, prose) for key, value in node.entries}
    return [_canonical(item, expressions, prose) for item in node.items]


def _could_be_data(text: str) -> bool:
    return text in ("true", "false", "null", "~", "") or text[:1] in "+-0123456789"
