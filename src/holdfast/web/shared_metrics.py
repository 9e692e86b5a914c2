"""The metrics of a server with several workers: any of them tells what all have counted.

Each worker counts into files of its own, named after its number, so that one that is started again goes on
where the last stopped and nothing that was counted is lost with a process. What is measured of a process
(`process_…`) is told for each, with the label `worker`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import PLATFORM_COLLECTOR, CollectorRegistry, ProcessCollector, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from holdfast.store.errors import StoreUnavailable
from holdfast.web.metrics import Metrics
from holdfast.web.workplace import METRICS, Workplace

RESERVED: Final = {
    "counter": 128 * 1024,
    "histogram": 512 * 1024,
    "gauge_livesum": 64 * 1024,
    "gauge_livemax": 64 * 1024,
}
"""Bytes of each kind's file: for the routes, methods, statuses and rules that there are, with room to spare."""


class SharedMetrics(Metrics):
    """What the workers of this server count. One a process: the library keeps the files for the whole of it."""

    def __init__(self, place: Workplace) -> None:
        folder = place.folder / METRICS
        _reserve(folder, place.number)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        values.ValueClass = values.MultiProcessValue(lambda: place.number)  # type: ignore[no-untyped-call]
        super().__init__()
        self._shown = CollectorRegistry()
        MultiProcessCollector(self._shown, str(folder))  # type: ignore[no-untyped-call]
        self._shown.register(PLATFORM_COLLECTOR)
        self._shown.register(_Processes(place.folder))

    def render(self) -> bytes:
        self.tell()
        return generate_latest(self._shown)

    def _new_registry(self) -> CollectorRegistry:
        return CollectorRegistry()


def _reserve(folder: Path, number: int) -> None:
    """Make a worker's files before the library does, which leaves their room on the disk to be found when a page is
    first touched: on a full disk that ends the process (SIGBUS). Raises `StoreUnavailable`."""
    for kind, size in RESERVED.items():
        try:
            with (folder / f"{kind}_{number}.db").open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise StoreUnavailable(
                "the data folder cannot be written", where=str(folder), value=error.strerror
            ) from None


class _Processes(Collector):
    """CPU time, memory and the like of the supervisor and of each worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for file in sorted(self._folder.glob("*.pid")):
            pid = ""
            with suppress(OSError):
                pid = file.read_text()
            if not pid.isdigit():
                continue
            for metric in ProcessCollector(pid=partial(str, pid), registry=None).collect():
                family = families.setdefault(
                    metric.name, Metric(metric.name, metric.documentation, metric.type, metric.unit)
                )
                for sample in metric.samples:
                    family.add_sample(sample.name, {**sample.labels, "worker": file.stem}, sample.value)
        return families.values()
