"""The format: what a request may hold, exactly, and what is answered.

`input` is a text, a list of texts (one result each), or a list of parts, texts and pictures that make up one message
(one result for all). Unknown parameters are refused, as OpenAI refuses them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from holdfast.content import BATCH_LIMIT, TEXT_LIMIT
from holdfast.web.items import malformed
from holdfast.web.moderations.categories import CATEGORIES, Kind, Reading, verdict
from holdfast.web.moderations.errors import Refusal

PATH: Final = "/v1/moderations"
STRING_LIMIT: Final = BATCH_LIMIT
"""Texts of one list."""
PART_LIMIT: Final = 64
"""Parts of one message."""
IMAGE_LIMIT: Final = 4
"""Pictures of one message: each takes a good part of a second to read."""
MODEL_LIMIT: Final = 128
"""Characters of a model's name."""

_MODEL: Final = re.compile(rf"[A-Za-z0-9._:/@-]{{1,{MODEL_LIMIT}}}")


class ImageUrl(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a picture is: a data URL, or the address of one on a host that the operator allows."""

    url: str


class TextPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="text"):
    """A text of a message."""

    text: str


class ImagePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="image_url"):
    """A picture of a message."""

    image_url: ImageUrl


Part = TextPart | ImagePart


class ModerationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look at. `model` is echoed; there is one classifier here."""

    input: str | list[str | TextPart | ImagePart]
    model: str | None = None


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """One result: of a text of a list, or of a whole message."""

    flagged: bool
    categories: Mapping[str, bool]
    category_scores: Mapping[str, float]
    category_applied_input_types: Mapping[str, Sequence[Kind]]


class ModerationResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    id: str
    model: str
    results: Sequence[Scores]


class Message(NamedTuple):
    """One input, answered with one result: its text (`None` where it has no text part) and its pictures."""

    text: str | None
    images: Sequence[tuple[str, str]] = ()
    """For each picture its place in the request, and its URL."""


class Asked(NamedTuple):
    """A request that is in order."""

    messages: Sequence[Message]
    model: str | None


def decode_request(body: bytes) -> Asked:
    """The request in `body`. Raises `Refusal`, and the problem `malformed-json`."""
    try:
        request = _decode(body)
    except msgspec.ValidationError as error:
        raise _refused(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(body, error) from None
    if request.model is not None and _MODEL.fullmatch(request.model) is None:
        raise Refusal(
            f"Invalid value for 'model': expected up to {MODEL_LIMIT} letters, digits and . _ : / @ -.",
            param="model",
            code="invalid_value",
        )
    return Asked(_messages(request.input), request.model)


def result(readings: Sequence[Reading]) -> Scores:
    """The result of an input that consists of `readings`."""
    verdicts = {category: verdict(category, readings) for category in CATEGORIES}
    return Scores(
        flagged=any(one.is_flagged for one in verdicts.values()),
        categories={category: one.is_flagged for category, one in verdicts.items()},
        category_scores={category: one.score for category, one in verdicts.items()},
        category_applied_input_types={category: one.applied for category, one in verdicts.items()},
    )


encode_response = msgspec.json.Encoder().encode

_decode = msgspec.json.Decoder(ModerationRequest).decode


def _messages(given: str | list[str | TextPart | ImagePart]) -> list[Message]:
    if isinstance(given, str):
        return [Message(_checked(given, "input"))]
    if not given:
        raise Refusal(
            "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="input",
            code="empty_array",
        )
    if isinstance(given[0], str):
        _check_length(given, STRING_LIMIT)
        return [Message(_checked(_text(one, n), f"input[{n}]")) for n, one in enumerate(given)]
    _check_length(given, PART_LIMIT)
    texts: list[str] = []
    images: list[tuple[str, str]] = []
    for number, part in enumerate(given):
        place = f"input[{number}]"
        if isinstance(part, TextPart):
            texts.append(_checked(part.text, f"{place}.text"))
        elif isinstance(part, ImagePart):
            images.append((f"{place}.image_url.url", part.image_url.url))
        else:
            raise _mixed(place)
    if len(images) > IMAGE_LIMIT:
        raise Refusal(
            f"Invalid 'input': too many images. Expected at most {IMAGE_LIMIT}, but got {len(images)} instead.",
            param="input",
            code="too_many_images",
        )
    # Parts of one message are read as one text: what is split over several must not slip between them.
    return [Message(_checked("\n".join(texts), "input") if texts else None, images)]


def _text(given: object, number: int) -> str:
    if not isinstance(given, str):
        raise _mixed(f"input[{number}]")
    return given


def _mixed(place: str) -> Refusal:
    return Refusal(
        f"Invalid type for '{place}': expected either only strings or only objects in the list.",
        param=place,
        code="invalid_type",
    )


def _check_length(given: Sequence[object], limit: int) -> None:
    if len(given) > limit:
        raise Refusal(
            f"Invalid 'input': array too long. Expected an array with maximum length {limit}, "
            f"but got an array with length {len(given)} instead.",
            param="input",
            code="array_above_max_length",
        )


def _checked(text: str, place: str) -> str:
    if len(text) > TEXT_LIMIT:
        raise Refusal(
            f"Invalid '{place}': string too long. Expected a string with maximum length {TEXT_LIMIT}, "
            f"but got a string with length {len(text)} instead.",
            param=place,
            code="string_above_max_length",
        )
    return text


# What is wrong, told from msgspec's message without the parts of it that the client wrote --------------

_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `([^`]*)`")
_GOT: Final = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_INDEX: Final = re.compile(r"\[\.\.\.\]")


def _refused(message: str) -> Refusal:
    match = _PLACE.fullmatch(message)
    what, path = (match["what"], (match["path"] or "")[1:]) if match is not None else (message, "")
    place = _INDEX.sub("", path)
    if missing := _MISSING.match(what):
        name = f"{place}.{missing[1]}" if place else missing[1]
        return Refusal(
            f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
        )
    where = f" for '{place}'" if place else ""
    if got := _GOT.match(what):
        return Refusal(
            f"Invalid type{where}: expected {_expected(place)}, but got {_ARTICLES.get(got[2], got[2])} instead.",
            param=place or None,
            code="invalid_type",
        )
    if what.startswith("Object contains unknown field"):
        return Refusal(
            f"Unknown parameter{where.replace(' for ', ' in ')}: expected {_expected(place)}.",
            param=place or None,
            code="unknown_parameter",
        )
    return Refusal(
        f"Invalid value{where}: expected {_expected(place)}.", param=place or None, code="invalid_value"
    )


_ARTICLES: Final = {
    "int": "an integer", "float": "a number", "bool": "a boolean", "str": "a string",
    "array": "an array", "object": "an object", "null": "null",
}  # fmt: skip


def _expected(place: str) -> str:
    if place == "":
        return "an object with 'input' and, if you like, 'model'"
    if place == "input":
        return "a string, an array of strings, or an array of text and image_url objects"
    if place.endswith(".image_url"):
        return "an object with 'url'"
    if place.endswith((".text", ".url")) or place == "model":
        return "a string"
    if place.endswith(".type"):
        return "'text' or 'image_url'"
    return "a string, {type: 'text', text}, or {type: 'image_url', image_url: {url}}"
