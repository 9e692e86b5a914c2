"""The policies that ship with Holdfast."""

from __future__ import annotations

from importlib import resources

PACKS: tuple[str, ...] = ("community",)
"""Names of the shipped policies."""
DEFAULT_PACK = PACKS[0]
"""What decides until an operator publishes something else."""


def pack_source(name: str) -> str:
    """The YAML text of the shipped policy `name`. Raises `KeyError` for any other name."""
    if name not in PACKS:
        raise KeyError(name)
    return resources.files(__name__).joinpath(f"{name}.yaml").read_text("utf-8")
