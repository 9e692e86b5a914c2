"""A command waits for no more than it needs: the network's runtime is loaded where a text is read, not before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SAY = """
import sys
from holdfast.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print([name for name in ("numpy", "onnxruntime", "litestar") if name in sys.modules], file=sys.stderr)
"""
POLICY = """
policy: p
rules:
  - {name: long, when: text.length > 40, then: hold, reason: length, tells: Waits.}
"""


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        ("--help", []),
        ("decide --help", []),
        ("policy show community", ["numpy"]),
        ("policy render p.yaml", ["numpy"]),
        ("policy check p.yaml", ["numpy"]),
    ],
)
def test_what_a_command_loads(tmp_path: Path, words: str, loaded: list[str]) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    done = subprocess.run(
        [sys.executable, "-c", _SAY, *words.split()], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == str(loaded)
