"""The signals, each beside a peer: what a script would do without Holdfast, or the plain-Python reference.

Comments are generated (no data set), about 80 characters each, four in ten with emoji or letters outside ASCII;
the lexicon holds 5,000 made-up terms. The bar: normaliser and lexicon together, 400,000 comments/s on two cores.
"""

from __future__ import annotations

import random
import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import ahocorasick_rs
import py3langid
from generate import comments, items
from table import Table

from holdfast.signals import Batch, default_signals, lexicon_reference, normalise_reference
from holdfast.signals.language import LanguageReference
from holdfast.signals.lexicon import Lexicon
from holdfast.signals.normalise import normalise
from holdfast.signals.terms import Term

N, BATCH, TERMS, CORES = 40_000, 1_000, 5_000, 2
SLOW = 1_000
"""Comments for what takes long."""


@cache
def batches(seed: int = 0) -> list[list[str]]:
    texts = comments(N, seed)
    return [texts[start : start + BATCH] for start in range(0, N, BATCH)]


def terms() -> list[Term]:
    chance = random.Random(5)
    syllables = [
        "ba",
        "bri",
        "sto",
        "kel",
        "mon",
        "tur",
        "ve",
        "lin",
        "gra",
        "pos",
        "ni",
        "dor",
        "wex",
        "ul",
        "shi",
        "cam",
        "zo",
        "pra",
        "hul",
        "fen",
    ]
    words: set[str] = set()
    while len(words) < TERMS:
        first = "".join(chance.choices(syllables, k=chance.randint(2, 4)))
        words.add(first if chance.random() < 0.8 else f"{first} {''.join(chance.choices(syllables, k=2))}")
    return [
        Term(term=word, category=f"c{number % 7}", language="en") for number, word in enumerate(sorted(words))
    ]


def best_of(run: Callable[[], object], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


class Report(Table):
    def __init__(self, title: str) -> None:
        super().__init__(title, ("what", "comments/s", "µs each"))

    def timed(self, name: str, run: Callable[[], object], n: int = N, times: int = 3) -> None:
        run()
        self.add_seconds(name, best_of(run, times), n)

    def add_seconds(self, name: str, seconds: float, n: int) -> None:
        self.add(name, f"{n / seconds:,.0f}", f"{seconds / n * 1e6:.2f}")


_LEET = str.maketrans("013457@$", "oieastas")


def script_normalise(text: str) -> str:
    """What a careful script does: no look-alikes, no context, no offsets."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(c for c in folded if not unicodedata.combining(c)).translate(_LEET)
    return re.sub(r"(.)\1{2,}", r"\1\1", re.sub(r"\s+", " ", folded))


def normaliser() -> None:
    table = Report("text normaliser (offsets kept)")
    table.timed("Holdfast, batches of 1,000", lambda: [normalise(batch) for batch in batches()])
    plain = [text for batch in batches() for text in batch if text.isascii()]
    other = [text for batch in batches() for text in batch if not text.isascii()]
    for name, texts in (("  ASCII only", plain), ("  the others", other)):
        chunks = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        table.timed(name, lambda chunks=chunks: [normalise(chunk) for chunk in chunks], len(texts))
    few = batches()[0]
    table.timed("Holdfast, one by one", lambda: [normalise([text]) for text in few], BATCH)
    table.timed(
        "peer: script (NFKD, leet by table, re)", lambda: [script_normalise(t) for b in batches() for t in b]
    )
    table.timed("reference, plain Python", lambda: normalise_reference.normalise(few), BATCH, 1)
    table.print()


_WORKER: dict[str, Lexicon] = {}


def _prepare() -> None:
    _WORKER["lexicon"] = Lexicon(terms())
    _search(-1)


def _search(seed: int) -> float:
    own = batches(seed)
    for batch in own[:2]:
        _WORKER["lexicon"].find(normalise(batch))
    start = time.perf_counter()
    for batch in own:
        _WORKER["lexicon"].find(normalise(batch))
    return time.perf_counter() - start


def lexicon() -> None:
    listed = terms()
    table = Report(f"lexicon path: normalise and find {TERMS:,} terms")
    _WORKER["lexicon"] = Lexicon(listed)
    ours = _WORKER["lexicon"]
    table.timed("Holdfast, one process", lambda: [ours.find(normalise(batch)) for batch in batches()])
    normal = [normalise(batch) for batch in batches()]
    table.timed("  of which find", lambda: [ours.find(one) for one in normal])
    with ProcessPoolExecutor(CORES, get_context("spawn"), _prepare) as pool:
        list(pool.map(_search, range(CORES)))
        seconds = min(max(pool.map(_search, range(10, 10 + CORES))) for _ in range(3))
    table.add_seconds(f"Holdfast, {CORES} processes", seconds, CORES * N)

    automaton = ahocorasick_rs.AhoCorasick([term.term for term in listed])
    table.timed(
        "peer: ahocorasick_rs on lower case, no normalising",
        lambda: [automaton.find_matches_as_indexes(text.lower()) for batch in batches() for text in batch],
    )
    few = comments(SLOW, 3)
    pattern = re.compile(
        rf"\b(?:{'|'.join(sorted((re.escape(t.term) for t in listed), key=len, reverse=True))})\b"
    )
    table.timed(
        "peer: re, script normaliser", lambda: [pattern.findall(script_normalise(t)) for t in few], SLOW, 1
    )
    naive = few[:20]
    table.timed("reference, plain Python", lambda: lexicon_reference.find(listed, naive), len(naive), 1)
    table.print()


def others() -> None:
    table = Report("all signals, batches of 1,000")
    bare: Sequence[list] = [items(BATCH, seed) for seed in range(N // BATCH)]  # type: ignore[type-arg]
    signals = default_signals()

    def measured(*chosen: object) -> Callable[[], object]:
        def run() -> None:
            for batch in normalised:
                for signal in chosen:
                    signal.measure(batch)  # type: ignore[attr-defined]

        return run

    normalised = [Batch(batch) for batch in bare]
    for batch in normalised:
        _ = batch.normalised
    for signal in signals:
        table.timed(f"{signal.name} (text already normalised)", measured(signal))

    def everything() -> None:
        for rows in bare:
            batch = Batch(rows)
            for signal in signals:
                signal.measure(batch)

    table.timed("all of them, with normalising", everything)
    few = [Batch(items(SLOW, 7))]
    table.timed("reference: language", lambda: [LanguageReference().measure(batch) for batch in few], SLOW, 1)
    texts = comments(SLOW, 7)
    table.timed("peer: py3langid one by one", lambda: [py3langid.classify(text) for text in texts], SLOW)
    table.print()


if __name__ == "__main__":
    normaliser()
    lexicon()
    others()
