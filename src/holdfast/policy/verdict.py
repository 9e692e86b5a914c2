"""Verdicts: what a policy says about one item, before the engine adds the evidence."""

from __future__ import annotations

from typing import NamedTuple

from holdfast.decision import Action, Fired, Unknown


class Verdict(NamedTuple):
    """The action a policy asks for, the rules that fired and those that could not be decided."""

    action: Action
    escalate: bool
    rules: tuple[Fired, ...]
    unknown: tuple[Unknown, ...]
