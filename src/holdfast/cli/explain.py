"""`holdfast explain`: one text decided, with what the classifier thinks of it and the words that drove it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from holdfast.cli.common import DEFAULT_DATA, Data, Unusable, find_policy, maybe_ledger
from holdfast.content import TEXT_LIMIT, Item, Surface, validate_item

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from holdfast.decision import Decision
    from holdfast.engine import Engine
    from holdfast.signals.attribution import Driver
    from holdfast.signals.classifier import Classifier

_BYTES = 4 * TEXT_LIMIT + 16
"""Bytes of standard input that are read: more than the longest text has, with a mark before and a line's end behind."""
_BAR = 24
_SHOWN = 1_000
"""Code points up to which a text is shown again, with its words marked."""
_WORDS = 48
"""Code points of a piece of the text in the table."""


def explain(
    text: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    caption: str | None = None,
    parent: str | None = None,
    surface: Surface = "comment",
    head: Annotated[list[str] | None, Parameter(negative="")] = None,
    words: int = 5,
    policy: Annotated[str | None, Parameter(name=["--policy", "-p"])] = None,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Decide one text and say what drove the decision. Nothing is recorded.

    Shows the decision, the classifier's probabilities and, for the heads asked for, the words without which each would
    be less probable. For that the text is read once more for each of its words (for each of 64 runs of words, where it
    has more).

    Examples:

        holdfast explain "nobody wants you here" --caption "my first marathon"
        pbpaste | holdfast explain - --head hate,threat --json

    Parameters
    ----------
    text
        The text, or `-` for standard input, which keeps it out of the shell's history.
    caption
        The caption that it stands under.
    parent
        The text that it answers.
    surface
        Where it stands.
    head
        What to find the words for: hate, threat, …; may be repeated, or a list with commas. Default: what the rules
        that fired have read, or else what is most probable.
    words
        How many words are named at most.
    policy
        A policy file, the name of a pack, or a policy in the ledger. Default: the live policy.
    json
        One JSON object: `decision`, and `drivers` with, for each head, `start` and `end` (code points of the text)
        and the probability `without`.
    data
        Folder that holds the state; none is made.
    """
    if words < 1:
        raise Unusable("is too small", where="--words", value=str(words), expected="1 or more")
    item = validate_item(
        Item(id="1", text=_given(text), surface=surface, caption=caption, parent=parent), "the text"
    )
    from holdfast.decider import open_engine
    from holdfast.signals.attribution import attribute, classifier_of

    engine = open_engine(data)
    classifier = classifier_of(engine.signals)
    if classifier is None:
        raise Unusable("holds no classifier", where=str(data))
    asked = _asked(head, classifier)
    decision = _decided(engine, item, policy, data)
    heads = asked or _telling(decision, classifier)
    drivers = attribute(classifier, item, heads, words)
    if json:
        _print_json(decision, drivers)
    else:
        _print(list(_shown(item, decision, classifier, drivers)))


def _given(text: str) -> str:
    if text != "-":
        return text
    content = sys.stdin.buffer.read(_BYTES)
    try:
        # What was cut off within a character is too long anyway.
        return content.decode("utf-8-sig", "strict" if len(content) < _BYTES else "ignore").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise Unusable("is not UTF-8", where="standard input", value=f"byte {error.start}") from None


def _asked(given: Sequence[str] | None, classifier: Classifier) -> tuple[str, ...]:
    from holdfast.signals.attribution import heads_of

    known = heads_of(classifier)
    named = [name.strip() for entry in given or () for name in entry.split(",")]
    for name in named:
        if name not in known:
            raise Unusable(
                "is nothing that the classifier knows",
                where="--head",
                value=repr(name)[:40],
                expected=", ".join(known),
            )
    return tuple(dict.fromkeys(named))


def _decided(engine: Engine, item: Item, named: str | None, data: Path) -> Decision:
    from holdfast.decider import Decider
    from holdfast.ledger.reducers import lifecycle_of

    now = datetime.now(UTC)
    with maybe_ledger(data) as ledger:
        if named is None and ledger is not None:
            named = lifecycle_of(ledger.policies()).live
        policy = None if named is None else find_policy(named, engine, ledger)
    return engine.decide([item], Decider(engine, None, policy=policy).policy(now), now)[0]


def _telling(decision: Decision, classifier: Classifier) -> tuple[str, ...]:
    """The heads that the rules which fired have read, or else the most probable one."""
    from holdfast.signals.attribution import heads_of

    known = [name for name in heads_of(classifier) if decision.signals[name] is not None]
    read = [name for rule in decision.rules for name in rule.values if name in known]
    if read:
        return tuple(dict.fromkeys(read))
    return tuple(sorted(known, key=lambda name: -_number(decision, name))[:1])


def _number(decision: Decision, name: str) -> float:
    value = decision.signals[name]
    return value if isinstance(value, float) else 0.0


# Showing ------------------------------------------------------------------------------------


def _print_json(decision: Decision, drivers: Mapping[str, Sequence[Driver]]) -> None:
    import msgspec

    print(msgspec.json.encode({"decision": decision, "drivers": drivers}).decode())  # noqa: T201


def _print(lines: Sequence[RenderableType]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for line in lines:
        console.print(line)


def _shown(
    item: Item, decision: Decision, classifier: Classifier, drivers: Mapping[str, Sequence[Driver]]
) -> Iterator[RenderableType]:
    from rich.text import Text

    from holdfast.bulk.summary import MEANINGS

    action = f"{decision.action}, escalate" if decision.escalate else decision.action
    yield Text.assemble(
        (action, "bold"), f": {MEANINGS[decision.action]}", (f"  by {decision.policy}", "dim")
    )
    for rule in decision.rules:
        values = ", ".join(f"{name} = {_value(value)}" for name, value in rule.values.items() if value)
        yield Text.assemble(
            "  ", (rule.name, "bold"), f"  {rule.tells}", (f"  ({values})" if values else "", "dim")
        )
    for unknown in decision.unknown:
        yield Text(f"  {unknown.name} could not be judged, for want of {', '.join(unknown.missing)}", "dim")
    yield Text()
    yield from _probabilities(decision, classifier)
    for head, found in drivers.items():
        yield Text()
        yield from _driven(item, head, _number(decision, head), found)
    marked = {(driver.start, driver.end) for found in drivers.values() for driver in found}
    if marked and len(item.text) <= _SHOWN:
        yield Text()
        shown = _plain(item.text)
        for start, end in sorted(marked):
            shown.stylize("reverse", start, end)
        yield shown


def _probabilities(decision: Decision, classifier: Classifier) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from holdfast.bulk.summary import bar
    from holdfast.signals.attribution import heads_of

    stage = decision.signals["classifier.stage"]
    if stage is None:
        language = decision.signals.get("language") or "not told"
        yield Text(
            "The classifier does not know: there is no word in the text, or it is in a language that is not "
            f"covered (language: {language})."
        )
        return
    table = Table.grid(padding=(0, 2))
    for head in heads_of(classifier):
        probability = _number(decision, head)
        table.add_row(
            f"  {head}", bar(round(1_000 * probability), 1_000, _BAR).ljust(_BAR), f"{probability:.2f}"
        )
    yield table
    groups = decision.signals["groups"]
    about = f", about {', '.join(groups)}" if isinstance(groups, list) and groups else ""
    yield Text(f"  answered by the {stage}{about}", "dim")


def _driven(item: Item, head: str, probability: float, found: Sequence[Driver]) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    if not found:
        yield Text(f"{head} {probability:.3f} hangs on no single word.")
        return
    yield Text(f"{head} {probability:.3f} would be less without", "bold")
    table = Table.grid(padding=(0, 2))
    for driver in found:
        piece = item.text[driver.start : driver.end]
        cut = piece if len(piece) <= _WORDS else piece[: _WORDS - 1] + "…"
        left = "unknown" if driver.without is None else f"{driver.without:.3f}"
        table.add_row(
            Text.assemble("  “", _plain(cut), "”"), f"→ {left}", Text(f"{driver.start}-{driver.end}", "dim")
        )
    yield table


def _plain(text: str) -> Text:
    """`text` in as many characters, without those that could move the cursor or turn what stands around them."""
    from rich.text import Text

    return Text("".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text))


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
