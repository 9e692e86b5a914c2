"""Recalibration: the classifier's probabilities bent to what one platform's own labels say.

    p' = sigmoid(slope * logit(p) + offset), one line a head

`holdfast calibrate` writes the file, the classifier applies it. Slopes are above 0: no ranking ever changes.
Source: Platt, "Probabilistic outputs for support vector machines" (1999), on logits of probabilities.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from holdfast.errors import HoldfastError

FILE_NAME: Final = "calibration.json"
"""Of the file in the data folder."""
FORMAT: Final = 1
LIMIT: Final = 2**22
"""Bytes of a file."""
NEAREST: Final = 0.00005
"""How near to 0 and 1 a probability counts: half of the last decimal that the classifier gives. Beyond it is no logit."""

_AGAIN = "make it again: holdfast calibrate FILE --label COLUMN; or move the file away to do without"


class InvalidRecalibration(HoldfastError):
    """The file of the recalibration cannot be used, or was made for another classifier."""

    code = "invalid-recalibration"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What is done to a head's logits. Neither number has a unit."""

    slope: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 1.0
    offset: Annotated[float, msgspec.Meta(ge=-1e8, le=1e8)] = 0.0

    def __call__(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities, bent; in the same shape."""
        bent = np.clip(self.slope * logit(probabilities) + self.offset, -30, 30)
        found: NDArray[np.float64] = 1 / (1 + np.exp(-bent))
        return found


class Recalibration(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds for the classifier; what else it holds is for people.

    `version` is a digest of all that bends an answer. `classifier` is what the lines were fitted to
    (`Classifier.answering`).
    """

    format: int
    version: str
    classifier: str
    heads: dict[str, Line]

    @classmethod
    def of(cls, classifier: str, heads: Mapping[str, Line]) -> Recalibration:
        """The recalibration with these lines."""
        return cls(format=FORMAT, version=digest(classifier, heads), classifier=classifier, heads=dict(heads))

    @classmethod
    def load(cls, path: Path) -> Recalibration:
        """Read a file. Raises `InvalidRecalibration`, naming the file and what to do."""
        raw = _read(path)
        try:
            found = msgspec.json.decode(raw, type=_Format).format
            if found != FORMAT:
                raise InvalidRecalibration(
                    "is of a format that this version of Holdfast does not know",
                    where=str(path),
                    value=f"format {found}",
                    expected=f"format {FORMAT}",
                    next_step=_AGAIN,
                )
            recalibration = msgspec.json.decode(raw, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRecalibration(
                "is not a calibration that can be read",
                where=str(path),
                value=str(error).split("\n")[0][:200],
                next_step=_AGAIN,
            ) from error
        if digest(recalibration.classifier, recalibration.heads) != recalibration.version:
            raise InvalidRecalibration(
                "was changed since it was made: its digest is not the one it names",
                where=str(path),
                value=recalibration.version[:40],
                next_step=_AGAIN,
            )
        return recalibration

    def check(self, classifier: str, heads: Sequence[str], where: str | None = None) -> None:
        """Raise `InvalidRecalibration` unless it was made for this classifier: lines that were fitted to other
        weights mislead."""
        if self.classifier != classifier:
            raise InvalidRecalibration(
                "was made for another classifier than the one in use",
                where=where,
                value=f"classifier {self.classifier[:60]}",
                expected=f"classifier {classifier}",
                next_step=_AGAIN,
            )
        unknown = sorted(set(self.heads) - set(heads))
        if unknown:
            raise InvalidRecalibration(
                "names a head that the classifier does not have",
                where=where,
                value=unknown[0][:60],
                expected=f"one of {', '.join(heads)}",
                next_step=_AGAIN,
            )

    def apply(self, heads: Sequence[str], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities [heads] of the classifier, bent where there is a line."""
        bent = probabilities.copy()
        for at, head in enumerate(heads):
            line = self.heads.get(head)
            if line is not None:
                bent[at] = line(bent[at])
        return bent


class _Format(msgspec.Struct):
    format: int


def logit(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds, of probabilities no nearer than `NEAREST` to 0 and 1."""
    clipped = np.clip(probabilities, NEAREST, 1 - NEAREST)
    found: NDArray[np.float64] = np.log(clipped) - np.log1p(-clipped)
    return found


def digest(classifier: str, heads: Mapping[str, Line]) -> str:
    """Changes with everything that changes an answer."""
    told = [
        FORMAT,
        classifier,
        [[head, float(line.slope), float(line.offset)] for head, line in sorted(heads.items())],
    ]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:12]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except OSError as error:
        raise InvalidRecalibration(
            "cannot be read", where=str(path), value=error.strerror, next_step=_AGAIN
        ) from error
    if len(raw) > LIMIT:
        raise InvalidRecalibration(
            "is too large for a calibration",
            where=str(path),
            expected=f"at most {LIMIT:,} bytes",
            next_step=_AGAIN,
        )
    return raw
