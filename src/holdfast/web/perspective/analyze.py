"""`comments:analyze`: a comment in, scores of the attributes that were asked for out.

The comment is decided by the live policy and recorded, as on `/v1/decide`, unless the request says `doNotStore` or the
operator set `[compatible] record` off: then it is only scored, in the same batch. Sentences are only ever scored.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from holdfast.content import LANGUAGE_TAG, Item
from holdfast.decider import Submission
from holdfast.perspective import ATTRIBUTES, is_supported, score
from holdfast.schema import Value
from holdfast.signals.classifier import LANGUAGES
from holdfast.signals.language import Language, primary
from holdfast.web.access import Principal
from holdfast.web.edge import REF
from holdfast.web.perspective import errors
from holdfast.web.perspective.door import Answered
from holdfast.web.perspective.html import Visible, visible
from holdfast.web.perspective.offsets import Utf16Offsets
from holdfast.web.perspective.sentences import Span, sentences
from holdfast.web.perspective.wire import (
    ANSWERED_TYPES,
    AnalyzeCommentRequest,
    AnalyzeCommentResponse,
    AttributeScores,
    Context,
    Score,
    SpanScore,
    SuggestCommentScoreRequest,
    TextEntry,
    analyze_request,
)
from holdfast.web.service import Service

TEXT_LIMIT: Final = 20_480
"""Bytes of UTF-8 that a comment may have."""
CONTEXT_LIMIT: Final = 4_096
"""Characters of an article or a parent that are read: they are kept with every comment that stands under them."""
LANGUAGES_LIMIT: Final = 20
UNDETERMINED: Final = "und"
"""The code of no language in particular (ISO 639-2)."""
ASSUMED: Final = "en"

Signals = Mapping[str, Value]


class Comment(NamedTuple):
    """What is read of a comment, and where its parts stand in what was sent."""

    text: str
    sent: str
    seen: Visible | None
    """What is seen of it, where it was sent as HTML."""

    @property
    def words(self) -> str:
        """The text as an item has it: without the line breaks that tags around all of it leave at its ends."""
        return self.text if self.seen is None else self.text.strip()

    def parts(self) -> list[Span]:
        """The sentences of `text`."""
        return sentences(self.text)

    def placed(self, spans: Sequence[Span]) -> list[Span]:
        """Where `spans` of `text` stand in what was sent, in UTF-16 code units."""
        units = Utf16Offsets(self.sent)
        found = spans if self.seen is None else list(map(self.seen.source, spans))
        return [Span(units[start], units[end]) for start, end in found]

    def whole(self) -> Span:
        """All that was sent, in UTF-16 code units."""
        return Span(0, Utf16Offsets(self.sent)[len(self.sent)])


class Analyzer:
    """Answers `comments:analyze` over one server's service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._language = Language()

    async def answer(self, principal: Principal, body: bytes) -> Answered:
        """Raises `GoogleError`, and the problems of `Service.decide` and of the rate limit."""
        request = analyze_request(body)
        comment = comment_of(request.comment)
        check_context(request.context)
        self._check_attributes(request)
        check_languages(request.languages)
        if not request.drop_unsupported_attributes:
            refuse_uncovered(request)
        parts = comment.parts() if request.span_annotations else []
        if len(parts) > 1:
            self._service.limiter.spend(principal.key_id, len(parts))
        whole = item_of(comment.words, request)
        kept = self._service.settings.compatible.record and not request.do_not_store
        # A text of one sentence is not measured twice.
        apart = [
            msgspec.structs.replace(whole, id=f"{whole.id}-{number}", text=comment.text[start:end])
            for number, (start, end) in enumerate(parts if len(parts) > 1 else ())
        ]
        submission = Submission((whole,) if kept else (), scored=apart if kept else (whole, *apart))
        answer = await self._service.decide(submission, self._service.settings.compatible.queue_s)
        headers: list[tuple[bytes, bytes]] = []
        measured: list[Signals] = list(answer.signals)
        if kept:
            (decided,) = answer.decided
            measured.insert(0, decided.decision.signals)
            if decided.ref is not None:
                headers.append((REF, decided.ref.encode()))
        detected = self._detected(request, comment.text, measured[0])
        try:
            response = respond(request, comment, parts, measured, detected)
        except errors.GoogleError as error:
            # It was decided all the same.
            error.headers = (*error.headers, *headers)
            raise
        return Answered(_encode(response), headers)

    def _detected(self, request: AnalyzeCommentRequest, text: str, signals: Signals) -> str:
        """The language that the text was found to be in."""
        if request.languages:
            # The signal says what the request says, so it is asked again.
            ((guess, _),) = self._language.guesses([text])
            return guess or UNDETERMINED
        language = signals.get("language")
        if any(signals.get(head) is not None for heads in ATTRIBUTES.values() for head in heads):
            # What is too short to tell in Latin letters is read as English.
            return language if isinstance(language, str) and language in LANGUAGES else ASSUMED
        return language if isinstance(language, str) and language not in LANGUAGES else UNDETERMINED

    def _check_attributes(self, request: AnalyzeCommentRequest) -> None:
        if not request.requested_attributes:
            raise errors.no_attributes()
        schema = self._service.decider.engine.schema
        for name, parameters in request.requested_attributes.items():
            if not is_supported(name, schema):
                raise errors.unknown_attribute(name)
            if parameters.score_type not in ANSWERED_TYPES:
                raise errors.score_type(parameters.score_type, name)


def comment_of(entry: TextEntry) -> Comment:
    """The comment in a request. Raises `GoogleError` where there is nothing to read, or too much."""
    size = len(entry.text.encode())
    if size > TEXT_LIMIT:
        raise errors.too_many_bytes(size, TEXT_LIMIT)
    seen = visible(entry.text) if entry.type == "HTML" else None
    text = entry.text if seen is None else seen.text
    if not text.strip():
        raise errors.comment_empty()
    return Comment(text, entry.text, seen)


def check_context(context: Context) -> None:
    """Raises `GoogleError` where both kinds are given."""
    if context.entries and context.article_and_parent_comment is not None:
        raise errors.both_contexts()


def check_languages(languages: Sequence[str]) -> None:
    """Raises `GoogleError` where one is no language's code."""
    if len(languages) > LANGUAGES_LIMIT:
        raise errors.invalid_request(f"At most {LANGUAGES_LIMIT} languages may be given")
    for number, language in enumerate(languages):
        if LANGUAGE_TAG.fullmatch(language) is None:
            raise errors.invalid_request(f"languages[{number}] is no BCP 47 language code")


def refuse_uncovered(request: AnalyzeCommentRequest) -> None:
    """Raise `GoogleError` where not all of the languages that the request names are covered, as Perspective does."""
    uncovered = [language for language in request.languages if primary(language) not in LANGUAGES]
    if uncovered:
        raise errors.language(next(iter(request.requested_attributes)), uncovered, requested=True)


def item_of(text: str, request: AnalyzeCommentRequest | SuggestCommentScoreRequest) -> Item:
    """The item that a request is about. No name of it comes from the client."""
    context = request.context
    caption = parent = None
    if (both := context.article_and_parent_comment) is not None:
        caption, parent = _read(both.article), _read(both.parent_comment)
    elif context.entries:
        parent = _read(context.entries[-1])
    return Item(
        id=f"perspective-{secrets.token_hex(8)}",
        text=text,
        caption=caption,
        parent=parent,
        language=request.languages[0] if request.languages else None,
    )


def _read(entry: TextEntry | None) -> str | None:
    if entry is None or not entry.text:
        return None
    text = entry.text[: 4 * CONTEXT_LIMIT]
    return (visible(text).text if entry.type == "HTML" else text)[:CONTEXT_LIMIT] or None


def respond(
    request: AnalyzeCommentRequest,
    comment: Comment,
    parts: Sequence[Span],
    measured: Sequence[Signals],
    detected: str,
) -> AnalyzeCommentResponse:
    """The answer, from what was measured of the whole and, where there are several, of every part.

    Raises `GoogleError` where an attribute is not scored in the comment's language.
    """
    whole, *apart = measured
    places = comment.placed(parts)
    if not apart:
        # Not asked for parts, or there is but one.
        apart, places = [whole], places or [comment.whole()]
    scored: dict[str, AttributeScores] = {}
    for name, parameters in request.requested_attributes.items():
        value = score(name, whole)
        if value is None:
            if request.drop_unsupported_attributes:
                continue
            raise errors.language(name, [detected], requested=False)
        spans = [
            SpanScore(begin, end, Score(part))
            for (begin, end), signals in zip(places, apart, strict=True)
            if (part := score(name, signals)) is not None
        ]
        if parameters.score_threshold is None or value >= parameters.score_threshold:
            scored[name] = AttributeScores(spans or [SpanScore(*comment.whole(), Score(value))], Score(value))
    return AnalyzeCommentResponse(
        attribute_scores=scored or msgspec.UNSET,
        languages=request.languages or [detected],
        detected_languages=[detected],
        client_token=msgspec.UNSET if request.client_token is None else request.client_token,
    )


_encode = msgspec.json.Encoder().encode
