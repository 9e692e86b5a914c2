"""The tables. `migrations/` builds them in a database; a test holds the two together.

`events` is the truth, append-only; `nodes` and `tree` are its Merkle tree; `texts` holds what people
wrote, which can be erased; `responses` makes an append idempotent; `decisions`, `policies` and
`api_keys` are derived from `events` and can be rebuilt. Times are microseconds since 1970 in UTC.

On SQLite the tables are STRICT: a cell that holds a value of another type is a fault, not a guess.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

REVISION = "0002"
"""The schema's version: the newest file in `migrations/versions`."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite's INTEGER holds 64 bits, and only a column of that name can be the row id.
Long = BigInteger().with_variant(Integer(), "sqlite")

events = Table(
    "events",
    metadata,
    Column("seq", Long, primary_key=True, autoincrement=False),
    Column("at", Long, nullable=False),
    Column("key", Text),
    Column("type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    sqlite_strict=True,
)
Index(
    "ix_events_key",
    events.c.key,
    unique=True,
    sqlite_where=text("key IS NOT NULL"),
    postgresql_where=text("key IS NOT NULL"),
)

SUGGESTED = text("type = 'score_suggested'")
"""Picks the events that suggest scores; said in these very words a query finds them by their index, and scans nothing."""
Index("ix_events_suggested", events.c.seq, sqlite_where=SUGGESTED, postgresql_where=SUGGESTED)

nodes = Table(
    "nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", Long, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

tree = Table(
    "tree",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Long, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("erasures", Long, nullable=False),
    sqlite_strict=True,
)

texts = Table(
    "texts",
    metadata,
    Column("commitment", LargeBinary, primary_key=True),
    Column("first", Long, nullable=False),
    Column("erased", LargeBinary, nullable=False),
    Column("address", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("coding", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    sqlite_strict=True,
)
Index("ix_texts_address", texts.c.address, unique=True)

secrets = Table(
    "secrets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)

responses = Table(
    "responses",
    metadata,
    Column("key", Text, primary_key=True),
    Column("first", Long, nullable=False),
    Column("count", Long, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("body", LargeBinary),
    Column("at", Long, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)
Index("ix_responses_at", responses.c.at)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Long, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("item_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("at", Long, nullable=False),
    Column("escalate", Integer, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
Index("ix_decisions_item_id", decisions.c.item_id)
Index("ix_decisions_action", decisions.c.action, decisions.c.seq, decisions.c.slot)

policies = Table(
    "policies",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("since", Long, nullable=False),
    Column("stepped_down", Long),
    sqlite_strict=True,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Long, nullable=False),
    Column("expires_at", Long),
    Column("revoked_at", Long),
    sqlite_strict=True,
)
