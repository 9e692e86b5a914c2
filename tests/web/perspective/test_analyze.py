"""`comments:analyze`: what is scored, what is answered, and what is decided and recorded beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.content import Item
from holdfast.ledger import Ledger
from holdfast.perspective import ATTRIBUTES, score
from holdfast.web.perspective.analyze import CONTEXT_LIMIT, TEXT_LIMIT
from holdfast.web.perspective.sentences import LIMIT, sentences

from .conftest import HELLO, Perspective, running

ENGLISH = {"languages": ["en"]}


@pytest.fixture(scope="module")
def scoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Perspective]:
    """An application that records nothing."""
    with running(tmp_path_factory.mktemp("scoring"), compatible={"record": False}) as started:
        yield started


def signals_of(app: Perspective, text: str, **more: Any) -> dict[str, Any]:
    """What `/v1/decide` finds in the same text."""
    answer = app.decide({"id": "c", "text": text, **more})
    found: dict[str, Any] = answer.json()["signals"]
    return found


def test_every_attribute_is_answered_from_what_decide_finds_in_the_text(shared: Perspective) -> None:
    found = shared.scores("hello you are not people", *ATTRIBUTES)["attributeScores"]
    signals = signals_of(shared, "hello you are not people")
    assert set(found) == set(ATTRIBUTES)
    for name in ATTRIBUTES:
        value = score(name, signals)
        assert value is not None
        assert found[name] == {
            "spanScores": [{"begin": 0, "end": 24, "score": {"value": value, "type": "PROBABILITY"}}],
            "summaryScore": {"value": value, "type": "PROBABILITY"},
        }


@given(st.text(st.sampled_from("ab 😀é\u0301\U0010ffff."), max_size=20))
@settings(max_examples=40, deadline=None)
def test_the_span_over_the_whole_is_as_long_as_javascript_counts(scoring: Perspective, text: str) -> None:
    text = f" you {text}"
    (span,) = scoring.scores(text, **ENGLISH)["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], 2 * span["end"]) == (0, len(text.encode("utf-16-le")))


def test_only_what_is_asked_for_is_answered_with_the_token_that_was_sent(shared: Perspective) -> None:
    answer = shared.scores("hello you people", "SPAM", "THREAT", clientToken="of mine", **ENGLISH)
    assert list(answer["attributeScores"]) == ["SPAM", "THREAT"]
    assert answer["clientToken"] == "of mine"
    assert answer["languages"] == ["en"]
    assert set(answer) == {"attributeScores", "languages", "detectedLanguages", "clientToken"}
    assert "clientToken" not in shared.scores("hello you people")


def test_scores_under_their_threshold_are_left_out_and_with_all_of_them_the_key(shared: Perspective) -> None:
    value = shared.scores("hello you people")["attributeScores"]["TOXICITY"]["summaryScore"]["value"]

    def answered(**thresholds: float) -> Any:
        asked = {name: {"scoreThreshold": at} for name, at in thresholds.items()}
        request = {"comment": {"text": "hello you people"}, "requestedAttributes": asked}
        return shared.analyze(request).json().get("attributeScores", "absent")

    assert set(answered(TOXICITY=value, SPAM=1.1)) == {"TOXICITY"}
    assert set(answered(TOXICITY=0, SPAM=0)) == {"TOXICITY", "SPAM"}
    assert answered(TOXICITY=value + 0.0001, SPAM=1.1) == "absent"


def test_sentences_are_scored_as_if_each_had_come_alone(scoring: Perspective) -> None:
    text = "hello you people. 😀 You are not a person!  We are the people?"
    answer = scoring.scores(text, "TOXICITY", "SPAM", spanAnnotations=True, **ENGLISH)
    units = text.encode("utf-16-le")
    for name, found in answer["attributeScores"].items():
        parts = [units[2 * s["begin"] : 2 * s["end"]].decode("utf-16-le") for s in found["spanScores"]]
        assert parts == ["hello you people.", "😀 You are not a person!", "We are the people?"]
        for part, span in zip(parts, found["spanScores"], strict=True):
            alone = scoring.scores(part, name, **ENGLISH)["attributeScores"][name]
            assert span["score"] == alone["summaryScore"]


def test_a_text_of_one_sentence_is_measured_once_and_its_span_is_that_sentence(scoring: Perspective) -> None:
    found = scoring.scores("  hello you people \n", spanAnnotations=True)["attributeScores"]["TOXICITY"]
    (span,) = found["spanScores"]
    assert (span["begin"], span["end"]) == (2, 18)
    assert span["score"] == found["summaryScore"]


def test_a_sentence_of_which_nothing_can_be_said_has_no_score(scoring: Perspective) -> None:
    text = "we went to the market this morning and had a lovely time\n\u200b\nyou are not a person\nМы гуляем в парке"
    for more, parts in (({}, [0, 2]), (ENGLISH, [0, 2, 3])):
        found = scoring.scores(text, spanAnnotations=True, **more)["attributeScores"]["TOXICITY"]
        spans = [sentences(text)[part] for part in parts]
        assert [(span["begin"], span["end"]) for span in found["spanScores"]] == spans


def test_many_sentences_are_bounded_and_the_last_takes_the_rest(scoring: Perspective) -> None:
    text = "You are. " * (LIMIT + 20)
    found = scoring.scores(text, spanAnnotations=True, **ENGLISH)["attributeScores"]["TOXICITY"]
    assert len(found["spanScores"]) == LIMIT
    assert found["spanScores"][-1]["end"] == len(text.rstrip())


PIECES = st.sampled_from(["hello ", "you", "😀", "e\u0301", "\u202e", ".", "! ", "\n", "中", "<b>", "&amp;", "\u200d", "A", " "])  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join), st.sampled_from(["PLAIN_TEXT", "HTML"]))
@settings(max_examples=60, deadline=None)
def test_spans_lie_in_order_within_what_was_sent(scoring: Perspective, text: str, kind: str) -> None:
    request = {**HELLO, "comment": {"text": text, "type": kind}, "spanAnnotations": True, **ENGLISH}
    answer = scoring.analyze(request)
    if answer.status_code != 200:
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
        return
    units = text.encode("utf-16-le")
    place = 0
    for span in answer.json()["attributeScores"]["TOXICITY"]["spanScores"]:
        assert place <= span["begin"] < span["end"] <= len(units) // 2
        part = units[2 * span["begin"] : 2 * span["end"]].decode("utf-16-le")  # cuts no pair in two
        assert part in text
        assert part.strip()
        place = span["end"]


def test_of_html_what_is_seen_is_scored_and_spans_stand_in_the_source(scoring: Perspective) -> None:
    source = "<p>h<b>ell</b>o you <!-- never --> people</p><p>😀 you are <i>not</i> a person &amp; so</p>"
    html = {"comment": {"text": source, "type": "HTML"}, "spanAnnotations": True, **ENGLISH}
    spans = scoring.analyze({**HELLO, **html}).json()["attributeScores"]["TOXICITY"]["spanScores"]
    units = source.encode("utf-16-le")
    parts = [units[2 * s["begin"] : 2 * s["end"]].decode("utf-16-le") for s in spans]
    assert parts == [
        "h<b>ell</b>o you <!-- never --> people",
        "😀 you are <i>not</i> a person &amp; so",
    ]
    plain = scoring.scores("hello you  people", **ENGLISH)["attributeScores"]["TOXICITY"]
    assert spans[0]["score"] == plain["summaryScore"]


@pytest.mark.parametrize(
    ("context", "item"),
    [
        ({"articleAndParentComment": {"article": {"text": "not a box"}, "parentComment": {"text": "the face"}}}, {"parent": "the face", "caption": "not a box"}),
        ({"articleAndParentComment": {"article": {"text": "not a box"}}}, {"caption": "not a box"}),
        ({"entries": [{"text": "before"}, {"text": "<b>the</b> face", "type": "HTML"}]}, {"parent": "the face"}),
        ({"entries": []}, {}),
        ({"articleAndParentComment": {"article": {"text": "x" * 200_000}}}, {"caption": "x" * CONTEXT_LIMIT}),
    ],
)  # fmt: skip
def test_a_comment_is_read_in_the_light_of_its_context(
    shared: Perspective, context: dict[str, Any], item: dict[str, str]
) -> None:
    answer = shared.analyze({**HELLO, "comment": {"text": "you are people"}, "context": context})
    value = answer.json()["attributeScores"]["TOXICITY"]["summaryScore"]["value"]
    assert value == score("TOXICITY", signals_of(shared, "you are people", **item))
    with Ledger.open(data=shared.data) as ledger:
        kept = ledger.item(ledger.decision(answer.headers["x-holdfast-ref"]).item)
    assert kept is not None
    assert (kept.parent, kept.caption) == (item.get("parent"), item.get("caption"))


# Languages ----------------------------------------------------------------------------------


def test_the_language_is_guessed_where_none_is_given(shared: Perspective) -> None:
    long = shared.scores("We went to the market in the morning and then we had a lovely lunch together")
    assert (long["languages"], long["detectedLanguages"]) == (["en"], ["en"])
    short = shared.scores("hi")
    assert (short["languages"], short["detectedLanguages"]) == (["en"], ["en"])  # how it was read


def test_what_the_request_says_counts_and_the_guess_is_told_beside_it(shared: Perspective) -> None:
    german = "Wir sind heute morgen auf den Markt gegangen und haben danach zusammen gegessen"
    answer = shared.scores(german, languages=["en-GB"])
    assert (answer["languages"], answer["detectedLanguages"]) == (["en-GB"], ["de"])
    assert shared.scores("hi", languages=["EN"])["detectedLanguages"] == ["und"]


@pytest.mark.parametrize("languages", [["ja"], ["en", "ja"], ["ja-Latn"], ["ja", "en"]])
def test_one_attribute_is_named_where_a_requested_language_is_not_covered(
    shared: Perspective, languages: list[str]
) -> None:
    asked = {"SPAM": {}, "TOXICITY": {}}
    answer = shared.analyze({**HELLO, "requestedAttributes": asked, "languages": languages})
    error = answer.json()["error"]
    other = next(language for language in languages if language != "en")
    assert error["message"] == f"Attribute SPAM does not support request languages: {other}"
    told = error["details"][0]["languageNotSupportedByAttributeError"]
    assert told == {"requestedLanguages": [other], "attribute": "SPAM"}
    assert "x-holdfast-ref" not in answer.headers


def test_attributes_can_be_dropped_instead(shared: Perspective) -> None:
    for more in (
        {"languages": ["ja"]},
        {"comment": {"text": "今日はとてもいい天気ですね。散歩に行きましょう"}},
    ):
        request = {**HELLO, **more, "dropUnsupportedAttributes": True}
        answer = shared.analyze(request).json()
        assert "attributeScores" not in answer
        assert answer["languages"] == ["ja"]


def test_what_is_not_known_is_an_error_and_never_a_score(shared: Perspective) -> None:
    for text, told in (
        ("今日はとてもいい天気ですね。散歩に行きましょう", "ja"),
        ("\u200b\u200b", "und"),
        ("Привет", "und"),
    ):
        answer = shared.analyze({**HELLO, "comment": {"text": text}})
        error = answer.json()["error"]
        detail = error["details"][0]["languageNotSupportedByAttributeError"]
        assert detail == {"detectedLanguages": [told], "attribute": "TOXICITY"}
        with Ledger.open(data=shared.data) as ledger:  # the policy was asked all the same
            kept = ledger.item(ledger.decision(answer.headers["x-holdfast-ref"]).item)
        assert kept is not None
        assert kept.text == text


# Deciding -----------------------------------------------------------------------------------


def test_a_comment_is_decided_by_the_live_policy_and_recorded(shared: Perspective) -> None:
    long = "you are the people and we are not " * 3
    answer = shared.analyze({**HELLO, "comment": {"text": long}, "spanAnnotations": True})
    with Ledger.open(data=shared.data) as ledger:
        found = ledger.decision(answer.headers["x-holdfast-ref"])
        kept, size = ledger.item(found.item), ledger.head().size
    assert found.action == "remove"
    assert kept is not None
    assert kept.text == long
    assert kept.surface == "comment"
    assert found.item.id.startswith("perspective-")
    other = shared.analyze({**HELLO, "comment": {"text": long}})
    with Ledger.open(data=shared.data) as ledger:
        assert ledger.head().size == size + 1  # sentences are not recorded
        assert ledger.decision(other.headers["x-holdfast-ref"]).item.id != found.item.id


def test_without_record_everything_is_scored_and_nothing_recorded(scoring: Perspective) -> None:
    with Ledger.open(data=scoring.data) as ledger:
        before = ledger.head().size
    answer = scoring.analyze({**HELLO, "spanAnnotations": True})
    assert answer.status_code == 200
    assert "x-holdfast-ref" not in answer.headers
    with Ledger.open(data=scoring.data) as ledger:
        assert ledger.head().size == before


def test_an_item_that_is_never_recorded_is_scored_the_same(shared: Perspective) -> None:
    kept, gone = (
        shared.scores("you are not a person", *ATTRIBUTES, doNotStore=flag) for flag in (False, True)
    )
    assert kept == gone


def test_sentences_count_for_the_rate_limit(tmp_path: Path) -> None:
    with running(tmp_path, rate_limit=1) as app:  # bursts of 10
        key = app.key("decide")
        request = {
            "comment": {"text": "You are. " * 6},
            "requestedAttributes": {"SPAM": {}},
            "spanAnnotations": True,
        }
        first = app.analyze(request, **key)
        assert first.status_code == 200
        assert first.headers["ratelimit"].startswith('"items";r=3;')
        again = app.analyze(request, **key)
        assert again.status_code == 429
        assert int(again.headers["retry-after"]) >= 1
        assert app.analyze(HELLO, **key).status_code == 200


def test_a_comment_of_the_largest_size_is_taken(scoring: Perspective) -> None:
    assert scoring.scores("é" * (TEXT_LIMIT // 2), **ENGLISH)["languages"] == ["en"]
    too_long = {**HELLO, "comment": {"text": "é" * (TEXT_LIMIT // 2) + "x"}}
    assert "(20481)" in scoring.analyze(too_long).json()["error"]["message"]


def test_the_item_is_one_that_the_engine_takes() -> None:
    # What the request may hold is within what an item may hold, so nothing is refused later.
    from holdfast.content import TEXT_LIMIT as CHARACTERS
    from holdfast.content import validate_item
    from holdfast.web.perspective.analyze import item_of
    from holdfast.web.perspective.wire import AnalyzeCommentRequest

    assert TEXT_LIMIT < CHARACTERS
    assert CONTEXT_LIMIT < CHARACTERS
    item = item_of("x" * TEXT_LIMIT, AnalyzeCommentRequest(languages=("zh-Hant-TW",)))
    assert isinstance(validate_item(item), Item)
