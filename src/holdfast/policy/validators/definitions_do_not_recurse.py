"""No definition uses itself, directly or through others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.policy.diagnostics import Finding
from holdfast.policy.document import Scalar


def findings(uses: Mapping[str, tuple[str, ...]], places: Mapping[str, Scalar]) -> Iterator[Finding]:
    """Every cycle once. `uses` maps a definition to those it names, `places` to where it stands."""
    done: set[str] = set()
    for start in uses:
        path: list[str] = []
        waiting = [(start, iter(uses[start]))] if start not in done else []
        if waiting:
            path.append(start)
        while waiting:
            name, following = waiting[-1]
            after = next((used for used in following if used not in done), None)
            if after is None:
                waiting.pop()
                path.pop()
                done.add(name)
            elif after in path:
                cycle = [*path[path.index(after) :], after]
                last = places[cycle[-2]]
                yield Finding(
                    places[after].at,
                    f"this definition uses itself: {' → '.join(cycle[:12])}{' …' if len(cycle) > 12 else ''}",
                    "write one of them without the others",
                    None if len(cycle) == 2 else (last.at, f"{cycle[-2]} leads back to {after}"),
                )
                return
            else:
                path.append(after)
                waiting.append((after, iter(uses[after])))


def order(uses: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Definitions so that each comes after those it uses. There must be no cycle."""
    ordered: dict[str, None] = {}
    for start in uses:
        waiting = [start]
        while waiting:
            name = waiting[-1]
            open_uses = [used for used in uses[name] if used not in ordered]
            if open_uses:
                waiting.extend(open_uses)
            else:
                ordered[name] = None
                waiting.pop()
    return list(ordered)
