"""What can be read over HTTP: decisions with their proof, policies, signals."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from holdfast.content import ID_LIMIT, ITEM_FIELDS
from holdfast.decision import Action, Decision
from holdfast.ledger import NotFound, Proof
from holdfast.ledger.decisions import DecisionEntry, parse_ref
from holdfast.ledger.events import ITEM_TEXTS, ItemRecord
from holdfast.ledger.reducers import PolicyState
from holdfast.policy.policy import Policy
from holdfast.schema import Field
from holdfast.web import examples
from holdfast.web.guard import needs
from holdfast.web.problems import Problem
from holdfast.web.service import Service

PAGE_LIMIT = 200
REF_PATTERN = r"^[0-9]{1,18}(\.[0-9]{1,9})?$"


class DecisionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A decision in a list: enough to show it and to look up the rest by `ref`. `id` is the item's."""

    ref: str
    id: str
    action: Action
    escalate: bool
    policy: str
    at: datetime


class DecisionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions, newest first. `next` is the `before` of the following page, `null` at the end."""

    decisions: list[DecisionSummary]
    next: str | None


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it was recorded, with the proof that it is in the ledger.

    `decision` is `null` for an `allow` that was kept compactly. `item` holds commitments in place of
    texts; `texts` holds those texts that were kept and not erased, and is `null` without the scope
    `text`. `proof` can be checked without this server: `holdfast ledger check-proof`.
    """

    ref: str
    at: datetime
    action: Action
    policy: str
    decision: Decision | None
    item: ItemRecord
    texts: dict[str, str] | None
    proof: Proof


class PolicySummary(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that this ledger knows. `percent` is the share of authors that it decides."""

    id: str
    phase: str
    percent: int
    since: datetime


class PolicyList(msgspec.Struct, frozen=True, kw_only=True):
    """The policies that this ledger knows; those that decide something come first."""

    policies: list[PolicySummary]


class RuleDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A rule: when the SQL predicate `when` holds, it asks for the action `then`."""

    name: str
    when: str
    then: Action
    escalate: bool
    reason: str
    tells: str
    reads: tuple[str, ...]


class PolicyDetail(PolicySummary, frozen=True, kw_only=True):
    """A policy with its text and rules. `source` is the YAML as it was published."""

    name: str
    version: str
    description: str
    on_unknown: Action
    source: str
    rules: list[RuleDetail]
    inputs: list[Field]


class SignalDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A signal, its version, and the fields that rules may read of it."""

    name: str
    version: str
    fields: tuple[Field, ...]


class SignalList(msgspec.Struct, frozen=True, kw_only=True):
    """All that a rule may read: the item's own fields, then what each signal measures."""

    item: tuple[Field, ...]
    signals: list[SignalDetail]


def reading_router(service: Service) -> Router:
    """The routes under `/v1` that change nothing."""

    @lru_cache(maxsize=64)
    def load_policy(source: str) -> Policy:
        return Policy.load(source, service.decider.engine.schema)

    @get(
        "/decisions/{ref:str}",
        operation_id="getDecision",
        summary="A decision, with its proof",
        description="The decision that `POST /v1/decide` answered with this `ref`.",
        tags=["decisions"],
        opt=needs("read"),
        responses=examples.ok(DecisionRecord, examples.LOOKUP_PROBLEMS),
        sync_to_thread=True,
    )
    def get_decision(
        request: Request[Any, Any, Any],
        ref: Annotated[
            str,
            PathParameter(
                description="The decision's place in the ledger: SEQ or SEQ.SLOT.",
                pattern=REF_PATTERN,
                examples=[Example(value="128")],
            ),
        ],
    ) -> DecisionRecord:
        try:
            found = service.ledger.decision(ref)
            proof = service.ledger.prove(parse_ref(ref)[0])
        except NotFound:
            raise Problem("not-found", "No decision has this reference.") from None
        texts: dict[str, str] | None = None
        if request.scope["state"]["principal"].allows("text"):
            by_commitment = service.ledger.texts(list(found.item.commitments()))
            named = ((part, getattr(found.item, part)) for part in ITEM_TEXTS)
            texts = {part: by_commitment[name] for part, name in named if name in by_commitment}
        return DecisionRecord(
            ref=found.ref,
            at=found.at,
            action=found.action,
            policy=found.policy,
            decision=found.decision,
            item=found.item,
            texts=texts,
            proof=proof,
        )

    @get(
        "/decisions",
        operation_id="listDecisions",
        summary="Decisions, newest first",
        description="Give `before` the `next` of one page to get the following one.",
        tags=["decisions"],
        opt=needs("read"),
        responses=examples.ok(DecisionPage, (*examples.READ_PROBLEMS, "invalid-parameter")),
        sync_to_thread=True,
    )
    def list_decisions(
        limit: Annotated[int, QueryParameter(description="Decisions on a page.", ge=1, le=PAGE_LIMIT)] = 50,
        before: Annotated[
            str | None,
            QueryParameter(
                description="The reference that the page comes before.",
                pattern=REF_PATTERN,
                examples=[Example(value="128")],
            ),
        ] = None,
        action: Annotated[
            Action | None,
            QueryParameter(description="Only decisions with this action.", examples=[Example(value="hold")]),
        ] = None,
        id: Annotated[
            str | None,
            QueryParameter(
                description="Only decisions on the item with this id.",
                min_length=1,
                max_length=ID_LIMIT,
                examples=[Example(value="c-1")],
            ),
        ] = None,
    ) -> DecisionPage:
        try:
            if id is None:
                entries = service.ledger.decisions(limit + 1, before, action)
            else:
                entries = [e for e in service.ledger.decisions_of(id) if action in (None, e.action)]
                if before is not None:
                    entries = [e for e in entries if parse_ref(e.ref) < parse_ref(before)]
        except NotFound:
            raise Problem("invalid-parameter", errors=()) from None
        page = entries[:limit]
        return DecisionPage(
            decisions=[_summary(entry) for entry in page],
            next=page[-1].ref if len(entries) > limit else None,
        )

    @get(
        "/policies",
        operation_id="listPolicies",
        summary="The policies, and what each decides",
        tags=["policies"],
        opt=needs("read"),
        responses=examples.ok(PolicyList),
        sync_to_thread=True,
    )
    def list_policies() -> PolicyList:
        states = service.ledger.policies().values()
        order = {"live": 0, "rolling_out": 1, "shadow": 2}
        found = sorted(states, key=lambda state: (order.get(state.phase, 3), -state.since))
        return PolicyList(policies=[PolicySummary(**_standing(service, state)) for state in found])

    @get(
        "/policies/{policy:str}",
        operation_id="getPolicy",
        summary="A policy, with its text and rules",
        tags=["policies"],
        opt=needs("read"),
        responses=examples.ok(PolicyDetail, examples.LOOKUP_PROBLEMS),
        sync_to_thread=True,
    )
    def get_policy(
        policy: Annotated[
            str,
            PathParameter(
                description="The policy's id: name@version.",
                max_length=300,
                examples=[Example(value=examples.POLICY)],
            ),
        ],
    ) -> PolicyDetail:
        state = service.ledger.policies().get(policy)
        if state is None or state.source is None:
            raise Problem("not-found", "No policy in this ledger has this id.")
        loaded = load_policy(state.source)
        return PolicyDetail(
            **_standing(service, state),
            name=loaded.name,
            version=loaded.version,
            description=loaded.description,
            on_unknown=loaded.on_unknown,
            source=loaded.source,
            rules=[
                RuleDetail(
                    name=rule.name,
                    when=rule.when,
                    then=rule.then,
                    escalate=rule.escalate,
                    reason=rule.reason,
                    tells=rule.tells,
                    reads=rule.reads,
                )
                for rule in loaded.rules
            ],
            inputs=list(loaded.inputs),
        )

    @get(
        "/signals",
        operation_id="listSignals",
        summary="What rules may read",
        tags=["policies"],
        opt=needs("read"),
        responses=examples.ok(SignalList),
        sync_to_thread=False,
    )
    def list_signals() -> SignalList:
        signals = service.decider.engine.signals
        return SignalList(
            item=ITEM_FIELDS,
            signals=[SignalDetail(name=s.name, version=s.version, fields=s.fields) for s in signals],
        )

    return Router(
        "/v1", route_handlers=[get_decision, list_decisions, list_policies, get_policy, list_signals]
    )


def _summary(entry: DecisionEntry) -> DecisionSummary:
    return DecisionSummary(
        ref=entry.ref,
        id=entry.item_id,
        action=entry.action,
        escalate=entry.escalate,
        policy=entry.policy,
        at=entry.at,
    )


def _standing(service: Service, state: PolicyState) -> dict[str, Any]:
    return {
        "id": state.policy,
        "phase": state.phase,
        "percent": 100 if state.phase == "live" else state.percent,
        "since": service.ledger.get(state.since).at,
    }
