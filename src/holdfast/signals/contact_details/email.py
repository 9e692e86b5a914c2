"""E-mail addresses, as written and spelled out ("name at mail dot com", "name [at] mail [dot] com")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from holdfast.signals.contact_details.plain import Found, words

CUES: Final = (
    "@", *(f"{bracket}{gap}{sign}" for bracket in "[({<" for gap in ("", " ") for sign in ("at", ".", "arroba", "arobase")),
    "dot", "punkt", "punto", "point", "ponto", "gmail", "googlemail", "hotmail", "outlook", "yahoo", "ymail", "icloud",
    "proton", "aol", "gmx", "live", "msn", "web", "mail", "yandex", "rambler", "orange", "laposte", "libero", "walla",
    "tutanota", "posteo",
)  # fmt: skip
"""One of these stands in every address that `find` finds."""

LOCAL_LIMIT: Final = 64
DOMAIN_LIMIT: Final = 253

_WRITTEN: Final = re.compile(
    r"(?<![a-z0-9._%+\-])[a-z0-9._%+\-]++@(?P<domain>[a-z0-9\-]++(?:\.[a-z0-9\-]++)++)(?![@])"
)
_PROVIDERS: Final = (
    r"(?:gmail|googlemail|hotmail|outlook|yahoo|ymail|icloud|protonmail|proton|aol|gmx|live|msn|web|mail|yandex|rambler|"
    r"orange|laposte|libero|walla|tutanota|posteo)"
)
_ENDS: Final = (
    r"(?:com|net|org|edu|gov|info|biz|io|me|co|us|uk|ca|de|at|ch|fr|be|nl|es|mx|ar|it|pt|br|ru|ua|pl|se|no|dk|fi|ie|eu|"
    r"il|in|au|nz|za|tr|gr|cz|hu|ro|jp|kr|cn)"
)
_WORD: Final = r"[a-z0-9_\-]{1,40}+"
_CLOSED_DOT: Final = r" {0,2}[\[({<] {0,2}(?:dot|punkt|punto|point|ponto|\.) {0,2}[\])}>] {0,2}"
_SAID_DOT: Final = r" {1,3}(?:dot|punkt|punto|point|ponto) {1,3}"
_DOT: Final = rf"(?:{_CLOSED_DOT}|{_SAID_DOT}| {{0,2}}\. {{0,2}})"
_CLOSED_AT: Final = r" {0,2}(?:[\[({<] {0,2}(?:at|@|arroba|arobase) {0,2}[\])}>]|@) {0,2}"
_SAID_AT: Final = r" {1,3}(?:(?P<at>at)|arroba|arobase) {1,3}"
_SPELLED: Final = re.compile(
    rf"(?<![a-z0-9_\-.@])(?P<local>{_WORD}(?:{_DOT}{_WORD}){{0,3}})(?:(?P<closed>{_CLOSED_AT})|{_SAID_AT})"
    rf"(?P<domain>{_WORD}(?:{_DOT}{_WORD}){{0,2}}?(?P<dot>{_DOT}){_ENDS})(?![a-z0-9_\-]|@)"
)
_AT: Final = re.compile(r" at |arroba|arobase|@|[\[({<] {0,2}at {0,2}[\])}>]")
_PROVIDER: Final = re.compile(rf"{_PROVIDERS}(?![a-z])")
_EVERYDAY: Final = words(
    "look looking looked shop shopping buy buying bought available find found check checked order ordered it me us them "
    "him her sale visit visited work works working worked out over now see seen here one stuff this that these those "
    "and or is are was were be been only live watch watched read start started get got stop yell laugh video videos "
    "news product products item items more up back not also down app site page online price prices discount off"
)
"""Words that stand before "at" in a sentence: "find it at example dot com" is a shop."""


def find(text: str) -> Iterator[Found]:
    """E-mail addresses in plain `text`, from left to right."""
    text = text.lower()
    found = [*map(_spelled, _SPELLED.finditer(text))] if _AT.search(text) else []
    if "@" in text:
        found.extend(map(_written, _WRITTEN.finditer(text)))
    end = 0
    for one in sorted(filter(None, found)):
        if one.start >= end:
            yield one
            end = one.end


def _written(match: re.Match[str]) -> Found | None:
    at = match.start("domain") - 1
    local = match.string[max(match.start(), at - LOCAL_LIMIT) : at].lstrip("._%+-")
    domain = match["domain"].rstrip("-")
    last = domain.rpartition(".")[2]
    if not local or len(domain) > DOMAIN_LIMIT or domain.startswith("-"):
        return None
    if not (2 <= len(last) <= 24 and last.isalpha()):
        return None
    return Found(at - len(local), match.start("domain") + len(domain))


def _spelled(match: re.Match[str]) -> Found | None:
    dot, closed = match["dot"].strip(), match["closed"]
    said = dot != "."  # "dot", "(.)": somebody takes pains not to write an address
    known = _PROVIDER.match(match["domain"]) is not None
    if match["domain"].startswith("www"):
        return None
    if closed is None:
        # "at some point in" is English, not ".in"; the other words are said after "arroba" and the like.
        spoken = dot == "dot" or (said and match["at"] is None)
        certain = known or (spoken and match["local"] not in _EVERYDAY)
    else:
        # "hey @name. it ..." is a handle and the end of a sentence.
        certain = known or said or closed.strip() != "@"
    return Found(*match.span()) if certain else None
