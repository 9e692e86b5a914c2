"""One text means one thing: Python and DuckDB give the same answer for every expression and row."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.policy.samples import EXPRESSION_SCHEMA, ROWS, a_policy, expressions

from holdfast.policy.diagnostics import PolicyError
from holdfast.policy.policy import Policy
from holdfast.schema import Type, Value

_ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.TEXT: pa.string(),
    Type.TEXT_LIST: pa.list_(pa.string()),
}


@pytest.fixture(scope="module")
def database() -> Any:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def in_python(policy: Policy, columns: dict[str, list[Value]], n: int) -> list[list[bool | None]]:
    """For every row the truth value of every rule, from the verdicts."""
    table = []
    for verdict in policy.evaluate(columns, n):
        fired = {rule.name for rule in verdict.rules}
        unknown = {rule.name for rule in verdict.unknown}
        table.append(
            [True if r.name in fired else None if r.name in unknown else False for r in policy.rules]
        )
    return table


def in_duckdb(
    policy: Policy, columns: dict[str, list[Value]], database: duckdb.DuckDBPyConnection
) -> list[list[bool | None]]:
    arrays = {
        name: pa.array(column, _ARROW[EXPRESSION_SCHEMA[name].type]) for name, column in columns.items()
    }
    database.register("items", pa.table(arrays))
    return [list(row) for row in database.sql(policy.render("duckdb")).fetchall()]


def _loadable(whens: list[str]) -> Policy | None:
    try:
        return Policy.load(a_policy(*whens), EXPRESSION_SCHEMA)
    except PolicyError as error:
        # Random arithmetic may be refused because it could overflow or divides by zero; nothing else may.
        refusals = ("could grow beyond", "division by zero", "always NULL")
        assert all(any(r in d.message for r in refusals) for d in error.diagnostics), str(error)
        return None


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(expressions(), min_size=1, max_size=8), ROWS)
def test_python_and_duckdb_agree(database: Any, whens: list[str], rows: list[tuple[Value, ...]]) -> None:
    policy = _loadable(whens) or next((p for when in whens if (p := _loadable([when]))), None)
    if policy is None:
        return
    columns = {name: [row[n] for row in rows] for n, name in enumerate(EXPRESSION_SCHEMA)}
    note(policy.python)
    note(policy.render("duckdb"))
    assert in_python(policy, columns, len(rows)) == in_duckdb(policy, columns, database)


@pytest.mark.parametrize("words", [[], ["a"]])
def test_whether_a_list_holds_an_unknown_text_is_unknown(database: Any, words: list[str]) -> None:
    policy = _loadable(["contains(l, t.maybe)"])
    assert policy is not None
    columns: dict[str, list[Value]] = {name: [None] for name in EXPRESSION_SCHEMA}
    columns["l"] = [words]
    assert in_duckdb(policy, columns, database) == in_python(policy, columns, 1) == [[None]]
