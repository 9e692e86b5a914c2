"""Phone numbers: international ones, and national ones of a few regions, as Google's libphonenumber reads them.

A run of digits is asked about only where it looks like a number that people dial: libphonenumber by
itself takes order numbers, scores and counts of views for numbers of some country.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from holdfast.signals.contact_details.plain import Found

DIGITS: Final = 7
"""Digits that a number has at least."""
REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IL", "IN", "RU")
"""Whose national numbers are known; US stands for North America."""
LONGEST: Final = 17
"""Digits that a number has at most, with "00" or an extension."""
RUNS: Final = 64
"""Runs of digits of one text that are looked at."""

_TRUNK: Final = {"US": "1", "ES": "", "RU": "8", "MX": "", "PL": "", "IT": "", "PT": "", "DK": "", "NO": ""}
"""What national numbers start with, "0" where a region is not named."""

# A digit, then digits with at most three separators between them; possessive, so that no run is read twice.
_RUN: Final = re.compile(
    r"(?<![a-z0-9_@#])(?:\+ ?|\(\+?)?\d(?:[ .\-/()]{0,3}+\d)*+\)?(?![a-z0-9_@]|\.\d|,\d|%|\$)"
)
_LINK: Final = re.compile(r"(?:https?://|www\.)\S++")
_LINKED: Final = re.compile(r"(?:wa\.me/|[?&]phone=)\+?(\d{7,15}+)")
_CUE: Final = re.compile(
    r"\b(?:call|calls|text|texts|txt|phone|fone|tel|telefon|telefono|telephone|mobile|mob|cell|celular|movil|portable|"
    r"whatsapp|whats ?app|wsp|wapp|viber|telegram|sms|dial|ring|hotline|fax|handy|handynummer|ruf|rufnummer|anrufen|"
    r"appelle|appelez|appeler|llama|llamame|llamar|escribe|contact|reach|hmu|"
    r"(?:my|his|her|their|your|ur|our|whose|meine|seine|ihre|deine|mi|su|tu|mon|son|ton|leur) (?:number|num|nummer|numero|digits|handynummer))\b"
)
_OTHER: Final = re.compile(
    r"\b(?:order|orders|invoice|tracking|track|parcel|package|isbn|account|acct|iban|card|id|ids|ref|reference|case|ticket|"
    r"serial|version|build|model|item|sku|code|seed|score|scores|scored|pin|bestellung|bestellnummer|sendung|rechnung|"
    r"commande|pedido|chapter|verse|page|lot|batch|part|error|level|hex|pi)(?:-1[03])?(?: (?:no|nr|number|numbers|nummer|numero|is|was|n))?"
    r"[ .:#]{0,3}+$"
)
_AFTER: Final = re.compile(
    r" ?(?:views?|likes?|followers?|subs|subscribers?|people|persons|times|euros?|eur|dollars?|usd|pounds?|gbp|rupees|km|miles|"
    r"years|points|pts|aufrufe|vues|visitas|mal|mb|gb|kb|fps|%|\$)(?![a-z])"
)
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_DATE: Final = re.compile(
    r"(?:(?:19|20)\d\d[-./ ]\d\d?[-./ ]\d\d?|\d\d?[-./ ]\d\d?[-./ ](?:19|20)\d\d)(?: \d\d?)?"
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:[ .]\d{3})+")
_NORTH_AMERICAN: Final = re.compile(r"(?:1[ .\-]{0,2})?\(?\d{3}\)?[ .\-/]{0,2}\d{3}[ .\-]{0,2}\d{4}")
_SPANISH: Final = re.compile(r"[679]\d\d ?\d\d ?\d\d ?\d\d|[679]\d(?: \d{3} \d\d \d\d)|[679]\d\d-\d{3}-\d{3}")
_SINGLES: Final = re.compile(r"(?<!\d)\d(?!\d)")
_PART: Final = re.compile(r"[^ ]++")
_NOT_DIGITS: Final = re.compile(r"\D+")


def find(text: str, regions: Sequence[str] = REGIONS) -> Iterator[Found]:
    """Phone numbers in plain `text`, from left to right."""
    text = text.lower()
    links = [match.span() for match in _LINK.finditer(text)] if "://" in text or "www." in text else []
    found = [Found(*match.span(1)) for match in _LINKED.finditer(text) if _matches("+" + match[1], ("ZZ",))]
    for start, end in islice(_runs(text), RUNS):
        if not any(first < end and start < last for first, last in links):
            found.extend(
                Found(start + first, start + last)
                for first, last in _in_run(text, start, end, tuple(regions))
            )
    found.sort()
    last = 0
    for one in found:
        if one.start >= last:
            yield one
            last = one.end


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Where digits run on for about as long as a number has them."""
    for match in _RUN.finditer(text):
        start, end = match.span()
        size = _size(match[0])
        if DIGITS <= size <= LONGEST:
            yield start, end
        elif size > LONGEST:  # several numbers in a row
            for part in _PART.finditer(text, start, end):
                if DIGITS <= _size(part[0]) <= LONGEST:
                    yield part.span()


def _size(run: str) -> int:
    return len(run) if run.isdigit() else len(_NOT_DIGITS.sub("", run))


def _in_run(text: str, start: int, end: int, regions: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    run = text[start:end]
    if _ADDRESS.fullmatch(run) or _DATE.fullmatch(run):
        return ()
    digits = _NOT_DIGITS.sub("", run)
    if "+" in run[:2]:
        return _matches(run, ("ZZ",))
    before = text[max(0, start - 40) : start]
    if before.rstrip()[-1:] in ("$", "#", "=") or _OTHER.search(before) or _AFTER.match(text, end):
        return ()
    if digits.startswith("00"):
        return _matches(run, ("DE",))
    called = _CUE.search(before) is not None or _CUE.search(text[end : end + 16]) is not None
    return _matches(run, tuple(r for r in regions if _dialled(run, digits, r, called)))


def _dialled(run: str, digits: str, region: str, called: bool) -> bool:
    """Whether `run` is written as people of the region write numbers; `called`: something near says it is one."""
    if region == "US":
        if not _NORTH_AMERICAN.fullmatch(run):
            return False
        return called or (run != digits and not _THOUSANDS.fullmatch(run))
    if not called and len(_SINGLES.findall(run)) > 1:  # scores, counting
        return False
    if region == "ES":
        return len(digits) == 9 and (called or (run != digits and _SPANISH.fullmatch(run) is not None))
    trunk = _TRUNK.get(region, "0")
    if trunk and digits.startswith(trunk):
        return called or trunk == "0" or run != digits
    return called and len(digits) >= 9


@lru_cache(maxsize=4096)
def _matches(run: str, regions: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Where libphonenumber finds numbers of the first region that knows any."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    for region in regions:
        found = tuple(
            (match.start, match.end) for match in PhoneNumberMatcher(run, region, Leniency.VALID, 8)
        )
        if found:
            return found
    return ()
