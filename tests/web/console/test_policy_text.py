"""The policy page shows the policy's text: all of it, in order, with quoted abuse folded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.web.console.conftest import POLICY

from holdfast.engine import Engine
from holdfast.policy.packs import DEFAULT_PACK, pack_source
from holdfast.policy.policy import Policy
from holdfast.web.console.policy_text import _blocks, shown_policy

lines = st.lists(
    st.one_of(
        st.sampled_from(
            ["rules:", "  - name: a", "    examples:", "      hold:", '        - "x"', "", "  # note"]
        ),
        st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12),
    ),
    max_size=20,
)


@given(lines)
@settings(deadline=None)
def test_every_line_is_there_once_with_its_number(source: list[str]) -> None:
    shown = [line for block in _blocks(source) for line in block.lines]
    assert [line.number for line in shown] == list(range(1, len(source) + 1))
    assert ["".join(text for _, text in line.parts) for line in shown] == source


def test_examples_are_folded_and_rules_know_their_line() -> None:
    policy = Policy.load(POLICY, Engine().schema)
    shown = shown_policy(policy, {"private_email": 7})
    folded = [
        "".join(t for _, t in line.parts) for block in shown.blocks if block.folded for line in block.lines
    ]
    assert folded == [
        "      hold:",
        '        - "write to jo@example.org"',
        "      allow:",
        '        - "what a lovely song"',
    ]
    source = POLICY.splitlines()
    for rule in shown.rules:
        assert rule.line is not None
        assert source[rule.line - 1].strip() == f"- name: {rule.name}"
    assert [rule.fired for rule in shown.rules] == [7, 0]


def test_the_shipped_policy_quotes_nothing_unasked() -> None:
    policy = Policy.load(pack_source(DEFAULT_PACK), Engine().schema)
    shown = shown_policy(policy, {})
    open_lines = [
        "".join(t for _, t in line.parts)
        for block in shown.blocks
        if not block.folded
        for line in block.lines
    ]
    for rule in policy.rules:
        for example in (text for texts in rule.examples.values() for text in texts if isinstance(text, str)):
            assert not any(example in line for line in open_lines)
