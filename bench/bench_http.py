"""HTTP under load: single items and batches, p50 and p99, with the load client on the same machine.

A real `holdfast serve` on a fresh folder: default policy, API key, every decision recorded before it is
answered. The client is wrk where it is installed, else that of `load.py` (which costs more of the machine).
Peer: a bare litestar application that answers each request with its own body, under the same uvicorn, driven
by the same client in the same run.

    python bench/bench_http.py [SECONDS]
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from generate import items
from load import Client, Closed, Target
from servers import echo, holdfast
from table import Table

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1][0].isdigit() else 6.0
POOL = 40_000
"""Items that are sent, over and over: more than a run of single requests needs."""
LUA = """\
local bodies = {%s}
local next_body = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
request = function()
  next_body = next_body %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[next_body])
end
done = function(summary, latency)
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status + summary.errors.connect
    + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


class Result(NamedTuple):
    """What a client saw: seconds, and milliseconds for the percentiles."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int


def main() -> None:
    everything = [msgspec.json.encode(item) for item in items(POOL, seed=1)]
    table = Table(
        f"HTTP, client on the same machine ({'wrk' if shutil.which('wrk') else 'load.py'})",
        ("what", "connections", "requests/s", "items/s", "p50 ms", "p99 ms", "errors"),
    )
    with tempfile.TemporaryDirectory() as folder:
        with holdfast(Path(folder)) as (url, key, _):
            for name, size, connections in (
                ("single", 1, 32), ("single", 1, 64), ("batch of 100", 100, 4), ("batch of 1,000", 1_000, 2),
            ):  # fmt: skip
                row(
                    table,
                    name,
                    size,
                    connections,
                    drive(f"{url}/v1/decide", bodies(everything, size), connections, key),
                )
        with echo() as url:
            for name, size, connections in (
                ("peer: echo, single", 1, 64),
                ("peer: echo, batch of 100", 100, 4),
            ):
                row(table, name, size, connections, drive(url, bodies(everything, size), connections, ""))
    table.print()


def row(table: Table, name: str, size: int, connections: int, result: Result) -> None:
    rate = result.requests / result.seconds
    table.add(
        name,
        str(connections),
        f"{rate:,.0f}",
        f"{rate * size:,.0f}",
        f"{result.p50:.1f}",
        f"{result.p99:.1f}",
        str(result.errors),
    )


def bodies(everything: Sequence[bytes], size: int) -> list[bytes]:
    if size == 1:
        return list(everything)
    chunks = (everything[start : start + size] for start in range(0, len(everything), size))
    return [b'{"items":[' + b",".join(chunk) + b"]}" for chunk in chunks]


# Clients ------------------------------------------------------------------------------------


def drive(url: str, sent: Sequence[bytes], connections: int, key: str) -> Result:
    if shutil.which("wrk"):
        return drive_wrk(url, sent, connections, key)
    return drive_own(url, sent, connections, key)


def drive_wrk(url: str, sent: Sequence[bytes], connections: int, key: str) -> Result:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        # A JSON string in ASCII is a Lua string too, but for \u and \/, which it does not hold here.
        script.write(LUA % (",\n".join(f"[==[{body.decode()}]==]" for body in sent), key))
        script.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{SECONDS:.0f}s",
            "--timeout",
            "20s",
            "-s",
            script.name,
            url,
        ]
        output = subprocess.run(
            command, capture_output=True, check=True, timeout=SECONDS + 60
        ).stdout.decode()
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    assert found is not None, output
    requests, micros, p50, p99, errors = map(int, found.groups())
    return Result(requests, micros / 1e6, p50 / 1e3, p99 / 1e3, errors)


def drive_own(url: str, sent: Sequence[bytes], connections: int, key: str) -> Result:
    with Client(Target(url, key), sent) as client:
        found = client.run(Closed(connections, SECONDS))
    errors = found.sent - len(found.answered)
    return Result(len(found.answered), found.seconds, found.percentile(0.5), found.percentile(0.99), errors)


if __name__ == "__main__":
    main()
