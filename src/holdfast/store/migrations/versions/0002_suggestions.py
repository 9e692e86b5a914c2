"""An index of the events that suggest scores: few among very many."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    suggested = sa.text("type = 'score_suggested'")
    op.create_index(
        "ix_events_suggested", "events", ["seq"], sqlite_where=suggested, postgresql_where=suggested
    )
