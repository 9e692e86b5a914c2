"""Run every benchmark, one after the other, each in a process of its own. `bench/run.py NAME …` runs some.

Figures are only worth something on a machine that does nothing else meanwhile.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ORDER = ("signals", "rules", "engine", "classifier", "ledger", "decide", "http", "compatible")


def main() -> int:
    wanted = sys.argv[1:] or ORDER
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    failed = []
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        if subprocess.run([sys.executable, HERE / f"bench_{name}.py"], cwd=HERE).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
