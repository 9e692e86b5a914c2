"""Measuring ahead in other processes changes nothing but the time it takes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from holdfast.bulk.ahead import AheadEngine
from holdfast.content import Item
from holdfast.engine import Engine

ENGINE = Engine()
TEXTS = (
    "what a lovely soup",
    "see https://example.org/1",
    "SO GOOD!!! 😂",
    "",
    "schönes Video, vielen Dank dafür",
)


class Part(NamedTuple):
    items: list[Item]


PARTS = [
    Part([Item(id=f"{n}-{k}", text=f"{TEXTS[(n + k) % len(TEXTS)]} {n}".strip()) for k in range(n % 4 * 3)])
    for n in range(12)
]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_same_is_measured_in_the_same_order(workers: int) -> None:
    with AheadEngine(ENGINE.signals, workers) as engine:
        given = [(part, engine.measure(list(part.items))) for part in engine.ahead(iter(PARTS))]
    assert [part for part, _ in given] == PARTS
    for part, measured in given:
        expected = ENGINE.measure(part.items)
        assert {name: list(column) for name, column in measured.signals.items()} == {
            name: list(column) for name, column in expected.signals.items()
        }
        assert {row: list(spans) for row, spans in measured.spans.items()} == {
            row: list(spans) for row, spans in expected.spans.items()
        }


def test_what_was_not_measured_ahead_is_measured_here() -> None:
    items = [Item(id="1", text="soup"), Item(id="2", text="more soup")]
    with AheadEngine(ENGINE.signals, 1) as engine:
        for part in engine.ahead(iter([Part(items)])):
            assert engine.measure(items[:1]).signals == ENGINE.measure(items[:1]).signals
            assert engine.measure(part.items).items == items
            assert engine.measure(part.items).signals == ENGINE.measure(items).signals


def test_a_worker_that_dies_is_made_up_for() -> None:
    with AheadEngine(ENGINE.signals, 2) as engine:
        seen = []
        for number, part in enumerate(engine.ahead(iter(PARTS))):
            if number == 3:
                for worker in engine._workers:
                    assert worker._process.pid is not None
                    os.kill(worker._process.pid, signal.SIGKILL)
            seen.append(len(engine.measure(part.items).signals["text.links"]))
    assert seen == [len(part.items) for part in PARTS]


def test_an_error_comes_after_what_was_read() -> None:
    def parts() -> Iterator[Part]:
        yield from PARTS[:5]
        raise ValueError("the disk is gone")

    seen = []
    with AheadEngine(ENGINE.signals, 3) as engine, pytest.raises(ValueError, match="the disk is gone"):
        for part in engine.ahead(parts()):
            seen.append(part)  # noqa: PERF402 - one by one, so that those before the error count
    assert seen == PARTS[:5]


def test_workers_end_with_the_engine() -> None:
    with AheadEngine(ENGINE.signals, 2) as engine:
        processes = [worker._process.pid for worker in engine._workers]
    for pid in processes:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
