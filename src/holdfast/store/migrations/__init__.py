"""Alembic's migrations; `holdfast.store.upgrade` runs them when a database is opened."""
