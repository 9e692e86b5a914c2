"""Pictures: which kinds are read, how large they may be, and their pixels as a text reader wants them.

`kind_of` needs nothing but the first bytes. `pixels_of` decodes, with Pillow (the extra `media`), and belongs into the
reading process.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Kind = Literal["png", "jpeg", "webp", "gif"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

BYTES: Final = 8 * 1024 * 1024
"""Bytes of a picture's file."""
PIXELS: Final = 40_000_000
"""Pixels that a picture's header may promise."""
SIDE: Final = 16_384
"""Pixels of a side."""

AREA: Final = 1_536 * 1_536
"""Pixels that are read: a larger picture is made smaller first."""
LENGTH: Final = 4_320
"""Pixels of the longer side that are read."""
NARROW: Final = 8
"""How many times longer a picture may be than it is wide; beyond that its edge is drawn out."""
SHORT: Final = 736
"""Pixels that the shorter side of a small picture is drawn up to, as small letters are read better large."""
ENLARGED: Final = 2.5
"""How many times at most."""

Reason = Literal["not-a-picture", "animated", "broken", "too-large"]
REASONS: Final[dict[Reason, str]] = {
    "not-a-picture": f"it is none of {', '.join(KINDS)}",
    "animated": "it moves; send the frames that matter as pictures",
    "broken": "it is cut off or damaged",
    "too-large": f"it has more than {BYTES:,} bytes, {PIXELS:,} pixels, or {SIDE:,} of them in a row",
}
"""Why a picture is refused, in words that go on after "The picture is not read:"."""


class PictureRefused(Exception):
    """A picture is not read. `reason` is one of `REASONS`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def kind_of(data: bytes) -> Kind | None:
    """The kind of a picture by its first bytes, or `None` when it is none of `KINDS`."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    return None


def pixels_of(data: bytes) -> NDArray[np.uint8]:
    """The picture as height × width × (blue, green, red), upright, on a ground that its letters stand out from, and
    scaled to what a text reader does best with: at most `AREA` pixels and `LENGTH` in a row.

    Raises `PictureRefused`. The size is checked before anything is decoded.
    """
    from PIL import Image, ImageOps

    kind = kind_of(data)
    if kind is None:
        raise PictureRefused("not-a-picture")
    Image.MAX_IMAGE_PIXELS = PIXELS
    try:
        with warnings.catch_warnings():
            # Metadata that is odd, and sizes that are looked at here.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=[kind]) as opened:
                width, height = opened.size
                if width * height > PIXELS or max(width, height) > SIDE:
                    raise PictureRefused("too-large")
                # A phone's JPEG may carry further pictures behind the first; no viewer shows them.
                if kind != "jpeg" and getattr(opened, "is_animated", False):
                    raise PictureRefused("animated")
                if kind == "jpeg":
                    opened.draft("RGB", _target(width, height))
                opened.load()
                upright = ImageOps.exif_transpose(opened)
                flat = _flat(upright)
    except PictureRefused:
        raise
    except Image.DecompressionBombError:
        raise PictureRefused("too-large") from None
    except Exception:  # Pillow's decoders raise whatever the bytes made of them
        raise PictureRefused("broken") from None
    target = _target(*flat.size)
    if target != flat.size:
        flat = flat.resize(target, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return _broadened(np.asarray(flat)[:, :, ::-1])


def _target(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture is read."""
    enlarged = min(ENLARGED, max(1.0, SHORT / min(width, height)))
    scale = min(enlarged, (AREA / (width * height)) ** 0.5, LENGTH / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _flat(image: Image) -> Image:
    """`image` in red, green and blue; what is see-through stands on black or white, whichever is further from it."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray(
            (values * (255 / max(1.0, float(values.max())))).clip(0, 255).astype(np.uint8)
        )
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    values = np.asarray(image.reduce(max(1, min(image.size) // 256)), dtype=np.float64)
    seen = values[:, :, 3]
    light = float((values[:, :, :3].mean(axis=2) * seen).sum() / max(1.0, seen.sum()))
    ground = Image.new("RGBA", image.size, "black" if light > 127 else "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def _broadened(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """`pixels` with the edges of a very narrow picture drawn out: the networks want neither lines nor dots."""
    height, width = pixels.shape[:2]
    least = max(64, -(-max(height, width) // NARROW))
    down, right = max(0, least - height), max(0, least - width)
    if down or right:
        around = ((down // 2, down - down // 2), (right // 2, right - right // 2), (0, 0))
        pixels = np.pad(pixels, around, mode="edge")
    return np.ascontiguousarray(pixels, dtype=np.uint8)
