"""Running a command in this process, as its users do from a shell."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.cli import main

Shell = Callable[..., tuple[int, str, str]]
"""Takes the words after `holdfast`, and `stdin`; gives the exit code and what was written to both outputs."""


@pytest.fixture
def shell(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> Shell:
    """A shell in an empty folder, with the data folder `data` in it."""
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["holdfast", *words])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Cyclopts application invoked")  # it means us no harm
                main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, error = capfdbinary.readouterr()
        return code, out.decode(), error.decode()

    return run
