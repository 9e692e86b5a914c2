"""Refusals as Google's interfaces tell them: `{"error": {code, message, status, details}}`.

Clients match on these words and on `details[0].errorType`, so the words of Perspective's own errors are Perspective's.
Of what the client sent only names of attributes, fields, languages and score types are told back, and only where they
look like such names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from holdfast.web.problems import KINDS, Problem

_TYPE: Final = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
_SERVICE: Final = "commentanalyzer.googleapis.com"
_NAME: Final = re.compile(r"[A-Za-z$@_][A-Za-z0-9$@_.-]{0,49}", re.ASCII)
_BYTE: Final = re.compile(r"\(byte (\d+)\)")

STATUS: Final = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
"""The canonical name beside each HTTP status that is answered."""


class GoogleError(Exception):
    """A request is refused in Google's words. `problem` is the code of the same among our own problems (`KINDS`)."""

    def __init__(
        self,
        code: int,
        message: str,
        *details: dict[str, Any],
        problem: str = "invalid-item",
        headers: Sequence[tuple[bytes, bytes]] = (),
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.problem = problem
        self.headers = tuple(headers)
        self.close = close

    def body(self) -> bytes:
        """The JSON of the answer. `details` is left out where there are none."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "status": STATUS[self.code]}
        if self.details:
            error["details"] = self.details
        return msgspec.json.format(msgspec.json.encode({"error": error}), indent=2) + b"\n"


def _analyzer(kind: str, message: str, **more: Any) -> GoogleError:
    return GoogleError(400, message, {"@type": _TYPE, "errorType": kind, **more})


def comment_empty() -> GoogleError:
    return _analyzer("COMMENT_EMPTY", "Comment must be non-empty.")


def too_many_bytes(size: int, limit: int) -> GoogleError:
    return GoogleError(400, f"Comment text was too many bytes. Value ({size}) exceeded limit ({limit}).")


def no_attributes() -> GoogleError:
    return _analyzer("NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes")


def unknown_attribute(name: str) -> GoogleError:
    return invalid_request(f"Unknown requested attribute: {_shown(name)}")


def score_type(kind: str, attribute: str) -> GoogleError:
    return invalid_request(f"Requested score type {kind} is not supported by attribute {attribute}")


def both_contexts() -> GoogleError:
    return invalid_request("Only one of context.entries and context.article_and_parent_comment may be set")


def invalid_request(message: str) -> GoogleError:
    return _analyzer("INVALID_REQUEST", message)


def language(attribute: str, languages: Sequence[str], *, requested: bool) -> GoogleError:
    """`attribute` is not scored in `languages`, which were `requested` or detected."""
    which = "requestedLanguages" if requested else "detectedLanguages"
    return _analyzer(
        "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        f"Attribute {attribute} does not support request languages: {','.join(languages)}",
        languageNotSupportedByAttributeError={which: list(languages), "attribute": attribute},
    )


def unknown_name(name: str, where: str) -> GoogleError:
    """The field `name` of the message at `where` ("": the whole) is none."""
    place = f" at '{where}'" if where else ""
    return _payload(f'Unknown name "{_shown(name)}"{place}: Cannot find field.', where)


def invalid_value(where: str, kind: str) -> GoogleError:
    """What stands at `where` is not of the protocol's type `kind`."""
    description = f"Invalid value at '{where}' ({kind})"
    return _bad_request(description, description, where)


def not_a_message() -> GoogleError:
    return _payload("Root element must be a message.", "")


def not_json(error: Exception) -> GoogleError:
    """The body is no JSON document in UTF-8."""
    place = _BYTE.search(str(error))
    where = f" Parsing ended at byte {place[1]}." if place is not None else ""
    return GoogleError(
        400,
        f"Invalid JSON payload received. Expected one JSON document in UTF-8.{where}",
        problem="malformed-json",
    )


def _payload(what: str, where: str) -> GoogleError:
    message = f"Invalid JSON payload received. {what}"
    return _bad_request(message, message, where)


def _bad_request(message: str, description: str, where: str) -> GoogleError:
    violation = {"field": where, "description": description} if where else {"description": description}
    return GoogleError(400, message, {"@type": _BAD_REQUEST, "fieldViolations": [violation]})


def _shown(name: str) -> str:
    # People put what they wrote anywhere; what is told back may end in somebody's log.
    return name if _NAME.fullmatch(name) is not None else "(not a name)"


def bad_key(problem: Problem) -> GoogleError:
    return GoogleError(
        400,
        "API key not valid. Please pass a valid API key.",
        {
            "@type": _INFO,
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": _SERVICE},
        },
        problem=problem.code,
    )


def no_key(problem: Problem) -> GoogleError:
    return GoogleError(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
        "form of API consumer identity to call this API.",
        problem=problem.code,
    )


def _quota(problem: Problem) -> GoogleError:
    return GoogleError(
        429,
        "Quota exceeded for quota metric 'Analysis requests (AnalyzeComment)' and limit 'Analysis requests "
        f"(AnalyzeComment) per second'. {problem.detail}",
        {
            "@type": _INFO,
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
            "metadata": {"service": _SERVICE, "quota_metric": f"{_SERVICE}/analysis_requests"},
        },
        problem=problem.code,
        headers=_headers(problem),
    )


_WORDS: Final = {
    "internal": "Internal error encountered.",
    "timed-out": f"{KINDS['timed-out'].title}. Try again.",  # there is no Idempotency-Key here
}


def of(problem: Problem, *, keyed: bool) -> GoogleError:
    """The same as `problem`, in Google's words. `keyed` says whether the request came with a key."""
    if problem.code == "unauthenticated":
        return bad_key(problem) if keyed else no_key(problem)
    if problem.code == "rate-limited":
        return _quota(problem)
    # Clients know the statuses above; what else is wrong with a request is 400, as Google's front ends answer it.
    code = problem.status if problem.status in STATUS else 400
    message = _WORDS.get(problem.code, f"{KINDS[problem.code].title}. {problem.detail}")
    return GoogleError(code, message, problem=problem.code, headers=_headers(problem), close=problem.close)


def _headers(problem: Problem) -> list[tuple[bytes, bytes]]:
    # A browser would ask its user for a password.
    return [header for header in problem.headers if header[0] != b"www-authenticate"]
