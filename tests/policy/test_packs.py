"""The policies that ship load without a warning, do what their examples say, and tell people why."""

from __future__ import annotations

import pytest

from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.policy.check import NOW, check
from holdfast.policy.diagnostics import render
from holdfast.policy.packs import DEFAULT_PACK, PACKS, pack_source
from holdfast.policy.policy import Policy


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module", params=PACKS)
def pack(request: pytest.FixtureRequest, engine: Engine) -> Policy:
    return Policy.load(pack_source(request.param), engine.schema, f"{request.param}.yaml")


def test_it_loads_without_a_warning(pack: Policy) -> None:
    assert pack.warnings == (), render(pack.warnings)


def test_its_examples_hold(pack: Policy, engine: Engine) -> None:
    findings = check(pack, engine)
    assert findings == [], render(findings)


def test_every_rule_shows_what_it_is_for_and_what_it_leaves_alone(pack: Policy) -> None:
    for rule in pack.rules:
        assert rule.examples.get(rule.then), rule.name
        assert rule.examples.get("allow"), rule.name
        assert rule.tells.endswith("."), rule.name
        assert 20 <= len(rule.tells) <= 250, rule.name


def test_everyday_comments_pass_without_any_record(pack: Policy, engine: Engine) -> None:
    texts = [
        "first",
        "lovely video",
        "😂😂😂",
        "",
        "where is this?",
        "https://example.com/recipe",
    ]
    for decision in engine.decide([Item(id=str(n), text=text) for n, text in enumerate(texts)], pack, NOW):
        assert (decision.action, decision.rules, decision.unknown) == ("allow", (), ())


def test_what_is_not_covered_is_allowed_but_never_said_to_be_fine(pack: Policy, engine: Engine) -> None:
    texts = ["שלום לכולם", "wirklich ein schöner Abend mit euch allen"]
    for decision in engine.decide([Item(id=str(n), text=text) for n, text in enumerate(texts)], pack, NOW):
        assert (decision.action, [rule.name for rule in decision.rules]) == ("allow", ["not_read"])
        assert decision.signals["hate"] is None


def test_the_default_pack_is_one_that_ships() -> None:
    assert DEFAULT_PACK in PACKS
    with pytest.raises(KeyError):
        pack_source("../secrets")
