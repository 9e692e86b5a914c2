"""The console's words: one TOML file a language, looked up by key.

A string may hold `{places}`; a table with CLDR plural names (`one`, `other`, …) is a plural chosen by
the place `n`. Nothing in a template is English but its keys, so a translation is one new file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from markupsafe import Markup, escape

PLURALS = frozenset({"zero", "one", "two", "few", "many", "other"})


class Relative(NamedTuple):
    """A moment seen from now: `text` to read, `full` with date, second and zone, `iso` for machines."""

    text: str
    full: str
    iso: str


class Catalogue:
    """Strings of one language, and how it writes numbers and times."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        meta = tree["meta"]
        self.lang: str = meta["lang"]
        self.dir: str = meta["dir"]
        self._group: str = meta["group"]
        self._decimal: str = meta["decimal"]
        self.strings: dict[str, str | dict[str, str]] = {}
        for section, entries in tree.items():
            if section != "meta":
                self._add(section, entries)

    def _add(self, prefix: str, entries: Mapping[str, Any]) -> None:
        for name, entry in entries.items():
            key = f"{prefix}.{name}"
            if isinstance(entry, str) or PLURALS.issuperset(entry):
                self.strings[key] = entry
            else:
                self._add(key, entry)

    def __contains__(self, key: str) -> bool:
        return key in self.strings

    def say(self, key: str, /, **places: object) -> str:
        """The string for `key`. Numbers are written as the language writes them; values that are not
        `Markup` are escaped when any of them is. Raises `KeyError` for a key the catalogue lacks."""
        entry = self.strings[key]
        if isinstance(entry, dict):
            # English and most languages with two forms; a language with more brings its rule with it.
            entry = entry["one"] if places.get("n") == 1 and "one" in entry else entry["other"]
        if not places:
            return entry
        written = {name: self._written(value) for name, value in places.items()}
        if any(isinstance(value, Markup) for value in written.values()):
            return escape(entry).format(**written)
        return entry.format(**written)

    def say_or(self, key: str, fallback: str) -> str:
        """The string for `key`, or `fallback` where the catalogue has none (an operator's own names)."""
        entry = self.strings.get(key, fallback)
        return entry if isinstance(entry, str) else entry["other"]

    def _written(self, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return self.number(value)

    def number(self, value: float, places: int | None = None) -> str:
        """`value` with groups of three; by default whole numbers whole, others to three figures."""
        if isinstance(value, int):
            text = f"{value:,}"
        elif places is not None:
            text = f"{value:,.{places}f}"
        else:
            text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        return text.translate({ord(","): self._group, ord("."): self._decimal})

    def percent(self, share: float) -> str:
        """A share 0..1 as a percentage; a share that is not 0 never reads as 0."""
        if 0 < share < 0.001:
            return self.say("number.under_tenth_percent")
        return self.say(
            "number.percent",
            x=self.number(share * 100, 0 if share in (0, 1) or share >= 0.1 else 1),
        )

    def relative(self, moment: datetime, now: datetime) -> Relative:
        """`moment` as people say it, seen from `now`."""
        seconds = (now - moment).total_seconds()
        if seconds < 10:
            text = self.say("time.now")
        elif seconds < 60:
            text = self.say("time.seconds", n=int(seconds))
        elif seconds < 3_600:
            text = self.say("time.minutes", n=int(seconds // 60))
        elif seconds < 86_400:
            text = self.say("time.hours", n=int(seconds // 3_600))
        else:
            text = self.say("time.days", n=int(seconds // 86_400))
        return Relative(text, self.full(moment), moment.isoformat())

    def full(self, moment: datetime) -> str:
        """Date, time and zone."""
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@cache
def catalogue(lang: str = "en") -> Catalogue:
    """The catalogue for `lang`. Raises `FileNotFoundError` where there is none."""
    text = resources.files(__package__).joinpath("strings", f"{lang}.toml").read_text("utf-8")
    return Catalogue(tomllib.loads(text))
