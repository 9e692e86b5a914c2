"""The database under the ledger: SQLite in the data folder by default, PostgreSQL by URL."""

from holdfast.store.database import Database
from holdfast.store.errors import StoreBusy, StoreError, StoreTooNew, StoreUnavailable

__all__ = ["Database", "StoreBusy", "StoreError", "StoreTooNew", "StoreUnavailable"]
