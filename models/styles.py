"""How people really type: case, haste and slang, and the disguises that evade filters."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Literal

Style = Literal["plain", "sober", "varied", "disguised"]

# Both kinds of text wear the same emoji, so that none of them is a sign of either.
_TAILS = (
    "😂",
    "💀",
    "😭",
    "🙄",
    "🔥",
    "👀",
    "😤",
    "🤷",
    "💯",
    "😩",
    "🤣",
    "😅",
    "lol",
    "lmao",
    "smh",
    "fr",
    "tbh",
    "ngl",
)
_SHORT = {
    "you": "u", "your": "ur", "you're": "ur", "are": "r", "please": "pls", "people": "ppl", "because": "cuz",
    "though": "tho", "with": "w", "going to": "gonna", "want to": "wanna", "don't": "dont", "can't": "cant",
    "i'm": "im", "never": "nvr", "about": "abt", "that": "tht", "the": "da", "them": "em", "before": "b4",
    "for": "4", "to": "2", "really": "rly", "right now": "rn", "someone": "sum1", "love": "luv",
}  # fmt: skip
_LEET = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7", "l": "1", "b": "8", "g": "9"}
_SIGNS = {"a": "@", "i": "!", "s": "$", "o": "0", "e": "3"}
_ALIKE = {"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "x": "х", "i": "і", "y": "у", "s": "ѕ", "j": "ј"}
_BOLD = {chr(ord("a") + i): chr(0x1D41A + i) for i in range(26)}
_WIDE = {chr(ord("a") + i): chr(0xFF41 + i) for i in range(26)}
_WORD = re.compile(r"[^\W\d_]{3,}")


def _short(text: str, rng: random.Random) -> str:
    def swap(match: re.Match[str]) -> str:
        return _SHORT[match[0].lower()] if rng.random() < 0.6 else match[0]

    return re.sub(r"\b(" + "|".join(map(re.escape, _SHORT)) + r")\b", swap, text, flags=re.IGNORECASE).lower()


def _bare(text: str, _: random.Random) -> str:
    return re.sub(r"[.,!?;'’]+", "", text).lower()


def _typo(text: str, rng: random.Random) -> str:
    words = [match for match in _WORD.finditer(text) if len(match[0]) > 3]
    if not words:
        return text
    word = rng.choice(words)
    at = word.start() + rng.randrange(1, len(word[0]) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _drawn_out(text: str, rng: random.Random) -> str:
    words = list(_WORD.finditer(text))
    if not words:
        return text
    end = rng.choice(words).end()
    return text[:end] + text[end - 1] * rng.randint(2, 4) + text[end:]


def _tail(text: str, rng: random.Random) -> str:
    tail = rng.choice(_TAILS)
    return f"{text} {tail * rng.randint(1, 3) if not tail.isascii() else tail}"


_MANNERS: tuple[tuple[float, Callable[[str, random.Random], str]], ...] = (
    (0.34, lambda text, _: text),
    (0.56, lambda text, _: text.lower()),
    (0.67, _bare),
    (0.74, _typo),
    (0.83, _short),
    (0.87, lambda text, _: text.upper()),
    (0.91, _drawn_out),
    (1.0, _tail),
)
_LOUD_FROM = 0.83


def _by_letter(table: dict[str, str]) -> Callable[[str, random.Random], str]:
    def disguise(text: str, rng: random.Random) -> str:
        share = rng.choice((0.5, 1.0))
        return "".join(
            table[letter.lower()] if letter.lower() in table and rng.random() < share else letter
            for letter in text
        )

    return disguise


def _between(mark: str) -> Callable[[str, random.Random], str]:
    def disguise(text: str, rng: random.Random) -> str:
        share = rng.choice((0.4, 1.0))
        return _WORD.sub(lambda match: mark.join(match[0]) if rng.random() < share else match[0], text)

    return disguise


def _starred(text: str, rng: random.Random) -> str:
    def star(match: re.Match[str]) -> str:
        word = match[0]
        at = next((i for i in range(1, len(word)) if word[i] in "aeiou"), 1)
        return word[:at] + "*" + word[at + 1 :] if rng.random() < 0.5 else word

    return _WORD.sub(star, text)


_DISGUISES: tuple[Callable[[str, random.Random], str], ...] = (
    _by_letter(_LEET),
    _by_letter(_SIGNS),
    _by_letter(_ALIKE),
    _by_letter(_BOLD),
    _by_letter(_WIDE),
    _between(" "),
    _between("."),
    _between("-"),
    _between("\u200b"),
    _starred,
    lambda text, rng: _WORD.sub(lambda m: "".join(c * rng.choice((1, 1, 2, 3)) for c in m[0]), text),
    lambda text, _: "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text)),
)


def restyle(text: str, style: Style, rng: random.Random) -> str:
    """The text as somebody might type it; `plain` leaves it alone, `sober` keeps it serious. Never returns an empty text."""
    if style == "plain":
        return text
    if style == "disguised":
        return rng.choice(_DISGUISES)(text, rng)
    draw = rng.random()
    if style == "sober" and draw >= _LOUD_FROM:
        draw *= _LOUD_FROM  # mourning, teaching and pleading wear no laughing face
    manner = next(manner for limit, manner in _MANNERS if draw < limit)
    return manner(text, rng) or text
