"""Nobody is told that a text was read: the library that runs the networks would tell its maker by default."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

READ = """
import sys
from pathlib import Path
from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.signals import default_signals

engine = Engine(default_signals(weights=Path(sys.argv[1])))
assert engine.measure([Item(id="1", text="hello there, you are people")]).signals["hate"][0] is not None
opened = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.exists()]
print("\\n".join(opened))
"""


def test_reading_a_text_leaves_nothing_and_tells_nobody(tiny_weights: Path, tmp_path: Path) -> None:
    # Continuous integration is spared by default; this is about everybody else.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS", "TF_BUILD")
    }
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tiny_weights)],
        env={**environment, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "socket:" not in done.stdout
    assert "onnxruntime.db" not in done.stdout
    assert list(tmp_path.rglob("*")) == []
