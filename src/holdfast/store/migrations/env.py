"""Run by Alembic, always on the connection and in the transaction that `upgrade` hands over."""

from alembic import context

from holdfast.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
