"""PyPI `google-api-python-client`: it builds itself from the discovery document, and parses every refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from googleapiclient.discovery import build, build_from_document
from googleapiclient.errors import HttpError
from tests.web.clients.conftest import SENTENCE, Holdfast, check_scores, unavailable

ANALYZER = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
PLAIN: dict[str, Any] = {"comment": {"text": SENTENCE}, "requestedAttributes": {"TOXICITY": {}}}


def discovery_url(holdfast: Holdfast) -> str:
    return f"{holdfast.url}/$discovery/rest?version=v1alpha1"


def built(holdfast: Holdfast, key: str | None = None) -> Any:
    """The client as Perspective's documentation builds it, with the one URL changed."""
    return build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=key or holdfast.key,
        discoveryServiceUrl=discovery_url(holdfast),
        static_discovery=False,
    )


@pytest.fixture(scope="module")
def client(holdfast: Holdfast) -> Iterator[Any]:
    with closing(built(holdfast)) as made:
        yield made


def refused(client: Any, body: dict[str, Any]) -> HttpError:
    with pytest.raises(HttpError) as caught:
        client.comments().analyze(body=body).execute()
    return caught.value


# Ways to point it here ------------------------------------------------------------------------------


def test_it_is_built_from_the_discovery_url(client: Any) -> None:
    check_scores(client.comments().analyze(body=PLAIN).execute(), PLAIN)


def test_it_is_built_from_a_document_that_was_kept(holdfast: Holdfast) -> None:
    document = httpx.get(discovery_url(holdfast)).text
    with closing(build_from_document(document, developerKey=holdfast.key)) as kept:
        check_scores(kept.comments().analyze(body=PLAIN).execute(), PLAIN)


def test_an_endpoint_of_its_options_wins_over_the_document(holdfast: Holdfast) -> None:
    # The document of another place: what somebody kept who spoke to that before.
    document = httpx.get(discovery_url(holdfast), headers={"Host": "commentanalyzer.googleapis.com"}).json()
    assert document["rootUrl"] == "http://commentanalyzer.googleapis.com/"
    options = {"api_endpoint": holdfast.url}
    with closing(build_from_document(document, developerKey=holdfast.key, client_options=options)) as moved:
        check_scores(moved.comments().analyze(body=PLAIN).execute(), PLAIN)


def test_a_client_finds_out_what_there_is(client: Any) -> None:
    # The client makes its methods and their texts from the document.
    assert {name for name in dir(client.comments()) if not name.startswith("_")} == {
        "analyze",
        "suggestscore",
        "close",
    }
    assert "requestedAttributes" in client.comments().analyze.__doc__
    assert "attributeScores" in client.comments().suggestscore.__doc__


# What it reads --------------------------------------------------------------------------------------


def test_every_field_of_a_request_is_taken(client: Any) -> None:
    body = {
        "comment": {"text": f"{SENTENCE} You sing so well 😀. Come back!", "type": "PLAIN_TEXT"},
        "context": {"entries": [{"text": "Did you like it?", "type": "PLAIN_TEXT"}]},
        "requestedAttributes": {
            "TOXICITY": {"scoreType": "PROBABILITY", "scoreThreshold": 0},
            "SEVERE_TOXICITY_EXPERIMENTAL": {},
        },
        "spanAnnotations": True,
        "languages": ["en"],
        "doNotStore": True,
        "clientToken": "c-17",
        "sessionId": "s-3",
        "communityId": "example.org/forum",
    }
    answer = client.comments().analyze(body=body).execute()
    check_scores(answer, body)
    assert answer["languages"] == ["en"]
    assert len(answer["attributeScores"]["TOXICITY"]["spanScores"]) > 1


def test_parameters_that_googles_interfaces_share_are_taken(client: Any) -> None:
    request = client.comments().analyze(
        body=PLAIN, alt="json", fields="attributeScores", prettyPrint=False, quotaUser="u-17",
        uploadType="media", upload_protocol="raw", x__xgafv="2", access_token="x", oauth_token="x",
    )  # fmt: skip
    check_scores(request.execute(), PLAIN)


def test_scores_below_the_threshold_leave_no_key(client: Any) -> None:
    body = {**PLAIN, "requestedAttributes": {"TOXICITY": {"scoreThreshold": 1.01}}}
    answer = client.comments().analyze(body=body).execute()
    assert "attributeScores" not in answer
    assert answer["detectedLanguages"] == ["en"]


def test_a_score_is_suggested(client: Any) -> None:
    body = {
        "comment": {"text": SENTENCE},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0.1, "type": "PROBABILITY"}}},
        "languages": ["en"],
        "communityId": "example.org/forum",
        "clientToken": "c-18",
    }
    answer = client.comments().suggestscore(body=body).execute()
    assert answer["clientToken"] == "c-18"
    assert answer["requestedLanguages"] == ["en"]
    assert answer["detectedLanguages"] == ["en"]


# How it is refused ----------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "empty": ({"comment": {"text": ""}}, "Comment must be non-empty.", "COMMENT_EMPTY"),
    "language": (
        {"languages": ["ja"]},
        "Attribute TOXICITY does not support request languages: ja",
        "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
    ),
    "attributes": ({"requestedAttributes": {}}, "Missing requested_attributes", "NO_REQUESTED_ATTRIBUTES"),
    "attribute": (
        {"requestedAttributes": {"LIKELY_TO_REJECT": {}}},
        "Unknown requested attribute: LIKELY_TO_REJECT",
        "INVALID_REQUEST",
    ),
    "score type": (
        {"requestedAttributes": {"TOXICITY": {"scoreType": "PERCENTILE"}}},
        "Requested score type PERCENTILE is not supported by attribute TOXICITY",
        "INVALID_REQUEST",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_parsed(client: Any, case: str) -> None:
    change, message, kind = REFUSED[case]
    error = refused(client, {**PLAIN, **change})
    assert (error.status_code, error.reason) == (400, message)
    (detail,) = error.error_details
    assert (detail["@type"], detail["errorType"]) == (ANALYZER, kind)
    assert json.loads(error.content)["error"]["status"] == "INVALID_ARGUMENT"


def test_both_kinds_of_context_are_refused(client: Any) -> None:
    context = {
        "entries": [{"text": "a"}],
        "articleAndParentComment": {"article": {"text": "b"}, "parentComment": {"text": "c"}},
    }
    (detail,) = refused(client, {**PLAIN, "context": context}).error_details
    assert detail["errorType"] == "INVALID_REQUEST"


def test_a_long_comment_is_told_its_size(client: Any) -> None:
    error = refused(client, {**PLAIN, "comment": {"text": "x" * 20_992}})
    message = "Comment text was too many bytes. Value (20992) exceeded limit (20480)."
    # Where an error has no details the client takes its message for them.
    assert (error.status_code, error.reason, error.error_details) == (400, message, message)


def test_a_bad_key_is_told_apart_from_none(holdfast: Holdfast, client: Any) -> None:
    with closing(built(holdfast, "AIzaUnknown")) as stranger:
        error = refused(stranger, PLAIN)
    assert (error.status_code, error.reason) == (400, "API key not valid. Please pass a valid API key.")
    assert [
        detail["reason"]
        for detail in error.error_details
        if detail["@type"].endswith("/google.rpc.ErrorInfo")
    ] == ["API_KEY_INVALID"]
    document = httpx.get(discovery_url(holdfast)).json()
    with closing(build_from_document(document, http=client._http)) as nobody:
        assert refused(nobody, PLAIN).status_code == 403
    with closing(built(holdfast, holdfast.reader)) as reader:
        assert refused(reader, PLAIN).status_code == 403


def test_a_quota_is_told(miserly: Holdfast) -> None:
    with closing(built(miserly, miserly.new_key())) as hasty, pytest.raises(HttpError) as caught:
        for _ in range(100):
            hasty.comments().analyze(body=PLAIN).execute()
    error = caught.value
    assert error.status_code == 429
    assert error.reason.startswith("Quota exceeded for quota metric 'Analysis requests (AnalyzeComment)'")
    assert error.error_details[0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert int(error.resp["retry-after"]) >= 1


def test_a_server_that_is_not_well_says_when_to_come_back(holdfast: Holdfast, client: Any) -> None:
    with unavailable(holdfast.serving.data):
        error = refused(client, PLAIN)
    assert error.status_code == 503
    assert json.loads(error.content)["error"]["status"] == "UNAVAILABLE"
    assert int(error.resp["retry-after"]) >= 1


def test_who_drops_the_attribute_that_is_named_gets_the_rest(client: Any) -> None:
    wanted = ["TOXICITY", "LIKELY_TO_REJECT", "INSULT", "INCOHERENT"]
    while True:
        body = {**PLAIN, "requestedAttributes": {name: {} for name in wanted}}
        try:
            answer = client.comments().analyze(body=body).execute()
            break
        except HttpError as error:
            wanted.remove(error.reason.rpartition(" ")[2])
    assert answer["attributeScores"].keys() == {"TOXICITY", "INSULT"}
