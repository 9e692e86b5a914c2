from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.web import keys
from holdfast.web.keys import MAX_AGE_S, SCOPES, ApiKey, InvalidKey, KeyRing, NewKey, digest_of, new_key

NOW = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


def stored(key: NewKey, **changes: object) -> ApiKey:
    base = ApiKey(
        key_id=key.key_id,
        digest=key.digest,
        scopes=frozenset({"decide"}),
        label="forum",
        created_by="ada",
        created_at=NOW,
    )
    return msgspec.structs.replace(base, **changes)


def ring_of(*known: ApiKey) -> KeyRing:
    ring = KeyRing(lambda: known)
    ring.refresh()
    return ring


def test_a_key_is_an_id_and_256_random_bits() -> None:
    made = [new_key() for _ in range(50)]
    assert len({key.secret for key in made}) == len({key.key_id for key in made}) == 50
    for key in made:
        prefix, key_id, secret = key.secret.split("_")
        assert (prefix, key_id) == ("hf", key.key_id)
        assert len(bytes.fromhex(secret)) == 32
        assert key.digest == digest_of(secret)
        assert secret not in key.digest


def test_the_right_key_is_found_and_no_other() -> None:
    ours, other = new_key(), new_key()
    ring = ring_of(stored(ours))
    found = ring.find(ours.secret, NOW)
    assert found is not None
    assert found.key_id == ours.key_id
    assert ring.find(other.secret, NOW) is None
    # The id of one with the secret of another.
    assert ring.find(f"hf_{ours.key_id}_{other.secret[-64:]}", NOW) is None
    assert ring.find(f"hf_{other.key_id}_{ours.secret[-64:]}", NOW) is None


@given(st.text(max_size=100))
def test_no_text_that_is_not_a_key_is_found(presented: str) -> None:
    assert ring_of(stored(new_key())).find(presented, NOW) is None


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_one_wrong_digit_is_enough(place: int, digit: str) -> None:
    key = new_key()
    head, secret = key.secret[:-64], key.secret[-64:]
    wrong = secret[:place] + digit + secret[place + 1 :]
    found = ring_of(stored(key)).find(head + wrong, NOW)
    assert (found is not None) == (wrong == secret)


def test_revoked_and_expired_keys_open_nothing_but_keep_the_ring_from_being_empty() -> None:
    revoked, expired, lasting = new_key(), new_key(), new_key()
    ring = ring_of(
        stored(revoked, revoked_at=NOW),
        stored(expired, expires_at=NOW),
        stored(lasting, expires_at=NOW + timedelta(seconds=1)),
    )
    assert ring.find(revoked.secret, NOW) is None
    assert ring.find(expired.secret, NOW) is None
    assert ring.find(lasting.secret, NOW) is not None
    assert not ring_of(stored(revoked, revoked_at=NOW)).is_empty
    assert ring_of().is_empty


def test_a_ring_is_fresh_for_half_a_second_from_when_it_asked() -> None:
    moment = 100.0
    ring = KeyRing(lambda: (), clock=lambda: moment)
    assert not ring.is_fresh
    ring.refresh()
    assert ring.is_fresh
    moment += MAX_AGE_S
    assert not ring.is_fresh


def test_admin_may_everything_and_others_what_they_name() -> None:
    admin = stored(new_key(), scopes=frozenset({"admin"}))
    reader = stored(new_key(), scopes=frozenset({"read", "metrics"}))
    assert all(admin.allows(scope) for scope in SCOPES)
    assert [scope for scope in SCOPES if reader.allows(scope)] == ["read", "metrics"]


@pytest.mark.parametrize(
    ("duration", "length"),
    [
        ("12h", timedelta(hours=12)),
        ("90d", timedelta(days=90)),
        ("8w", timedelta(weeks=8)),
        ("1y", timedelta(365)),
    ],
)
def test_durations(duration: str, length: timedelta) -> None:
    assert keys.expiry(duration, NOW) == NOW + length


@pytest.mark.parametrize(
    "duration", ["", "90", "d", "0d", "-1d", "1.5d", "90 d", "90m", "999999999d", "٣d", "99999y"]
)
def test_what_is_no_duration(duration: str) -> None:
    with pytest.raises(InvalidKey, match="--expires"):
        keys.expiry(duration, NOW)


def test_scopes_are_checked_and_ordered() -> None:
    assert keys.checked_scopes(["text", "decide", "text"]) == ("decide", "text")
    with pytest.raises(InvalidKey, match="is no scope"):
        keys.checked_scopes(["decide", "root"])
    with pytest.raises(InvalidKey, match="needs a scope"):
        keys.checked_scopes([])


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "x" * 101])
def test_labels_are_checked(label: str) -> None:
    with pytest.raises(InvalidKey, match="--label"):
        keys.checked_label(label)
