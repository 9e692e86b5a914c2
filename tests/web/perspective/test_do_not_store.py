"""`doNotStore`: nothing of the comment, its context or its tokens is in any byte that is left behind.

Everything that a server leaves is searched when it has stopped: the data folder with ledger, log and counters, and with
PostgreSQL that server's whole data directory. The control sends the same words without `doNotStore` and finds them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from tests.fixtures.serving import Serving
from tests.web.conftest import Served

from holdfast.ledger import Ledger
from holdfast.ledger.events import KeyCreated
from holdfast.web.keys import Scope, new_key

from .conftest import ANALYZE, running

WORDS = ("bristovak", "quendleby", "ploverdane", "tokenward", "sessionholm")
REQUEST = {
    "comment": {"text": "You Bristovak! You are not people, we are the people. " + "And so on and on. " * 5},
    "context": {"articleAndParentComment": {"article": {"text": "A quendleby story"}, "parentComment": {"text": "ploverdane?"}}},
    "requestedAttributes": {"TOXICITY": {}, "SPAM": {}},
    "spanAnnotations": True,
    "languages": ["en"],
    "clientToken": "tokenward",
    "sessionId": "sessionholm",
}  # fmt: skip


def ask(server: Served, **changes: Any) -> Any:
    body = json.dumps({**REQUEST, **changes}).encode()
    answer = Serving(server.url, server.data)._ask(
        "POST", ANALYZE, body, {"Content_Type": "application/json"}
    )
    assert answer.status in (200, 400)
    return answer


def left_in(*folders: Path) -> set[str]:
    """The words of `WORDS` that are in any byte of any file."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    found = set()
    for path in files:
        content = path.read_bytes().lower()
        for word in WORDS:
            if any(word.encode(coding) in content for coding in ("utf-8", "utf-16-le", "utf-16-be")):
                found.add(word)
    return found


def created(ledger: Ledger, scope: Scope) -> str:
    """A new key of a ledger."""
    key = new_key()
    event = KeyCreated(key_id=key.key_id, digest=key.digest, scopes=(scope,), label="test", by="test")
    ledger.append([event], datetime.now(UTC))
    return key.secret


def database_of(url: str) -> Path:
    """The data directory of a PostgreSQL server, with everything in it written out."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return Path(row[0])


Start = Callable[..., Served]


def test_nothing_is_left_of_it_and_of_the_same_without_it_everything_is(serve: Start, tmp_path: Path) -> None:
    server = serve()
    answer = ask(server, doNotStore=True)
    assert "x-holdfast-ref" not in answer.headers
    assert len(answer.json()["attributeScores"]["SPAM"]["spanScores"]) > 1
    assert answer.json()["clientToken"] == "tokenward"
    ask(server, doNotStore=True, comment={"text": "<b>Bristovak</b>, you people", "type": "HTML"})
    # Refusals leave nothing either.
    ask(server, doNotStore=True, comment={"text": "Bristovak " * 5_000})
    ask(server, doNotStore=True, comment={"text": "Привет bristovak quendleby"}, languages=[])
    ask(server, doNotStore=True, requestedAttributes={"Bristovak": {}})
    ask(server, doNotStore=True, bristovak="quendleby")
    ask(server, doNotStore="Bristovak")
    assert server.stop() == 0
    assert "request" in server.log()
    assert left_in(tmp_path) == set()

    control = serve()
    assert ask(control).headers["x-holdfast-ref"]
    assert control.stop() == 0
    assert left_in(tmp_path) == {"bristovak", "quendleby", "ploverdane"}  # tokens are never kept


def test_it_is_the_same_in_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    database = {"database": postgresql_url}
    with Ledger.open(postgresql_url) as ledger:
        key = created(ledger, "admin")
    for kept in (set(), {"bristovak", "quendleby", "ploverdane"}):
        with running(tmp_path, ledger=database) as app:
            answer = app.analyze({**REQUEST, "doNotStore": not kept}, Authorization=f"Bearer {key}")
            assert answer.status_code == 200
            assert ("x-holdfast-ref" in answer.headers) == bool(kept)
        assert left_in(tmp_path, database_of(postgresql_url)) == kept


def test_only_true_is_true(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        for flag in (False, None, "false"):
            assert "x-holdfast-ref" in app.analyze({**REQUEST, "doNotStore": flag}).headers
        for flag in (True, "true"):
            assert "x-holdfast-ref" not in app.analyze({**REQUEST, "doNotStore": flag}).headers


def test_an_operator_can_keep_nothing_at_all(tmp_path: Path) -> None:
    with running(tmp_path, compatible={"record": False}) as app:
        assert app.analyze(REQUEST).status_code == 200
    assert left_in(tmp_path) == set()
