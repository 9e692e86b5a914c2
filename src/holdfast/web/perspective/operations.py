"""What the OpenAPI document says of these routes. The schemas are those of the discovery document, and their bounds.

Read more leniently than they say: as Google's servers read JSON (`wire.py`).
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec
from litestar.types import Scope

from holdfast.content import LANGUAGE_TAG
from holdfast.perspective import ATTRIBUTES
from holdfast.web.perspective import errors
from holdfast.web.perspective.analyze import LANGUAGES_LIMIT, TEXT_LIMIT
from holdfast.web.perspective.discovery import ANALYZE, DOCUMENT, PATH, SUGGEST, VERSION, discovery
from holdfast.web.perspective.errors import GoogleError
from holdfast.web.problems import KINDS, Problem

SECURITY_SCHEMES: Final = {
    "query": {"type": "apiKey", "name": "key", "in": "query"},
    "google": {"type": "apiKey", "name": "X-Goog-Api-Key", "in": "header"},
}
"""Ways to send a key that only these routes know."""

_SECURITY: Final[list[dict[str, list[str]]]] = [
    {"query": []}, {"google": []}, {"bearer": []}, {"header": []}, {},
]  # fmt: skip
_PREFIX: Final = "Perspective"
"""Before the schemas' names, which are Google's: others have a `Context` too."""

_LENIENT: Final = (
    "Fields may also be written in snake_case, `null` is nothing, and unknown fields are refused. The query parameters "
    "that Google's interfaces share (`alt`, `fields`, `prettyPrint`, `quotaUser`, …) are taken and mean nothing."
)

ANALYZE_REQUEST: Final[dict[str, Any]] = {
    "comment": {"text": "What a lovely song, thank you! Come back soon."},
    "requestedAttributes": {"TOXICITY": {}, "INSULT": {"scoreThreshold": 0}},
    "languages": ["en"],
    "spanAnnotations": True,
    "doNotStore": True,
    "clientToken": "comment-17",
}
_SCORED: Final[dict[str, Any]] = {
    "spanScores": [
        {"begin": 0, "end": 30, "score": {"value": 0.0124, "type": "PROBABILITY"}},
        {"begin": 31, "end": 46, "score": {"value": 0.0098, "type": "PROBABILITY"}},
    ],
    "summaryScore": {"value": 0.0131, "type": "PROBABILITY"},
}
ANALYZE_RESPONSE: Final[dict[str, Any]] = {
    "attributeScores": {"TOXICITY": _SCORED, "INSULT": _SCORED},
    "languages": ["en"],
    "detectedLanguages": ["en"],
    "clientToken": "comment-17",
}
SUGGEST_REQUEST: Final[dict[str, Any]] = {
    "comment": {"text": "What a lovely song, thank you!"},
    "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}},
    "communityId": "example.org/forum",
    "clientToken": "comment-17",
}
SUGGEST_RESPONSE: Final[dict[str, Any]] = {
    "clientToken": "comment-17",
    "detectedLanguages": ["en"],
    "requestedLanguages": [],
}


def operations() -> dict[str, dict[str, Any]]:
    """The operations by path and method."""
    analyze = _post(
        "analyzeComment",
        "Score a comment, in Perspective's format",
        "Answers Perspective's `comments:analyze`. The scores are Holdfast's own: thresholds have to be tuned again. "
        "The comment is decided by the live policy and recorded, unless the request says `doNotStore` or "
        f"the setting `compatible.record` is off. {_LENIENT}",
        ("AnalyzeCommentRequest", ANALYZE_REQUEST),
        ("AnalyzeCommentResponse", "Scored.", ANALYZE_RESPONSE),
        {
            "empty": errors.comment_empty(),
            "language": errors.language("TOXICITY", ["ja"], requested=True),
            "attribute": errors.unknown_attribute("LIKELY_TO_REJECT"),
        },
    )
    suggest = _post(
        "suggestCommentScore",
        "Say what a comment's scores should be, in Perspective's format",
        "Answers Perspective's `comments:suggestscore`. The suggestion is recorded for reviewers and for calibration; "
        f"nothing is decided by it. {_LENIENT}",
        ("SuggestCommentScoreRequest", SUGGEST_REQUEST),
        ("SuggestCommentScoreResponse", "Recorded.", SUGGEST_RESPONSE),
        {"attribute": errors.unknown_attribute("LIKELY_TO_REJECT")},
    )
    return {f"/{ANALYZE}": {"post": analyze}, f"/{SUGGEST}": {"post": suggest}, PATH: {"get": _discovery()}}


def schemas() -> dict[str, Any]:
    """The schemas that `operations` refer to, by name."""
    found = {_PREFIX + name: _translated(schema) for name, schema in DOCUMENT["schemas"].items()}
    for name in ("AnalyzeCommentRequest", "SuggestCommentScoreRequest"):
        request = found[_PREFIX + name]
        request["additionalProperties"] = False
        request["properties"]["comment"]["required"] = ["text"]
        languages = request["properties"]["languages"]
        languages["maxItems"] = LANGUAGES_LIMIT
        languages["items"]["pattern"] = f"^{LANGUAGE_TAG.pattern}$"
    for name in ("TextEntry", "Context", "ArticleAndParentComment", "AttributeParameters"):
        found[_PREFIX + name]["additionalProperties"] = False
    found["PerspectiveTextEntry"]["properties"]["text"]["maxLength"] = TEXT_LIMIT
    _require(found["PerspectiveAnalyzeCommentRequest"], "comment", "requestedAttributes")
    _name(found["PerspectiveAnalyzeCommentRequest"]["properties"]["requestedAttributes"])
    # What is suggested need not be whole.
    suggested = found["PerspectiveSuggestCommentScoreRequest"]
    _require(suggested, "comment", "attributeScores")
    scores = suggested["properties"]["attributeScores"]
    _name(scores)
    scores["additionalProperties"] = {
        "type": "object",
        "properties": {
            "summaryScore": {
                "type": "object",
                "properties": {
                    "value": {"type": "number", "minimum": 0, "maximum": 1},
                    "type": found["PerspectiveScore"]["properties"]["type"],
                },
                "required": ["value"],
            }
        },
        "required": ["summaryScore"],
    }
    _require(found["PerspectiveAnalyzeCommentResponse"], "languages", "detectedLanguages")
    _require(found["PerspectiveSuggestCommentScoreResponse"], "detectedLanguages", "requestedLanguages")
    _require(found["PerspectiveAttributeScores"], "spanScores", "summaryScore")
    _require(found["PerspectiveSpanScore"], "begin", "end", "score")
    _require(found["PerspectiveScore"], "value", "type")
    found["PerspectiveError"] = {
        "title": "PerspectiveError",
        "description": "The body of every answer that is not a success, as Google's interfaces give it.",
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "integer", "description": "The HTTP status."},
                    "message": {
                        "type": "string",
                        "description": "For people; clients match on some of them.",
                    },
                    "status": {"type": "string", "enum": list(errors.STATUS.values())},
                    "details": {"type": "array", "items": {"type": "object", "required": ["@type"]}},
                },
                "required": ["code", "message", "status"],
            }
        },
        "required": ["error"],
    }
    return found


def _discovery() -> dict[str, Any]:
    example = {name: DOCUMENT[name] for name in ("kind", "name", "version", "title", "servicePath")}
    return {
        "operationId": "getDiscovery",
        "summary": "The discovery document, from which Google's clients are built",
        "description": "`rootUrl` is the address that was asked: `Host`, with the scheme in `X-Forwarded-Proto`.",
        "tags": ["compatible"],
        "security": [],
        "parameters": [
            {
                "name": "version",
                "in": "query",
                "required": False,
                "description": "The version of the format.",
                "schema": {"type": "string", "const": VERSION},
                "example": VERSION,
            }
        ],
        "responses": {
            "200": {
                "description": "Success.",
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "required": ["rootUrl", "resources", "schemas"]},
                        "examples": {
                            "shortened": {
                                "value": {
                                    **example,
                                    "rootUrl": "https://holdfast.example/",
                                    "resources": {},
                                    "schemas": {},
                                }
                            }
                        },
                    }
                },
            },
            **_refusals({"host": _refusal(b""), "version": _refusal(b"version=v1")}),
        },
    }


def _refusal(query: bytes) -> GoogleError:
    """How the discovery document is refused to who names no host."""
    try:
        discovery(cast(Scope, {"query_string": query, "state": {"headers": {}}}))
    except GoogleError as refusal:
        return refusal
    raise AssertionError("a host is needed")


def _post(
    operation_id: str,
    summary: str,
    description: str,
    request: tuple[str, dict[str, Any]],
    answer: tuple[str, str, dict[str, Any]],
    refusals: dict[str, GoogleError],
) -> dict[str, Any]:
    everywhere = {
        "json": errors.not_json(ValueError()),
        "key": errors.of(Problem("unauthenticated"), keyed=True),
        "no_key": errors.of(Problem("unauthenticated"), keyed=False),
        **{
            code.replace("-", "_"): errors.of(Problem(code), keyed=True)
            for code in ("request-timeout", "rate-limited", "internal", "overloaded", "store-unavailable")
        },
    }
    return {
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "tags": ["compatible"],
        "security": _SECURITY,
        "requestBody": {
            "required": True,
            "content": {"application/json": _described(request[0], {"example": request[1]})},
        },
        "responses": {
            "200": {
                "description": answer[1],
                "headers": {
                    "X-Holdfast-Ref": {
                        "description": "The place in the ledger of what was recorded.",
                        "schema": {"type": "string"},
                    }
                },
                "content": {"application/json": _described(answer[0], {"example": answer[2]})},
            },
            **_refusals(refusals | everywhere),
        },
    }


def _refusals(refusals: dict[str, GoogleError]) -> dict[str, Any]:
    """The responses for `refusals`, by status, with each as an example."""
    responses: dict[str, Any] = {}
    for name, refusal in refusals.items():
        response = responses.setdefault(
            str(refusal.code),
            {
                "description": f"{KINDS[refusal.problem].title} ({errors.STATUS[refusal.code]})",
                "content": {"application/json": _described("Error", {})},
            },
        )
        response["content"]["application/json"]["examples"][name] = {
            "value": msgspec.json.decode(refusal.body())
        }
        if refusal.code in (429, 503):
            response["headers"] = {
                "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "string"}}
            }  # fmt: skip
    return responses


def _described(schema: str, examples: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": {"$ref": f"#/components/schemas/{_PREFIX}{schema}"},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }


def _require(schema: dict[str, Any], *names: str) -> None:
    schema["required"] = list(names)


def _name(attributes: dict[str, Any]) -> None:
    """Say which attributes there are."""
    attributes.update(minProperties=1, propertyNames={"enum": list(ATTRIBUTES)})


def _translated(schema: Any) -> Any:
    """A schema of the discovery document as OpenAPI writes it."""
    if isinstance(schema, list):
        return [_translated(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: _translated(part) for name, part in schema.items() if name not in ("id", "enumDescriptions")
    }
    if "id" in schema:
        found = {"title": _PREFIX + schema["id"], **found}
    if isinstance(reference := schema.get("$ref"), str):
        found["$ref"] = f"#/components/schemas/{_PREFIX}{reference}"
    return found
