"""Prometheus metrics: every name, in one place. No label holds anything of a person or an item.

Each application has a registry of its own; where several workers make up one server, any of them tells what
all have counted (`shared_metrics.py`). Labels come from bounded sets: routes as declared, problems
from `KINDS`, actions, and rule names up to `RULE_LIMIT` (policies change; later ones count as `other`).
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from holdfast.decision import ACTIONS, Decision

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
RULE_LIMIT = 500
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000)


class Metrics:
    """What this server counts."""

    def __init__(self) -> None:
        self.registry = registry = self._new_registry()
        self._requests = Counter(
            "holdfast_requests_total", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "holdfast_request_seconds",
            "Seconds from a request's head to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._problems = Counter(
            "holdfast_problems_total", "Requests refused, by problem.", ("code",), registry=registry
        )
        self._items = Counter(
            "holdfast_items_total", "Items decided, by action.", ("action",), registry=registry
        )
        self._escalated = Counter(
            "holdfast_items_escalated_total", "Items decided that were escalated.", registry=registry
        )
        self._rules = Counter(
            "holdfast_rules_fired_total", "Rules that held, by rule.", ("rule",), registry=registry
        )
        self._unknown = Counter(
            "holdfast_rules_unknown_total", "Rules that could not be decided.", ("rule",), registry=registry
        )
        self._replays = Counter(
            "holdfast_replays_total", "Requests answered from their idempotency key.", registry=registry
        )
        self._batch_items = Histogram(
            "holdfast_batch_items", "Items in an engine batch.", buckets=_SIZES, registry=registry
        )
        self._batch_seconds = Histogram(
            "holdfast_batch_seconds",
            "Seconds of an engine batch with its ledger transaction.",
            buckets=_SECONDS,
            registry=registry,
        )
        # The modes say what several workers' values make together; one that has ended is left out.
        self._queue = Gauge(
            "holdfast_queue_items",
            "Items that wait for the engine.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._ledger = Gauge(
            "holdfast_ledger_events",
            "Events in the ledger.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._ready = Gauge(
            "holdfast_ready",
            "1 while the server, or any of its workers, is ready for work.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._workers = Gauge(
            "holdfast_workers",
            "Workers that are ready for work.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._watched: tuple[tuple[Gauge, Callable[[], float]], ...] = ()
        # Found once, since looking a label up costs more than counting.
        self._by_request: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._by_action = {action: self._items.labels(action) for action in ACTIONS}
        self._rule_names: set[str] = set()

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is a path template."""
        found = self._by_request.get((route, method, status))
        if found is None:
            method = method if method in _METHODS else "other"
            found = (self._requests.labels(route, method, str(status)), self._seconds.labels(route))
            self._by_request[(route, method, status)] = found
        found[0].inc()
        found[1].observe(seconds)

    def problem(self, code: str) -> None:
        self._problems.labels(code).inc()

    def replayed(self) -> None:
        self._replays.inc()

    def batch(self, decisions: Iterable[Decision], items: int, seconds: float) -> None:
        """Count an engine batch."""
        actions: Tally[str] = Tally()
        rules: Tally[str] = Tally()
        unknown: Tally[str] = Tally()
        escalated = 0
        for decision in decisions:
            actions[decision.action] += 1
            escalated += decision.escalate
            for fired in decision.rules:
                rules[fired.name] += 1
            for missed in decision.unknown:
                unknown[missed.name] += 1
        for action, count in actions.items():
            self._by_action[action].inc(count)  # type: ignore[index]
        for name, count in rules.items():
            self._rules.labels(self._rule(name)).inc(count)
        for name, count in unknown.items():
            self._unknown.labels(self._rule(name)).inc(count)
        if escalated:
            self._escalated.inc(escalated)
        self._batch_items.observe(items)
        self._batch_seconds.observe(seconds)

    def watch(
        self, *, queue: Callable[[], float], ledger: Callable[[], float], ready: Callable[[], float]
    ) -> None:
        """Ask these when the metrics are read."""
        self._watched = (
            (self._queue, queue),
            (self._ledger, ledger),
            (self._ready, ready),
            (self._workers, ready),
        )

    def tell(self) -> None:
        """Ask what is watched, now."""
        for gauge, function in self._watched:
            gauge.set(function())

    def render(self) -> bytes:
        self.tell()
        return generate_latest(self.registry)

    def _new_registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            registry.register(collector)
        return registry

    def _rule(self, name: str) -> str:
        if name in self._rule_names:
            return name
        if len(self._rule_names) >= RULE_LIMIT:
            return "other"
        self._rule_names.add(name)
        return name
