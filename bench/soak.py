"""A soak: `comments:analyze` at twice the capacity for as long as asked, and whether the server stays as it was.

Requests come by a Poisson process (open loop) with the classifier on, every one that is answered is recorded. Every ten
seconds a line; at the end a verdict: latency and memory of the first minute against the last, whether every refusal said when
to come back, whether anything failed in another way, and whether the ledger verifies. Exits with 1 where one of these is bad.

    python bench/soak.py [--minutes 10] [--workers 1] [--capacity REQUESTS_A_SECOND]

Before it begins, a minute at the same rate fills the classifier's memory of answers, which is meant to grow up to its bound.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import NamedTuple

from formats import FORMATS
from load import Client, Closed, Open, Result, Target, merged
from servers import HOLDFAST, Served, holdfast
from table import Table
from traffic import traffic

POOL = 250_000
"""Texts that are sent before the first is sent again: the classifier's memory has let go of it by then."""
EVERY_S, MINUTE_S = 10.0, 60.0
LATER, LARGER = 1.5, 1.1
"""How much the last minute's latency and memory may be of the first's: beyond what a minute's chance does."""


class Seen(NamedTuple):
    """What ten seconds were like: what the clients saw, MiB of each server process, and items that waited at its end."""

    result: Result
    mebibytes: dict[int, float]
    queued: float

    @property
    def memory(self) -> float:
        return sum(self.mebibytes.values())


def main() -> int:
    options = argparse.ArgumentParser(description="comments:analyze at twice the capacity")
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--capacity", type=float, help="instead of measuring it")
    options.add_argument("--warm", type=float, default=MINUTE_S, help="seconds before it begins")
    options.add_argument("--pool", type=int, default=POOL, help="texts before the first is sent again")
    given = options.parse_args()
    path, body = FORMATS["analyze"]
    texts = list(map(body, traffic(given.pool, seed=13)))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with (
            holdfast(data, "--workers", str(given.workers)) as served,
            Client(Target(served.url + path, served.key), texts) as client,
        ):
            del texts
            client.run(Closed(20, min(2.0, given.warm)))
            capacity = given.capacity or client.run(Closed(100, min(10.0, given.warm))).rate
            if not capacity:
                raise SystemExit("nothing was answered with success")
            print(
                f"capacity {capacity:,.0f} requests a second; twice that for {given.minutes:g} minutes",
                flush=True,
            )
            client.run(Open(2 * capacity, given.warm))
            seen = soak(client, served, 2 * capacity, given.minutes * 60)
        verified = subprocess.run(
            [*HOLDFAST, "ledger", "verify", "--data", data], capture_output=True, text=True
        )
    return verdict(seen, verified)


def soak(client: Client, served: Served, rate: float, seconds: float) -> list[Seen]:
    print("   s  answered/s  refused/s   p50 ms   p99 ms   max ms  queued  errors  MiB of each process")
    seen: list[Seen] = []
    started = time.monotonic()
    for result in client.results(Open(rate, seconds, every_s=EVERY_S)):
        one = Seen(result, memory_of(served.pid), queued(served))
        seen.append(one)
        each = " ".join(f"{mebibytes:.0f}" for mebibytes in one.mebibytes.values())
        print(
            f"{time.monotonic() - started:4.0f}  {result.rate:10,.0f}  {len(result.refused) / result.seconds:9,.0f}"
            f"  {result.percentile(0.5):7.1f}  {result.percentile(0.99):7.1f}  {result.percentile(1):7.1f}"
            f"  {one.queued:6.0f}  {sum(result.errors.values()):6}  {each}",
            flush=True,
        )
    return seen


def memory_of(pid: int) -> dict[int, float]:
    """Resident MiB of the process `pid` and of all that it started."""
    found: dict[int, float] = {}
    left = [pid]
    while left:
        process = Path("/proc") / str(left.pop())
        try:
            resident = re.search(r"VmRSS:\s*(\d+)", (process / "status").read_text())
            for task in (process / "task").iterdir():
                left.extend(map(int, (task / "children").read_text().split()))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if resident is not None:
            found[int(process.name)] = int(resident[1]) / 1024
    return dict(sorted(found.items()))


def queued(served: Served) -> float:
    """Items that wait for the engine, as `/metrics` tells."""
    request = urllib.request.Request(
        f"{served.url}/metrics", headers={"Authorization": f"Bearer {served.key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            lines = answer.read().decode()
    except OSError as error:
        print(f"/metrics: {error}", flush=True)
        return float("nan")
    return sum(map(float, re.findall(r"^holdfast_queue_items(?:\{[^}]*\})? (\S+)", lines, re.MULTILINE)))


def verdict(seen: list[Seen], verified: subprocess.CompletedProcess[str]) -> int:
    part = max(1, min(round(MINUTE_S / EVERY_S), len(seen) // 2))
    first, last = (merged([one.result for one in some]) for some in (seen[:part], seen[-part:]))
    whole = merged([one.result for one in seen])
    bad: list[str] = []
    table = Table("verdict", ("what", "first minute", "last minute", "", "verdict"))

    def judge(what: str, before: str, after: str, note: str, good: bool) -> None:
        table.add(what, before, after, note, "good" if good else "BAD")
        if not good:
            bad.append(what)

    for share, name in ((0.5, "p50"), (0.99, "p99")):
        before, after = first.percentile(share), last.percentile(share)
        judge(
            f"{name} of the answered, ms",
            f"{before:.1f}",
            f"{after:.1f}",
            f"× {after / before:.2f}",
            after <= LATER * before,
        )
    before, after = (median(one.memory for one in some) for some in (seen[:part], seen[-part:]))
    judge(
        "memory of all processes, MiB",
        f"{before:.0f}",
        f"{after:.0f}",
        f"× {after / before:.2f}",
        after <= LARGER * before,
    )
    judge(
        "answered a second",
        f"{first.rate:,.0f}",
        f"{last.rate:,.0f}",
        "",
        LATER * last.rate >= first.rate > 0,
    )
    judge(
        "refused, of all",
        f"{first.share_refused:.0%}",
        f"{last.share_refused:.0%}",
        "twice the capacity",
        whole.share_refused > 0.25,
    )
    told = len(whole.refused) - whole.without_retry_after
    share = told / max(1, len(whole.refused))
    judge(
        "refusals that say when to retry", "", "", f"{told:,} of {len(whole.refused):,} ({share:.1%})",
        not whole.without_retry_after,
    )  # fmt: skip
    failed = ", ".join(f"{why}: {number}" for why, number in whole.errors.items())
    judge("errors other than 429 and 503", "", "", failed or "none", not whole.errors)
    lines = (verified.stdout or verified.stderr).strip().splitlines()
    judge("ledger verify", "", "", " ".join(lines[0].split())[:60] if lines else "", verified.returncode == 0)
    table.print()
    print(
        f"{whole.sent:,} requests: {len(whole.answered):,} answered, {whole.share_refused:.1%} refused"
        f" (half of them at p50 {1e3 * median(whole.refused):.1f} ms)" if whole.refused else ""
    )  # fmt: skip
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
