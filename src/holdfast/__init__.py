"""Holdfast: a safety engine for video and social platforms, from the side of the people who get targeted.

What an embedder imports: `Item`, `Account`, `Decision`, `Engine`, `Policy`, `pack_source`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from holdfast.content import Account as Account
    from holdfast.content import Item as Item
    from holdfast.decision import Decision as Decision
    from holdfast.engine import Engine as Engine
    from holdfast.policy.packs import pack_source as pack_source
    from holdfast.policy.policy import Policy as Policy

# Found when first asked for, so that `import holdfast` (and every command's --help) stays instant.
_HOMES = {
    "Account": "holdfast.content",
    "Decision": "holdfast.decision",
    "Engine": "holdfast.engine",
    "Item": "holdfast.content",
    "Policy": "holdfast.policy.policy",
    "pack_source": "holdfast.policy.packs",
}
__all__ = ["Account", "Decision", "Engine", "Item", "Policy", "pack_source"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'holdfast' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
