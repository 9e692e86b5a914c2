"""Street addresses: a house number with a street, in the orders of English, German, French and Spanish.

Everyday talk is full of numbers beside roads ("10 minutes down the road"), so a name between them must
look like one, and a word that means other things too ("place", "court", "drive") needs capitals, a
postcode or somebody speaking of where they live.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from holdfast.signals.contact_details.plain import Found, words

ENGLISH: Final = (
    "street", "road", "avenue", "ave", "lane", "boulevard", "blvd", "terrace", "crescent", "highway", "hwy", "parkway", "pkwy",
    "mews", "rd", "ln", "st", "drive", "dr", "court", "ct", "place", "pl", "square", "sq", "close", "circle", "trail", "grove",
    "way", "gardens", "row", "hill", "walk",
)  # fmt: skip
GERMAN: Final = ("strasse", "strase", "str", "weg", "platz", "gasse", "allee")
FRENCH: Final = ("rue", "avenue", "av", "boulevard", "bd", "place", "impasse", "allee", "chemin", "quai", "route", "square", "passage")  # fmt: skip
SPANISH: Final = (
    "calle",
    "c/",
    "avenida",
    "avda",
    "plaza",
    "paseo",
    "carrera",
    "camino",
    "carretera",
    "ronda",
)
CUES: Final = tuple(
    dict.fromkeys((*(f" {word}" for word in ENGLISH), *GERMAN, *(f" {word}" for word in FRENCH), *SPANISH))
)
"""One of these stands in every address that `find` finds, and no letter follows it."""

NUMBERS: Final = 2000
"""Numbers of one text that are looked at."""
_DIGITS: Final = re.compile(r"\d++")
_NUMBER: Final = r"(?<![\w.,:/$#%+\-])(?P<number>\d{1,5}[a-zA-Z]?(?:[-/]\d{1,4}[a-zA-Z]?)?)"
_NAME: Final = r"[a-z0-9][a-z0-9'.\-]{0,30}+"
_CERTAIN: Final = (
    r"street|road|avenue|ave|lane|boulevard|blvd|terrace|crescent|highway|hwy|parkway|pkwy|mews|rd|ln"
)
_VAGUE: Final = r"st|drive|dr|court|ct|place|pl|square|sq|close|circle|trail|grove|way|gardens|row|hill|walk"

_ENGLISH: Final = re.compile(
    rf"{_NUMBER},?(?P<name>(?: {_NAME}){{1,4}}?) (?:(?P<certain>{_CERTAIN})|(?P<vague>{_VAGUE}))\b\.?(?!['\-\w])"
)
_GERMAN: Final = re.compile(
    r"(?<![\w\-])(?P<name>[a-z]++(?:-[a-z]++)*+)(?: (?P<second>strasse|strase|str))?\.?,? ?"
    r"(?P<number>\d{1,4} ?[a-z]?(?:[-/]\d{1,4}[a-z]?)?)(?![\w.,:/%$]*\d|\w)"
)
_FRENCH: Final = re.compile(
    rf"{_NUMBER}(?: ?(?:bis|ter|quater))?,? (?:rue|avenue|av\.?|boulevard|bd|impasse|allee|chemin|quai|(?P<vague>place|route|square|passage))"
    rf"(?P<of>(?: (?:de la|de l'|des|du|de|d'|la|le|les|l'))?) ?(?P<name>{_NAME}(?:[ \-](?:de |du |des |la )?{_NAME}){{0,1}})"
)
_SPANISH: Final = re.compile(
    r"(?<![\w\-])(?:calle|c/ ?|avenida|avda\.?|plaza|paseo|carrera|camino|carretera|ronda)"
    rf"(?P<name>(?: ?(?:de la|de los|de las|del|de|la|las|los|el))?(?: {_NAME}){{1,4}}?)"
    r"(?P<comma>,)?,? ?(?P<sign>n[o0.]{0,2} ?|num\.? ?|numero |#)?(?P<number>\d{1,5}[a-z]?)(?![\w.,:/%$]*\d|[%$])"
)
_POSTCODE: Final = (
    r"(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]{2} \d{5}|\d{4} [A-Z]{2})(?!\w)"
)
_TOWN: Final = r"[A-Z][a-z][A-Za-z'\-]{0,30}+(?: [A-Z][a-z][A-Za-z'\-]{0,30}+){0,2}"
_TAIL: Final = re.compile(
    rf"(?:,? {{0,2}}\n?{_POSTCODE}(?: {_TOWN})?|, ?{_TOWN}(?:,? (?:{_POSTCODE}|[A-Z]{{2}}\b))?|,? (?:in|a|en|at) {_TOWN})"
)
_POSTED: Final = re.compile(rf",? {{0,2}}\n?(?:{_TOWN},? )?{_POSTCODE}")
_LIVES: Final = re.compile(
    r"\b(?:address|adress|adresse|direccion|domicilio|lives?|living|house|home|wohnt|wohne|wohnen|habite|habitent|vive|vives|"
    r"vivo|reside|resides|pull up|show up|come to|come over to|go to|meet me|meet at|find (?:him|her|them|me|us)|located|"
    r"send it to|ship to|deliver(?:ed)? to|apartment|flat|dox+(?:ed|x)?)\b"
)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_EVERYDAY: Final = words(
    "a an the of on in to at for from by with and or but as is are was were be been it its this that these those my your his her "
    "our their all any some no not down up off over under across along around through every each per than then when while "
    "minute minutes min mins hour hours hr hrs second seconds sec secs day days week weeks month months year years yr yrs old "
    "km kms mile miles metre metres meter meters m ft feet foot yard yards inch inches k mph kmh people person persons guys men "
    "women kids cars car times time x percent dollars dollar euros euro pounds bucks star stars out more less other different "
    "ways way lane lanes wheel wheels point points first last next new free best top random people's videos video views likes "
    "goals goal seasons season episodes episode chapters part parts am pm o'clock so just went ran drove walked long hot "
    "million billion thousand hundred dozen i you he she we they me him them who what where why how if because like got get can will would"
)
_AFTER_STREET: Final = re.compile(
    r" (?:food|art|artist|style|fighter|view|wear|wise|smart|light|lights|lamp|dance|dancing|racing|race|race|team|teams|trip|"
    r"trips|rage|block|blocks|kill|works?|signs?|show|shows|house|tests?|tax|mats?|holder|mat|in line|settings?|is)\b"
)
_TITLED: Final = re.compile(r" [A-Z][a-z]")
_SPOKEN_SPANISH: Final = words(
    "hay con a en y o que son por me se te le lo no es esta estan fue hace tiene tienen para como mas muy si yo tu el un una unos "
    "unas mi su al van va mil donde cuando los"
)
_GERMAN_SEATS: Final = re.compile(
    r"(?:sitz|park|arbeits|stell|steh|lager|speicher|start|treff|tabellen|spitzen|top|zelt|liege|lehr|listen)platz$"
)
_GERMAN_UNITS: Final = re.compile(
    r" ?(?:uhr|euro|eur|km|m|min|minuten|meter|tage|prozent|leute|mal|stunden|jahre|x|%|\$)(?![a-z])"
)


def find(text: str) -> Iterator[Found]:
    """Addresses in plain `text`, from left to right, with the postcode and town that follow them."""
    lower = text.lower()
    found = [*_numbered(text, lower)]
    if _holds(lower, SPANISH):
        found.extend(_with_tail(text, *m.span()) for m in _SPANISH.finditer(lower) if _is_spanish(text, m))
    if _holds(lower, GERMAN):
        found.extend(_german(text, lower))
    last = 0
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if one.start >= last:
            yield one
            last = one.end


def _holds(lower: str, cues: Iterable[str]) -> bool:
    return any(cue in lower for cue in cues)


def _numbered(text: str, lower: str) -> Iterator[Found]:
    """English and French addresses: the number comes first."""
    for digits in islice(_DIGITS.finditer(lower), NUMBERS):
        english = _ENGLISH.match(lower, digits.start())
        if english is not None and _is_english(text, english):
            yield _with_tail(text, *english.span())
        french = _FRENCH.match(lower, digits.start())
        if french is not None and _is_french(text, french):
            yield _with_tail(text, *french.span())


def _with_tail(text: str, start: int, end: int) -> Found:
    tail = _TAIL.match(text, end)
    return Found(start, end if tail is None else tail.end())


def _is_placed(text: str, start: int, end: int) -> bool:
    """Whether a postcode follows, or somebody speaks of where they live."""
    return (
        _POSTED.match(text, end, end + 80) is not None
        or _LIVES.search(text[max(0, start - 40) : start].lower()) is not None
    )


def _capital(text: str, match: re.Match[str], group: str) -> bool:
    words = text[match.start(group) : match.end(group)].replace("-", " ").split()
    return bool(words) and all(word[0].isupper() or word[0].isdigit() for word in words)


def _is_english(text: str, match: re.Match[str]) -> bool:
    words = match["name"].split()
    if any(word.rstrip(".'") in _EVERYDAY for word in words) or all(word.isdigit() for word in words):
        return False
    if any(word[-1] in ".,!?" for word in words[:-1] if len(word) > 3):
        return False  # a sentence ended in between
    if _is_placed(text, *match.span()):
        return True
    if _YEAR.fullmatch(match["number"]) or _AFTER_STREET.match(match.string, match.end()):
        return False
    if match["certain"] is not None:
        return True
    if match["vague"] in ("dr", "st") and _TITLED.match(text, match.end()):  # "Dr Smith", "St Mary"
        return False
    return _capital(text, match, "name") and _capital(text, match, "vague")


def _is_french(text: str, match: re.Match[str]) -> bool:
    first = match["name"].split()[0].rstrip(".'")
    if first in _EVERYDAY or first.isdigit():
        return False
    if _is_placed(text, *match.span()):
        return True
    if _YEAR.fullmatch(match["number"]):
        return False
    named = _capital(text, match, "name")
    return bool(match["of"]) and named if match["vague"] else bool(match["of"]) or named


def _is_spanish(text: str, match: re.Match[str]) -> bool:
    words = match["name"].split()
    named = [word for word in words if word not in ("de", "la", "del", "las", "los", "el")]
    if not named or any(word in _SPOKEN_SPANISH for word in named):
        return False
    if match["comma"] or match["sign"] or _is_placed(text, *match.span()):
        return True
    start = match.start("name")
    shown = [word for word in text[start : match.end("name")].split() if word.lower() in named]
    return all(word[0].isupper() for word in shown) and not _YEAR.fullmatch(match["number"])


def _german(text: str, lower: str) -> Iterator[Found]:
    for match in _GERMAN.finditer(lower):
        name = match["name"]
        if match["second"] is None:
            ending = next((ending for ending in GERMAN if name.endswith(ending)), None)
            if ending is None or len(name) < len(ending) + 3 or _GERMAN_SEATS.search(name):
                continue
        if _GERMAN_UNITS.match(lower, match.end()):
            continue
        if text[match.start()].isupper() or _is_placed(text, *match.span()):
            yield _with_tail(text, *match.span())
