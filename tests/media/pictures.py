"""Pictures for tests, drawn here: words on a plain or a busy ground, in every kind."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WORDS = "the bristo is not at all\nwelcome in this old town"


def drawn(
    text: str = WORDS, *, width: int = 720, height: int = 320, busy: bool = False, size: int = 44
) -> Image.Image:
    """A picture that says `text`, white with a dark rim on noise where `busy`, else black on white."""
    if busy:
        noise = np.random.default_rng(7).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((width, height), Image.Resampling.NEAREST)
    else:
        picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).multiline_text(
        (30, 60),
        text,
        font=ImageFont.load_default(size),
        fill="white" if busy else "black",
        stroke_width=3 if busy else 0,
        stroke_fill="black",
    )
    return picture


def saved(picture: Image.Image, kind: str = "png", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def moving(kind: str) -> bytes:
    """Two frames."""
    first, second = drawn("one", width=160, height=120), drawn("two", width=160, height=120)
    return saved(first, kind, save_all=True, append_images=[second], duration=100)


def promising(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that nothing is behind."""
    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(b""))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + name + body + struct.pack("!I", zlib.crc32(name + body))


def plain(text: str) -> str:
    """What has to be equal of what is drawn and what is read: the words, wherever lines and spaces fall."""
    return "".join(text.split()).lower()


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
