"""Several processes append at once, and any of them may be killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.ledger import Ledger
from holdfast.ledger.events import Decided

ROOT = Path(__file__).parents[2]

APPENDER = """
import sys
from holdfast.ledger import Ledger
from tests.ledger.samples import an_item, record
url, name, batches, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with Ledger.open(url) as ledger:
    for batch in range(batches):
        items = [an_item(n, f"{name} says {batch}.{n}", caption="said by all") for n in range(size)]
        done = record(ledger, items, key=f"{name}/{batch}")
        print(batch, done.first, done.count, flush=True)
"""


def start(url: str, name: str, batches: int, size: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", APPENDER, url, name, str(batches), str(size)]
    return subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def acknowledged(output: str) -> list[tuple[int, int, int]]:
    whole = output[: output.rfind("\n") + 1]
    return [tuple(map(int, line.split())) for line in whole.splitlines()]  # type: ignore[misc]


def test_processes_append_at_once_to_one_new_ledger(database_url: str) -> None:
    processes = [start(database_url, f"p{number}", 6, 20) for number in range(3)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    with Ledger.open(database_url) as ledger:
        assert ledger.head().size == 3 * 6 * 20
        assert ledger.verify() == []
        places = sorted(first for output in outputs for _, first, _ in acknowledged(output))
        assert places == list(range(0, 360, 20)), "every append has a stretch of its own"
        seen = {r.event.item.caption for r in ledger.read() if isinstance(r.event, Decided)}
        assert len(seen) == 1, "the same text is stored once, whoever says it first"


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.12])
def test_a_killed_process_loses_nothing_it_acknowledged(database_url: str, pause: float) -> None:
    process = start(database_url, "p", 100_000, 40)
    assert process.stdout is not None
    output = process.stdout.readline()
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    output += process.communicate(timeout=60)[0]
    done = acknowledged(output)
    with Ledger.open(database_url) as ledger:
        with ledger.database.writing():
            pass  # a server of its own may still be at the last transaction of the process that died
        size = ledger.head().size
        assert size % 40 == 0, "no append is torn"
        assert size - 40 * len(done) in (0, 40), "at most one was durable and not yet acknowledged"
        for batch, first, count in done:
            found = ledger.replay(f"p/{batch}")
            assert found is not None and (found.first, found.count) == (first, count)
            last = ledger.get(first + count - 1).event
            assert isinstance(last, Decided)
            assert ledger.text(last.item.text or "") == f"p says {batch}.{count - 1}"
        assert ledger.verify() == []
        # And it goes on from there.
        next_batch = start(database_url, "q", 1, 5).communicate(timeout=60)[0]
        assert acknowledged(next_batch) == [(0, size, 5)]
        assert ledger.verify() == []
