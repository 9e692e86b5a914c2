"""The examples of the OpenAPI document. Tests send them to the application and hold its answers to them."""

from __future__ import annotations

from typing import Any

from litestar.openapi.datastructures import ResponseSpec

from holdfast.web.problems import KINDS, ProblemDocument

POLICY = "community@0f3a9c21b7de"

ITEM: dict[str, Any] = {
    "id": "c-1",
    "text": "What a lovely song, thank you!",
    "surface": "comment",
    "author": {"id": "u-17", "created_at": "2025-11-02T09:30:00Z", "followers": 12},
    "target": {"id": "creator-3"},
}
ITEMS: dict[str, Any] = {"items": [ITEM, {"id": "c-2", "text": "Call me: 030 5550 123"}]}

DECISION: dict[str, Any] = {
    "ref": "128",
    "id": "c-1",
    "action": "hold",
    "escalate": False,
    "rules": [
        {
            "name": "contact_details_of_others",
            "then": "hold",
            "reason": "private_information",
            "tells": "Comments that give away a telephone number wait for a look.",
            "values": {"contact.phone": 1},
            "escalate": False,
        }
    ],
    "unknown": [{"name": "new_account", "missing": ["author.age_days"]}],
    "signals": {"contact.phone": 1, "language": None},
    "spans": [{"signal": "contact", "start": 9, "end": 21, "label": "phone", "field": "text"}],
    "policy": POLICY,
    "versions": {"contact": "1"},
}
DECISIONS: dict[str, Any] = {"decisions": [DECISION]}

PROOF: dict[str, Any] = {
    "seq": 128,
    "at": 1769884200000000,
    "key": None,
    "type": "decided",
    "body": '{"type":"decided"}',
    "leaf": "8c3e" + "0" * 60,
    "size": 129,
    "root": "f1d2" + "0" * 60,
    "path": ["77aa" + "0" * 60],
    "texts": [],
    "format": "holdfast-proof-1",
}
DECISION_RECORD: dict[str, Any] = {
    "ref": "128",
    "at": "2026-01-31T18:30:00Z",
    "action": "hold",
    "policy": POLICY,
    "decision": {name: value for name, value in DECISION.items() if name != "ref"},
    "item": {"id": "c-1", "text": "5b1d" + "0" * 60},
    "texts": {"text": "Call me: 030 5550 123"},
    "proof": PROOF,
}
DECISION_PAGE: dict[str, Any] = {
    "decisions": [
        {
            "ref": "128",
            "id": "c-1",
            "action": "hold",
            "escalate": False,
            "policy": POLICY,
            "at": "2026-01-31T18:30:00Z",
        }
    ],
    "next": "128",
}
POLICY_SUMMARY: dict[str, Any] = {
    "id": POLICY,
    "phase": "live",
    "percent": 100,
    "since": "2026-01-31T18:00:00Z",
}
POLICY_LIST: dict[str, Any] = {"policies": [POLICY_SUMMARY]}
POLICY_DETAIL: dict[str, Any] = {
    **POLICY_SUMMARY,
    "name": "community",
    "version": "0f3a9c21b7de",
    "description": "What a community of strangers needs at least.",
    "on_unknown": "allow",
    "source": "policy: community\nrules: []\n",
    "rules": [
        {
            "name": "contact_details_of_others",
            "when": "contact.phone > 0",
            "then": "hold",
            "escalate": False,
            "reason": "private_information",
            "tells": "Comments that give away a telephone number wait for a look.",
            "reads": ["contact.phone"],
        }
    ],
    "inputs": [],
}
_FIELD: dict[str, Any] = {
    "name": "contact.phone",
    "type": "integer",
    "doc": "Telephone numbers found.",
    "nullable": False,
    "low": 0,
    "high": None,
}
SIGNAL_LIST: dict[str, Any] = {
    "item": [{**_FIELD, "name": "item.id", "type": "text", "doc": "The item's id.", "low": None}],
    "signals": [{"name": "contact", "version": "1", "fields": [_FIELD]}],
}


def problem_example(code: str) -> dict[str, Any]:
    """What a problem looks like."""
    kind = KINDS[code]
    return {
        "type": f"/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.doc,
        "errors": [{"where": "items[3].text", "expected": "str"}] if code == "invalid-item" else [],
    }


ANSWERS: dict[str, Any] = {
    "getDecision": DECISION_RECORD,
    "listDecisions": DECISION_PAGE,
    "listPolicies": POLICY_LIST,
    "getPolicy": POLICY_DETAIL,
    "listSignals": SIGNAL_LIST,
    "getHealth": {"status": "alive"},
    "getReadiness": {"status": "ready"},
    "getMetrics": 'holdfast_items_total{action="hold"} 3.0\n',
}
"""What each operation of the framework's routes answers, by its `operationId`."""

READ_PROBLEMS = ("unauthenticated", "forbidden", "rate-limited", "internal", "store-unavailable")
LOOKUP_PROBLEMS = (*READ_PROBLEMS, "invalid-parameter", "not-found")


def ok(
    answer: Any, problems: tuple[str, ...] = READ_PROBLEMS, media_type: str = "application/json"
) -> dict[int, ResponseSpec]:
    """The `responses` of a route that answers `answer`, and may refuse with `problems`.

    `openapi.py` puts the examples in: the framework would drop what is null in them.
    """
    specs = {
        200: ResponseSpec(answer, generate_examples=False, description="Success.", media_type=media_type)
    }
    for code in problems:
        kind = KINDS[code]
        specs.setdefault(
            kind.status,
            ResponseSpec(
                ProblemDocument,
                generate_examples=False,
                description=kind.title,
                media_type="application/problem+json",
            ),
        )
    return specs
