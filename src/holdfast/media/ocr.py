"""Text in pictures: rapidocr's networks, which come with its package, on one core.

As a program (`python -m holdfast.media.ocr`) it is the reading process: pictures come on standard input and answers
go to standard output, each with its length before it (`process.py`).
"""

from __future__ import annotations

import io
import os
import resource
import struct
import sys
from importlib import resources
from typing import IO, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from holdfast.media.picture import BYTES, KINDS, PictureRefused, Reason, pixels_of

TEXT: Final = 20_000
"""Characters that are read off one picture."""
MEMORY: Final = 3 * 1024**3
"""Bytes of address space that the reading process may take; it needs half of that."""
LIKELY: Final = 0.5
"""How sure the reading of a line must be."""
SURE: Final = 0.88
"""How sure it is, at least, of a line that stands the right way up; upside down it stays below."""
FRAME: Final = struct.Struct("!I")
"""The length before each message."""


class Read(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer of the reading process: a text (empty: there is none), or the reason of a refusal."""

    text: str = ""
    refused: Reason | None = None


class TextReader:
    """Reads the text in pictures. Takes a second and some 300 MB to make."""

    def __init__(self) -> None:
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)
        folder = resources.files("rapidocr").joinpath("models")
        models = sorted(str(entry) for entry in folder.iterdir() if entry.name.endswith(".onnx"))
        self._reader: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                # `picture.py` has brought every picture to the size that is read.
                "Global.use_preprocess_img": False,
                "Global.use_vertical_padding": False,
                "Det.limit_type": "max",
                "Det.limit_side_len": 100_000,
                # Named, so that nothing is ever looked for on the network.
                **{f"{part}.model_path": _model(models, part) for part in ("Det", "Cls", "Rec")},
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, pixels: NDArray[np.uint8]) -> str:
        """The text in a picture, line by line from the top, at most `TEXT` characters. `pixels` as from `pixels_of`."""
        lines = self._lines(pixels, turn=True)
        if any(score < SURE for _, score in lines):
            # What is thought to stand upside down is turned, now and then wrongly.
            unturned = self._lines(pixels, turn=False)
            if len(unturned) == len(lines):
                lines = [max(pair, key=lambda line: line[1]) for pair in zip(lines, unturned, strict=True)]
        found = (text.strip() for text, score in lines if score >= LIKELY)
        return "\n".join(text for text in found if text)[:TEXT]

    def _lines(self, pixels: NDArray[np.uint8], *, turn: bool) -> list[tuple[str, float]]:
        """Every line that was found, with how sure its reading is."""
        read = self._reader(pixels, use_cls=turn, text_score=0.0)
        return list(zip(read.txts or (), read.scores or (), strict=True))


def _model(models: list[str], part: str) -> str:
    found = [path for path in models if f"_{part.lower()}_" in path.rpartition(os.sep)[2]]
    if not found:
        raise FileNotFoundError(f"rapidocr came without its {part} model")
    return found[0]


def main() -> None:
    """Answer pictures until standard input ends. The first answer says that the process is ready."""
    given, answers = _pipes()
    os.nice(10)  # deciding goes first
    reader = TextReader()
    _warm(reader)
    _shut_in()
    _answer(answers, Read())
    while head := given.read(FRAME.size):
        (size,) = FRAME.unpack(head)
        if size > BYTES:
            return
        data = given.read(size)
        if len(data) < size:
            return
        try:
            answer = Read(reader.read(pixels_of(data)))
        except PictureRefused as refused:
            answer = Read(refused=refused.reason)
        _answer(answers, answer)


def _warm(reader: TextReader) -> None:
    """Read a picture of each kind, so that all that reading needs is loaded."""
    from PIL import Image, ImageDraw, MpoImagePlugin, TiffImagePlugin

    _ = MpoImagePlugin, TiffImagePlugin  # what a phone's JPEG may ask for
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    picture = Image.new("RGBA", (240, 64), (0, 0, 0, 0))
    ImageDraw.Draw(picture).text((8, 20), "Good morning", fill="black")
    for kind in KINDS:
        file = io.BytesIO()
        (picture.convert("RGB") if kind == "jpeg" else picture).save(file, kind, exif=exif)
        reader.read(pixels_of(file.getvalue()))


def _shut_in() -> None:
    """Give up what reading does not need: more memory, and new files, sockets or programs for good."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output, which libraries that print no longer reach."""
    given = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    return given, answers


def _answer(answers: IO[bytes], answer: Read) -> None:
    body = msgspec.json.encode(answer)
    answers.write(FRAME.pack(len(body)) + body)
    answers.flush()


if __name__ == "__main__":
    main()
    sys.exit(0)
