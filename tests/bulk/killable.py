"""Runs that a test may kill: `python killable.py` forks one for every order on standard input.

Prints each run's process id, and its exit status when it has ended. Forking after everything is loaded
makes a trial cost no start-up; no thread has been started by then.
"""

# ruff: noqa: T201
from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bulk.samples import POLICY, signals
from tests.models.tiny import write

from holdfast.bulk import run as runs
from holdfast.bulk.ahead import AheadEngine
from holdfast.bulk.encoders import format_of
from holdfast.content import Item
from holdfast.decider import Decider
from holdfast.engine import Engine
from holdfast.ledger import Ledger
from holdfast.policy.policy import Policy
from holdfast.signals.classifier import Classifier

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def main() -> None:
    with TemporaryDirectory() as folder:
        write(Path(folder))
        _serve(Engine([*signals(), Classifier.load(Path(folder))]))


def _serve(engine: Engine) -> None:
    policy = Policy.load(POLICY, engine.schema)
    engine.decide([Item(id="1", text="what a lovely soup, which loads every table")], policy, NOW)
    runs.CHUNK = 50
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(order, engine, policy)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


def _run(order: dict[str, str], loaded: Engine, policy: Policy) -> None:
    runs.CHECKPOINT_SECONDS = float(order["every"])
    out = Path(order["out"])
    job = runs.Job(
        input=order["input"],
        out=out,
        out_format=format_of(out),
        record=order["data"],
        resume=True,
    )
    with AheadEngine(loaded.signals, 1) as engine, Ledger.open(data=Path(order["data"])) as ledger:
        runs.run(job, Decider(engine, ledger, policy=policy), NOW)


if __name__ == "__main__":
    main()
