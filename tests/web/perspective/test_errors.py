"""Every refusal, word for word: `errors/NAME.json` holds status and body of the case `NAME`.

After a change of words: HOLDFAST_UPDATE_SNAPSHOTS=1 pytest tests/web/perspective/test_errors.py
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.perspective import ATTRIBUTES
from holdfast.web.perspective.errors import STATUS, of
from holdfast.web.problems import KINDS, Problem

from .conftest import ANALYZE, HELLO, Perspective, running

FOLDER = Path(__file__).parent / "errors"
Case = Callable[[Perspective], httpx.Response]


def changed(**changes: Any) -> Case:
    """`HELLO` with something else in it."""
    return lambda app: app.analyze({**HELLO, **changes})


def asked(**parameters: Any) -> Case:
    return changed(requestedAttributes=parameters)


def without_key(query: str = "", **headers: str) -> Case:
    def case(app: Perspective) -> httpx.Response:
        request = app.client.build_request("POST", ANALYZE + query, json=HELLO, headers=headers)
        if "authorization" not in headers:
            del request.headers["authorization"]
        return app.client.send(request)

    return case


def suggested(scores: object) -> Case:
    body = {"comment": HELLO["comment"], "attributeScores": scores}
    return lambda app: app.client.post("/v1alpha1/comments:suggestscore", json=body)


def with_another_scope(app: Perspective) -> httpx.Response:
    return app.analyze(HELLO, **app.key("read"))


BAD = "hf_" + "0" * 12 + "_" + "0" * 64
JAPANESE = "今日はとてもいい天気ですね。散歩に行きましょう"
CASES: dict[str, Case] = {
    "comment_empty": changed(comment={"text": ""}),
    "comment_missing": lambda app: app.analyze({"requestedAttributes": {"TOXICITY": {}}}),
    "comment_blank": changed(comment={"text": " \n\t\u2003"}),
    "comment_blank_html": changed(comment={"text": "<p><!-- x --><br></p>", "type": "HTML"}),
    "comment_too_long": changed(comment={"text": "x" * 20_992}),
    "comment_too_many_bytes": changed(comment={"text": "é" * 10_241}),
    "language_requested": changed(languages=["ja"]),
    "language_detected": changed(comment={"text": JAPANESE}),
    "language_undetermined": changed(comment={"text": "Привет"}),
    "language_is_no_code": changed(languages=["en", "English, please"]),
    "languages_too_many": changed(languages=["en"] * 21),
    "key_bad_in_query": without_key(f"?key={BAD}"),
    "key_bad_as_bearer": without_key(authorization=f"Bearer {BAD}"),
    "key_bad_in_header": without_key(**{"x-goog-api-key": "AIzaSyNotOneOfOurs"}),
    "key_missing": without_key(),
    "key_empty": without_key("?key="),
    "key_with_another_scope": with_another_scope,
    "attributes_missing": lambda app: app.analyze({"comment": HELLO["comment"]}),
    "attributes_empty": changed(requestedAttributes={}),
    "attribute_unknown": asked(TOXICITY={}, FLIRTATION={}),
    "attribute_is_no_name": asked(**{"you are not people": {}}),
    "score_type": asked(TOXICITY={}, SPAM={"scoreType": "PERCENTILE"}),
    "contexts_both": changed(context={"entries": [{"text": "a"}], "articleAndParentComment": {"article": {"text": "a"}}}),
    "field_unknown": changed(attributes={}),
    "field_unknown_deeper": changed(comment={"text": "hello", "html": True}),
    "field_of_another_type": changed(comment={"text": 5}),
    "enum_unknown": changed(comment={"text": "hello", "type": "MARKDOWN"}),
    "json_malformed": lambda app: app.analyze(b'{"comment": '),
    "json_not_utf8": lambda app: app.analyze(b'{"comment": {"text": "\xff"}}'),
    "json_no_object": lambda app: app.analyze([HELLO]),
    "body_too_large": lambda app: app.analyze({**HELLO, "communityId": "x" * 1_100_000}),
    "media_type": lambda app: app.analyze(HELLO, **{"Content-Type": "application/x-www-form-urlencoded"}),
    "method": lambda app: app.client.get(ANALYZE),
    "suggested_nothing": suggested({}),
    "suggested_no_summary": suggested({"THREAT": {}}),
    "suggested_out_of_range": suggested({"THREAT": {"summaryScore": {"value": 1.5}}}),
    "suggested_unknown_attribute": suggested({"FLIRTATION": {"summaryScore": {"value": 1}}}),
    "suggested_score_type": suggested({"THREAT": {"summaryScore": {"value": 1, "type": "RAW"}}}),
    "discovery_version": lambda app: app.client.get("/$discovery/rest?version=v1beta9"),
    "discovery_host": lambda app: app.client.get("/$discovery/rest", headers={"host": "a;b"}),
    "discovery_scheme": lambda app: app.client.get("/$discovery/rest", headers={"x-forwarded-proto": "gopher"}),
}  # fmt: skip
"""Cases that any application refuses; those below have to be brought about."""
OTHERS = (
    "suggested_not_kept",
    "quota",
    "overloaded",
    "timed_out",
    "store_unavailable",
    "draining",
    "internal",
)


def compare(name: str, answer: httpx.Response) -> dict[str, Any]:
    """Check an answer against the one on record; the error in it."""
    assert answer.headers["content-type"] == "application/json; charset=UTF-8", answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    body = answer.json()
    record = json.dumps({"status": answer.status_code, "body": body}, indent=2, ensure_ascii=False) + "\n"
    recorded = FOLDER / f"{name}.json"
    if os.environ.get("HOLDFAST_UPDATE_SNAPSHOTS") == "1":
        FOLDER.mkdir(exist_ok=True)
        recorded.write_text(record, "utf-8")
    assert recorded.exists(), "no text on record; see the top of this file"
    assert record == recorded.read_text("utf-8")
    error: dict[str, Any] = body["error"]
    assert error["code"] == answer.status_code
    assert error["status"] == STATUS[answer.status_code]
    return error


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_the_one_on_record(shared: Perspective, name: str) -> None:
    compare(name, CASES[name](shared))


def test_no_text_is_left_over() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted([*CASES, *OTHERS])


def test_where_nothing_may_be_kept_suggestions_are_refused(tmp_path: Path) -> None:
    with running(tmp_path, compatible={"record": False}) as app:
        answer = suggested({"THREAT": {"summaryScore": {"value": 1}}})(app)
    compare("suggested_not_kept", answer)


def test_over_its_quota_a_key_is_told_when_to_come_back(tmp_path: Path) -> None:
    with running(tmp_path, rate_limit=1) as app:
        key = app.key("decide")
        answers = [app.analyze(HELLO, **key) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    error = compare("quota", answers[-1])
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert answers[-1].headers["retry-after"] == "1"


def test_what_would_wait_too_long_is_told_when_to_come_back(tmp_path: Path) -> None:
    with (
        running(tmp_path, queue_limit=2, batch_limit=1, timeout_s=5) as app,
        closing(sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)) as hanging,
    ):
        hanging.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(6) as pool:
            waiting = [pool.submit(app.analyze, HELLO) for _ in range(6)]
            done, _ = wait(waiting, timeout=1)
            refused = [future.result() for future in done]
            hanging.execute("ROLLBACK")
            answers = [future.result() for future in waiting]
    assert len(refused) == 3  # one runs, two wait
    for answer in refused:
        compare("overloaded", answer)
        assert int(answer.headers["retry-after"]) >= 1
    assert sum(answer.status_code == 200 for answer in answers) == 3


def test_a_writer_that_hangs_costs_a_time_out(tmp_path: Path) -> None:
    with running(tmp_path, timeout_s=1) as app:
        with closing(sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)) as hanging:
            hanging.execute("BEGIN IMMEDIATE")
            answer = app.analyze(HELLO)
            hanging.execute("ROLLBACK")
        compare("timed_out", answer)
        assert "retry-after" in answer.headers
        assert app.analyze(HELLO).status_code == 200


def test_what_cannot_be_recorded_is_not_answered(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        with closing(sqlite3.connect(tmp_path / "holdfast.db")) as thief:
            thief.execute("ALTER TABLE events RENAME TO stolen")
            answer = app.analyze(HELLO)
            thief.execute("ALTER TABLE stolen RENAME TO events")
        compare("store_unavailable", answer)
        assert "retry-after" in answer.headers
        assert app.analyze(HELLO).status_code == 200


def test_a_server_that_stops_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        with app.client.portal() as portal:
            portal.call(app.service.batcher.close)
        answer = app.analyze(HELLO)
        compare("draining", answer)
        assert answer.headers["retry-after"] == "5"
        assert answer.headers["connection"] == "close"


def test_what_goes_wrong_here_is_told_without_a_word_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running(tmp_path) as app:
        with monkeypatch.context() as patch:
            patch.delattr(app.service, "limiter")
            answer = app.analyze({**HELLO, "comment": {"text": "Quendle"}})
        compare("internal", answer)
        assert "Quendle" not in caplog.text
        metrics = app.service.metrics.render().decode()
    assert 'holdfast_problems_total{code="internal"} 1.0' in metrics


@pytest.mark.parametrize("code", KINDS)
def test_every_problem_there_is_has_a_place_among_googles(code: str) -> None:
    error = of(Problem(code, headers=((b"retry-after", b"7"), (b"www-authenticate", b"Bearer"))), keyed=True)
    body = json.loads(error.body())["error"]
    assert body["status"] == STATUS[error.code]
    assert error.problem == code
    assert body["message"]
    if error.code in (429, 503):
        assert (b"retry-after", b"7") in error.headers
    assert all(name != b"www-authenticate" for name, _ in error.headers)


def test_refusals_are_counted_by_our_own_codes(shared: Perspective) -> None:
    def counted(code: str) -> float:
        value = shared.service.metrics.registry.get_sample_value("holdfast_problems_total", {"code": code})
        return value or 0.0

    for code, name in (
        ("invalid-item", "comment_empty"),
        ("malformed-json", "json_malformed"),
        ("unauthenticated", "key_missing"),
    ):
        before = counted(code)
        CASES[name](shared)
        assert counted(code) == before + 1


def test_an_attribute_is_unknown_by_its_name_alone(shared: Perspective) -> None:
    for name in ("TOXICITY_FAST", "toxicity", "SEXUALLY_EXPLICIT_EXPERIMENTAL", "ATTACK_ON_AUTHOR"):
        assert name not in ATTRIBUTES
        answer = shared.analyze({**HELLO, "requestedAttributes": {name: {}}})
        assert answer.json()["error"]["message"] == f"Unknown requested attribute: {name}"
