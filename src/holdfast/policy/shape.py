"""The keys of a policy file: which there are, what they hold and what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

NUMBER = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]{1,16})?([eE][+-]?[0-9]{1,2})?")
"""How a number is written where a policy takes one."""

Kind = Literal["text", "truth", "number", "mapping", "list"]


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key of a mapping. `doc` is its line in the reference."""

    name: str
    kind: Kind
    doc: str
    required: bool = False


POLICY_KEYS: tuple[Key, ...] = (
    Key(name="policy", kind="text", required=True, doc="The policy's name: lower-case letters, digits and _."),
    Key(name="description", kind="text", doc="What the policy is for."),
    Key(name="on_unknown", kind="text", doc="The most that a rule which could not be decided may ask for; `allow` when left out."),
    Key(name="inputs", kind="mapping", doc="Further values that the platform sends in an item's `context`, by name."),
    Key(name="define", kind="mapping", doc="Named expressions that rules, counters and other definitions may use."),
    Key(name="counters", kind="mapping", doc="Counts over a sliding window, by name."),
    Key(name="rules", kind="list", required=True, doc="The rules. All that hold fire; the most severe action is taken."),
)  # fmt: skip

RULE_KEYS: tuple[Key, ...] = (
    Key(name="name", kind="text", required=True, doc="The rule's name: lower-case letters, digits and _."),
    Key(name="when", kind="text", required=True, doc="One SQL condition over fields, definitions and counters."),
    Key(name="then", kind="text", required=True, doc="The action it asks for: allow, label, limit, hold or remove."),
    Key(name="escalate", kind="truth", doc="Whether a person must look at once, beside the action."),
    Key(name="reason", kind="text", required=True, doc="The machine-readable reason: lower-case letters, digits and _."),
    Key(name="tells", kind="text", required=True, doc="A plain sentence that the people concerned will read."),
    Key(name="examples", kind="mapping", doc="Items by the action that they must lead to; `check` runs them."),
)  # fmt: skip

INPUT_KEYS: tuple[Key, ...] = (
    Key(name="type", kind="text", required=True, doc="boolean, integer, number or text."),
    Key(name="doc", kind="text", required=True, doc="What it means."),
    Key(name="low", kind="number", doc="The least it can be."),
    Key(name="high", kind="number", doc="The most it can be."),
)  # fmt: skip
