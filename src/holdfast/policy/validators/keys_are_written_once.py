"""No mapping holds a key twice: YAML readers disagree about which one counts."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy.diagnostics import Finding
from holdfast.policy.document import Mapping, Node, Scalar, Sequence
from holdfast.policy.draft import Draft


def findings(draft: Draft) -> Iterator[Finding]:
    """Every key that was there before, anywhere in the file."""
    waiting: list[Node] = [draft.root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Sequence):
            waiting.extend(node.items)
        elif isinstance(node, Mapping):
            first: dict[str, Scalar] = {}
            for key, value in node.entries:
                waiting.append(value)
                earlier = first.setdefault(key.value, key)
                if earlier is not key:
                    yield Finding(
                        key.at,
                        f"the key {key.value[:60]!r} stands here a second time",
                        "keep one of them",
                        (earlier.at, "first written here"),
                    )
