"""`/kit`: every partial in each of its states, for developers and for the tests that look at it.

The texts are made up and harmless; what is shown as abuse uses invented words.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar.response import Response

from holdfast.decision import Action, Decision, Fired, Span, Unknown
from holdfast.schema import Field, Type
from holdfast.web.console import render
from holdfast.web.console.catalogue import catalogue
from holdfast.web.console.evidence import mark, readings, shape
from holdfast.web.console.figures import BIN_SECONDS, BINS, Minute
from holdfast.web.console.plot import plot
from holdfast.web.console.sources import Commands, Counts, Rate, Shown, Status, finding, stopped
from holdfast.web.console.suggestions import HEADS, Around, Suggestion, compare
from holdfast.web.console.views import Happened, Row, Trial, Words, gravest, humane, judged

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
TEXT = "what a bristo you are, call me on 020 7946 0000"
HOSTILE = '<script>alert("1")</script> & <b>"bold"</b> \u202e\u05e9\u05dc\u05d5\u05dd'
_POLICY = "community@3f2a9c01d4e7"


def show() -> Response[str]:
    """The page."""
    return render.page("kit.html", title=catalogue().say("kit.title"), here="kit", kit=True, **context())


def context() -> dict[str, Any]:
    """What the template of the page is given."""
    words = catalogue()
    busy = [(40 + 7 * (n % 9) + n // 2, 3 + n % 4) for n in range(BINS)]
    return {
        "now": words.relative(NOW - timedelta(minutes=3), NOW),
        "rows": [_row(*case) for case in _ROWS],
        "words": {
            "kept": Words(TEXT, "", shape(TEXT)),
            "hostile": Words(HOSTILE, "", shape(HOSTILE)),
            "erased": Words(None, "erased", ""),
            "not_kept": Words(None, "not_kept", ""),
            "not_allowed": Words(None, "not_allowed", ""),
            "empty": Words("", "", ""),
        },
        "marked": mark(TEXT, _SPANS),
        "rates": [_rate(busy), _rate([(0, 0)] * (BINS - 2) + [(2, 1), (1, 0)]), _rate([(0, 0)] * BINS)],
        "shown": _shown(busy),
        "quiet": _shown([(0, 0)] * BINS),
        "suggestions": [_suggestion(*case) for case in _SUGGESTIONS],
        "trials": [
            Trial(TEXT, decision=judged(_DECISION, TEXT, _FIELDS, words)),
            Trial("hello", decision=judged(_HARMLESS, "hello", {}, words)),
            Trial(error=words.say("try.empty")),
        ],
        "trial": Trial(TEXT),
        "readings": readings(_DECISION.signals, _FIELDS),
        "decision": judged(_DECISION, TEXT, _FIELDS, words),
        "happened": [
            Happened(words.say("decision.created"), words.relative(NOW - timedelta(hours=2), NOW)),
            Happened(words.say("decision.received"), words.relative(NOW - timedelta(minutes=3), NOW)),
            Happened(words.say("decision.decided"), words.relative(NOW - timedelta(minutes=3), NOW)),
        ],
    }


_FIELDS = {
    name: Field(
        name=name,
        type=Type.NUMBER,
        nullable=True,
        low=0,
        high=1,
        doc=f"How probable it is that {doc}. Else unknown.",
    )
    for name, doc in (
        ("hate", "the text attacks people for who they are"),
        ("harassment", "the text attacks the person it is aimed at"),
        ("threat", "the text threatens, wishes or calls for violence"),
        ("sexual", "the text is sexual"),
    )
}
_SPANS = (
    Span(signal="lexicon.insult", start=7, end=13, label="bristo"),
    Span(signal="contact.phone", start=34, end=47, label="phone number"),
)
_RULES = (
    Fired(
        name="insult_at_a_person",
        then="hold",
        reason="harassment",
        tells="Comments that insult a person wait for a look.",
        values={"lexicon.insult": 1, "text.letters": 34},
    ),
    Fired(
        name="private_phone_number",
        then="remove",
        reason="personal_information",
        tells="Private phone numbers are not shown.",
        values={"contact.phone": 1},
        escalate=True,
    ),
)
_DECISION = Decision(
    item_id="kit",
    action="remove",
    escalate=True,
    rules=_RULES,
    unknown=(Unknown(name="new_account_with_links", missing=("author.age_days",)),),
    signals={
        "text.length": 47,
        "text.capitals": 0.0,
        "lexicon.insult": 1,
        "lexicon.threat": 0,
        "language": None,
        "contact.phone": 1,
        "contact.kinds": ["phone"],
        "hate": 0.0412,
        "harassment": 0.9317,
        "threat": 0.2,
        "sexual": None,
    },
    spans=_SPANS,
    policy=_POLICY,
    versions={"text": "1", "lexicon": "1+4f2a"},
)
_HARMLESS = Decision(
    item_id="kit-2",
    action="allow",
    escalate=False,
    rules=(),
    unknown=(),
    signals={"text.length": 5, "lexicon.insult": 0},
    spans=(),
    policy=_POLICY,
    versions={},
)
_ROWS: tuple[tuple[str, Action, bool, tuple[Fired, ...], str | None, int], ...] = (
    ("1024", "remove", True, _RULES, TEXT, 1),
    ("1023", "hold", False, _RULES[:1], HOSTILE, 0),
    ("1022", "limit", False, _RULES[:1], "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", 0),
    ("1021", "label", False, _RULES[:1], None, 0),
    ("1020.17", "allow", False, (), "Lovely soup. " * 40, 0),
)


_SUGGESTIONS: tuple[tuple[int, str | None, str | None, dict[str, float], str | None, str | None], ...] = (
    (905, "Forum tools", "forum-7", {"TOXICITY": 0.9, "INSULT": 1.0, "THREAT": 0.0}, TEXT, None),
    (904, None, None, {"IDENTITY_ATTACK": 0.0}, HOSTILE, "suggestions.busy"),
    (903, "newsroom", None, {"SPAM": 0.7, "RETIRED_ATTRIBUTE": 0.1}, None, "suggestions.erased"),
)


def _suggestion(
    seq: int,
    who: str | None,
    community: str | None,
    scores: dict[str, float],
    text: str | None,
    why: str | None,
) -> Suggestion:
    compared = compare(scores, None if why else {**dict.fromkeys(HEADS, 0.03), "harassment": 0.31})
    kept = Words(None, "erased_suggestion", "") if text is None else Words(text, "", shape(text))
    return Suggestion(
        seq,
        who,
        community,
        catalogue().relative(NOW - timedelta(hours=906 - seq), NOW),
        kept,
        (Around("decision.parent", kept),) if seq == 905 else (),
        compared,
        sum(pair.differs for pair in compared),
        why,
    )


def _row(
    ref: str, action: Action, escalate: bool, rules: tuple[Fired, ...], text: str | None, unknown: int
) -> Row:
    words = catalogue()
    return Row(
        ref,
        action,
        escalate,
        humane(gravest(rules).reason, words) if rules else words.say("reason.none"),
        words.relative(NOW - timedelta(minutes=1024 - int(float(ref))), NOW),
        "comment",
        Words(None, "erased", "") if text is None else Words(text, "", shape(text)),
        max(0, len(rules) - 1),
        unknown,
    )


def _rate(bins: list[tuple[int, int]]) -> Rate:
    words = catalogue()
    drawn = plot(bins, BIN_SECONDS, BIN_SECONDS)
    minutes = []
    for n in range(10):
        six = bins[6 * n : 6 * n + 6]
        held = sum(held for _, held in six)
        actions: dict[Action, int] = {
            "allow": sum(p for p, _ in six),
            "label": 0,
            "limit": 0,
            "hold": held,
            "remove": 0,
        }
        minutes.append(Minute(NOW - timedelta(minutes=10 - n), actions))
    return Rate(drawn, finding(drawn, words), stopped(drawn, words), minutes[::-1])


def _shown(bins: list[tuple[int, int]]) -> Shown:
    words = catalogue()
    passed, held = sum(p for p, _ in bins), sum(h for _, h in bins)
    actions: dict[Action, int] = {
        "allow": passed,
        "label": passed // 90,
        "limit": passed // 70,
        "hold": held,
        "remove": held // 9,
    }
    return Shown(
        Status(
            words.relative(NOW - timedelta(days=3), NOW),
            _POLICY,
            "community@77aa01d4e7f2" if held else None,
            0.25,
            1_284_503 if held else 1,
            "9c1b2af4" * 8,
            0.084 if held else None,
        ),
        Counts(actions, held, held // 20, False),
        _rate(bins),
        "15:09:26 UTC",
        Commands("curl http://127.0.0.1:8080/v1/decide", "holdfast decide comments.csv"),
    )
