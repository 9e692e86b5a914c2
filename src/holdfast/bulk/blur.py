"""Blurred texts: enough to see that there is one, too little to read it."""

from __future__ import annotations

_BARS = 32


def blur(text: str) -> str:
    """The first letter, bars for what follows, the length: `t███ ██ ████ (12 characters)`."""
    flat = " ".join(text[: 4 * _BARS].split())
    first = flat[:1] if flat[:1].isalnum() else "█" if flat else ""
    bars = first + "".join(" " if char == " " else "█" for char in flat[1:_BARS])
    count = f"{len(text):,} character" + ("" if len(text) == 1 else "s")
    return f"{bars}… ({count})" if len(flat) > _BARS else f"{bars} ({count})" if bars else f"({count})"
