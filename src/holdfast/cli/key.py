"""`holdfast key`: API keys for the HTTP server."""

# ruff: noqa: T201
from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter

from holdfast.cli.common import DEFAULT_DATA, Data, open_ledger, tell, who
from holdfast.ledger.encoding import from_micros
from holdfast.ledger.events import KeyCreated, KeyRevoked
from holdfast.web.keys import SCOPE_DOCS, InvalidKey, checked_label, checked_scopes, expiry, new_key

app = App(name="key", help="API keys for the HTTP server.")


@app.command
def create(
    *,
    scope: Annotated[list[str], Parameter(negative="", consume_multiple=True)],
    label: str,
    expires: str | None = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Make a key and print it, once: only its digest is kept.

    Parameters
    ----------
    scope
        What the key may do: decide, read, text, metrics, admin. May be given several times.
    label
        Who uses the key.
    expires
        When the key ends: 12h, 90d, 8w, 1y. Never, if not given.
    """
    now = datetime.now(UTC)
    scopes, label = checked_scopes(scope), checked_label(label)
    expires_at = None if expires is None else expiry(expires, now)
    key = new_key()
    with open_ledger(data) as ledger:
        created = KeyCreated(
            key_id=key.key_id,
            digest=key.digest,
            scopes=scopes,
            label=label,
            by=who(),
            expires_at=expires_at,
        )
        ledger.append([created], now)
    print(key.secret)
    may = "; ".join(SCOPE_DOCS[one].rstrip(".") for one in scopes)
    tell(f"This is the only time that the key is shown. {may}.")
    tell(
        f"Send it as `Authorization: Bearer {key.secret[:16]}…`. Revoke it: holdfast key revoke {key.key_id}"
    )


@app.command(name="list")
def list_keys(*, data: Data = DEFAULT_DATA) -> None:
    """List the keys, revoked and expired ones too."""
    now = datetime.now(UTC)
    with open_ledger(data) as ledger:
        keys = sorted(ledger.keys().values(), key=lambda key: key.created_at)
    if not keys:
        tell("There is no key yet. Make one: holdfast key create --scope decide --label NAME")
        return
    rows = [("ID", "STATE", "SCOPES", "LABEL", "MADE BY", "MADE")]
    for key in keys:
        if key.revoked_at is not None:
            state = "revoked"
        elif key.expires_at is not None and from_micros(key.expires_at) <= now:
            state = "expired"
        elif key.expires_at is not None:
            state = f"until {from_micros(key.expires_at):%Y-%m-%d}"
        else:
            state = "open"
        made = f"{from_micros(key.created_at):%Y-%m-%d %H:%M} UTC"
        rows.append((key.key_id, state, key.scopes.replace(" ", ","), key.label, key.created_by, made))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command
def revoke(key_id: str, *, data: Data = DEFAULT_DATA) -> None:
    """Revoke a key: a running server refuses it within a second.

    Parameters
    ----------
    key_id
        The 12 characters between `hf_` and the secret, as `holdfast key list` shows them.
    """
    with open_ledger(data) as ledger:
        known = ledger.keys().get(key_id)
        if known is None:
            raise InvalidKey(
                "there is no such key", where="key", value=repr(key_id[:16]), next_step="holdfast key list"
            )
        if known.revoked_at is not None:
            tell(f"{key_id} was revoked before.")
            return
        ledger.append([KeyRevoked(key_id=key_id, by=who())], datetime.now(UTC))
    tell(f"{key_id} ({known.label}) is revoked.")
