"""Events with their tree, texts, responses, and the tables derived from events."""

import hashlib
import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Long = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("seq", Long, autoincrement=False, nullable=False),
        sa.Column("at", Long, nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_events_key",
        "events",
        ["key"],
        unique=True,
        sqlite_where=sa.text("key IS NOT NULL"),
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_table(
        "nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", Long, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name="pk_nodes"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    tree = op.create_table(
        "tree",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", Long, nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("erasures", Long, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tree"),
        sqlite_strict=True,
    )
    op.create_table(
        "texts",
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("first", Long, nullable=False),
        sa.Column("erased", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("coding", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("commitment", name="pk_texts"),
        sqlite_strict=True,
    )
    op.create_index("ix_texts_address", "texts", ["address"], unique=True)
    store_secrets = op.create_table(
        "secrets",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
        sqlite_strict=True,
    )
    op.create_table(
        "responses",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("first", Long, nullable=False),
        sa.Column("count", Long, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("at", Long, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_responses"),
        sqlite_strict=True,
    )
    op.create_index("ix_responses_at", "responses", ["at"])
    op.create_table(
        "decisions",
        sa.Column("seq", Long, autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("at", Long, nullable=False),
        sa.Column("escalate", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "slot", name="pk_decisions"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_decisions_item_id", "decisions", ["item_id"])
    op.create_index("ix_decisions_action", "decisions", ["action", "seq", "slot"])
    op.create_table(
        "policies",
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("since", Long, nullable=False),
        sa.Column("stepped_down", Long),
        sa.PrimaryKeyConstraint("policy", name="pk_policies"),
        sqlite_strict=True,
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", Long, nullable=False),
        sa.Column("expires_at", Long),
        sa.Column("revoked_at", Long),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
        sqlite_strict=True,
    )

    # Both tables have exactly one row from the start, so that a missing one is always a fault.
    op.bulk_insert(
        tree, [{"id": 1, "size": 0, "frontier": b"", "root": hashlib.sha256().digest(), "erasures": 0}]
    )
    secret = secrets.token_bytes(32)
    op.bulk_insert(store_secrets, [{"id": 1, "secret": secret, "digest": hashlib.sha256(secret).digest()}])
