"""What is sent and answered, and the reading of it: JSON as Google's servers read it for a protocol buffer.

A field goes by its name in camelCase or in snake_case (Google's own JavaScript client sends `requested_attributes`),
`null` is as good as nothing, numbers and flags may be quoted, and an unknown field is refused by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from holdfast.web.perspective.errors import invalid_value, not_a_message, not_json, unknown_name

TEXT_TYPES: Final = ("TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML")
SCORE_TYPES: Final = ("SCORE_TYPE_UNSPECIFIED", "PROBABILITY", "STD_DEV_SCORE", "PERCENTILE", "RAW")
PROBABILITY: Final = "PROBABILITY"
ANSWERED_TYPES: Final = (SCORE_TYPES[0], PROBABILITY)
"""What may be asked for: unspecified is a probability too."""


class TextEntry(Struct, frozen=True, kw_only=True):
    """A text of `type` `PLAIN_TEXT` (also where nothing is said) or `HTML`."""

    text: str = ""
    type: str = TEXT_TYPES[0]


class ArticleAndParentComment(Struct, frozen=True, kw_only=True):
    """What a comment is about, and what it answers."""

    article: TextEntry | None = None
    parent_comment: TextEntry | None = None


class Context(Struct, frozen=True, kw_only=True):
    """What a comment stands under: either of the two."""

    entries: Sequence[TextEntry] = ()
    article_and_parent_comment: ArticleAndParentComment | None = None


class AttributeParameters(Struct, frozen=True, kw_only=True):
    """How an attribute is wanted. Scores under `score_threshold` are left out."""

    score_type: str = SCORE_TYPES[0]
    score_threshold: float | None = None


class AnalyzeCommentRequest(Struct, frozen=True, kw_only=True):
    """The body of `comments:analyze`."""

    comment: TextEntry = TextEntry()
    context: Context = Context()
    requested_attributes: Mapping[str, AttributeParameters] = {}
    span_annotations: bool = False
    languages: Sequence[str] = ()
    do_not_store: bool = False
    drop_unsupported_attributes: bool = False
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None


class Score(Struct, frozen=True, rename="camel"):
    """A probability, 0 to 1."""

    value: float
    type: str = PROBABILITY


class SpanScore(Struct, frozen=True, rename="camel"):
    """The score of a part of the comment: UTF-16 code units, `end` exclusive."""

    begin: int
    end: int
    score: Score


class AttributeScores(Struct, frozen=True, rename="camel"):
    """One attribute's scores."""

    span_scores: Sequence[SpanScore]
    summary_score: Score


class AnalyzeCommentResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer of `comments:analyze`. A field without a value is left out."""

    attribute_scores: Mapping[str, AttributeScores] | UnsetType = UNSET
    languages: Sequence[str]
    detected_languages: Sequence[str]
    client_token: str | UnsetType = UNSET


class SuggestedScore(Struct, frozen=True, kw_only=True):
    """What somebody holds the score of a whole comment to be."""

    value: float | None = None
    type: str = SCORE_TYPES[0]


class SuggestedScores(Struct, frozen=True, kw_only=True):
    """What is suggested for one attribute. Suggestions for parts of a comment are read and not kept."""

    summary_score: SuggestedScore | None = None


class SuggestCommentScoreRequest(Struct, frozen=True, kw_only=True):
    """The body of `comments:suggestscore`."""

    comment: TextEntry = TextEntry()
    context: Context = Context()
    attribute_scores: Mapping[str, SuggestedScores] = {}
    languages: Sequence[str] = ()
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None


class SuggestCommentScoreResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer of `comments:suggestscore`."""

    client_token: str | UnsetType = UNSET
    detected_languages: Sequence[str]
    requested_languages: Sequence[str]


# Reading ------------------------------------------------------------------------------------

Read = Callable[[Any, str], Any]
"""Takes what stands in the JSON and where, and gives what it means, or raises `GoogleError`."""

M = TypeVar("M", bound=Struct)


def analyze_request(body: bytes) -> AnalyzeCommentRequest:
    """Raises `GoogleError` for what is no such message."""
    return _root(_analyze, body)


def suggest_request(body: bytes) -> SuggestCommentScoreRequest:
    """Raises `GoogleError` for what is no such message."""
    return _root(_suggest, body)


def _root(read: Callable[[Any, str], M], body: bytes) -> M:
    try:
        value = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_json(error) from None
    if not isinstance(value, dict):
        raise not_a_message()
    return read(value, "")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise invalid_value(where, "TYPE_STRING")
    return value


def _flag(value: Any, where: str) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise invalid_value(where, "TYPE_BOOL")


def _number(value: Any, where: str) -> float:
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            number = float(value)
            if isfinite(number):
                return number
    except (ValueError, OverflowError):
        pass
    raise invalid_value(where, "TYPE_FLOAT")


def _whole(value: Any, where: str) -> int:
    number = _number(value, where)
    if not number.is_integer() or not -(2**31) <= number < 2**31:
        raise invalid_value(where, "TYPE_INT32")
    return int(number)


def _one_of(names: Sequence[str]) -> Read:
    def read(value: Any, where: str) -> str:
        if isinstance(value, str) and value in names:
            return value
        if type(value) is int and 0 <= value < len(names):
            return names[value]
        raise invalid_value(where, "TYPE_ENUM")

    return read


def _list(one: Read) -> Read:
    def read(value: Any, where: str) -> tuple[Any, ...]:
        # A single value is taken for a list of it: there is nothing else that it could mean.
        values = value if isinstance(value, list) else [value]
        return tuple(one(entry, f"{where}[{number}]") for number, entry in enumerate(values))

    return read


def _map(one: Read) -> Read:
    def read(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid_value(where, "TYPE_MESSAGE")
        return {name: one({} if entry is None else entry, f"{where}.value") for name, entry in value.items()}

    return read


def _message(kind: Callable[..., M], **fields: Read) -> Callable[[Any, str], M]:
    named: dict[str, tuple[str, Read]] = {}
    for name, read_field in fields.items():
        named[name] = named[_camel(name)] = (name, read_field)

    def read(value: Any, where: str) -> M:
        if not isinstance(value, dict):
            raise invalid_value(where, "TYPE_MESSAGE")
        found = {}
        for name, entry in value.items():
            known = named.get(name)
            if known is None:
                raise unknown_name(name, where)
            if entry is not None:
                field, read_field = known
                found[field] = read_field(entry, f"{where}.{field}" if where else field)
        return kind(**found)

    return read


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _ignored(_: Any, __: str) -> None:
    return None


_entry: Final = _message(TextEntry, text=_text, type=_one_of(TEXT_TYPES))
_context: Final = _message(
    Context,
    entries=_list(_entry),
    article_and_parent_comment=_message(ArticleAndParentComment, article=_entry, parent_comment=_entry),
)
_common: Final[dict[str, Read]] = {
    "comment": _entry,
    "context": _context,
    "languages": _list(_text),
    "client_token": _text,
    "session_id": _text,
    "community_id": _text,
}
_analyze: Final = _message(
    AnalyzeCommentRequest,
    **_common,
    requested_attributes=_map(
        _message(AttributeParameters, score_type=_one_of(SCORE_TYPES), score_threshold=_number)
    ),
    span_annotations=_flag,
    do_not_store=_flag,
    drop_unsupported_attributes=_flag,
)
_score: Final = _message(SuggestedScore, value=_number, type=_one_of(SCORE_TYPES))
_suggest: Final = _message(
    SuggestCommentScoreRequest,
    **_common,
    attribute_scores=_map(
        _message(
            lambda summary_score=None, span_scores=None: SuggestedScores(summary_score=summary_score),  # noqa: ARG005
            summary_score=_score,
            span_scores=_list(_message(lambda **_: Score(0.0), begin=_whole, end=_whole, score=_score)),
        )
    ),
)
