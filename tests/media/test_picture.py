"""Pictures come in bounded, or not at all."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.media.pictures import drawn, moving, promising, saved

from holdfast.media.picture import (
    AREA,
    KINDS,
    LENGTH,
    NARROW,
    PIXELS,
    SIDE,
    PictureRefused,
    kind_of,
    pixels_of,
)


def reason(data: bytes) -> str:
    with pytest.raises(PictureRefused) as refused:
        pixels_of(data)
    return refused.value.reason


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_known_by_its_first_bytes_and_read(kind: str) -> None:
    data = saved(drawn(), kind)
    assert kind_of(data) == kind
    pixels = pixels_of(data)
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_colour_model_is_read(mode: str) -> None:
    picture = drawn().convert("L") if mode == "I;16" else drawn()
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    pixels = pixels_of(saved(picture.convert(mode) if mode != "I;16" else picture))
    assert pixels.min() < 64
    assert pixels.max() > 192


def test_ink_of_one_colour_on_nothing_is_seen() -> None:
    for ink in ((0, 0, 0), (255, 255, 255)):
        picture = Image.new("RGBA", (200, 100), (*ink, 0))
        picture.paste((*ink, 255), (50, 40, 150, 60))
        pixels = pixels_of(saved(picture))
        assert int(pixels.max()) - int(pixels.min()) > 200


def test_a_picture_that_is_stored_lying_is_set_upright() -> None:
    picture = drawn(width=800, height=760)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = pixels_of(saved(picture.transpose(Image.Transpose.ROTATE_90), "jpeg", exif=exif, quality=95))
    upright = pixels_of(saved(picture, "jpeg", quality=95))
    assert turned.shape == upright.shape
    assert np.abs(turned.astype(int) - upright.astype(int)).mean() < 4


@given(width=st.integers(1, 3_000), height=st.integers(1, 3_000))
@settings(max_examples=25, deadline=None)
def test_what_is_read_is_bounded_whatever_the_shape(width: int, height: int) -> None:
    height = min(height, 2_000_000 // width)
    pixels = pixels_of(saved(Image.new("L", (width, height), 255), compress_level=1))
    high, wide = pixels.shape[:2]
    assert max(high, wide) <= LENGTH
    assert max(high, wide) <= NARROW * min(high, wide)
    assert high * wide <= max(1.01 * AREA, LENGTH * LENGTH / NARROW * 1.01)


def test_what_moves_is_refused() -> None:
    for kind in ("gif", "webp", "png"):
        assert reason(moving(kind)) == "animated"


def test_what_is_cut_off_is_refused() -> None:
    for kind in KINDS:
        data = saved(drawn(busy=True), kind)
        assert reason(data[: len(data) // 2]) == "broken", kind
        assert reason(data[:20]) == "broken", kind


def test_what_is_no_picture_is_refused() -> None:
    for data in (
        b"",
        b"\x89",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"BM" + bytes(100),
        b"%PDF-1.7",
        bytes(64),
    ):
        assert reason(data) == "not-a-picture"


@pytest.mark.parametrize(
    "size", [(SIDE + 1, 1), (PIXELS // 1_000 + 1, 1_000), (2**31 - 1, 2**31 - 1), (100_000, 100_000)]
)
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    data = promising(*size)
    tracemalloc.start()
    try:
        assert reason(data) in ("too-large", "broken")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@given(data=st.binary(max_size=200), kind=st.sampled_from(KINDS), cut=st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_pixels_or_a_refusal(data: bytes, kind: str, cut: int) -> None:
    base = saved(drawn("x", width=40, height=30, size=12), kind)
    try:
        pixels = pixels_of(base[:cut] + data + base[cut + len(data) :])
    except PictureRefused:
        return
    assert pixels.ndim == 3
