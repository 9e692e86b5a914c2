"""`explain=HEAD`: the words that a head hangs on are among the spans of the answer, and nobody else waits for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.content import Item
from holdfast.ledger import Ledger
from holdfast.signals.attribution import Occlusion, attribute, classifier_of, heads_of
from holdfast.signals.attribution import spans as as_spans
from holdfast.web.explanation import AT_ONCE

from .conftest import App, running

ITEM = {
    "id": "c-1",
    "text": "hello 👋🏽 you, are they not the people who call +44 20 7946 0958",
    "caption": "we",
}


def ask(app: App, query: str, item: Any = ITEM, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return app.client.post(f"/v1/decide{query}", json=item, headers=headers)


def heads(app: App) -> tuple[str, ...]:
    classifier = classifier_of(app.service.decider.engine.signals)
    assert classifier is not None
    return heads_of(classifier)


def expected(app: App, item: dict[str, str], *asked: str) -> list[dict[str, Any]]:
    classifier = classifier_of(app.service.decider.engine.signals)
    assert classifier is not None
    found = as_spans(attribute(classifier, Item(**item), asked))
    return [
        {name: getattr(span, name) for name in ("signal", "start", "end", "label", "field")} for span in found
    ]


def test_the_words_come_behind_the_spans_that_are_there_anyway(app: App) -> None:
    plain = ask(app, "").json()["spans"]
    assert {span["signal"] for span in plain} == {"contact"}
    for asked in (heads(app)[:1], heads(app)):
        answer = ask(app, f"?explain={','.join(asked)}").json()
        assert answer["spans"] == plain + expected(app, ITEM, *asked)
    drivers = answer["spans"][len(plain) :]
    assert drivers
    text = ITEM["text"]
    assert all(text[driver["start"] : driver["end"]] in text.split() for driver in drivers)
    assert {driver["label"] for driver in drivers} <= set(heads(app))
    twice = ask(app, f"?explain={heads(app)[0]}&explain={heads(app)[0]}").json()["spans"]
    assert twice == plain + expected(app, ITEM, heads(app)[0])


def test_they_are_told_and_not_recorded(app: App) -> None:
    answer = ask(app, f"?explain={','.join(heads(app))}").json()
    with Ledger.open(data=app.data) as ledger:
        kept = ledger.decision(answer["ref"]).decision
    assert kept is None or "classifier" not in {span.signal for span in kept.spans}
    assert app.client.get(f"/v1/decisions/{answer['ref']}").status_code == 200


def test_a_text_that_is_not_covered_is_answered_without_words(app: App) -> None:
    assert ask(app, "?explain=hate", {"id": "1", "text": "你好"}).json()["spans"] == []


@pytest.mark.parametrize("query", ["?explain=", "?explain=hat", "?explain=hate,", "?explain=hate%2C%20threat", "?explain=%ff", "?explain"])  # fmt: skip
def test_what_is_no_head_is_refused_and_not_told_back(app: App, query: str) -> None:
    before = app.service.ledger.head().size
    response = ask(app, query)
    assert response.status_code == 400
    document = response.json()
    assert document["type"] == "/problems/invalid-parameter"
    (error,) = document["errors"]
    assert error["where"] == "explain"
    assert all(head in error["expected"] for head in heads(app))
    assert app.service.ledger.head().size == before


def test_other_parameters_mean_nothing_as_before(app: App) -> None:
    assert ask(app, "?explained=hate&x=explain").json()["spans"] == ask(app, "").json()["spans"]


def test_a_list_is_not_explained(app: App) -> None:
    before = app.service.ledger.head().size
    response = ask(app, "?explain=hate", {"items": [ITEM]})
    assert response.status_code == 400
    assert "one item" in response.json()["errors"][0]["expected"]
    assert app.service.ledger.head().size == before


def test_the_answer_is_kept_with_its_key(app: App) -> None:
    head = heads(app)[0]
    first = ask(app, f"?explain={head}", key="k1")
    again = ask(app, f"?explain={head}", key="k1")
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert ask(app, "", key="k1").status_code == 422


def test_every_word_counts_for_the_rate_limit(tmp_path: Path) -> None:
    with running(tmp_path / "data", rate_limit=3) as app:
        left = [ask(app, query).headers["ratelimit"].partition("r=")[2] for query in ("", "?explain=hate")]
        spent = [30 - int(value.partition(";")[0]) for value in left]
        readings = len(Occlusion(Item(**ITEM)).items)
        assert spent[0] == 1
        assert abs(spent[1] - (1 + 1 + readings)) <= 1  # three come back each second
        assert ask(app, "?explain=hate", {"id": "1", "text": "hello you " * 40}).status_code == 429


def test_many_at_once_are_answered_or_told_to_come_again(app: App) -> None:
    asked = ",".join(heads(app))
    with ThreadPoolExecutor(4 * AT_ONCE) as pool:
        explained = [pool.submit(ask, app, f"?explain={asked}") for _ in range(4 * AT_ONCE)]
        plain = [pool.submit(ask, app, "") for _ in range(4)]
    answers = [future.result() for future in explained]
    assert {answer.status_code for answer in answers} <= {200, 503}
    for answer in answers:
        if answer.status_code == 200:
            assert answer.json()["spans"][1:] == expected(app, ITEM, *heads(app))
        else:
            assert answer.json()["type"] == "/problems/overloaded"
            assert answer.headers["retry-after"] == "1"
    assert all(future.result().status_code == 200 for future in plain)
    assert ask(app, f"?explain={asked}").status_code == 200, "those that were refused take no place"


def test_time_is_bounded(tmp_path: Path) -> None:
    with running(tmp_path / "data", timeout_s=0.001) as app:
        response = ask(app, "?explain=hate", {"id": "1", "text": "hello you " * 6_000})
        assert response.status_code == 503
        assert response.json()["type"] == "/problems/timed-out"
