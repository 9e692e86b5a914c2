"""The OpenAPI 3.1 document, at `/schema/openapi.json`, and a page of it for people, at `/schema`.

The page is made here and needs no script and no other host.
"""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, select_autoescape
from litestar import Request, Router
from litestar.enums import MediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Tag

from holdfast import __version__
from holdfast.content import (
    BATCH_LIMIT,
    CONTEXT_LIMIT,
    ID_LIMIT,
    LANGUAGE_TAG,
    TEXT_LIMIT,
    TRANSCRIPT_LIMIT,
    Item,
)
from holdfast.decision import Decision
from holdfast.web import examples
from holdfast.web.decide import PATH
from holdfast.web.explanation import PARAMETER
from holdfast.web.guard import PUBLIC
from holdfast.web.health import Health, Readiness
from holdfast.web.items import Items
from holdfast.web.keys import SCOPE_DOCS
from holdfast.web.moderations import operations as moderations
from holdfast.web.perspective import operations as perspective
from holdfast.web.problems import KINDS, ProblemDocument
from holdfast.web.reading import DecisionPage, DecisionRecord, PolicyDetail, PolicyList, SignalList

ANSWER_TYPES = (DecisionRecord, DecisionPage, PolicyList, PolicyDetail, SignalList, Health, Readiness)
_REF = "#/components/schemas/{name}"
_DECIDE_PROBLEMS = (
    "malformed-json", "invalid-parameter", "unauthenticated", "forbidden", "request-timeout", "idempotency-expired", "too-many-items",
    "unsupported-media-type", "invalid-item", "rate-limited", "internal", "overloaded",
)  # fmt: skip

DESCRIPTION = f"""Decides user content against a written policy, says why, and records every decision.

Every refusal is `application/problem+json` (RFC 9457); `type` is a path that explains it. Times are RFC 3339
in UTC. Keys are sent as `Authorization: Bearer hf_…` or `X-API-Key: hf_…`, and have scopes:

{chr(10).join(f"- `{scope}`: {doc}" for scope, doc in SCOPE_DOCS.items())}
"""


def openapi_config() -> OpenAPIConfig:
    """What the framework's document is made with."""
    return OpenAPIConfig(
        title="Holdfast",
        version=__version__,
        summary="A safety engine for video and social platforms",
        description=DESCRIPTION,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        contact=Contact(name="Holdfast"),
        tags=[
            Tag(name="decisions", description="Have items decided; read what was decided."),
            Tag(name="policies", description="The rules, and what they may read."),
            Tag(name="compatible", description="The formats of Perspective and of OpenAI's moderations."),
            Tag(name="operation", description="For monitoring."),
        ],
        security=[{"bearer": []}, {"header": []}, {}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="hf_<id>_<secret>"),
                "header": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
            }
        ),
        use_handler_docstrings=False,
        openapi_router=Router("/schema", route_handlers=[], opt=PUBLIC, include_in_schema=False),
        render_plugins=[_Page(), _Document()],
    )


class _Document(JsonRenderPlugin):
    """The document for programs."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        return msgspec.json.encode(complete(openapi_schema))


class _Page(OpenAPIRenderPlugin):
    """The document for people."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        environment = Environment(
            loader=PackageLoader("holdfast.web"), autoescape=select_autoescape(default=True), trim_blocks=True
        )
        environment.filters["pretty"] = lambda value: msgspec.json.format(msgspec.json.encode(value)).decode()
        template = environment.get_template("schema.html")
        return template.render(document=complete(openapi_schema)).encode()


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The framework's `document` with what it does not know: the raw routes, examples, and the exact
    schemas of our types (which fields are refused, what is null)."""
    paths: dict[str, Any] = {
        PATH: {"post": _decide_operation()},
        **moderations.operations(),
        **perspective.operations(),
    }
    for path, methods in document["paths"].items():
        paths[path] = {method: _with_examples(operation) for method, operation in methods.items()}
    known = document["components"]
    components = {
        **known,
        "schemas": {**known["schemas"], **_schemas(), **moderations.schemas(), **perspective.schemas()},
        "securitySchemes": {**known["securitySchemes"], **perspective.SECURITY_SCHEMES},
    }
    return {**document, "paths": paths, "components": components}


def _with_examples(operation: dict[str, Any]) -> dict[str, Any]:
    responses = {}
    for status, response in operation["responses"].items():
        content = {}
        for kind, described in response.get("content", {}).items():
            if status == "200":
                example = examples.ANSWERS[operation["operationId"]]
            else:
                example = examples.problem_example(_code_of(response["description"]))
            content[kind] = {**described, "examples": {"example": {"value": example}}}
        responses[status] = {**response, "content": content}
    security: dict[str, Any] = {"security": []} if "401" not in responses else {}
    return {**operation, **security, "responses": responses}


def _code_of(title: str) -> str:
    return next(code for code, kind in KINDS.items() if kind.title == title)


def _schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(
        [Item, Items, Decision, ProblemDocument, *ANSWER_TYPES], ref_template=_REF
    )
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    _bound_items(schemas)
    decision = schemas["Decision"]
    ref = {"type": ["string", "null"], "description": "Its place in the ledger: SEQ or SEQ.SLOT."}
    schemas["DecidedItem"] = {
        **decision,
        "title": "DecidedItem",
        "description": "A decision with its place in the ledger.",
        "properties": {"ref": ref, **decision["properties"]},
        "required": ["ref", *decision["required"]],
    }
    schemas["DecidedItems"] = {
        "title": "DecidedItems",
        "description": "One decision for each item, in the order of the request.",
        "type": "object",
        "properties": {"decisions": {"type": "array", "items": {"$ref": _REF.format(name="DecidedItem")}}},
        "required": ["decisions"],
    }
    return schemas


def _bound_items(schemas: dict[str, Any]) -> None:
    """Write the bounds of `holdfast.content` into the schemas, where the types do not say them."""
    schemas["Items"]["properties"]["items"].update(minItems=1, maxItems=BATCH_LIMIT)
    item, account = schemas["Item"]["properties"], schemas["Account"]["properties"]
    for identifier in (item["id"], account["id"]):
        identifier.update(minLength=1, maxLength=ID_LIMIT)
    item["text"]["maxLength"] = TEXT_LIMIT
    item["language"]["anyOf"][0]["pattern"] = f"^{LANGUAGE_TAG.pattern}$"
    for name, limit in (("caption", TEXT_LIMIT), ("parent", TEXT_LIMIT), ("transcript", TRANSCRIPT_LIMIT)):
        item[name]["anyOf"][0]["maxLength"] = limit
    for moment in (item["created_at"], account["created_at"]):
        moment["anyOf"][0]["format"] = "date-time"
    account["followers"]["anyOf"][0].update(minimum=0, maximum=2**53 - 1)
    item["context"].update(maxProperties=CONTEXT_LIMIT, propertyNames={"minLength": 1, "maxLength": ID_LIMIT})


def _decide_operation() -> dict[str, Any]:
    def of(*names: str) -> dict[str, Any]:
        return {"oneOf": [{"$ref": _REF.format(name=name)} for name in names]}

    responses: dict[str, Any] = {
        "200": {
            "description": "Decided and recorded. One item is answered with one decision, a list with a list.",
            "headers": {
                "Idempotency-Replayed": _header("`true` when this is the answer to an earlier request with the same key.", {"type": "string", "const": "true"}),
                "RateLimit": _header("What is left of the key's quota, in items, and in how many seconds it is whole.", {"type": "string"}),
                "RateLimit-Policy": _header("The key's quota: items, and the seconds it is refilled in.", {"type": "string"}),
            },
            "content": {
                "application/json": {
                    "schema": of("DecidedItem", "DecidedItems"),
                    "examples": {"one": {"value": examples.DECISION}, "several": {"value": examples.DECISIONS}},
                }
            },
        }
    }  # fmt: skip
    for code in _DECIDE_PROBLEMS:
        kind = KINDS[code]
        responses.setdefault(
            str(kind.status),
            {
                "description": kind.title,
                "content": {
                    "application/problem+json": {
                        "schema": {"$ref": _REF.format(name="ProblemDocument")},
                        "examples": {code: {"value": examples.problem_example(code)}},
                    }
                },
            },
        )
    return {
        "operationId": "decide",
        "summary": "Decide one item, or up to 1,000",
        "description": (
            "Every decision is recorded before it is answered. When any item is wrong, nothing of the request is "
            "decided and the problem names each place. With the header `Idempotency-Key` a request that is sent "
            "again is answered as before, and is not decided twice."
        ),
        "tags": ["decisions"],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A name for this request, new for each: 1 to 200 printable ASCII characters.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
                "example": "3f0c6f0e-8f6b-4d0a-9d38-0b8f5f1d1c55",
            },
            {
                "name": PARAMETER,
                "in": "query",
                "required": False,
                "description": (
                    "Heads of the classifier (`hate`, `threat`, …), with commas between: the words that each hangs on "
                    "are then among the answer's `spans`, the strongest first, with `classifier` as their signal and "
                    "the head as their label. They are not recorded. For a single item only; every word counts as "
                    "an item for the rate limit."
                ),
                "schema": {"type": "string", "pattern": "^[a-z_]+(,[a-z_]+)*$", "maxLength": 300},
                "example": "hate,threat",
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": of("Item", "Items"),
                    "examples": {"one": {"value": examples.ITEM}, "several": {"value": examples.ITEMS}},
                }
            },
        },
        "responses": responses,
    }


def _header(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "schema": schema}
