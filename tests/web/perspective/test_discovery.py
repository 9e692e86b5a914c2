"""The discovery document: right for the address that was asked, and for what is answered there."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from googleapiclient.discovery import build_from_document

from holdfast.perspective import ATTRIBUTES
from holdfast.web.perspective import wire

from .conftest import HELLO, Perspective

PATH = "/$discovery/rest?version=v1alpha1"


def document(app: Perspective, **headers: str) -> Any:
    answer = app.client.get(PATH, headers=headers)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize(
    ("headers", "root"),
    [
        ({"host": "127.0.0.1:8080"}, "http://127.0.0.1:8080/"),
        ({"host": "[::1]:8080"}, "http://[::1]:8080/"),
        ({"host": "safety.example", "x-forwarded-proto": "https"}, "https://safety.example/"),
        ({"host": "safety.example", "x-forwarded-proto": " HTTPS "}, "https://safety.example/"),
        ({"host": "holdfast_1"}, "http://holdfast_1/"),
    ],
)
def test_its_address_is_the_one_that_was_asked(
    shared: Perspective, headers: dict[str, str], root: str
) -> None:
    found = document(shared, **headers)
    assert (found["rootUrl"], found["baseUrl"]) == (root, root)


@pytest.mark.parametrize(
    "headers",
    [{"host": host} for host in ("a;b", "a@b", "-a", "a:b", "a..b/", "x" * 300, "a:123456", "a<b")]
    + [{"x-forwarded-proto": scheme} for scheme in ("ftp", "https,http", "javascript", "")],
)
def test_an_address_that_is_none_is_refused_and_not_told_back(
    shared: Perspective, headers: dict[str, str]
) -> None:
    answer = shared.client.get(PATH, headers=headers)
    assert answer.status_code == 400
    assert not any(value in answer.text for value in headers.values() if len(value) > 4)


def test_anyone_may_read_it(shared: Perspective) -> None:
    request = shared.client.build_request("GET", PATH)
    del request.headers["authorization"]
    assert shared.client.send(request).status_code == 200
    assert shared.client.get("/$discovery/rest").status_code == 200
    assert shared.client.get("/$discovery/rest?version=v1").status_code == 404
    head = shared.client.head(PATH)
    assert head.status_code == 200


def test_google_s_client_can_be_built_from_it(shared: Perspective) -> None:
    service = build_from_document(document(shared))
    request = service.comments().analyze(body=HELLO)
    assert request.uri == "http://testserver.local/v1alpha1/comments:analyze?alt=json"
    assert request.method == "POST"
    assert (
        service.comments()
        .suggestscore(body={})
        .uri.startswith("http://testserver.local/v1alpha1/comments:suggest")
    )


def test_what_it_says_of_messages_is_what_is_read_and_answered(shared: Perspective) -> None:
    schemas = document(shared)["schemas"]
    for kind in (
        wire.TextEntry, wire.Context, wire.ArticleAndParentComment, wire.AttributeParameters, wire.AnalyzeCommentRequest,
        wire.AnalyzeCommentResponse, wire.AttributeScores, wire.SpanScore, wire.Score, wire.SuggestCommentScoreRequest,
        wire.SuggestCommentScoreResponse,
    ):  # fmt: skip
        fields = {camel(field.encode_name) for field in msgspec.structs.fields(kind)}
        assert set(schemas[kind.__name__]["properties"]) == fields
    used = set(re.findall(r"'\$ref': '(\w+)'", str(document(shared))))
    assert used == set(schemas)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def test_it_names_every_attribute(shared: Perspective) -> None:
    said = document(shared)["schemas"]["AnalyzeCommentRequest"]["properties"]["requestedAttributes"][
        "description"
    ]
    assert set(re.findall(r"[A-Z_]{4,}", said)) == set(ATTRIBUTES)


def test_it_asks_for_no_google_credentials(shared: Perspective) -> None:
    assert "auth" not in document(shared)
