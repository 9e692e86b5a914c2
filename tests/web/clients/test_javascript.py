"""Perspective's clients on npm: `googleapis-common`, `perspective-api-client`, `@conversationai/perspectiveapi-js-client`.

The first is built from the discovery document. The other two have `https://commentanalyzer.googleapis.com` written
into them; an operator leads that name to Holdfast in DNS, with a TLS proxy and an authority of their own before it, and
`relay.mjs` does so here: the packages, the URL that they ask for and the TLS that they insist on stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.web.clients.conftest import SENTENCE, Holdfast, check_scores, run_script

HOST = "commentanalyzer.googleapis.com"
REQUESTS: dict[str, Any] = {
    "plain": {"comment": {"text": SENTENCE}, "requestedAttributes": {"TOXICITY": {}}},
    "spans": {
        "comment": {"text": f"{SENTENCE} You sing so well 😀. Come back!"},
        "requestedAttributes": {"TOXICITY": {}, "THREAT": {}},
        "spanAnnotations": True,
        "clientToken": "c-17",
    },
    "stored": {
        "comment": {"text": f"<p>{SENTENCE}</p>", "type": "HTML"},
        "requestedAttributes": {"INSULT": {}},
        "doNotStore": False,
        "languages": ["en"],
    },
}
REFUSED: dict[str, Any] = {
    "empty": {"comment": {"text": ""}, "requestedAttributes": {"TOXICITY": {}}},
    "attribute": {"comment": {"text": SENTENCE}, "requestedAttributes": {"LIKELY_TO_REJECT": {}}},
    "field": {"comment": {"text": SENTENCE}, "requestedAttributes": {"TOXICITY": {}}, "nonsense": 1},
}
SUGGESTION = {
    "comment": {"text": SENTENCE},
    "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}},
    "clientToken": "c-19",
}
BAD_KEY = "API key not valid. Please pass a valid API key."


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A throw-away authority, and its certificate for Google's host with the key beside."""
    folder = tmp_path_factory.mktemp("authority")
    made = trustme.CA()
    root, certificate = folder / "root.pem", folder / "certificate.pem"
    made.cert_pem.write_to_path(root)
    made.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(certificate)
    return root, certificate


@pytest.fixture(scope="module")
def given(holdfast: Holdfast, authority: tuple[Path, Path]) -> dict[str, Any]:
    return {"url": holdfast.url, "key": holdfast.key, "text": SENTENCE, "certificate": str(authority[1])}


# googleapis-common ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def common(node: str, given: dict[str, Any], authority: tuple[Path, Path]) -> Any:
    asked = {**given, "requests": REQUESTS, "refused": REFUSED, "suggestion": SUGGESTION}
    return run_script(node, "googleapis-common.mjs", asked, NODE_EXTRA_CA_CERTS=str(authority[0]))


@pytest.mark.parametrize("name", REQUESTS)
def test_googles_core_reads_scores(common: Any, name: str) -> None:
    check_scores(common["analyzed"][name], REQUESTS[name])


def test_googles_core_is_used_as_in_googles_sample(common: Any) -> None:
    check_scores(common["sample"], REQUESTS["plain"])


def test_googles_core_may_go_on_asking_googles_address(common: Any) -> None:
    # The document that it reads there has to name that address, with https, as its root.
    check_scores(common["elsewhere"], REQUESTS["plain"])


def test_googles_core_suggests_scores(common: Any) -> None:
    assert common["suggested"]["clientToken"] == "c-19"


def test_googles_core_parses_refusals(common: Any) -> None:
    refusals = common["refusals"]
    for refusal in refusals.values():
        assert refusal["name"] == "GaxiosError"
        assert refusal["status"] == refusal["body"]["error"]["code"] == 400
        # The client takes the message out of the envelope.
        assert refusal["message"] == refusal["body"]["error"]["message"]
    assert refusals["empty"]["message"] == "Comment must be non-empty."
    assert refusals["attribute"]["message"] == "Unknown requested attribute: LIKELY_TO_REJECT"
    assert refusals["field"]["message"].startswith('Invalid JSON payload received. Unknown name "nonsense"')
    assert refusals["key"]["message"] == BAD_KEY


# perspective-api-client -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wrapped(node: str, given: dict[str, Any], authority: tuple[Path, Path]) -> Any:
    return run_script(node, "perspective-api-client.mjs", given, NODE_EXTRA_CA_CERTS=str(authority[0]))


def test_perspective_api_client_reads_scores(wrapped: Any) -> None:
    analyzed = wrapped["analyzed"]
    assert analyzed["html"] == analyzed["text"]  # it takes tags out itself
    check_scores(analyzed["text"], REQUESTS["plain"])
    attributes: dict[str, Any] = {"TOXICITY": {}, "INSULT": {}, "THREAT": {}}
    check_scores(analyzed["attributes"], {"comment": {"text": SENTENCE}, "requestedAttributes": attributes})
    check_scores(analyzed["request"], {**REQUESTS["plain"], "spanAnnotations": True, "clientToken": "c-17"})


def test_perspective_api_client_takes_the_message_out_of_a_refusal(wrapped: Any) -> None:
    refusals = wrapped["refusals"]
    assert {name: refusal["message"] for name, refusal in refusals.items()} == {
        "key": BAD_KEY,
        "attribute": "Unknown requested attribute: LIKELY_TO_REJECT",
        "empty": "Comment must be non-empty.",
        "long": "Comment text was too many bytes. Value (20992) exceeded limit (20480).",
        "emptyHere": "text must not be empty",
    }
    assert {refusals[name]["status"] for name in ("key", "attribute", "empty", "long")} == {400}
    assert {refusals[name]["name"] for name in ("key", "attribute", "empty", "long")} == {"ResponseError"}
    assert wrapped["unsent"] == 0


# perspectiveapi-js-client ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def googles(node: str, given: dict[str, Any], authority: tuple[Path, Path]) -> Any:
    return run_script(node, "perspectiveapi-js-client.mjs", given, NODE_EXTRA_CA_CERTS=str(authority[0]))


def test_googles_own_client_reads_scores(googles: Any) -> None:
    scores = googles["scores"]
    assert scores["usual"].keys() == {"SPAM", "TOXICITY"}  # what it asks for when it is not told
    assert scores["attributes"].keys() == {"TOXICITY", "SEVERE_TOXICITY_EXPERIMENTAL"}
    assert all(0 <= score <= 1 for found in scores.values() for score in found.values())


def test_googles_own_client_is_refused(googles: Any) -> None:
    # It keeps no more of a refusal than the status.
    assert googles["refusals"].keys() == {"key", "attribute", "language"}
    for message in googles["refusals"].values():
        assert message.endswith("Request failed with status code 400")


@pytest.mark.parametrize("client", ["wrapped", "googles"])
def test_the_clients_asked_googles_address(client: str, request: pytest.FixtureRequest) -> None:
    requests = request.getfixturevalue(client)["requests"]
    assert requests
    for asked in requests:
        assert asked["method"] == "POST"
        assert asked["url"].startswith("/v1alpha1/comments:analyze?key=")
        assert asked["headers"]["host"] == HOST
        assert asked["headers"]["user-agent"].startswith("axios/")
        assert asked["headers"]["content-type"] == "application/json;charset=utf-8"
