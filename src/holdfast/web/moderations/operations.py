"""What the OpenAPI document says of `POST /v1/moderations`."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from holdfast.content import TEXT_LIMIT
from holdfast.media.picture import KINDS as PICTURES
from holdfast.web.moderations.categories import CATEGORIES, THRESHOLD, Reading
from holdfast.web.moderations.errors import ErrorDocument, Refusal, refusal_of
from holdfast.web.moderations.wire import (
    IMAGE_LIMIT,
    MODEL_LIMIT,
    PART_LIMIT,
    PATH,
    STRING_LIMIT,
    ImagePart,
    ModerationResponse,
    TextPart,
    decode_request,
    result,
)
from holdfast.web.problems import KINDS, Problem

_PREFIX: Final = "Moderation"
_REF: Final = f"#/components/schemas/{_PREFIX}{{name}}"
_PROBLEMS: Final = (
    "malformed-json", "unauthenticated", "forbidden", "request-timeout", "body-too-large", "unsupported-media-type",
    "rate-limited", "internal", "overloaded", "timed-out", "store-unavailable",
)  # fmt: skip

TEXT: Final = "What a lovely song, thank you!"
REQUESTS: Final[dict[str, Any]] = {
    "text": {"input": TEXT},
    "several": {"input": [TEXT, "Come back soon."], "model": "omni-moderation-latest"},
    "message": {
        "input": [
            {"type": "text", "text": TEXT},
            {
                "type": "image_url",
                "image_url": {
                    "url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
                },
            },
        ]
    },
}
"""Bodies of requests, by what they show."""


def operations() -> dict[str, dict[str, Any]]:
    """The operation by path and method."""
    return {
        PATH: {
            "post": {
                "operationId": "moderate",
                "summary": "Score texts and pictures, in OpenAI's format",
                "description": _description(),
                "tags": ["compatible"],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": _ref("Request"),
                            "examples": {name: {"value": request} for name, request in REQUESTS.items()},
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "Scored: one result for a text or a message, one for each text of a list.",
                        "headers": {
                            "X-Holdfast-Ref": {
                                "description": "The place in the ledger of what was decided, where that is one item.",
                                "schema": {"type": "string"},
                            }
                        },
                        "content": {
                            "application/json": {
                                "schema": _ref("Response"),
                                "examples": {"text": {"value": _answer()}},
                            }
                        },
                    },
                    **_refusals(),
                },
            }
        }
    }


def schemas() -> dict[str, Any]:
    """The schemas that `operations` refer to, by name."""
    _, made = msgspec.json.schema_components(
        [TextPart, ImagePart, ModerationResponse, ErrorDocument], ref_template=_REF
    )
    # Others have texts, pictures and errors too.
    found = {_PREFIX + name: {**schema, "title": _PREFIX + name} for name, schema in made.items()}
    found["ModerationResponse"] = found.pop("ModerationModerationResponse") | {"title": "ModerationResponse"}
    scores = found["ModerationScores"]["properties"]
    each: dict[str, dict[str, Any]] = {
        "categories": {"type": "boolean"},
        "category_scores": {"type": "number", "minimum": 0, "maximum": 1},
        "category_applied_input_types": scores["category_applied_input_types"]["additionalProperties"],
    }
    for name, schema in each.items():
        scores[name] = {
            "type": "object",
            "properties": dict.fromkeys(CATEGORIES, schema),
            "required": list(CATEGORIES),
            "additionalProperties": False,
        }
    found["ModerationTextPart"]["properties"]["text"]["maxLength"] = TEXT_LIMIT
    found["ModerationRequest"] = {
        "title": "ModerationRequest",
        "description": "What to look at.",
        "type": "object",
        "properties": {
            "input": {
                "description": "A text, several texts, or the parts of one message.",
                "anyOf": [
                    {"type": "string", "maxLength": TEXT_LIMIT},
                    {
                        "type": "array",
                        "items": {"type": "string", "maxLength": TEXT_LIMIT},
                        "minItems": 1,
                        "maxItems": STRING_LIMIT,
                    },
                    {
                        "type": "array",
                        "items": {"anyOf": [_ref("TextPart"), _ref("ImagePart")]},
                        "minItems": 1,
                        "maxItems": PART_LIMIT,
                    },
                ],
            },
            "model": {
                "description": "Any name: there is one classifier, and the answer names it.",
                "anyOf": [
                    {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MODEL_LIMIT,
                        "pattern": "^[A-Za-z0-9._:/@-]+$",
                    },
                    {"type": "null"},
                ],
                "default": None,
            },
        },
        "required": ["input"],
        "additionalProperties": False,
    }
    return found


def _description() -> str:
    unseen = ", ".join(f"`{category}`" for category, heads in CATEGORIES.items() if not heads)
    return (
        f"Answers OpenAI's moderations; scores are Holdfast's own. A category is true where its score is at least {THRESHOLD}: more likely than not. What is not looked at is "
        f"`false` with a score of 0 and with no input types applied: always {unseen}; everything in a language that is "
        "not covered; pictures without the extra `media`, which reads the text in them. Pictures come as data URLs of "
        f"{', '.join(kind.upper() for kind in PICTURES)}, up to {IMAGE_LIMIT}; other URLs are refused unless the setting "
        "`compatible.image_hosts` names their host. Texts are decided by the live policy and recorded, unless "
        "the setting `compatible.record` is off."
    )


def _answer() -> dict[str, Any]:
    heads = sorted({head for heads in CATEGORIES.values() for head in heads})
    signals = {head: round(0.0004 * (number + 1), 4) for number, head in enumerate(heads)}
    answer = ModerationResponse(
        id="modr-5f0c1c6c9d2f4b7e8a31d2c4",
        model="omni-moderation-latest@holdfast-3",
        results=[result([Reading("text", signals)])],
    )
    made: dict[str, Any] = msgspec.to_builtins(answer)
    return made


def _refusals() -> dict[str, Any]:
    """The responses that are none, by status, each with examples."""
    responses: dict[str, Any] = {}
    for name, refusal in {
        "missing": _missing(),
        **{code.replace("-", "_"): refusal_of(Problem(code)) for code in _PROBLEMS},
    }.items():
        response = responses.setdefault(
            str(refusal.status),
            {
                "description": KINDS[refusal.counted].title,
                "content": {"application/json": {"schema": _ref("ErrorDocument"), "examples": {}}},
            },
        )
        response["content"]["application/json"]["examples"][name] = {
            "value": msgspec.json.decode(refusal.body())
        }
        if refusal.status in (429, 503):
            response["headers"] = {
                "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "string"}}
            }  # fmt: skip
    return responses


def _missing() -> Refusal:
    try:
        decode_request(b"{}")
    except Refusal as refusal:
        return refusal
    raise AssertionError("an input is needed")


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REF.format(name=name)}
