"""The policy as text: numbered lines, with the examples folded, and its rules with what they did."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from holdfast.decision import Action
from holdfast.policy.policy import Policy


class Line(NamedTuple):
    """A numbered line, cut into (kind, text); kind is empty, `key` or `comment`."""

    number: int
    parts: tuple[tuple[str, str], ...]


class Block(NamedTuple):
    """Lines that are shown, or folded because they may quote abuse."""

    folded: bool
    lines: tuple[Line, ...]


class ShownRule(NamedTuple):
    name: str
    anchor: str
    then: Action
    escalate: bool
    tells: str
    fired: int
    line: int | None


class ShownPolicy(NamedTuple):
    id: str
    description: str
    on_unknown: Action
    rules: tuple[ShownRule, ...]
    blocks: tuple[Block, ...]


_KEY = re.compile(r"^(\s*(?:- )?)([\w.-]+)(:)(?=\s|$)")
_EXAMPLES = re.compile(r"^(\s*)(?:- )?examples:\s*(?:#.*)?$")
_NAME = re.compile(r"^\s*(?:- )?name:\s*[\"']?([\w.-]+)[\"']?\s*(?:#.*)?$")


def shown_policy(policy: Policy, fired: Mapping[str, int]) -> ShownPolicy:
    """`policy` for its page, with how often each rule fired."""
    lines = policy.source.splitlines()
    named: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if (match := _NAME.match(line)) is not None:
            named.setdefault(match[1], number)
    return ShownPolicy(
        policy.id,
        policy.description,
        policy.on_unknown,
        tuple(
            ShownRule(
                rule.name,
                rule_anchor(rule.name),
                rule.then,
                rule.escalate,
                rule.tells,
                fired.get(rule.name, 0),
                named.get(rule.name),
            )
            for rule in policy.rules
        ),
        tuple(_blocks(lines)),
    )


def _blocks(lines: Sequence[str]) -> list[Block]:
    blocks: list[Block] = []
    current: list[Line] = []
    folding: int | None = None

    def close(folded: bool) -> None:
        if current:
            blocks.append(Block(folded, tuple(current)))
            current.clear()

    for number, text in enumerate(lines, 1):
        indent = len(text) - len(text.lstrip())
        if folding is not None and text.strip() and indent <= folding:
            close(folded=True)
            folding = None
        current.append(Line(number, _parts(text)))
        if folding is None and (match := _EXAMPLES.match(text)) is not None:
            close(folded=False)
            folding = len(match[1]) + (2 if text.lstrip().startswith("- ") else 0)
    close(folded=folding is not None)
    return blocks


def _parts(text: str) -> tuple[tuple[str, str], ...]:
    if text.lstrip().startswith("#"):
        return (("comment", text),)
    if (match := _KEY.match(text)) is not None:
        return (("", match[1]), ("key", match[2] + match[3]), ("", text[match.end() :]))
    return (("", text),)


def rule_anchor(name: str) -> str:
    """The place of a rule on the policy page."""
    return "rule-" + quote(name, safe="")
