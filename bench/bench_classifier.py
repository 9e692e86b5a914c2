"""The whole engine with the classifier on ordinary traffic, stage by stage, and BERT-base in PyTorch beside it.

Ordinary traffic: composed everyday comments, of which some repeat as they do under short videos (`traffic.py`).
Two processes with one thread each, as the engine's workers are. Peer: BERT-base in PyTorch with two threads
(`peer_bert.py`), where HOLDFAST_BENCH_PEER names a Python that has PyTorch and transformers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from table import Table
from traffic import traffic

from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.policy.counters import Counters
from holdfast.policy.packs import DEFAULT_PACK, pack_source
from holdfast.policy.policy import Policy
from holdfast.signals import default_signals
from holdfast.signals.classifier import SHIPPED, Stages

NOW = datetime(2026, 1, 1, tzinfo=UTC)
N, BATCH, WARM = 12_000, 500, 4_000
STAGES = {
    "memory, student, encoder": Stages(),
    "student, encoder": Stages(cache=0),
    "memory, encoder": Stages(student=False),
    "encoder alone": Stages(cache=0, student=False),
    "student alone": Stages(cache=0, encoder=False),
}


def worker(job: tuple[Stages, int, int]) -> tuple[float, dict[str, int]]:
    """Seconds for `n` items after a warm-up, and how many each stage answered."""
    stages, n, seed = job
    engine = Engine(default_signals(stages=stages))
    policy = Policy.load(pack_source(DEFAULT_PACK), engine.schema)
    texts = traffic(WARM // 8 + n if not stages.cache else WARM + n, seed)
    items = [Item(id=str(at), text=text) for at, text in enumerate(texts)]
    warm, timed = items[:-n], items[-n:]
    counters = Counters(policy.counters)
    for at in range(0, len(warm), BATCH):
        engine.judge(engine.measure(warm[at : at + BATCH]), policy, counters, NOW)
    answered: dict[str, int] = {}
    started = time.perf_counter()
    for at in range(0, n, BATCH):
        measured = engine.measure(timed[at : at + BATCH])
        engine.judge(measured, policy, counters, NOW)
        for stage in measured.signals["classifier.stage"]:
            answered[str(stage)] = answered.get(str(stage), 0) + 1
    return time.perf_counter() - started, answered


def peer(texts: list[str]) -> float | None:
    """Comments a second of BERT-base, in a process of its own; None, with a word, where it cannot run."""
    python = os.environ.get("HOLDFAST_BENCH_PEER", sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "texts.json"
        given.write_text(json.dumps(texts), "utf-8")
        script = Path(__file__).with_name("peer_bert.py")
        done = subprocess.run(
            [python, script, given, SHIPPED / "tokenizer.json"], capture_output=True, text=True
        )
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        print(
            f"peer left out: {why[0]} (HOLDFAST_BENCH_PEER names a Python with torch and transformers)",
            flush=True,
        )
        return None
    return float(done.stdout)


def main() -> None:
    bert = peer(traffic(480, 0))
    table = Table(
        "whole engine, two processes",
        ("stages", "comments/s", "µs/comment", "encoder", "student", "unknown", "× peer"),
    )
    for name, stages in STAGES.items():
        n = N if stages.student else N // 6
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            found = list(pool.map(worker, [(stages, n, seed) for seed in (0, 1)]))
        seconds = max(spent for spent, _ in found)
        shares = [
            sum(answered.get(stage, 0) for _, answered in found) / (2 * n)
            for stage in ("encoder", "student", "None")
        ]
        rate = 2 * n / seconds
        table.add(
            name, f"{rate:,.0f}", f"{2e6 * seconds / (2 * n):,.0f}", *(f"{share:.1%}" for share in shares),
            "" if bert is None else f"{rate / bert:,.0f}",
        )  # fmt: skip
    if bert is not None:
        table.add(
            "peer: BERT-base, PyTorch, 2 threads", f"{bert:,.0f}", f"{2e6 / bert:,.0f}", "", "", "", "1"
        )
    table.print()
    print("Which network answered counts remembered answers too. Unknown: languages that are not covered.")


if __name__ == "__main__":
    main()
