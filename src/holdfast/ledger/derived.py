"""The derived tables in the database: applying reducers to them, and reading them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, select

from holdfast.ledger.events import Event
from holdfast.ledger.reducers import (
    KEY_EVENTS,
    POLICY_EVENTS,
    ApiKey,
    DecisionRow,
    PolicyState,
    decision_rows,
    reduce_keys,
    reduce_policies,
)
from holdfast.store.database import Database
from holdfast.store.schema import api_keys, decisions, policies

DERIVED = (decisions, policies, api_keys)
STANDING = POLICY_EVENTS + KEY_EVENTS
"""Kinds of event that change a standing state rather than add rows."""


class Deriver:
    """Derives rows from events as they are appended, within one transaction."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        self._decisions: list[DecisionRow] = []

    def add(self, recorded: Iterable[tuple[int, int, Event]]) -> None:
        """Derive from events with their place and time."""
        rows = self._decisions
        standing: list[tuple[int, int, Event]] = []
        for seq, at, event in recorded:
            if isinstance(event, STANDING):
                standing.append((seq, at, event))
            else:
                rows.extend(decision_rows(seq, at, event))
        self._database.insert(self._connection, decisions, rows)
        rows.clear()
        if standing:
            self._stand(standing)

    def _stand(self, recorded: Sequence[tuple[int, int, Event]]) -> None:
        policies_before, keys_before = load_policies(self._connection), load_keys(self._connection)
        policies_after: Mapping[str, PolicyState] = policies_before
        keys_after: Mapping[str, ApiKey] = keys_before
        for seq, at, event in recorded:
            policies_after = reduce_policies(policies_after, seq, event)
            keys_after = reduce_keys(keys_after, at, event)
        self._replace(policies, policies_before, policies_after)
        self._replace(api_keys, keys_before, keys_after)

    def _replace(
        self, table: Table, before: Mapping[str, tuple[Any, ...]], after: Mapping[str, tuple[Any, ...]]
    ) -> None:
        changed = [row for name, row in after.items() if before.get(name) != row]
        (name_column,) = table.primary_key.columns
        for row in changed:
            self._connection.execute(delete(table).where(name_column == row[0]))
        self._database.insert(self._connection, table, changed)


def load_policies(connection: Connection) -> dict[str, PolicyState]:
    return {row[0]: PolicyState(*row) for row in connection.execute(select(policies))}


def load_keys(connection: Connection) -> dict[str, ApiKey]:
    return {row[0]: ApiKey(*row) for row in connection.execute(select(api_keys))}
