"""`POST /v1/moderations` over real HTTP: what is asked is answered in its place, decided and recorded, or neither."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from tests.web.conftest import LONG, LONGER, Served, make_key
from tests.web.moderations.servers import ask, asked, is_unseen, results, text

from holdfast.content import TEXT_LIMIT
from holdfast.web.moderations.categories import CATEGORIES
from holdfast.web.moderations.wire import PATH, STRING_LIMIT

ENGLISH = [
    "you people are not welcome here",
    "what a lovely face, hello",
    "the beverage is in the box and it was not me",
]
GERMAN = "Das ist ein ganz gewöhnlicher deutscher Satz über das Wetter von gestern."
WORDLESS = ["", "   ", "\u200b"]


def test_a_text_is_answered_with_one_result(served: Served) -> None:
    response = ask(served.url, ENGLISH[0])
    (result,) = results(response)
    assert set(response.json()) == {"id", "model", "results"}
    assert re.fullmatch(r"modr-[0-9a-f]{24}", response.json()["id"])
    assert set(result) == {"flagged", "categories", "category_scores", "category_applied_input_types"}
    for name in ("categories", "category_scores", "category_applied_input_types"):
        assert list(result[name]) == list(CATEGORIES)
    for name, heads in CATEGORIES.items():
        assert result["category_applied_input_types"][name] == (["text"] if heads else [])
    assert response.headers["content-type"] == "application/json"
    assert "ratelimit" in response.headers


def test_a_list_is_answered_text_by_text(served: Served) -> None:
    alone = [results(ask(served.url, one))[0] for one in ENGLISH]
    assert results(ask(served.url, ENGLISH)) == alone
    assert results(ask(served.url, [*ENGLISH, GERMAN, *reversed(ENGLISH)]))[4:] == alone[::-1]
    assert len({str(one["category_scores"]) for one in alone}) == len(alone)


def test_as_many_texts_as_there_may_be(served: Served) -> None:
    assert len(results(ask(served.url, ["x"] * STRING_LIMIT))) == STRING_LIMIT


def test_parts_are_one_message(served: Served) -> None:
    parts = [text(one) for one in ENGLISH[:2]]
    assert results(ask(served.url, parts)) == results(ask(served.url, "\n".join(ENGLISH[:2])))
    assert results(ask(served.url, parts[:1])) == results(ask(served.url, ENGLISH[0]))


def test_what_cannot_be_read_is_said_to_be_unseen(served: Served) -> None:
    for found in results(ask(served.url, [GERMAN, *WORDLESS])):
        assert is_unseen(found)
    assert is_unseen(results(ask(served.url, ""))[0])


def test_the_longest_text_is_looked_at(served: Served) -> None:
    (result,) = results(ask(served.url, ("hello " * TEXT_LIMIT)[:TEXT_LIMIT]))
    assert result["category_applied_input_types"]["hate"] == ["text"]


def test_the_model_is_echoed_with_what_answered(served: Served) -> None:
    plain = ask(served.url, "x").json()["model"]
    assert plain.startswith("holdfast-")
    assert (
        ask(served.url, "x", model="omni-moderation-latest").json()["model"]
        == f"omni-moderation-latest@{plain}"
    )
    assert ask(served.url, "x", model=None).json()["model"] == plain


def test_texts_are_decided_by_the_live_policy_and_recorded(served: Served) -> None:
    response = ask(served.url, LONGER)
    name = response.json()["id"].removeprefix("modr-")
    ref = response.headers["x-holdfast-ref"]
    decision = httpx.get(f"{served.url}/v1/decisions/{ref}").json()["decision"]
    assert (decision["id"], decision["action"]) == (f"moderation-{name}-0", "remove")
    assert httpx.get(f"{served.url}/v1/decisions/{ref}").json()["texts"] == {"text": LONGER}

    response = ask(served.url, [LONG, LONGER, "x"])
    assert "x-holdfast-ref" not in response.headers
    name = response.json()["id"].removeprefix("modr-")
    for number, action in enumerate(("hold", "remove", "allow")):
        (kept,) = httpx.get(f"{served.url}/v1/decisions?id=moderation-{name}-{number}").json()["decisions"]
        assert kept["action"] == action


def test_without_record_nothing_of_a_text_is_kept(served: Served, tmp_path: Path) -> None:
    marked = "the bristoqua are people and it was the beverage"
    recorded = ask(served.url, [marked, marked.upper()])
    with asked(tmp_path, record=False) as client:
        response = client.post(PATH, json={"input": [marked, marked.upper()]})
        assert results(response) == results(recorded)
        assert "x-holdfast-ref" not in client.post(PATH, json={"input": marked}).headers
        assert client.get("/v1/decisions").json()["decisions"] == []
    assert occurrences(tmp_path, b"bristoqua") == 0
    assert occurrences(served.data, b"bristoqua") > 0


def occurrences(folder: Path, word: bytes) -> int:
    kept = [path.read_bytes().lower() for path in folder.rglob("*") if path.is_file()]
    assert len(kept) > 1
    return sum(data.count(word) for data in kept)


def test_either_header_brings_the_key(tmp_path: Path) -> None:
    key = make_key(tmp_path, "decide")
    with asked(tmp_path) as client:
        for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
            assert client.post(PATH, json={"input": "x"}, headers=headers).status_code == 200
        del client.headers["Authorization"]
        assert client.post(PATH, json={"input": "x"}).status_code == 401


def test_it_is_counted_and_logged_without_a_word(served: Served) -> None:
    ask(served.url, "the bristopher is here and it was not me")
    metrics = httpx.get(f"{served.url}/metrics").text
    assert '/v1/moderations"' in metrics
    assert "bristopher" not in metrics + served.log()
    assert served.log().count('"route":"/v1/moderations"') > 0
