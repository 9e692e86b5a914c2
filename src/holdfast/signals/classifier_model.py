"""The classifier's weights on disk: a folder with a manifest, a network and its tokenizer, checked when opened.

    manifest.json    what the network answers, its version, its calibration, the digests of the other two
    model.onnx       the network, int8
    tokenizer.json   its word pieces

`models/export.py` writes such a folder.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from holdfast.errors import HoldfastError
from holdfast.signals.classifier_input import Reader, Window

MANIFEST: Final = "manifest.json"
NETWORK: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"
FORMAT: Final = 1
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


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an exported folder holds.

    `version` is a digest of the network, the tokenizer and the calibration: the same version and the same text give
    the same answer. The network's outputs are `heads`, then `groups`. `canonical` says that it was trained
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
    group_threshold: float = 0.5
    measured: dict[str, float | str] = {}


class Model:
    """An opened folder. Pure: a window's logits depend on nothing but the window.

    Windows run one at a time: the network rounds its activations to int8 by the range of all it is given, so
    in company a text's score would depend on its neighbours (and on a core batches of 8 gain 7%, less than their
    padding costs).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self._lock = threading.Lock()
        self._opened: tuple[int, onnxruntime.InferenceSession] | None = None

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
        self.logits([self.reader.read(["hello"], [None])[0].windows[0]])

    def logits(self, windows: Sequence[Window]) -> NDArray[np.float32]:
        """The network's answer to every window, float32 [windows, heads + groups]."""
        outputs = len(self.manifest.heads) + len(self.manifest.groups)
        found = np.empty((len(windows), outputs), np.float32)
        session = self._session() if windows else None
        for row, window in enumerate(windows):
            assert session is not None
            ids = np.array([window.ids], np.int32)
            (answer,) = session.run(
                None, {"ids": ids, "mask": np.ones_like(ids), "types": np.array([window.types], np.int32)}
            )
            if answer.shape != (1, outputs):
                raise InvalidModel(
                    "answers something else than its manifest says",
                    where=str(self.folder / NETWORK),
                    value=f"{answer.shape[-1]} outputs",
                    expected=f"{outputs} outputs",
                    next_step=_FIX,
                )
            found[row] = answer[0]
        return found

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities of `logits`, in the same shape."""
        names = (*self.manifest.heads, *self.manifest.groups)
        curves = [self.manifest.calibration.get(name, Calibration()) for name in names]
        slopes, offsets = np.array([c.slope for c in curves]), np.array([c.offset for c in curves])
        found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logits * slopes + offsets, -60, 60)))
        return found

    def _session(self) -> onnxruntime.InferenceSession:
        """This process's session. A forked worker opens its own."""
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            with self._lock:
                opened = self._opened
                if opened is None or opened[0] != os.getpid():
                    opened = self._opened = (os.getpid(), _open(self.folder / NETWORK))
        return opened[1]

    def __reduce__(self) -> tuple[type[Model], tuple[Path]]:
        return Model, (self.folder,)


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
    for name in (NETWORK, TOKENIZER):
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


def _open(path: Path) -> onnxruntime.InferenceSession:
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
