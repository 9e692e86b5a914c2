"""`comments:suggestscore`: taken as Perspective takes it, recorded once, and refused by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar.testing import TestClient
from tests.web.conftest import App, policy_of, running

from holdfast.ledger import Ledger, LedgerError
from holdfast.ledger.events import KeyCreated
from holdfast.ledger.suggestions import Found, newest
from holdfast.settings import Settings
from holdfast.web.app import create_app
from holdfast.web.keys import new_key
from holdfast.web.perspective import suggest as handler


@contextmanager
def settled(data: Path, settings: dict[str, Any]) -> Iterator[App]:
    """The application over ASGI with any settings."""
    converted = msgspec.convert(settings, Settings)
    key = new_key()
    with Ledger.open(converted.ledger.database, data=data) as ledger:
        created = KeyCreated(key_id=key.key_id, digest=key.digest, scopes=("admin",), label="test", by="test")
        ledger.append([created], datetime.now(UTC))
    app = create_app(data, converted, policy=policy_of(), pages=None)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {key.secret}"
        yield App(data, app, client)


PATH = "/v1alpha1/comments:suggestscore"
TEXT = "What a lovely evening we all had together at the river."


def body(text: str = TEXT, scores: object = None, **more: Any) -> dict[str, Any]:
    given = {"TOXICITY": {"summaryScore": {"value": 0.9}}} if scores is None else scores
    return {"comment": {"text": text}, "attributeScores": given, **more}


def send(app: App, given: object, **headers: str) -> httpx.Response:
    return app.client.post(PATH, json=given, headers=headers)


def recorded(app: App) -> list[Found]:
    return newest(app.service.ledger, 100)


def test_a_suggestion_is_answered_and_recorded(app: App) -> None:
    answer = send(
        app,
        body(
            scores={
                "TOXICITY": {"summaryScore": {"value": 0.9, "type": "PROBABILITY"}},
                "THREAT": {"summaryScore": {"value": 0}},
            },
            context={"articleAndParentComment": {"article": {"text": "On rivers"}, "parentComment": {"text": "No!"}}},
            languages=["en"],
            clientToken="mine",
            sessionId="never kept",
            communityId="forum.example/rivers",
        ),
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "clientToken": "mine",
        "detectedLanguages": ["en"],
        "requestedLanguages": ["en"],
    }
    (found,) = recorded(app)
    assert answer.headers["x-holdfast-ref"] == str(found.seq)
    assert found.event.scores == {"TOXICITY": 0.9, "THREAT": 0.0}
    assert found.event.by == next(iter(app.service.ledger.keys()))
    assert found.event.community == "forum.example/rivers"
    item = app.service.ledger.item(found.event.item)
    assert item is not None
    assert (item.text, item.caption, item.parent, item.language) == (TEXT, "On rivers", "No!", "en")
    assert app.service.ledger.decisions() == [], "nothing was decided"
    assert b"never kept" not in b"".join(path.read_bytes() for path in app.data.iterdir() if path.is_file())
    assert app.service.ledger.verify() == []


def test_the_language_is_guessed_where_none_is_given(app: App) -> None:
    german = send(app, body("Das war wirklich ein sehr schöner Abend am Fluss, den wir nie vergessen."))
    assert german.json() == {"detectedLanguages": ["de"], "requestedLanguages": []}
    assert send(app, body("12 :-)")).json()["detectedLanguages"] == ["und"]
    other = send(app, body(languages=["ja"])).json()
    assert other == {"detectedLanguages": ["en"], "requestedLanguages": ["ja"]}, "people may know more"
    assert [found.event.item.language for found in recorded(app)] == ["ja", None, None]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (body(scores={}), "Missing attribute_scores"),
        ({"comment": {"text": TEXT}}, "Missing attribute_scores"),
        (body(scores={"FLIRTATION": {"summaryScore": {"value": 1}}}), "Unknown requested attribute: FLIRTATION"),
        (body(scores={"toxicity": {"summaryScore": {"value": 1}}}), "Unknown requested attribute: toxicity"),
        (body(scores={"TOXICITY": {}}), "Missing summary_score of attribute TOXICITY"),
        (
            body(scores={"TOXICITY": {"spanScores": [{"begin": 0, "end": 2, "score": {"value": 1}}]}}),
            "Missing summary_score of attribute TOXICITY",
        ),
        (body(scores={"THREAT": {"summaryScore": {"value": 1.01}}}), "Score of attribute THREAT is not between 0 and 1"),
        (body(scores={"THREAT": {"summaryScore": {"value": -0.1}}}), "Score of attribute THREAT is not between 0 and 1"),
        (
            body(scores={"INSULT": {"summaryScore": {"value": 1, "type": "PERCENTILE"}}}),
            "Requested score type PERCENTILE is not supported by attribute INSULT",
        ),
        (body(""), "Comment must be non-empty."),
        (body(" \n "), "Comment must be non-empty."),
        (body("é" * 10_241), "Comment text was too many bytes. Value (20482) exceeded limit (20480)."),
        (body(languages=["no language"]), "languages[0] is no BCP 47 language code"),
        (
            body(context={"entries": [{"text": "a"}], "articleAndParentComment": {}}),
            "Only one of context.entries and context.article_and_parent_comment may be set",
        ),
        (
            body(doNotStore=True),
            'Invalid JSON payload received. Unknown name "doNotStore": Cannot find field.',
        ),
        (body(scores={"TOXICITY": {"summaryScore": {"value": "much"}}}), None),
        (body(scores=[]), None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_name_and_not_recorded(
    app: App, given: object, message: str | None
) -> None:
    answer = send(app, given)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    if message is not None:
        assert error["message"] == message
    assert TEXT not in answer.text
    assert recorded(app) == []


def test_a_score_that_is_left_out_is_zero(app: App) -> None:
    # As protocol buffers are written: Google's Go client leaves a 0 out.
    assert send(app, body(scores={"TOXICITY": {"summaryScore": {}}})).status_code == 200
    assert recorded(app)[0].event.scores == {"TOXICITY": 0.0}


def test_html_is_kept_as_it_is_read(app: App) -> None:
    given = body()
    given["comment"] = {"text": "<p>What a <b>lovely</b> evening</p><script>never()</script>", "type": "HTML"}
    assert send(app, given).status_code == 200
    item = app.service.ledger.item(recorded(app)[0].event.item)
    assert item is not None and "lovely" in item.text
    assert item.text == "What a lovely evening"


@pytest.mark.parametrize("name", ["x" * 65, "two words", "a\nb", "mail@example.org", "", "ü"])
def test_a_community_that_is_no_name_is_not_kept(app: App, name: str) -> None:
    assert send(app, body(communityId=name)).status_code == 200
    assert recorded(app)[0].event.community is None


def test_it_takes_a_key_that_may_decide(app: App) -> None:
    assert send(app, body(), **app.key("decide")).status_code == 200
    assert send(app, body(), **app.key("read")).status_code == 403
    assert send(app, body(), Authorization="Bearer hf_0123456789ab_" + "0" * 64).status_code == 400
    secret = app.key("decide")["Authorization"].removeprefix("Bearer ")
    del app.client.headers["Authorization"]
    assert send(app, body()).status_code == 403
    assert app.client.post(f"{PATH}?key={secret}", json=body("by query")).status_code == 200
    assert len({found.event.by for found in recorded(app)}) == 2


def test_one_that_is_sent_again_is_recorded_once(app: App) -> None:
    refs = [send(app, body()).headers["x-holdfast-ref"] for _ in range(3)]
    assert len(set(refs)) == 1
    assert send(app, body(scores={"TOXICITY": {"summaryScore": {"value": 0.1}}})).status_code == 200
    assert len(recorded(app)) == 2


def test_many_at_once_are_each_recorded(app: App) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: send(app, body(f"{TEXT} No. {n}")), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    refs = {answer.headers["x-holdfast-ref"] for answer in answers}
    assert refs == {str(found.seq) for found in recorded(app)}
    assert len(refs) == 40
    assert app.service.ledger.verify() == []


def test_requests_beyond_the_rate_are_refused(tmp_path: Path) -> None:
    with running(tmp_path, rate_limit=2) as app:
        answers = [send(app, body(f"{TEXT} {n}")) for n in range(30)]
        refused = [answer for answer in answers if answer.status_code != 200]
        assert {answer.status_code for answer in refused} == {429}
        assert all("retry-after" in answer.headers for answer in refused)
        assert len(recorded(app)) == 30 - len(refused)


def test_a_ledger_that_cannot_be_written_is_said_so(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[int]:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(handler, "suggest", fail)
    answer = send(app, body())
    assert (answer.status_code, answer.json()["error"]["status"]) == (503, "UNAVAILABLE")
    assert "retry-after" in answer.headers
    monkeypatch.undo()
    assert send(app, body()).status_code == 200


def test_a_writer_that_hangs_costs_a_time_out_and_the_repeat_is_recorded_once(tmp_path: Path) -> None:
    with running(tmp_path, timeout_s=1) as app:
        with closing(sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)) as hanging:
            hanging.execute("BEGIN IMMEDIATE")
            answer = send(app, body())
            hanging.execute("ROLLBACK")
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        assert send(app, body()).status_code == 200
        assert len(recorded(app)) == 1


def test_a_server_that_stops_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        with app.client.portal() as portal:
            portal.call(app.service.batcher.close)
        answer = send(app, body())
        assert (answer.status_code, answer.headers["connection"]) == (503, "close")
        assert recorded(app) == []


def test_more_than_may_wait_are_refused(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "WAITING", 0)
    answer = send(app, body())
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert recorded(app) == []


def test_nothing_is_taken_where_nothing_may_be_kept(tmp_path: Path) -> None:
    with settled(tmp_path, {"compatible": {"record": False}}) as app:
        answer = send(app, body())
        assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert recorded(app) == []


def test_it_is_recorded_in_postgresql_too(tmp_path: Path, postgresql_url: str) -> None:
    with settled(tmp_path, {"ledger": {"database": postgresql_url}}) as app:
        refs = [send(app, body(text)).headers["x-holdfast-ref"] for text in (TEXT, TEXT, "Something else.")]
        assert [str(found.seq) for found in recorded(app)] == [refs[2], refs[0]]
        assert app.service.ledger.verify() == []
