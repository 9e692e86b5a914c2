"""API keys: made once, shown once, kept only as a digest in the ledger's events.

A key reads `hf_<id>_<secret>`: the id (12 hex digits) names it in logs and in `holdfast key list`, the
secret is 256 random bits (64 hex digits). The ledger keeps the BLAKE2b-256 digest of the secret. A slow
hash (Argon2, scrypt) protects secrets that people choose and that can be guessed; 256 random bits cannot
be guessed however fast the hash is, and a slow one would cost more than the decision on every request.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from typing import Literal, get_args

import msgspec

from holdfast.errors import HoldfastError

Scope = Literal["decide", "read", "text", "metrics", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

SCOPE_DOCS: dict[Scope, str] = {
    "decide": "Send items to be decided.",
    "read": "Read decisions, policies and signals, without what people wrote.",
    "text": "Besides `read`: see the texts of decided items.",
    "metrics": "Read the Prometheus metrics.",
    "admin": "Everything, now and in later versions.",
}

MAX_AGE_S = 0.5
"""Seconds for which the keys that were read from the ledger are good; revocation is that quick."""
LABEL_LIMIT = 100
_KEY = re.compile(r"hf_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)
_DURATION = re.compile(r"([1-9][0-9]{0,4})([hdwy])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "y": timedelta(days=365)}


class InvalidKey(HoldfastError):
    """What was asked of an API key cannot be done."""

    code = "invalid-key"


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as the ledger knows it. `digest` is that of the secret, in hex."""

    key_id: str
    digest: str
    scopes: frozenset[str]
    label: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key just made; `secret` is the whole text to hand out and is nowhere else."""

    key_id: str
    secret: str
    digest: str


def new_key() -> NewKey:
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return NewKey(key_id=key_id, secret=f"hf_{key_id}_{secret}", digest=digest_of(secret))


def digest_of(secret: str) -> str:
    """The digest, in hex, of the secret part of a key."""
    return blake2b(secret.encode(), digest_size=32, person=b"holdfast-api-key").hexdigest()


def checked_scopes(scopes: Iterable[str]) -> tuple[Scope, ...]:
    """`scopes` in the order of `SCOPES`, each once. Raises `InvalidKey` for one that does not exist."""
    asked = set(scopes)
    for scope in sorted(asked.difference(SCOPES)):
        raise InvalidKey("is no scope", where="--scope", value=repr(scope[:32]), expected=", ".join(SCOPES))
    if not asked:
        raise InvalidKey("a key needs a scope", where="--scope", expected=", ".join(SCOPES))
    return tuple(scope for scope in SCOPES if scope in asked)


def checked_label(label: str) -> str:
    if not label.strip() or len(label) > LABEL_LIMIT or not label.isprintable():
        raise InvalidKey(
            "is not a label",
            where="--label",
            value=f"{len(label)} characters",
            expected=f"1 to {LABEL_LIMIT} printable characters that say who uses the key",
        )
    return label.strip()


def expiry(duration: str, now: datetime) -> datetime:
    """When a key made `now` ends. `duration` is a number and a unit: 12h, 90d, 8w, 1y."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise InvalidKey(
            "is not a duration", where="--expires", value=repr(duration[:32]), expected="for example 12h, 90d, 8w or 1y"
        )  # fmt: skip
    try:
        return now + int(match[1]) * _UNITS[match[2]]
    except OverflowError:
        raise InvalidKey("is too far off", where="--expires", value=duration) from None


class KeyRing:
    """The keys that this server knows, read anew from the ledger when they are older than `MAX_AGE_S`."""

    def __init__(
        self, load: Callable[[], Iterable[ApiKey]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load = load
        self._clock = clock
        self._keys: dict[str, ApiKey] = {}
        self._read_at: float | None = None

    @property
    def is_fresh(self) -> bool:
        return self._read_at is not None and self._clock() - self._read_at < MAX_AGE_S

    @property
    def is_empty(self) -> bool:
        """Whether no key was ever made. Revoked and expired keys count: a door once shut stays shut."""
        return not self._keys

    def label(self, key_id: str) -> str:
        """What the key is called, or its id where it is not known."""
        key = self._keys.get(key_id)
        return key_id if key is None else key.label

    def refresh(self) -> None:
        """Read the keys from the ledger. Blocks for one small query; any thread may call it."""
        asked_at = self._clock()
        self._keys = {key.key_id: key for key in self._load()}
        self._read_at = asked_at

    def find(self, presented: str, now: datetime) -> ApiKey | None:
        """The open key whose text is `presented`, or `None`. The secret is compared in constant time."""
        match = _KEY.fullmatch(presented)
        if match is None:
            return None
        key = self._keys.get(match[1])
        digest = digest_of(match[2])
        # A key that is not known is compared too, so that the time taken does not tell which ids exist.
        same = compare_digest(digest, key.digest if key is not None else "0" * 64)
        return key if same and key is not None and key.is_open(now) else None
