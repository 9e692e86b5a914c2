"""Programs that read Perspective's answers in ways of their own: PyPI `perspective`, R's peRspective, Coral.

The first is driven as it is. The other two are no packages that run here: what they send is sent byte by byte as their
sources write it, and read as they read it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError

import httpx
import pytest
from perspective import PerspectiveAPI
from tests.web.clients.conftest import SENTENCE, Holdfast, check_scores

from holdfast.signals.classifier import LANGUAGES

# PyPI perspective -----------------------------------------------------------------------------------


@pytest.fixture
def package(holdfast: Holdfast) -> PerspectiveAPI:
    made = PerspectiveAPI(holdfast.key)
    made.api_client.url = f"{holdfast.url}/v1alpha1/{{endpoint}}"
    return made


def test_the_python_package_reads_scores(package: PerspectiveAPI) -> None:
    scores = package.score(SENTENCE, tests=["TOXICITY", "SEVERE_TOXICITY", "PROFANITY"])
    assert scores.keys() == {"TOXICITY", "SEVERE_TOXICITY", "PROFANITY"}
    asked: dict[str, Any] = {
        "context": [{"text": "Did you like it?", "type": "PLAIN_TEXT"}],
        "requested_attributes": {"TOXICITY": {"scoreType": "PROBABILITY", "scoreThreshold": 0.0}},
        "languages": ["en"],
        "client_token": "c-17",
    }
    answer = package.analyze_comment(
        SENTENCE, comment_type="PLAIN_TEXT", span_annotations=True, do_not_store=True, session_id="s-3",
        community_id="example.org", **asked,
    )  # fmt: skip
    check_scores(
        answer,
        {"comment": {"text": SENTENCE}, "requestedAttributes": {"TOXICITY": {}}, "clientToken": "c-17"},
    )


def test_the_python_package_suggests_scores(package: PerspectiveAPI) -> None:
    answer = package.suggest_score(
        SENTENCE,
        {"TOXICITY": {"summaryScore": {"value": 0.9, "type": "PROBABILITY"}}},
        comment_type="PLAIN_TEXT",
        context=[{"text": "Did you like it?", "type": "PLAIN_TEXT"}],
        languages=["en"],
        client_token="c-20",
        community_id="example.org",
    )
    assert answer["clientToken"] == "c-20"


def test_the_python_package_is_refused(package: PerspectiveAPI) -> None:
    with pytest.raises(HTTPError) as caught:
        package.score(SENTENCE, tests=["LIKELY_TO_REJECT"])
    with caught.value as error:
        assert error.code == 400
        assert json.load(error)["error"]["message"] == "Unknown requested attribute: LIKELY_TO_REJECT"


# R's peRspective ------------------------------------------------------------------------------------


def perspective_r(holdfast: Holdfast, text: str, models: list[str], sentences: bool, **more: Any) -> Any:
    """`prsp_score` up to `httr::content(result)`."""
    body = {
        "comment": {"text": text},
        "spanAnnotations": sentences,
        "requestedAttributes": {model: {} for model in models},
        "doNotStore": False,
        **more,
    }
    answer = httpx.post(
        f"{holdfast.url}/v1alpha1/comments:analyze?key={holdfast.key}",
        content=json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json, text/xml, application/xml, */*",
        },
    )
    return answer.json()


def test_r_reads_the_spans_of_a_text_that_was_not_to_be_parted(holdfast: Holdfast) -> None:
    models = ["TOXICITY", "SEVERE_TOXICITY", "SEXUALLY_EXPLICIT"]
    text = f"{SENTENCE} You sing so well 😀. Come back!"
    # One language is no list there: `jsonlite` unboxes it.
    for more in ({}, {"languages": "en"}):
        output = perspective_r(holdfast, text, models, False, **more)
        for model in models:
            # `Output %>% map(.x) %>% map("spanScores") %>% extract2(1)`: the first field has to be the scores.
            (span,) = next(iter(output.values()))[model]["spanScores"]
            assert (span["begin"], span["end"]) == (0, len(text.encode("utf-16-le")) // 2)
            assert 0 <= span["score"]["value"] <= 1


def test_r_cuts_sentences_where_the_spans_say(holdfast: Holdfast) -> None:
    output = perspective_r(holdfast, f"{SENTENCE} Come back!", ["TOXICITY"], True)
    spans = next(iter(output.values()))["TOXICITY"]["spanScores"]
    # `str_sub(text, start = begin, end = end)` counts from 1 with the end inside, then takes blanks off.
    text = f"{SENTENCE} Come back!"
    cut = [text[max(0, span["begin"] - 1) : span["end"]].strip() for span in spans]
    assert [part[-10:] for part in cut] == ["thank you!", "Come back!"]


def test_r_stops_with_the_refusals_words(holdfast: Holdfast) -> None:
    output = perspective_r(holdfast, "", ["TOXICITY"], False)
    assert list(output) == ["error"]
    error = output["error"]
    assert f"HTTP {error['code']}\n{error['status']}: {error['message']}" == (
        "HTTP 400\nINVALID_ARGUMENT: Comment must be non-empty."
    )


# Coral ----------------------------------------------------------------------------------------------


def coral(holdfast: Holdfast, operation: str, body: dict[str, Any]) -> httpx.Response:
    """`sendToPerspective`, with `endpoint` set to this server.

    It gives up after 300 ms; whether it ever has to is for the benchmarks, on a machine of known speed.
    """
    endpoint = f"{holdfast.url}/v1alpha1"
    return httpx.post(
        f"{endpoint}/{operation}",
        params={"key": holdfast.key},
        content=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
        headers={
            "Accept": "application/json, text/plain, */*",
            "Accept-Encoding": "gzip, compress, deflate, br",
            "Content-Type": "application/json",
            "User-Agent": "Coral Perspective/9.7.2",
            "Connection": "keep-alive",
        },
    )


def test_coral_reads_the_summary(holdfast: Holdfast) -> None:
    for model in ("TOXICITY", "SEVERE_TOXICITY"):
        body = {
            "comment": {"text": SENTENCE},
            "doNotStore": True,
            "requestedAttributes": {model: {}},
            "languages": ["en"],
        }
        answer = coral(holdfast, "comments:analyze", body)
        assert answer.status_code == 200
        assert 0 <= answer.json()["attributeScores"][model]["summaryScore"]["value"] <= 1


@pytest.mark.parametrize(("status", "language"), [("APPROVED", "en"), ("DELETED", "en"), ("DELETED", "EN")])
def test_coral_tells_what_moderators_decided(holdfast: Holdfast, status: str, language: str) -> None:
    told = {"url": "https://news.example/story?commentID=c-1", "Coral_comment_id": "c-1"}
    body = {
        "comment": {"text": SENTENCE},
        "context": {"entries": [{"text": json.dumps(told)}]},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0 if status == "APPROVED" else 1}}},
        "languages": [language],
        "communityId": "Coral:https://talk.news.example/",
        "clientToken": "comment:c-1",
    }
    answer = coral(holdfast, "comments:suggestscore", body)
    assert answer.status_code == 200
    assert answer.json()["clientToken"] == "comment:c-1"


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "pt"])
def test_coral_goes_without_where_its_language_is_not_covered(holdfast: Holdfast, language: str) -> None:
    # The languages that it asks for. What is no success is no answer to it, and the comment is published.
    body = {
        "comment": {"text": SENTENCE},
        "doNotStore": True,
        "requestedAttributes": {"TOXICITY": {}},
        "languages": [language],
    }
    answer = coral(holdfast, "comments:analyze", body)
    assert answer.status_code == (200 if language in LANGUAGES else 400)
