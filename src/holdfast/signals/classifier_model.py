"""The classifier's weights on disk: a folder with a manifest, a network and its tokenizer, checked when opened.

    manifest.json    what the networks answer, their version, their calibration, the digests of the others
    model.onnx       the encoder, int8
    student.onnx     the student that was distilled from it, int8; a folder may have none
    tokenizer.json   the word pieces of both

`models/export.py` writes such a folder.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from holdfast.errors import HoldfastError
from holdfast.signals.classifier_input import Reader, Window

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MANIFEST: Final = "manifest.json"
NETWORK: Final = "model.onnx"
STUDENT: Final = "student.onnx"
TOKENIZER: Final = "tokenizer.json"
FORMAT: Final = 2
MANIFEST_LIMIT: Final = 2**20
"""Bytes of a manifest."""

_FIX = "put the folder back as it was exported, or train and export the weights again (`make train`)"


class InvalidModel(HoldfastError):
    """The classifier's weights are missing, damaged, or of a format that this version does not know."""

    code = "invalid-model"


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a logit becomes a probability: `sigmoid(slope * logit + offset)`."""

    slope: float = 1.0
    offset: float = 0.0


class Distilled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How far the student is trusted: it answers by itself where no head of `heads` reaches `certain`, before calibration,
    or for a text in a context, `certain_in_context`."""

    certain: float
    certain_in_context: float
    heads: tuple[str, ...]
    calibration: dict[str, Calibration] = {}


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an exported folder holds.

    `version` is a digest of the networks, the tokenizer and the calibration: the same version and the same text give
    the same answer. A network's outputs are `heads`, then `groups`. `canonical` says that they were trained
    on texts in which groups' names are one, by the names of version `identities`. A network names a group from
    `group_threshold` up. `measured` holds figures for people.
    """

    format: int
    version: str
    heads: tuple[str, ...]
    groups: tuple[str, ...]
    canonical: bool
    identities: str
    files: dict[str, str]
    calibration: dict[str, Calibration] = {}
    student: Distilled | None = None
    group_threshold: float = 0.5
    measured: dict[str, float | str] = {}


class Network:
    """One network of the folder. Pure: a window's logits depend on nothing but the window.

    Windows run one at a time: the encoder rounds its activations to int8 by the range of all it is given, so
    in company a text's score would depend on its neighbours (and on a core batches of 8 gain 7%, less than their
    padding costs).
    """

    def __init__(self, path: Path, outputs: int) -> None:
        self.path = path
        self.outputs = outputs
        self._lock = threading.Lock()
        self._opened: tuple[int, InferenceSession, frozenset[str]] | None = None

    def logits(self, windows: Sequence[Window]) -> NDArray[np.float32]:
        """The answer to every window, float32 [windows, outputs]. Raises `InvalidModel`."""
        found = np.empty((len(windows), self.outputs), np.float32)
        if not windows:
            return found
        session, wants = self._session()
        masked = "mask" in wants
        for row, window in enumerate(windows):
            ids = np.array([window.ids], np.int32)
            feeds = {"ids": ids, "types": np.array([window.types], np.int32)}
            if masked:
                feeds["mask"] = np.ones_like(ids)
            (answer,) = session.run(None, feeds)
            if answer.shape != (1, self.outputs):
                raise InvalidModel(
                    "answers something else than its manifest says",
                    where=str(self.path),
                    value=f"{answer.shape[-1]} outputs",
                    expected=f"{self.outputs} outputs",
                    next_step=_FIX,
                )
            found[row] = answer[0]
        return found

    def _session(self) -> tuple[InferenceSession, frozenset[str]]:
        """This process's session, and the inputs it takes. A forked worker opens its own."""
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            with self._lock:
                opened = self._opened
                if opened is None or opened[0] != os.getpid():
                    session = _open(self.path)
                    wants = frozenset(entry.name for entry in session.get_inputs())
                    opened = self._opened = (os.getpid(), session, wants)
        return opened[1:]


class Model:
    """An opened folder: the encoder, the student where there is one, and what turns texts into their windows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.names = (*self.manifest.heads, *self.manifest.groups)
        self.encoder = Network(folder / NETWORK, len(self.names))
        self.student = Network(folder / STUDENT, len(self.names)) if self.manifest.student else None

    @cached_property
    def reader(self) -> Reader:
        """What turns texts into windows."""
        try:
            return Reader.load(self.folder / TOKENIZER, self.manifest.canonical)
        except Exception as error:  # the library raises bare Exception
            raise InvalidModel(
                "is not a tokenizer that can be read", where=str(self.folder / TOKENIZER), value=_short(error), next_step=_FIX
            ) from error  # fmt: skip

    def check(self) -> None:
        """Open every part now rather than at the first text. Raises `InvalidModel`."""
        (reading,) = self.reader.read(["hello"], [None])
        for network in (self.encoder, self.student):
            if network is not None:
                network.logits(reading.windows)

    def certain(self, logits: NDArray[np.float32], windows: Sequence[Window]) -> NDArray[np.bool_]:
        """Of which `windows` the student, by its `logits`, is sure that the encoder would find nothing, bool [rows]."""
        student = self.manifest.student
        if student is None:
            return np.zeros(len(logits), bool)
        at = [self.names.index(head) for head in student.heads]
        bounds = np.array(
            [student.certain_in_context if window.types[-1] else student.certain for window in windows]
        )
        found: NDArray[np.bool_] = sigmoid(logits[:, at]).max(1) < bounds
        return found

    def probabilities(self, logits: NDArray[np.float32], student: bool = False) -> NDArray[np.float64]:
        """Calibrated probabilities of the encoder's `logits`, or the student's, in the same shape."""
        curves = self.manifest.calibration
        if student and self.manifest.student is not None:
            curves = self.manifest.student.calibration
        each = [curves.get(name, Calibration()) for name in self.names]
        return sigmoid(logits * np.array([c.slope for c in each]) + np.array([c.offset for c in each]))

    def __reduce__(self) -> tuple[type[Model], tuple[Path]]:
        return Model, (self.folder,)


def sigmoid(logits: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of logits."""
    found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -60, 60)))
    return found


def read_manifest(folder: Path) -> Manifest:
    """The manifest of `folder`, whose files are there and undamaged. Raises `InvalidModel`."""
    path = folder / MANIFEST
    raw = _read(path, MANIFEST_LIMIT)
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidModel(
            "is not a manifest of weights", where=str(path), value=_short(error), next_step=_FIX
        ) from error
    if manifest.format != FORMAT:
        raise InvalidModel(
            "is of a format that this version of Holdfast does not know",
            where=str(path),
            value=f"format {manifest.format}",
            expected=f"format {FORMAT}",
            next_step="export the weights with the version of Holdfast that reads them",
        )
    for name in (NETWORK, TOKENIZER, *([STUDENT] if manifest.student else [])):
        found = hashlib.sha256(_read(folder / name)).hexdigest()
        if found != manifest.files.get(name):
            raise InvalidModel(
                "is damaged: its digest is not the manifest's",
                where=str(folder / name),
                value=f"sha256 {found[:12]}…",
                expected=f"sha256 {manifest.files.get(name, 'missing')[:12]}…",
                next_step=_FIX,
            )
    return manifest


def _read(path: Path, limit: int = 2**28) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise InvalidModel(
                "is too large",
                where=str(path),
                value=f"{size:,} bytes",
                expected=f"at most {limit:,}",
                next_step=_FIX,
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidModel(
            "cannot be read", where=str(path), value=error.strerror, expected="the classifier's weights", next_step=_FIX
        ) from error  # fmt: skip


def _open(path: Path) -> InferenceSession:
    # Read when the library is loaded, which otherwise tells its maker about every network that is opened.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # Here, so that a command which only looks at fields or rules does not wait for it.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors share no class of their own
        raise InvalidModel(
            "is not a network that can be run", where=str(path), value=_short(error), next_step=_FIX
        ) from error


def _short(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
