"""Reading requests: JSON as Google's servers read it for a protocol buffer."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.web.perspective.errors import GoogleError
from holdfast.web.perspective.wire import analyze_request, suggest_request

SECRET = "What somebody wrote, and nobody else should read"


def analyze(value: Any) -> Any:
    return analyze_request(json.dumps(value).encode())


def refusal(value: Any) -> str:
    with pytest.raises(GoogleError) as caught:
        analyze(value)
    assert caught.value.code == 400
    return caught.value.message


def test_every_field_is_read() -> None:
    request = analyze(
        {
            "comment": {"text": "Hello", "type": "HTML"},
            "context": {
                "articleAndParentComment": {"article": {"text": "A"}, "parentComment": {"text": "P"}}
            },
            "requestedAttributes": {"TOXICITY": {"scoreType": "PROBABILITY", "scoreThreshold": 0.5}},
            "spanAnnotations": True,
            "languages": ["en"],
            "doNotStore": True,
            "dropUnsupportedAttributes": True,
            "clientToken": "t",
            "sessionId": "s",
            "communityId": "c",
        }
    )
    both = request.context.article_and_parent_comment
    assert (request.comment.text, request.comment.type) == ("Hello", "HTML")
    assert (both.article.text, both.parent_comment.text, both.article.type) == (
        "A",
        "P",
        "TEXT_TYPE_UNSPECIFIED",
    )
    assert request.requested_attributes["TOXICITY"].score_threshold == 0.5
    assert request.span_annotations
    assert request.do_not_store
    assert request.drop_unsupported_attributes
    assert (request.languages, request.client_token) == (("en",), "t")
    entries = analyze({"context": {"entries": [{"text": "1"}, {"text": "2"}]}}).context.entries
    assert [entry.text for entry in entries] == ["1", "2"]


@pytest.mark.parametrize(
    "value",
    [
        {"comment": {"text": "Hi"}, "requested_attributes": {"TOXICITY": {"score_threshold": 0.5}}, "do_not_store": True},
        {"comment": {"text": "Hi"}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": "0.5"}}, "doNotStore": "true"},
        {"comment": {"text": "Hi", "type": None}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": 0.5}}, "doNotStore": True, "context": None},
        {"comment": {"text": "Hi", "type": 0}, "requestedAttributes": {"TOXICITY": {"scoreType": 0, "scoreThreshold": 0.5}}, "doNotStore": True},
    ],
)  # fmt: skip
def test_what_google_takes_for_the_same_is_the_same(value: dict[str, Any]) -> None:
    assert analyze(value) == analyze(
        {
            "comment": {"text": "Hi"},
            "requestedAttributes": {"TOXICITY": {"scoreThreshold": 0.5}},
            "doNotStore": True,
        }
    )


def test_an_attribute_without_parameters_and_a_single_value_for_a_list_are_taken() -> None:
    assert analyze({"requestedAttributes": {"SPAM": None}}) == analyze({"requestedAttributes": {"SPAM": {}}})
    assert analyze({"languages": "en"}).languages == ("en",)
    assert analyze_request(b"") == analyze_request(b" {} ")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"comment": SECRET}, "comment"),
        ({"comment": {"text": 5}}, "comment.text"),
        ({"comment": {"type": SECRET}}, "comment.type"),
        ({"comment": {"type": True}}, "comment.type"),
        ({"comment": {"type": 3}}, "comment.type"),
        ({"context": {"entries": [{}, {"text": [SECRET]}]}}, "context.entries[1].text"),
        ({"requestedAttributes": [SECRET]}, "requested_attributes"),
        ({"requestedAttributes": {SECRET: {"scoreThreshold": SECRET}}}, "requested_attributes.value.score_threshold"),
        ({"requestedAttributes": {"A": {"scoreThreshold": True}}}, "requested_attributes.value.score_threshold"),
        ({"requestedAttributes": {"A": {"scoreThreshold": "nan"}}}, "requested_attributes.value.score_threshold"),
        ({"requestedAttributes": {"A": {"scoreThreshold": 10**400}}}, "requested_attributes.value.score_threshold"),
        ({"requestedAttributes": {"A": {"scoreType": SECRET}}}, "requested_attributes.value.score_type"),
        ({"doNotStore": SECRET}, "do_not_store"),
        ({"doNotStore": 1}, "do_not_store"),
        ({"languages": [1]}, "languages[0]"),
        ({"clientToken": 7}, "client_token"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_its_place_and_never_told_back(value: Any, where: str) -> None:
    message = refusal(value)
    assert message.startswith(f"Invalid value at '{where}' (TYPE_")
    assert SECRET not in message


def test_an_unknown_field_is_refused_by_its_name_where_it_looks_like_one() -> None:
    assert refusal({"attributes": {}}) == (
        'Invalid JSON payload received. Unknown name "attributes": Cannot find field.'
    )
    assert refusal({"comment": {"html": ""}}) == (
        "Invalid JSON payload received. Unknown name \"html\" at 'comment': Cannot find field."
    )
    assert SECRET not in refusal({SECRET: 1})


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b"5", b'"x"', b"\xff", b'{"a":1}{', b"[" * 100_000, b'{"comment":{"text":"\\ud800"}}', b'{"a":NaN}']
)  # fmt: skip
def test_what_is_no_message_is_refused(body: bytes) -> None:
    for read in (analyze_request, suggest_request):
        with pytest.raises(GoogleError) as caught:
            read(body)
        assert caught.value.code == 400
        assert caught.value.message.startswith("Invalid JSON payload received.")


def test_suggestions_are_read() -> None:
    request = suggest_request(
        json.dumps(
            {
                "comment": {"text": "Hello"},
                "attributeScores": {
                    "TOXICITY": {
                        "summaryScore": {"value": 0.25, "type": "PROBABILITY"},
                        "spanScores": [{"begin": 0, "end": 5, "score": {"value": 1}}],
                    },
                    "SPAM": {"spanScores": []},
                },
                "clientToken": "t",
            }
        ).encode()
    )
    scores = request.attribute_scores
    assert scores["TOXICITY"].summary_score is not None
    assert scores["TOXICITY"].summary_score.value == 0.25
    assert scores["SPAM"].summary_score is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["comment", "text", "type", "context", "entries", "requestedAttributes", "scoreType", "languages", "x"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(anything)
@settings(max_examples=200, deadline=None)
def test_whatever_is_sent_is_read_or_refused(value: Any) -> None:
    body = msgspec.json.encode(value)
    for read in (analyze_request, suggest_request):
        try:
            read(body)
        except GoogleError as error:
            assert json.loads(error.body())["error"]["code"] == 400
