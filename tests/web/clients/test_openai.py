"""OpenAI's own clients, PyPI `openai` and npm `openai`: answers, exceptions, and their patience."""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from openai.types import ModerationCreateResponse
from tests.web.clients.conftest import SENTENCE, Holdfast, run_script, unavailable

from holdfast.web.moderations.categories import CATEGORIES


def _picture() -> str:
    """A white picture of 32 × 32 pixels, as a data URL."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pixels = zlib.compress(b"".join(b"\0" + b"\xff" * 32 for _ in range(32)))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0))
    png += chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


INPUTS: dict[str, Any] = {
    "text": SENTENCE,
    "list": [SENTENCE, "You are not welcome here.", "…"],
    "message": [
        {"type": "text", "text": SENTENCE},
        {"type": "image_url", "image_url": {"url": _picture()}},
    ],
    "picture": [{"type": "image_url", "image_url": {"url": _picture()}}],
}
RESULTS = {"text": 1, "list": 3, "message": 1, "picture": 1}
"""How many results each input is answered with."""


def check(answer: dict[str, Any], results: int) -> None:
    """`answer` has everything that the clients' types promise, and no more."""
    # The client builds its types without looking; here they are held to what they say.
    parsed = ModerationCreateResponse.model_validate(answer, strict=True)
    assert parsed.id.startswith("modr-")
    assert len(parsed.results) == results
    for result, given in zip(parsed.results, answer["results"], strict=True):
        scores = result.category_scores.model_dump(by_alias=True)
        flags = result.categories.model_dump(by_alias=True)
        applied = result.category_applied_input_types.model_dump(by_alias=True)
        assert scores == given["category_scores"]
        assert flags.keys() == scores.keys() == applied.keys() == CATEGORIES.keys()
        assert result.flagged == any(flags.values())
        for category in CATEGORIES:
            assert 0 <= scores[category] <= 1
            if not applied[category]:
                assert (scores[category], flags[category]) == (0, False)


def client(holdfast: Holdfast, key: str | None = None, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{holdfast.url}/v1", api_key=key or holdfast.key, **options)


def watching(seen: Callable[[int], None], holdfast: Holdfast, key: str | None = None) -> openai.OpenAI:
    """A client that tells the status of each answer before it goes on."""
    http = openai.DefaultHttpxClient(event_hooks={"response": [lambda response: seen(response.status_code)]})
    return client(holdfast, key, http_client=http)


# PyPI -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INPUTS)
def test_python_reads_every_field(holdfast: Holdfast, name: str) -> None:
    with client(holdfast) as asking:
        raw = asking.moderations.with_raw_response.create(input=INPUTS[name], model="omni-moderation-latest")
    check(raw.http_response.json(), RESULTS[name])
    # And as people use it: by attribute.
    parsed = raw.parse()
    first = parsed.results[0]
    assert isinstance(first.categories.harassment_threatening, bool)
    assert first.category_scores.sexual_minors == 0
    assert first.category_applied_input_types.sexual_minors == []
    assert "omni-moderation-latest" in parsed.model


def test_python_asks_asynchronously(holdfast: Holdfast) -> None:
    async def ask() -> ModerationCreateResponse:
        async with openai.AsyncOpenAI(base_url=f"{holdfast.url}/v1", api_key=holdfast.key) as asking:
            return await asking.moderations.create(input=[SENTENCE, SENTENCE])

    first, second = asyncio.run(ask()).results
    assert first == second


def test_python_raises_its_own_exceptions(holdfast: Holdfast) -> None:
    def refused(expected: type[openai.APIStatusError], given: Any, key: str | None = None) -> Any:
        with client(holdfast, key) as asking, pytest.raises(expected) as caught:
            asking.moderations.create(input=given)
        error = caught.value
        assert type(error) is expected
        assert error.request_id
        return error

    unknown = refused(openai.AuthenticationError, "x", holdfast.key[:-1] + "x")
    assert (unknown.status_code, unknown.code, unknown.type) == (
        401,
        "invalid_api_key",
        "invalid_request_error",
    )
    assert refused(openai.PermissionDeniedError, "x", holdfast.reader).code == "insufficient_permissions"
    assert refused(openai.BadRequestError, []).param == "input"
    remote = [{"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}]
    assert refused(openai.BadRequestError, remote).param == "input[0].image_url.url"
    assert refused(openai.BadRequestError, [{"type": "sound"}]).type == "invalid_request_error"


def test_python_waits_for_its_quota(miserly: Holdfast) -> None:
    key = miserly.new_key()
    with client(miserly, key, max_retries=0) as hasty, pytest.raises(openai.RateLimitError) as refused:
        for _ in range(20):
            hasty.moderations.create(input=["x"] * 10)
    assert int(refused.value.response.headers["retry-after"]) >= 1
    assert refused.value.code == "rate_limit_exceeded"

    seen: list[int] = []
    with watching(seen.append, miserly, key) as patient:
        while 429 not in seen:  # a slow machine may have refilled the bucket meanwhile
            assert len(seen) < 20
            seen.clear()
            patient.moderations.create(input=SENTENCE)
    # The client's own first pause is half a second at most, and would have met a second refusal.
    assert seen == [429, 200]


def test_python_comes_back_when_the_server_is_well_again(holdfast: Holdfast) -> None:
    seen: list[int] = []

    with unavailable(holdfast.serving.data) as restore:

        def saw(status: int) -> None:
            seen.append(status)
            restore()

        with watching(saw, holdfast) as persistent:
            persistent.moderations.create(input=SENTENCE)
    assert seen == [503, 200]

    with (
        unavailable(holdfast.serving.data),
        client(holdfast, max_retries=0) as hasty,
        pytest.raises(openai.InternalServerError) as refused,
    ):
        hasty.moderations.create(input=SENTENCE)
    assert refused.value.status_code == 503
    assert int(refused.value.response.headers["retry-after"]) >= 1


# npm ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def javascript(holdfast: Holdfast, miserly: Holdfast, node: str) -> Any:
    """What `openai.mjs` met."""
    refusals = []
    given = {
        "url": holdfast.url, "key": holdfast.key, "reader": holdfast.reader, "inputs": INPUTS,
        "miserly": miserly.url, "miserlyKey": miserly.new_key(),
    }  # fmt: skip
    with ExitStack() as away:

        def told(message: Any) -> None:
            if message == "ready":
                away.enter_context(unavailable(holdfast.serving.data))
            else:
                refusals.append(message["refused"])
                away.close()

        result = run_script(node, "openai.mjs", given, told)
    return {**result, "retry_after": refusals}


@pytest.mark.parametrize("name", INPUTS)
def test_javascript_reads_every_field(javascript: Any, name: str) -> None:
    check(javascript["answers"][name], RESULTS[name])


def test_javascript_throws_its_own_errors(javascript: Any) -> None:
    refusals = javascript["refusals"]
    assert {
        name: (refusal["class"], refusal["status"], refusal["code"]) for name, refusal in refusals.items()
    } == {
        "key": ("AuthenticationError", 401, "invalid_api_key"),
        "scope": ("PermissionDeniedError", 403, "insufficient_permissions"),
        "empty": ("BadRequestError", 400, "empty_array"),
        "remote": ("BadRequestError", 400, refusals["remote"]["code"]),
        "quota": ("RateLimitError", 429, "rate_limit_exceeded"),
    }
    assert refusals["remote"]["param"] == "input[0].image_url.url"
    assert all(refusal["isApiError"] and refusal["requestID"] for refusal in refusals.values())


def test_javascript_waits_as_it_is_told(javascript: Any) -> None:
    assert javascript["limited"] == [429, 200]
    assert javascript["unavailable"] == [503, 200]
    assert [int(seconds) >= 1 for seconds in javascript["retry_after"]] == [True]
