"""Rules, live: 30 and 300 of them over 10,000 rows, and counters.

Peers: DuckDB on the same columns (the rendered SQL, from Arrow, one thread), SQLite on the same rows (its
own virtual machine), and each rule's expression by Python's `eval` of a compiled expression, which
knows no NULL.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable

import duckdb
import pyarrow as pa
from table import Table

from holdfast.policy.counters import Counters
from holdfast.policy.policy import Policy
from holdfast.schema import Field, Schema, Type, Value

ROWS = 10_000
_CATEGORIES = ("insult", "profanity", "threat_phrase", "self_harm_phrase", "spam_phrase", "slur")
_CONTACTS = ("phone", "email", "address", "plate")


def schema() -> Schema:
    """The fields of today's signals and items, as far as rules here read them."""

    def field(name: str, kind: Type, *, nullable: bool = False, low: float | None = None) -> Field:
        return Field(name=name, type=kind, doc=name, nullable=nullable, low=low)

    return Schema(
        [
            *(field(f"lexicon.{category}", Type.INTEGER, low=0) for category in _CATEGORIES),
            *(field(f"contact.{kind}", Type.INTEGER, low=0) for kind in _CONTACTS),
            field("text.links", Type.INTEGER, low=0),
            field("text.length", Type.INTEGER, low=0),
            field("text.evasion", Type.INTEGER, low=0),
            field("text.capitals", Type.NUMBER, low=0),
            field("item.surface", Type.TEXT),
            field("language", Type.TEXT, nullable=True),
            field("author.id", Type.TEXT, nullable=True),
            field("author.age_days", Type.NUMBER, nullable=True),
            field("author.followers", Type.INTEGER, nullable=True, low=0),
            field("author.verified", Type.BOOLEAN, nullable=True),
            field("author.followed_by_target", Type.BOOLEAN, nullable=True),
            field("target.id", Type.TEXT, nullable=True),
        ]
    )


def columns(rows: int, seed: int = 7) -> dict[str, list[Value]]:
    """Everyday traffic: most rows hold nothing that a rule looks for; a fifth lack an author's record."""
    source = random.Random(seed)

    def seldom(share: float) -> int:
        return source.choice((1, 1, 1, 2, 3)) if source.random() < share else 0

    table: dict[str, list[Value]] = {name: [] for name in schema()}
    for _ in range(rows):
        known = source.random() > 0.2
        row: dict[str, Value] = {
            **{f"lexicon.{category}": seldom(0.02) for category in _CATEGORIES},
            **{f"contact.{kind}": seldom(0.01) for kind in _CONTACTS},
            "text.links": seldom(0.05),
            "text.length": source.randrange(1, 400),
            "text.evasion": seldom(0.03),
            "text.capitals": round(source.random() ** 4, 3),
            "item.surface": source.choice(("comment", "comment", "reply", "live_chat")),
            "language": source.choice(("en", "en", "de", "es", None, None)),
            "author.id": f"a{source.randrange(rows // 3)}",
            "author.age_days": source.random() * 900 if known else None,
            "author.followers": source.randrange(5_000) if known else None,
            "author.verified": source.random() < 0.02 if known else None,
            "author.followed_by_target": source.random() < 0.3 if known else None,
            "target.id": f"t{int(source.paretovariate(0.7)) % (rows // 10)}",
        }
        for name, value in row.items():
            table[name].append(value)
    return table


def when(source: random.Random) -> str:
    """A condition such as analysts write: one or two signals, and often who speaks to whom."""
    category, other = source.sample(_CATEGORIES, 2)
    signal = source.choice(
        (
            f"lexicon.{category} >= {source.randrange(1, 4)}",
            f"lexicon.{category} > 0 AND contact.{source.choice(_CONTACTS)} > 0",
            f"lexicon.{category} + lexicon.{other} >= {source.randrange(2, 5)}",
            f"text.links >= {source.randrange(1, 4)} AND text.length < {source.randrange(20, 200)}",
            f"(text.capitals > 0.{source.randrange(6, 10)} OR text.evasion > 0) AND lexicon.{category} > 0",
            f"language IN ('en', 'de') AND lexicon.{category} > 0",
        )
    )
    return signal + source.choice(
        (
            "",
            "",
            f" AND author.age_days < {source.randrange(1, 60)}",
            " AND NOT author.followed_by_target",
            f" AND (author.followers < {source.randrange(10, 500)} OR author.age_days < {source.randrange(1, 30)})",
            " AND NOT author.verified AND item.surface <> 'live_chat'",
        )
    )


def policy_of(count: int, seed: int = 1) -> Policy:
    """A policy of `count` made-up rules."""
    source = random.Random(seed)
    actions = ("label", "limit", "hold", "remove")
    rules = "".join(
        f"  - name: rule_{n}\n    when: {when(source)}\n    then: {source.choice(actions)}\n"
        f"    reason: made_up\n    tells: Made up for a benchmark.\n"
        for n in range(count)
    )
    return Policy.load(f"policy: bench\nrules:\n{rules}", schema())


def counted_policy() -> Policy:
    """Two counters over the stream."""
    return Policy.load(
        "policy: bench\ncounters:\n"
        "  by_author: count per author over 1 hour\n"
        "  strangers: count distinct author.id where not author.followed_by_target per target over 10 minutes\n"
        "rules:\n  - name: pile_on\n    when: strangers > 20 OR by_author > 30\n    then: hold\n"
        "    reason: made_up\n    tells: Made up for a benchmark.\n",
        schema(),
    )


def main() -> None:
    data = columns(ROWS)
    table = Table("rules, one process", ("what", "30 rules, µs/item", "300 rules, µs/item"))
    policies = [policy_of(30), policy_of(300)]

    def row(name: str, measure: Callable[[Policy], float]) -> None:
        table.add(name, *(f"{measure(policy) / ROWS * 1e6:.2f}" for policy in policies))

    row("Holdfast: verdicts with values", lambda policy: best(lambda: policy.evaluate(data, ROWS)))
    rows = [{name: [column[n]] for name, column in data.items()} for n in range(1_000)]
    row("Holdfast: one item at a time", lambda policy: best(lambda: _singly(policy, rows)) * ROWS / len(rows))
    arrow = pa.table({name: pa.array(column) for name, column in data.items()})
    with duckdb.connect(config={"threads": 1}) as database:
        database.register("items", arrow)
        row(
            "peer: DuckDB, truth values only",
            lambda policy: best(lambda: database.sql(policy.render("duckdb")).fetchall()),
        )
    with sqlite3.connect(":memory:") as lite:
        names = ", ".join(f'"{name}"' for name in data)
        lite.execute(f"CREATE TABLE items ({names})")
        lite.executemany(
            f"INSERT INTO items VALUES ({', '.join('?' * len(data))})", zip(*data.values(), strict=True)
        )
        row(
            "peer: SQLite, truth values only",
            lambda policy: best(lambda: lite.execute(_for_sqlite(policy)).fetchall()),
        )
    row("peer: eval of each rule, no NULLs", lambda policy: best(lambda: _by_eval(policy, data), 2))
    table.print()

    stream = Table("counters, one process", ("what", "µs/item"))
    counted = counted_policy()
    times = [float(n) for n in range(ROWS)]
    for counter in counted.counters:
        seconds = best(lambda counter=counter: Counters([counter]).advance(data, times))  # type: ignore[misc]
        stream.add(counter.text, f"{seconds / ROWS * 1e6:.2f}")
    counters = Counters(counted.counters)
    counters.advance(data, times)
    state = counters.snapshot()
    seconds = best(counters.snapshot)
    stream.add(f"snapshot of {len(state) / 1e6:.1f} MB", f"{seconds * 1e3:.1f} ms")
    seconds = best(lambda: Counters.restore(counted.counters, state))
    stream.add("restore", f"{seconds * 1e3:.1f} ms")
    stream.print()


def best(run: Callable[[], object], rounds: int = 5) -> float:
    """Seconds of the quickest of several rounds."""
    fastest = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        fastest = min(fastest, time.perf_counter() - started)
    return fastest


def _singly(policy: Policy, rows: list[dict[str, list[Value]]]) -> None:
    for row in rows:
        policy.evaluate(row, 1)


def _for_sqlite(policy: Policy) -> str:
    # SQLite names doubles REAL; for the rest it reads the same SQL.
    return policy.render("duckdb").replace("AS DOUBLE", "AS REAL")


def _by_eval(policy: Policy, data: dict[str, list[Value]]) -> None:
    names = {name: name.replace(".", "_") for name in data}
    codes = []
    for rule in policy.rules:
        text = rule.when.replace("<>", "!=").replace("AND", "and").replace("OR", "or").replace("NOT", "not")
        text = text.replace(" IN ", " in ")
        for name, plain in names.items():
            text = text.replace(name, plain)
        codes.append(compile(text, rule.name, "eval"))
    for row in zip(*data.values(), strict=True):
        values = {
            plain: 0 if value is None else value for plain, value in zip(names.values(), row, strict=True)
        }
        for code in codes:
            eval(code, values)


if __name__ == "__main__":
    main()
