"""Run the development check: `python -m models.checks [--wrong] [--json FILE] [--weights DIR]`.

Sends the cases of `checks/cases.yaml`, which says how they are written, through the engine under the policy pack
`community`, and tells per class how often that decides right. Whoever composes training rows does not read it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from holdfast.content import Account, Item
from holdfast.engine import Engine
from holdfast.policy.packs import pack_source
from holdfast.policy.policy import Policy
from holdfast.signals import default_signals
from models.figures import ACTED_ON
from models.heads import HEADS

CASES = Path(__file__).with_name("checks") / "cases.yaml"
ACTIONS = ("limit", "hold", "remove")
ATTACKS = tuple(HEADS[at] for at in ACTED_ON)


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence, what it stands under or answers, and the groups for which it is filled (none: the default)."""

    text: str
    caption: str | None = None
    parent: str | None = None
    groups: tuple[str, ...] = ()

    def named(self, names: Mapping[str, str]) -> Case:
        """The case with its placeholders filled."""
        parts = [self.text, self.caption or "", self.parent or ""]
        for place, name in names.items():
            parts = [part.replace(f"{{{place}}}", name) for part in parts]
        return Case(parts[0], parts[1] or None, parts[2] or None, self.groups)


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class of cases, and what is right for all of them."""

    expect: Literal["act", "leave"]
    heads: tuple[str, ...]
    cases: tuple[str | Case, ...]
    author: Literal["stranger", "friend"] = "stranger"


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: dict[str, dict[str, str]]
    default_groups: tuple[str, ...]
    classes: dict[str, Kind]


class Checked(msgspec.Struct, frozen=True):
    """A decision and whether it is right. The heads are where one of the class's is at least 0.5; to leave: no attack."""

    item: Item
    action: str
    rules: list[str]
    heads: dict[str, float]
    right: bool
    heads_right: bool


def load(source: Path = CASES) -> Book:
    """The cases of a YAML file. Raises `msgspec.ValidationError`, which names the place, when they are malformed."""
    return msgspec.convert(YAML(typ="safe").load(source.read_text("utf-8")), Book)


def fill(book: Book) -> Iterator[Item]:
    """Every case once for each of its groups, with ids `class/place/group`, each by another author, so that no counter
    ties them together. Raises `KeyError` for a group without names."""
    for kind_name, kind in book.classes.items():
        for at, entry in enumerate(kind.cases):
            case = Case(entry) if isinstance(entry, str) else entry
            groups = case.groups or book.default_groups
            for group in groups if case.named(book.names[groups[0]]) != case else ("-",):
                made = case.named({} if group == "-" else book.names[group])
                place = f"{kind_name}/{at}/{group}"
                author = Account(id=place, followed_by_target=kind.author == "friend")
                yield Item(id=place, text=made.text, caption=made.caption, parent=made.parent, author=author)


def check(book: Book, engine: Engine) -> Iterator[Checked]:
    """Decide every filled case."""
    policy, items = Policy.load(pack_source("community"), engine.schema, "community"), list(fill(book))
    for item, made in zip(items, engine.decide(items, policy, datetime(2026, 1, 1, tzinfo=UTC)), strict=True):
        kind = book.classes[item.id.split("/")[0]]
        act, looked_at = (True, kind.heads) if kind.expect == "act" else (False, ATTACKS)
        heads = {h: p for h in HEADS if isinstance(p := made.signals.get(h), float)}
        right, high = (made.action in ACTIONS) == act, any(heads.get(head, 0) >= 0.5 for head in looked_at)
        yield Checked(item, made.action, [rule.name for rule in made.rules], heads, right, high == act)


def table(book: Book, checked: Sequence[Checked]) -> Table:
    """Per class, and over all to act on or to leave: filled cases, and shares right in per cent."""
    shown = Table("class", "n", "right", "heads right", title="Development check")
    of_class: dict[str, list[Checked]] = {name: [] for name in book.classes}
    for one in checked:
        name = one.item.id.split("/")[0]
        of_class[name].append(one)
        of_class.setdefault(f"all to {book.classes[name].expect}", []).append(one)
    for name, found in of_class.items():
        n, right, heads = len(found), sum(c.right for c in found), sum(c.heads_right for c in found)
        shown.add_row(name, str(n), f"{right / n:.1%}", f"{heads / n:.1%}")
    return shown


def unequal(checked: Sequence[Checked]) -> str:
    """How many cases that were filled for several groups are decided differently for them."""
    actions: dict[str, list[str]] = defaultdict(list)
    for one in checked:
        actions[one.item.id.rpartition("/")[0]].append(one.action)
    several = [set(found) for found in actions.values() if len(found) > 1]
    acted = sum(len({action in ACTIONS for action in found}) > 1 for found in several)
    differ = sum(len(found) > 1 for found in several)
    return f"of {len(several)} cases with several groups {differ} get different actions, {acted} are acted on for some only"


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the development check.")
    parser.add_argument("--wrong", action="store_true", help="list the filled cases decided wrongly")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every filled case with its decision")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="a classifier other than the shipped one")
    options = parser.parse_args()
    book, console = load(), Console(markup=False, soft_wrap=True)
    checked = list(check(book, Engine(options.weights and default_signals(weights=options.weights))))
    console.print(table(book, checked), unequal(checked), sep="\n")
    for one in (one for one in checked if options.wrong and not one.right):
        parts = [part for part in (one.item.text, one.item.caption, one.item.parent) if part]
        top = [f"{head} {one.heads[head]:.2f}" for head in sorted(one.heads, key=lambda h: -one.heads[h])[:3]]
        console.print(one.item.id, one.action, ",".join(one.rules), *top, " | ".join(parts), sep="  ")
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(checked)))


if __name__ == "__main__":
    main()
