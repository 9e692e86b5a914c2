"""The discovery document: what Google's clients read first to learn which methods there are and where.

The descriptions are Holdfast's own. There is no `auth` in it, since a client that reads of OAuth scopes and has no key
goes looking for Google credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar.types import Scope

from holdfast.perspective import ATTRIBUTES
from holdfast.web.perspective.door import Answered
from holdfast.web.perspective.errors import GoogleError
from holdfast.web.perspective.wire import SCORE_TYPES, TEXT_TYPES

PATH: Final = "/$discovery/rest"
VERSION: Final = "v1alpha1"
ANALYZE: Final = f"{VERSION}/comments:analyze"
SUGGEST: Final = f"{VERSION}/comments:suggestscore"

_HOST: Final = re.compile(
    rb"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII
)


def discovery(scope: Scope) -> Answered:
    """The document, with the address at which it was asked for. Raises `GoogleError`."""
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    if query.get("version", VERSION) != VERSION:
        raise GoogleError(404, f"Only the version {VERSION} is served here.", problem="not-found")
    root = root_url(scope)
    return Answered(msgspec.json.encode({**DOCUMENT, "rootUrl": root, "baseUrl": root}))


def root_url(scope: Scope) -> str:
    """The address of this server as the client knows it: the scheme that a proxy says it was asked by, and `Host`.

    Raises `GoogleError` where either is not what it can be: a client would send its key wherever this points.
    """
    headers: Mapping[bytes, bytes] = scope["state"]["headers"]
    host = headers.get(b"host", b"")
    if _HOST.fullmatch(host) is None:
        raise GoogleError(400, "The header Host is not a host's name.", problem="bad-request")
    forwarded = headers.get(b"x-forwarded-proto")
    scheme = (
        str(scope.get("scheme", "http")) if forwarded is None else forwarded.decode("latin-1").strip().lower()
    )
    if scheme not in ("http", "https"):
        raise GoogleError(
            400, "The header X-Forwarded-Proto is neither http nor https.", problem="bad-request"
        )
    return f"{scheme}://{host.decode()}/"


def _of(kind: str, doc: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "description": doc, **more}


def _ref(name: str, doc: str) -> dict[str, Any]:
    return {"$ref": name, "description": doc}


def _list_of(entry: dict[str, Any], doc: str) -> dict[str, Any]:
    return {"type": "array", "items": entry, "description": doc}


def _map_of(name: str, doc: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"$ref": name}, "description": doc}


def _schema(name: str, doc: str, **properties: Any) -> dict[str, Any]:
    return {"id": name, "type": "object", "description": doc, "properties": properties}


_TEXT: Final = {"type": "string"}
_SCORE_TYPE: Final = _of(
    "string",
    "PROBABILITY, which is also what nothing means. The others are refused.",
    enum=list(SCORE_TYPES),
    enumDescriptions=["The same as PROBABILITY.", "0 to 1.", "Not served.", "Not served.", "Not served."],
)
_NAMES: Final = ", ".join(ATTRIBUTES)
_SENT: Final = {
    "comment": _ref("TextEntry", "The comment."),
    "context": _ref("Context", "What it stands under or answers."),
    "languages": _list_of(
        _TEXT, "Its languages as BCP 47 codes. Where none is given the language is guessed."
    ),
    "clientToken": _of("string", "Is given back in the answer."),
    "sessionId": _of("string", "Is taken and not used."),
    "communityId": _of("string", "Where it stands: a plain name is kept with a suggested score."),
}

_SCHEMAS: Final = [
    _schema(
        "AnalyzeCommentRequest",
        "A comment, and the attributes that are wanted of it.",
        **_SENT,
        requestedAttributes=_map_of("AttributeParameters", f"By name: {_NAMES}."),
        spanAnnotations=_of("boolean", "Score every sentence too."),
        doNotStore=_of("boolean", "Keep nothing of the comment and its context."),
        dropUnsupportedAttributes=_of(
            "boolean", "Leave attributes out that are not scored in the comment's language, rather than refuse it."
        ),
    ),
    _schema(
        "AnalyzeCommentResponse",
        "The scores.",
        attributeScores=_map_of("AttributeScores", "By attribute, those that reach their threshold."),
        languages=_list_of(_TEXT, "The languages that were given, or else the one that was guessed."),
        detectedLanguages=_list_of(_TEXT, "The language that was guessed; `und` where none could be."),
        clientToken=_of("string", "As it was sent."),
    ),
    _schema(
        "SuggestCommentScoreRequest",
        "A comment, and the scores that somebody holds to be right.",
        **_SENT,
        attributeScores=_map_of("AttributeScores", "By attribute."),
    ),
    _schema(
        "SuggestCommentScoreResponse",
        "That the suggestion was taken.",
        clientToken=_of("string", "As it was sent."),
        detectedLanguages=_list_of(_TEXT, "The language that was guessed."),
        requestedLanguages=_list_of(_TEXT, "The languages that were given."),
    ),
    _schema(
        "TextEntry",
        "A text.",
        text=_of("string", "At most 20,480 bytes of UTF-8."),
        type=_of(
            "string",
            "How it is written.",
            enum=list(TEXT_TYPES),
            enumDescriptions=["The same as PLAIN_TEXT.", "As it is read.", "HTML: what is seen of it counts."],
        ),
    ),
    _schema(
        "Context",
        "What a comment stands under. Only one of the two may be given.",
        entries=_list_of({"$ref": "TextEntry"}, "What was said before, the last entry last."),
        articleAndParentComment=_ref("ArticleAndParentComment", "What it is about, and what it answers."),
    ),
    _schema(
        "ArticleAndParentComment",
        "What a comment is about, and what it answers.",
        article=_ref("TextEntry", "What it is about."),
        parentComment=_ref("TextEntry", "What it answers."),
    ),
    _schema(
        "AttributeParameters",
        "How an attribute is wanted.",
        scoreType=_SCORE_TYPE,
        scoreThreshold=_of("number", "Leave the attribute out where its score is lower.", format="float"),
    ),
    _schema(
        "AttributeScores",
        "The scores of one attribute.",
        summaryScore=_ref("Score", "That of the whole comment."),
        spanScores=_list_of({"$ref": "SpanScore"}, "Those of its sentences, or one of the whole."),
    ),
    _schema(
        "SpanScore",
        "The score of a part of the comment, counted in UTF-16 code units.",
        begin=_of("integer", "Where it begins.", format="int32"),
        end=_of("integer", "Where it has ended.", format="int32"),
        score=_ref("Score", "Its score."),
    ),
    _schema(
        "Score", "A score.", value=_of("number", "0 to 1.", format="float"), type=_SCORE_TYPE
    ),
]  # fmt: skip


def _method(name: str, doc: str, path: str, message: str) -> dict[str, Any]:
    return {
        "id": f"commentanalyzer.comments.{name}",
        "description": doc,
        "httpMethod": "POST",
        "path": path,
        "flatPath": path,
        "parameters": {},
        "parameterOrder": [],
        "request": {"$ref": f"{message}Request"},
        "response": {"$ref": f"{message}Response"},
    }


def _parameter(doc: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"type": kind, "location": "query", "description": doc, **more}


_UNUSED: Final = "Is taken and not used."
DOCUMENT: Final[dict[str, Any]] = {
    "kind": "discovery#restDescription",
    "discoveryVersion": "v1",
    "id": f"commentanalyzer:{VERSION}",
    "name": "commentanalyzer",
    "canonicalName": "Comment Analyzer",
    "version": VERSION,
    "version_module": True,
    "revision": "20261124",
    "title": "Holdfast, in the format of Perspective",
    "description": "Scores comments in the wire format of the Perspective Comment Analyzer API. The scores are "
    "Holdfast's own: tune thresholds again.",
    "ownerName": "Holdfast",
    "ownerDomain": "",
    "documentationLink": "",
    "icons": {},
    "fullyEncodeReservedExpansion": True,
    "protocol": "rest",
    "servicePath": "",
    "basePath": "",
    "parameters": {
        "$.xgafv": _parameter(_UNUSED, enum=["1", "2"], enumDescriptions=["", ""]),
        "access_token": _parameter(_UNUSED),
        "alt": _parameter("Only JSON is answered.", enum=["json"], enumDescriptions=["JSON"], default="json"),
        "callback": _parameter(_UNUSED),
        "fields": _parameter(_UNUSED),
        "key": _parameter("An API key with the scope `decide`: `holdfast key create --scope decide`."),
        "oauth_token": _parameter(_UNUSED),
        "prettyPrint": _parameter(_UNUSED, "boolean", default="true"),
        "quotaUser": _parameter(_UNUSED),
        "uploadType": _parameter(_UNUSED),
        "upload_protocol": _parameter(_UNUSED),
    },
    "resources": {
        "comments": {
            "methods": {
                "analyze": _method("analyze", "Score a comment.", ANALYZE, "AnalyzeComment"),
                "suggestscore": _method(
                    "suggestscore", "Say what a comment's scores should be.", SUGGEST, "SuggestCommentScore"
                ),
            }
        }
    },
    "schemas": {schema["id"]: schema for schema in _SCHEMAS},
}
"""All of it but where it was asked for."""
