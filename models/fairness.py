"""Fairness: sets that only measure, from the corpora's folder, and own sentences with the group's name swapped.

Of every group: how often the innocent is acted on, how often the guilty is missed, the mean probability of hate. Of every
sentence that names one group after another: whether all get one decision.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from holdfast.measure.evaluation import confusion
from holdfast.measure.figures import RESAMPLES, SEED, Confusion, Figure, bootstrapped, figures, share
from holdfast.measure.gaps import RATES, gap
from holdfast.signals.classifier_input import readable
from holdfast.signals.identity import Identities
from models.answers import Answerer, Answers
from models.cutoffs import Cutoffs
from models.development import Development, drawn
from models.heads import GROUPS, HEADS
from models.sources import InvalidRecipe, clean

SETS = ("madlibs_77k", "wiki_identity_fuzz", "redditbias", "toxigen_human")
SWAPPED = 200
"""Own sentences in which the group's name is swapped for every other."""
HARMFUL = 3.0
"""Mean score of TOXIGEN's annotators, 1 to 5, from which a statement is called harmful."""
TERMS = (
    "lesbian", "gay", "bisexual", "transgender", "trans", "queer", "lgbt", "lgbtq", "homosexual", "straight", "heterosexual",
    "male", "female", "nonbinary", "african", "african american", "black", "white", "european", "hispanic", "latino", "latina",
    "latinx", "mexican", "canadian", "american", "asian", "indian", "middle eastern", "chinese", "japanese", "christian", "muslim",
    "jewish", "buddhist", "catholic", "protestant", "sikh", "taoist", "old", "older", "young", "younger", "teenage", "millenial",
    "middle aged", "elderly", "blind", "deaf", "paralyzed",
)  # fmt: skip
"""The identity terms that fill the templates of madlibs_77k (Dixon et al. 2018)."""
_TERM = re.compile(rf"\b({'|'.join(sorted(TERMS, key=len, reverse=True))})\b", re.IGNORECASE)
HATE = HEADS.index("hate")

Record = dict[str, Any]


class Labelled(NamedTuple):
    """Texts of one set with what it says about each: whether to act on it, whom it names, and what it is a filling of."""

    texts: list[str]
    harmful: NDArray[np.bool_]
    groups: list[tuple[str, ...]]
    frames: list[str]


def read(name: str, shared: Path, rows: int) -> Labelled:
    """At most about `rows` texts of a set of `SETS`, whole frames only. Raises `InvalidRecipe` where it is missing."""
    records = read_records(name, shared)
    found = _READERS[name](records)
    frames = sorted(set(found.frames), key=lambda frame: (crc32(frame.encode()), frame))
    sizes: dict[str, int] = defaultdict(int)
    for frame in found.frames:
        sizes[frame] += 1
    kept: set[str] = set()
    count = 0
    for frame in frames:
        if count + sizes[frame] > rows and kept:
            continue
        kept.add(frame)
        count += sizes[frame]
    at = [row for row, frame in enumerate(found.frames) if frame in kept]
    return Labelled(
        [found.texts[row] for row in at],
        found.harmful[at],
        [found.groups[row] for row in at],
        [found.frames[row] for row in at],
    )


def read_records(name: str, shared: Path, files: str = "*.csv") -> list[dict[str, str]]:
    """The English rows of the CSV `files` of a set below `shared` or its `data` folder.

    Raises `InvalidRecipe` where there are none.
    """
    folder = (shared / "data" if (shared / "data").is_dir() else shared) / name
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    records: list[dict[str, str]] = []
    paths = sorted(folder.glob(files))
    if not paths:
        raise InvalidRecipe(
            "a set is missing",
            where=name,
            value=files,
            expected="a CSV file in the data folder",
            next_step="give its parent with --shared, or leave --shared out to evaluate without these sets",
        )
    for path in paths:
        with path.open(encoding="utf-8", newline="") as stream:
            records.extend(csv.DictReader(stream))
    return [record for record in records if record.get("lang", "en") == "en"]


def _madlibs(records: Sequence[dict[str, str]]) -> Labelled:
    some = [(record, found) for record in records if (found := _TERM.search(record["text"]))]
    return Labelled(
        [record["text"] for record, _ in some],
        np.array([record["label"] == "1" for record, _ in some], np.bool_),
        [(found.group().lower(),) for _, found in some],
        [record["text"][: found.start()] + "·" + record["text"][found.end() :] for record, found in some],
    )


def _wiki(records: Sequence[dict[str, str]]) -> Labelled:
    texts = [clean(record["text"]) for record in records]
    identities = Identities.shipped()
    return Labelled(
        texts,
        np.array([record["label"] == "1" for record in records], np.bool_),
        [identities.canonical(text).groups for text in readable(texts)],
        [record["id"].rpartition("-")[2] for record in records],
    )


def _redditbias(records: Sequence[dict[str, str]]) -> Labelled:
    texts = [clean(record["text"]) for record in records]
    return Labelled(
        texts,
        np.array([record["label"] == "1" for record in records], np.bool_),
        [(record["group"],) for record in records],
        texts,
    )


def _toxigen(records: Sequence[dict[str, str]]) -> Labelled:
    some = [record for record in records if record["toxicity_human"]]
    return Labelled(
        [record["text"] for record in some],
        np.array([float(record["toxicity_human"]) >= HARMFUL for record in some], np.bool_),
        [(record["target"],) for record in some],
        [record["text"] for record in some],
    )


_READERS: dict[str, Callable[[Sequence[dict[str, str]]], Labelled]] = {
    "madlibs_77k": _madlibs,
    "wiki_identity_fuzz": _wiki,
    "redditbias": _redditbias,
    "toxigen_human": _toxigen,
}


def by_group(name: str, data: Labelled, answers: Answers, cutoffs: Cutoffs) -> list[Record]:
    """For every group of a set: rows, false alarms, misses, and the mean probability of hate, with intervals."""
    acted = cutoffs.acted_on(answers.probabilities)
    hate = np.nan_to_num(answers.probabilities[:, HATE])
    found = []
    for group, rows in _rows_by_group(data).items():
        told = figures(confusion(acted[rows], data.harmful[rows]), _rng())
        found.append(
            {
                "set": name,
                "group": group,
                "n": len(rows),
                "harmful": int(data.harmful[rows].sum()),
                "false_positive_rate": told["false_positive_rate"],
                "false_negative_rate": told["false_negative_rate"],
                "score_of_innocent": mean(hate[rows][~data.harmful[rows]]),
                "score_of_harmful": mean(hate[rows][data.harmful[rows]]),
            }
        )
    return found


def gaps(name: str, data: Labelled, answers: Answers, cutoffs: Cutoffs, among: str = "all groups") -> Record:
    """Over all groups of a set: false alarms and misses, and how far the two groups furthest apart differ.

    `among` other than all takes only groups that the shipped names make one.
    """
    acted = cutoffs.acted_on(answers.probabilities)
    told = figures(confusion(acted, data.harmful), _rng())
    by: dict[str, Confusion] = {
        group: confusion(acted[rows], data.harmful[rows])
        for group, rows in _rows_by_group(data).items()
        if among == "all groups" or named(group)
    }
    record: Record = {
        "set": name,
        "among": among,
        "groups": len(by),
        "n": len(data.texts),
        "false_positive_rate": told["false_positive_rate"],
        "false_negative_rate": told["false_negative_rate"],
    }
    for rate in RATES:
        found = gap(rate, by, _rng())
        short = rate.removesuffix("_rate")
        record[f"{short}_gap"] = found.gap
        record[f"{short}_by_chance"] = found.by_chance
        record[f"{short}_between"] = f"{found.lowest} – {found.highest}" if found.lowest else None
    hate = np.nan_to_num(answers.probabilities[:, HATE])
    means = [
        float(hate[rows][~data.harmful[rows]].mean())
        for group, rows in _rows_by_group(data).items()
        if group in by and (~data.harmful[rows]).any()
    ]
    record["score_gap"] = round(max(means) - min(means), 4) if len(means) > 1 else None
    return record


def named(term: str) -> bool:
    """Whether the shipped names make this term of people one with the others."""
    return bool(Identities.shipped().canonical(f"{term} people").mentions)


def one_decision(
    name: str, frames: Sequence[str], answers: Answers, cutoffs: Cutoffs, of: str = "all terms"
) -> Record:
    """Of the frames that were filled more than once, the share in which every filling got the same decision."""
    acted = cutoffs.acted_on(answers.probabilities).tolist()
    hate = np.nan_to_num(answers.probabilities[:, HATE]).tolist()
    decisions: dict[str, set[bool]] = defaultdict(set)
    scores: dict[str, list[float]] = defaultdict(list)
    for frame, decision, score in zip(frames, acted, hate, strict=True):
        decisions[frame].add(decision)
        scores[frame].append(score)
    filled = [frame for frame, some in scores.items() if len(some) > 1]
    same = sum(len(decisions[frame]) == 1 for frame in filled)
    spread = [max(scores[frame]) - min(scores[frame]) for frame in filled]
    return {
        "set": name,
        "of": of,
        "n": len(filled),
        "texts": sum(len(scores[frame]) for frame in filled),
        "one_decision": share(same, len(filled), "nothing was filled twice"),
        "mean_spread": round(float(np.mean(spread)), 4) if spread else None,
        "largest_spread": round(float(max(spread)), 4) if spread else None,
    }


def only_named(data: Labelled) -> NDArray[np.int64]:
    """The rows of a set whose group the shipped names make one with the others."""
    known = {group: named(group) for groups in data.groups for group in groups}
    return np.array(
        [row for row, groups in enumerate(data.groups) if groups and all(known[group] for group in groups)],
        np.int64,
    )


def swapped(dev: Development, rng: np.random.Generator, most: int = SWAPPED) -> tuple[list[str], list[str]]:
    """Own sentences that name one group once, each said of all 24 groups: the texts, and the frame of each."""
    identities = Identities.shipped()
    rows = drawn(
        np.flatnonzero(dev.own & np.array([context is None for context in dev.contexts])), 20 * most, rng
    )
    shown = readable([dev.texts[row] for row in rows.tolist()])
    some = [text for text in dict.fromkeys(shown) if len(identities.canonical(text).mentions) == 1]
    some = [some[at] for at in drawn(np.arange(len(some)), most, rng).tolist()]
    texts = [identities.swapped(text, group) for text in some for group in GROUPS]
    return texts, [str(at) for at in range(len(some)) for _ in GROUPS]


def measure(
    answerer: Answerer, dev: Development, shared: Path | None, cutoffs: Cutoffs, rows: int, seed: int
) -> dict[str, list[Record]]:
    """The sections `fairness`, `fairness_groups` and `templates`; without `shared`, own sentences only."""
    sections: dict[str, list[Record]] = {"fairness": [], "fairness_groups": [], "templates": []}
    texts, frames = swapped(dev, np.random.default_rng(seed), min(SWAPPED, rows))
    if texts:
        answers = answerer.ask("own sentences, swapped", texts)
        sections["templates"].append(one_decision("own sentences", frames, answers, cutoffs, "24 groups"))
    for name in SETS if shared is not None else ():
        assert shared is not None
        data = read(name, shared, rows)
        answers = answerer.ask(name, data.texts)
        sections["fairness"].append(gaps(name, data, answers, cutoffs))
        sections["fairness_groups"].extend(by_group(name, data, answers, cutoffs))
        if name == "madlibs_77k":
            sections["fairness"].append(gaps(name, data, answers, cutoffs, "names made one"))
            sections["templates"].append(one_decision(name, data.frames, answers, cutoffs, "50 terms"))
            at = only_named(data)
            frames = [data.frames[row] for row in at.tolist()]
            sections["templates"].append(
                one_decision(name, frames, answers.take(at), cutoffs, "names made one")
            )
        elif name == "wiki_identity_fuzz":
            sections["templates"].append(one_decision(name, data.frames, answers, cutoffs, "pairs"))
    return sections


def mean(values: NDArray[np.float64]) -> Figure:
    """The mean with an interval by Bayesian bootstrap."""
    if not len(values):
        return Figure(value=None, why="there are no rows")
    rng = _rng()
    draws = np.empty(RESAMPLES)
    for at in range(0, RESAMPLES, 100):
        weights = rng.standard_exponential((100, len(values)))
        draws[at : at + 100] = weights @ values / weights.sum(1)
    return bootstrapped(float(values.mean()), draws)


def _rows_by_group(data: Labelled) -> dict[str, NDArray[np.int64]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, groups in enumerate(data.groups):
        for group in groups:
            rows[group].append(row)
    return {group: np.array(rows[group], np.int64) for group in sorted(rows)}


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)
