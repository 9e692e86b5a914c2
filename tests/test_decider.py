"""Deciding for real, on a real ledger: recorded before answered, once per key, under the policy in force."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.content import Account, Item
from holdfast.decider import Answer, Decider, Submission, open_engine
from holdfast.engine import Engine
from holdfast.in_force import REFRESH
from holdfast.ledger.errors import IdempotencyConflict
from holdfast.ledger.events import (
    Decided,
    PolicyPublished,
    PolicyRolledBack,
    PolicyRolledOut,
    PolicyShadowed,
    ShadowDecided,
    records_in,
)
from holdfast.ledger.ledger import Ledger
from holdfast.policy.policy import Policy
from holdfast.settings import LedgerSettings
from holdfast.signals.lexicon import InvalidLexicon

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = NOW + 2 * REFRESH


def source(name: str, then: str, extra: str = "") -> str:
    return f"""
policy: {name}
{extra}
rules:
  - name: insult
    when: lexicon.insult > 0
    then: {then}
    reason: insult
    tells: Insults are set aside.
"""


COUNTING = """
policy: counting
counters:
  seen: count per target over 1 hours
rules:
  - name: third
    when: seen >= 3
    then: limit
    reason: busy
    tells: A lot at once.
"""


def comment(n: int, text: str = "what a lovely soup", author: str | None = None) -> Item:
    return Item(
        id=f"c{n}",
        text=text,
        author=Account(id=author or f"a{n}"),
        target=Account(id="creator"),
        created_at=NOW,
    )


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(data=tmp_path) as opened:
        yield opened


def publish(ledger: Ledger, engine: Engine, text: str) -> Policy:
    policy = Policy.load(text, engine.schema)
    ledger.append([PolicyPublished(policy=policy.id, source=policy.source, by="test")], NOW)
    return policy


def test_every_decision_is_found_under_its_reference(engine: Engine, ledger: Ledger) -> None:
    policy = publish(ledger, engine, source("p", "hold"))
    items = [comment(n, "you idiot" if n % 3 == 0 else f"soup {n}") for n in range(20)]
    decided = Decider(engine, ledger).decide(items, NOW)
    assert [d.decision.action for d in decided] == ["hold" if n % 3 == 0 else "allow" for n in range(20)]
    for item, one in zip(items, decided, strict=True):
        assert one.ref is not None
        found = ledger.decision(one.ref)
        assert (found.item.id, found.action, found.policy) == (item.id, one.decision.action, policy.id)
        assert ledger.item(found.item) == item
        if one.decision.action != "allow":
            assert found.decision == one.decision
    assert ledger.verify() == []


def test_allows_are_sampled_in_full_at_the_rate_asked_for(engine: Engine, ledger: Ledger) -> None:
    publish(ledger, engine, source("p", "hold"))
    decider = Decider(engine, ledger, LedgerSettings(allow_sample_rate=0.2))
    decided = decider.decide([comment(n) for n in range(2_000)], NOW)
    full = sum(ledger.decision(one.ref or "").decision is not None for one in decided[::4])
    assert 70 <= full <= 130  # 500 looked at


def test_without_allowed_texts_an_allow_can_be_counted_but_not_read(engine: Engine, ledger: Ledger) -> None:
    publish(ledger, engine, source("p", "hold"))
    decider = Decider(engine, ledger, LedgerSettings(allow_sample_rate=0, keep_allowed_text=False))
    (allowed, held) = decider.decide([comment(1), comment(2, "you idiot")], NOW)
    assert ledger.item(ledger.decision(allowed.ref or "").item) is None
    assert ledger.item(ledger.decision(held.ref or "").item) is not None


def test_a_key_decides_once(engine: Engine, ledger: Ledger) -> None:
    publish(ledger, engine, source("p", "hold"))
    decider = Decider(engine, ledger)
    items = [comment(1, "you idiot"), comment(2)]
    first = decider.decide(items, NOW, key="k", fingerprint=b"body")
    size = ledger.head().size
    assert list(decider.decide(items, LATER, key="k", fingerprint=b"body")) == list(first)
    assert ledger.head().size == size
    with pytest.raises(IdempotencyConflict):
        decider.decide([comment(3)], LATER, key="k", fingerprint=b"other")


def test_submissions_share_a_transaction_and_keep_their_own_terms(engine: Engine, ledger: Ledger) -> None:
    publish(ledger, engine, source("p", "hold"))
    decider = Decider(engine, ledger)

    def respond(decided: object) -> bytes:
        return repr(decided).encode()

    plain = Submission([comment(1), comment(2, "you idiot")])
    keyed = Submission([comment(3, "you idiot")], "k", b"x", respond)
    clash = Submission([comment(4)], "k", b"y", respond)
    a, b, c, d, e = decider.decide_all([plain, keyed, keyed, clash, Submission([])], NOW)
    assert isinstance(a, Answer)
    assert isinstance(b, Answer)
    assert isinstance(c, Answer)
    assert isinstance(e, Answer)
    assert [x.decision.item_id for x in a.decided] == ["c1", "c2"]
    assert (c.replayed, c.response) == (True, b.response)
    assert isinstance(d, IdempotencyConflict)
    assert e.decided == []
    assert len(ledger.decisions_of("c3")) == 1
    assert ledger.decisions_of("c4") == []


def test_a_policy_published_elsewhere_is_in_force_soon(engine: Engine, ledger: Ledger) -> None:
    publish(ledger, engine, source("p", "hold"))
    decider = Decider(engine, ledger)
    assert decider.decide([comment(1, "you idiot")], NOW)[0].decision.action == "hold"
    publish(ledger, engine, source("p", "remove"))
    assert decider.decide([comment(2, "you idiot")], LATER)[0].decision.action == "remove"


def test_a_roll_out_decides_for_its_share_and_ends_with_a_roll_back(engine: Engine, ledger: Ledger) -> None:
    old = publish(ledger, engine, source("p", "hold"))
    new = Policy.load(source("p", "remove"), engine.schema)
    ledger.append([PolicyRolledOut(policy=new.id, source=new.source, percent=30, by="test")], NOW)
    decider = Decider(engine, ledger)
    items = [comment(n, "you idiot") for n in range(400)]
    moved = sum(d.decision.policy == new.id for d in decider.decide(items, NOW))
    assert 80 <= moved <= 160
    ledger.append([PolicyRolledBack(policy=new.id, to=old.id, by="test", why="too strict")], NOW)
    assert {d.decision.policy for d in decider.decide(items, LATER)} == {old.id}


def test_a_shadow_is_recorded_and_not_acted_on(engine: Engine, ledger: Ledger) -> None:
    publish(ledger, engine, source("p", "hold"))
    shadow = Policy.load(source("p", "remove"), engine.schema)
    ledger.append([PolicyShadowed(policy=shadow.id, source=shadow.source, by="test")], NOW)
    decided = Decider(engine, ledger).decide([comment(1, "you idiot"), comment(2)], NOW)
    assert [d.decision.action for d in decided] == ["hold", "allow"]
    (record,) = [r.event for r in ledger.read() if isinstance(r.event, ShadowDecided)]
    assert (record.n, record.shadow) == (2, shadow.id)
    assert [(x.item_id, x.live_action, x.shadow_action) for x in record.differs] == [("c1", "hold", "remove")]


def test_the_default_pack_is_published_so_that_its_decisions_can_be_checked(
    engine: Engine, ledger: Ledger
) -> None:
    decider = Decider(engine, ledger)
    decided = decider.decide([comment(1)], NOW)
    states = ledger.policies()
    assert states[decided[0].decision.policy].phase == "live"
    assert (
        Policy.load(states[decided[0].decision.policy].source, engine.schema).id == decided[0].decision.policy
    )


@pytest.mark.parametrize("with_snapshot", [True, False])
def test_a_restart_goes_on_counting(engine: Engine, ledger: Ledger, with_snapshot: bool) -> None:
    publish(ledger, engine, COUNTING)
    before = Decider(engine, ledger)
    assert [d.decision.action for d in before.decide([comment(1), comment(2)], NOW)] == ["allow", "allow"]
    snapshot = before.snapshot()
    after = Decider(engine, ledger)
    if with_snapshot:
        after.restore(snapshot)
    (third,) = after.decide([comment(3)], NOW + timedelta(minutes=1))
    assert third.decision.action == "limit"
    assert third.decision.rules[0].values == {"seen": 3}


def test_nothing_is_recorded_without_a_ledger(engine: Engine) -> None:
    (one,) = Decider(engine, None).decide([comment(1)], NOW)
    assert one.ref is None


def test_words_of_a_text_are_kept_only_where_they_can_be_erased(engine: Engine, ledger: Ledger) -> None:
    decider = Decider(engine, ledger, policy=Policy.load(source("p", "hold"), engine.schema))
    decider.decide([comment(1, "you idiot, xylophone")], NOW)
    assert all(
        b"xylophone" not in repr(r.event).encode() for r in ledger.read() if isinstance(r.event, Decided)
    )


def test_an_operators_own_lists_join_the_lexicon(tmp_path: Path) -> None:
    (tmp_path / "lexicons").mkdir()
    (tmp_path / "lexicons" / "ours.yaml").write_text(
        "category: insult\nlanguage: en\nterms:\n  - bristo\n", encoding="utf-8"
    )
    own, shipped = open_engine(tmp_path), Engine()
    assert own.measure([comment(1, "you br1sto")]).signals["lexicon.insult"] == [1]
    assert own.versions["lexicon"] != shipped.versions["lexicon"]
    (tmp_path / "lexicons" / "more.yaml").write_text(
        "category: insult\nlanguage: en\nterms: [Bristo]\n", encoding="utf-8"
    )
    with pytest.raises(InvalidLexicon, match=r"ours\.yaml"):
        open_engine(tmp_path)


# Scored, and not decided --------------------------------------------------------------------


def test_what_is_only_scored_is_measured_as_anything_and_leaves_no_trace(
    engine: Engine, tmp_path: Path
) -> None:
    texts = [comment(n, text) for n, text in enumerate(["what an idiot", "lovely soup", "send me bristo"])]
    with Ledger.open(None, data=tmp_path) as ledger:
        decider = Decider(engine, ledger)
        decider.policy(NOW)
        before = ledger.head()
        submissions = [
            Submission([], scored=texts[:1]),
            Submission([], scored=texts[1:]),
        ]
        answers = decider.decide_all(submissions, NOW)
        assert ledger.head() == before
    measured = engine.measure(texts).rows()
    found = [values for answer in answers if isinstance(answer, Answer) for values in answer.signals]
    assert found == measured
    assert all(isinstance(answer, Answer) and not answer.decided for answer in answers)


def test_scored_beside_decided_items_each_get_their_own(engine: Engine, tmp_path: Path) -> None:
    texts = [
        comment(n, text) for n, text in enumerate(["what an idiot", "lovely soup", "you moron", "hello"])
    ]
    with Ledger.open(None, data=tmp_path) as ledger:
        decider = Decider(engine, ledger)
        first, second = decider.decide_all(
            [Submission([texts[0]], scored=[texts[1]]), Submission([texts[3]], scored=[texts[2]])], NOW
        )
        recorded = [event.event for event in ledger.read(0)]
    assert isinstance(first, Answer) and isinstance(second, Answer)
    measured = engine.measure(texts).rows()
    assert [d.decision.signals for d in (*first.decided, *second.decided)] == [measured[0], measured[3]]
    assert [*first.signals, *second.signals] == [measured[1], measured[2]]
    ids = {record.id for event in recorded for record, _ in records_in(event)}
    assert ids == {"c0", "c3"}


def test_scored_items_move_no_counter_and_no_shadow(engine: Engine, tmp_path: Path) -> None:
    counting = Policy.load(COUNTING, engine.schema)
    decider = Decider(engine, None, policy=counting)
    decider.decide_all([Submission([], scored=[comment(n) for n in range(5)])], NOW)
    (answer,) = decider.decide_all([Submission([comment(9)])], NOW)
    assert isinstance(answer, Answer)
    assert answer.decided[0].decision.action == "allow"
