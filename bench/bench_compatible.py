"""Perspective's and OpenAI's wire formats under load, with the classifier on.

A real `holdfast serve` on a fresh folder: default policy, API key, every text decided and recorded before it is answered,
one worker process and two. Keep-alive clients (`load.py`) are a process of their own on the same machine. Each endpoint is
driven by closed loops of 1 to 1,000 connections, which try again at once what is refused; the best of them is its capacity.
Then by open loops at a half and nine tenths of that: requests come when they come (Poisson), and a latency counts from the
moment for which a request was scheduled.

Peer, in the same run: what answers a request with its own body, and does nothing else, on the same stack of uvicorn and
litestar, driven by the same client. It is a ceiling for what any work behind this stack can reach.

    python bench/bench_compatible.py [SECONDS]      for each measurement; 6 are less than four minutes in all
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from formats import FORMATS, analyze
from load import Client, Closed, Open, Result, Target
from servers import echo, holdfast
from table import Table
from traffic import traffic

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
POOL = max(5_000, int(33_000 * SECONDS))
"""Texts that are sent before the first is sent again: so many that the classifier's memory has let go of it by then."""
WORKERS = (1, 2)
CONNECTIONS = (1, 10, 100, 1_000)
SHARES = (0.5, 0.9)
"""Of the capacity, for the open loops."""
QUICK_S, CORAL_S = 0.060, 0.300
"""The bar at half of capacity, and after how long Coral's comment box gives up on an answer."""


def main() -> None:
    texts = traffic(POOL, seed=11)
    for workers in WORKERS:
        with (
            tempfile.TemporaryDirectory() as folder,
            holdfast(Path(folder), "--workers", str(workers)) as served,
        ):
            for name, (path, body) in FORMATS.items():
                with Client(Target(served.url + path, served.key), list(map(body, texts))) as client:
                    measure(client, f"{name}, {workers} worker{'s' * (workers > 1)}")
    with echo() as url, Client(Target(url), list(map(analyze, texts))) as client:
        client.run(Closed(10, SECONDS / 6))
        closed(client, "peer: echo, 1 worker", (1, 100), SECONDS / 2)


def measure(client: Client, what: str) -> None:
    client.run(Closed(20, SECONDS / 4))
    capacity = closed(client, what, CONNECTIONS, SECONDS)
    if not capacity:
        raise SystemExit(f"{what}: nothing was answered with success")
    table = Table(
        f"open loop: {what}",
        ("offered", "offered/s", "answered/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "≤ 60 ms", "≤ 300 ms", "refused", "errors"),
    )  # fmt: skip
    for share in SHARES:
        result = client.run(Open(share * capacity, SECONDS))
        table.add(
            f"{share:.0%} of capacity",
            f"{share * capacity:,.0f}",
            f"{result.rate:,.0f}",
            *latencies(result),
            f"{result.within(QUICK_S):.2%}",
            f"{result.within(CORAL_S):.2%}",
            f"{result.share_refused:.2%}",
            str(sum(result.errors.values())),
        )
    table.print()
    sys.stdout.flush()


def closed(client: Client, what: str, connections: Sequence[int], seconds: float) -> float:
    """Print what closed loops see, and return the most that was answered in a second."""
    table = Table(
        f"closed loop: {what}",
        ("connections", "answered/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "refused", "of which say when to retry", "errors"),
    )  # fmt: skip
    best = 0.0
    for number in connections:
        result = client.run(Closed(number, seconds))
        best = max(best, result.rate)
        refused = len(result.refused)
        table.add(
            f"{number:,}",
            f"{result.rate:,.0f}",
            *latencies(result),
            f"{result.share_refused:.1%}",
            f"{1 - result.without_retry_after / refused:.0%}" if refused else "",
            str(sum(result.errors.values())),
        )
    table.print()
    sys.stdout.flush()
    return best


def latencies(result: Result) -> list[str]:
    return [f"{result.percentile(share):,.1f}" for share in (0.5, 0.9, 0.99, 1.0)]


if __name__ == "__main__":
    main()
