"""Every word that the console says is in the catalogue, and nothing else is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

import holdfast.web.console
from holdfast.content import SURFACES
from holdfast.decision import ACTIONS
from holdfast.perspective import NAMES
from holdfast.web.console.catalogue import catalogue

WORDS = catalogue()
HERE = Path(holdfast.web.console.__file__).parent
SOURCES = [*HERE.glob("*.py"), *HERE.glob("templates/**/*.html")]
NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
DYNAMIC = {
    "action": ACTIONS,
    "action_means": (*ACTIONS, "escalate"),
    "surface": SURFACES,
    "veil": ("erased", "erased_suggestion", "not_kept", "not_allowed"),
    "rate": ("steady", "rising", "falling"),
    "live": ("live", "paused", "connecting", "stale", "offline"),
    "decisions": ("title",),
    "frame": ("home", "decisions", "suggestions", "policy"),
    "attribute": [name.lower() for name in NAMES],
    "keys": (
        "help",
        "write",
        "home",
        "decisions",
        "suggestions",
        "policy",
        "next",
        "previous",
        "reveal",
        "open",
        "hide",
        "title",
    ),
    "decision": ("caption", "parent", "transcript"),
}


def used() -> set[str]:
    quoted = {
        key
        for source in SOURCES
        for key in re.findall(r"[\"']([a-z_]+(?:\.[a-z_]+)+)[\"']", source.read_text("utf-8"))
        if key.partition(".")[0] in {name.partition(".")[0] for name in WORDS.strings}
    }
    dynamic = {f"{section}.{name}" for section, names in DYNAMIC.items() for name in names}
    titles = {f"{page}.title" for page in ("home", "decisions", "suggestions", "policy")}
    shelves = {
        f"kit.{name}" for name in re.findall(r'shelf\("(\w+)"\)', (HERE / "templates/kit.html").read_text())
    }
    return quoted | dynamic | titles | shelves


def test_every_key_that_is_used_is_there() -> None:
    # Names of modules, templates and fields look the same.
    others = {"text.length", "lexicon.insult", "contact.phone", "author.age_days", "contact.kinds"}
    missing = {key for key in used() if key not in WORDS} - others
    assert {key for key in missing if not key.endswith(".html")} == set()


def test_every_key_that_is_there_is_used() -> None:
    # Reasons are codes that operators write in their policies, so none of them stands in the sources.
    assert {key for key in WORDS.strings if not key.startswith("reason.")} - used() == set()


def test_templates_hold_no_words_of_their_own() -> None:
    for template in HERE.glob("templates/**/*.html"):
        text = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", template.read_text("utf-8"), flags=re.DOTALL
        )
        assert re.findall(r"[A-Za-z]{3,}", text) == [], template.name


def test_a_plural_follows_its_number() -> None:
    assert WORDS.say("rate.few", n=1) == "1 decision in the last 10 minutes"
    assert WORDS.say("rate.few", n=1_234) == "1,234 decisions in the last 10 minutes"


def test_what_is_put_beside_markup_is_escaped() -> None:
    said = WORDS.say("evidence.unknown_rule", rule=Markup("<code>r</code>"), missing="<b>")
    assert "<code>r</code>" in said
    assert "&lt;b&gt;" in said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0%"), (0.0001, "under 0.1%"), (0.004, "0.4%"), (0.084, "8.4%"), (0.5, "50%"), (1, "100%")],
)
def test_a_share_that_is_not_nothing_never_reads_as_nothing(share: float, said: str) -> None:
    assert WORDS.percent(share) == said


@given(st.integers(min_value=0, max_value=10**9))
def test_a_moment_is_told_in_its_largest_whole_unit(seconds: int) -> None:
    moment = NOW - timedelta(seconds=seconds)
    told = WORDS.relative(moment, NOW)
    assert told.full == f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    assert datetime.fromisoformat(told.iso) == moment
    sizes = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
    if seconds < 10:
        assert told.text == "just now"
    else:
        number, unit = re.fullmatch(r"([\d,]+) (\w+?)s? ago", told.text).groups()  # type: ignore[union-attr]
        size = sizes[unit]
        assert int(number.replace(",", "")) == seconds // size
        assert seconds >= size
