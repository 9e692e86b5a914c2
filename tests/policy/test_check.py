"""Examples, run through the real engine on a signal that counts a made-up word."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pytest
from tests.policy.samples import field

from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.policy.check import check
from holdfast.policy.policy import Policy
from holdfast.schema import Field, Type
from holdfast.signals.signal import Batch, Evidence


class Bristo:
    """Counts the made-up word `bristo`."""

    name = "bristo"
    version = "1"
    fields: tuple[Field, ...] = (field("lexicon.bristo", Type.INTEGER, low=0),)

    def measure(self, batch: Batch) -> Evidence:
        return Evidence({"lexicon.bristo": [item.text.count("bristo") for item in batch.items]})


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine([Bristo()])


def complaints(engine: Engine, examples: str, head: str = "", more: str = "") -> list[str]:
    policy = Policy.load(
        f"policy: test\n{head}rules:\n"
        "  - name: bristo\n    when: lexicon.bristo > 0\n    then: hold\n    reason: r\n    tells: t\n"
        f"    examples:\n{textwrap.indent(textwrap.dedent(examples), '      ')}\n{more}",
        engine.schema,
    )
    return [f"{d.line}: {d.message}" for d in check(policy, engine)]


LABEL = "  - name: other\n    when: contains(item.text, 'x')\n    then: label\n    reason: r\n    tells: t\n"
REMOVE = LABEL.replace("label", "remove")
SAME = LABEL.replace("label", "hold")


def test_examples_that_hold_say_nothing(engine: Engine) -> None:
    assert complaints(engine, "hold: [you bristo]\nallow: [hello, 'bris to']") == []


def test_an_example_that_should_fire_and_does_not(engine: Engine) -> None:
    assert complaints(engine, "hold:\n  - bristo\n  - hello") == [
        "11: expected hold, got allow: rule bristo did not fire: lexicon.bristo = 0"
    ]


def test_an_example_that_should_not_fire_and_does(engine: Engine) -> None:
    assert complaints(engine, "allow: [bristo]") == [
        "9: expected allow, got hold: bristo fired: lexicon.bristo = 1"
    ]


def test_another_rule_may_decide_otherwise(engine: Engine) -> None:
    assert complaints(engine, "allow: [x]", more=LABEL) == ["9: expected allow, got label: other fired"]
    assert complaints(engine, "hold: [bristo x]", more=REMOVE) == [
        "9: expected hold, got remove: bristo, other fired: lexicon.bristo = 1"
    ]
    assert complaints(
        engine, "remove: [bristo x]\nlabel: [x]", more=REMOVE + LABEL.replace("other", "third")
    ) == ["10: expected label, got remove: other, third fired"]


def test_the_rule_itself_must_fire_where_its_own_action_is_expected(engine: Engine) -> None:
    assert complaints(engine, "hold: [x]", more=SAME) == [
        "9: got hold, but not by rule bristo: rule bristo did not fire: lexicon.bristo = 0"
    ]


def test_given_values_stand_in_for_what_would_be_measured(engine: Engine) -> None:
    head = "counters:\n  many: count per author over 1 hour\n"
    more = "  - {name: many_at_once, when: many > 5, then: label, reason: r, tells: t, examples: {label: [{text: a, given: {many: 6}}]}}"
    assert complaints(engine, "hold: [{text: a, given: {lexicon.bristo: 2}}]", head=head, more=more) == []


def test_an_unknown_rule_says_what_is_missing(engine: Engine) -> None:
    more = "  - {name: fresh, when: author.age_days < 7, then: label, reason: r, tells: t, examples: {label: [a]}}"
    assert complaints(engine, "hold: [bristo]", more=more) == [
        "10: expected label, got allow: rule fresh could not be decided: author.age_days is missing"
    ]
    assert complaints(engine, "allow: [a]", head="on_unknown: label\n", more=more)[0] == (
        "10: expected allow, got label: fresh could not be decided"
    )


def test_a_division_by_zero_is_told_apart_from_a_missing_value(engine: Engine) -> None:
    more = "  - {name: odd, when: 1 / lexicon.bristo > 2, then: label, reason: r, tells: t, examples: {label: [a]}}"
    assert complaints(engine, "hold: [bristo]", more=more) == [
        "10: expected label, got allow: rule odd could not be decided"
    ]


def test_examples_are_items_with_all_their_fields(engine: Engine) -> None:
    source = """\
    policy: test
    rules:
      - name: fresh
        when: author.age_days < 7 AND item.surface = 'reply' AND NOT author.verified AND target.id = '7'
        then: label
        reason: r
        tells: t
        examples:
          label:
            - text: 12345
              surface: reply
              author: {id: 1, created_at: 2024-01-01T00:00:00Z, verified: false, followers: 3}
              target: {id: 7}
              created_at: 2024-01-03T00:00:00Z
    """
    policy = Policy.load(textwrap.dedent(source), engine.schema)
    (example,) = policy.rules[0].examples["label"]
    assert (example.item.text, example.item.author.id) == ("12345", "1")  # type: ignore[union-attr]
    assert check(policy, engine) == []


def test_examples_do_not_count_each_other(engine: Engine) -> None:
    source = """\
    policy: test
    counters:
      many: count over 1 hour
    rules:
      - name: second
        when: many > 1
        then: label
        reason: r
        tells: t
        examples:
          allow: [a, a, a]
    """
    assert check(Policy.load(textwrap.dedent(source), engine.schema), engine) == []


def test_the_policy_is_left_as_it_was(engine: Engine) -> None:
    policy = Policy.load(
        "policy: test\nrules:\n  - {name: r, when: lexicon.bristo > 0, then: hold, reason: r, tells: t, examples: {hold: [{text: a, given: {lexicon.bristo: 1}}]}}\n",
        engine.schema,
    )
    items: Sequence[Item] = [Item(id="1", text="a")]
    assert check(policy, engine) == []
    assert policy.evaluate({"lexicon.bristo": [0]}, 1)[0].action == "allow"
    assert len(items) == 1
