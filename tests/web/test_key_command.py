"""`holdfast key`: the secret is shown once, and what is kept of it opens nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.cli import app
from holdfast.ledger import Ledger
from holdfast.ledger.encoding import from_micros
from holdfast.web.keys import InvalidKey, digest_of

from .conftest import running


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    app(["key", *arguments], result_action="return_value")
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_key_from_its_making_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", str(tmp_path))
    out, err = run(capsys, "list", *data)
    assert (out, "no key yet" in err) == ("", True)

    out, err = run(
        capsys,
        "create",
        "--scope",
        "decide",
        "--scope",
        "read",
        "--label",
        "my forum",
        "--expires",
        "90d",
        *data,
    )
    assert re.fullmatch(r"hf_[0-9a-f]{12}_[0-9a-f]{64}\n", out), "the key alone, for a pipe"
    secret = out.strip()
    _, key_id, random_part = secret.split("_")
    assert random_part not in err

    with Ledger.open(data=tmp_path) as ledger:
        stored = ledger.keys()[key_id]
        assert (stored.digest, stored.scopes, stored.label) == (
            digest_of(random_part),
            "decide read",
            "my forum",
        )
        assert stored.expires_at is not None
        left = from_micros(stored.expires_at) - datetime.now(UTC)
        assert timedelta(days=89) < left < timedelta(days=90)
    for file in tmp_path.iterdir():
        assert random_part.encode() not in file.read_bytes()

    out, _ = run(capsys, "list", *data)
    assert re.search(rf"{key_id} +until \d{{4}}-\d\d-\d\d +decide,read +my forum", out)

    headers = {"Authorization": f"Bearer {secret}"}
    with running(tmp_path) as server:
        assert server.decide({"id": "1", "text": "x"}, **headers).status_code == 200
        _, err = run(capsys, "revoke", key_id, *data)
        assert "my forum" in err
        server.service.access.ring.refresh()
        assert server.decide({"id": "1", "text": "x"}, **headers).status_code == 401

    assert "revoked" in run(capsys, "list", *data)[0]
    assert "before" in run(capsys, "revoke", key_id, *data)[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "--scope", "root", "--label", "x"), "is no scope"),
        (("create", "--scope", "decide", "--label", " "), "is not a label"),
        (("create", "--scope", "decide", "--label", "x", "--expires", "soon"), "is not a duration"),
        (("revoke", "000000000000"), "there is no such key"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(InvalidKey, match=words):
        app(["key", *arguments, "--data", str(tmp_path)], result_action="return_value")
    if (tmp_path / "holdfast.db").exists():
        with Ledger.open(data=tmp_path) as ledger:
            assert ledger.keys() == {}
