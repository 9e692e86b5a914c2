"""Evaluate exported weights: python -m models.evaluate --weights FOLDER --data rows.parquet --out FOLDER [--shared PATH]

Asks the classifier as it ships (int8, calibrated), with all its stages and with the encoder alone, and writes
`evaluation.json` (every figure with its 95% interval) and `tables.md`. With `--card` the tables also go into the model
card. `--shared` names the folder of the corpora; without it the sets that only measure are left out. Needs no PyTorch.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from holdfast.errors import HoldfastError
from models import (
    bars,
    cutoffs,
    decisions,
    development,
    fairness,
    functionalities,
    migration,
    scorecard,
    unseen,
)
from models.answers import Answerer, Answers, keyword_hits
from models.cutoffs import Cutoffs
from models.development import Development
from models.sources import clean
from models.tables import markdown, put

RESULT = "evaluation.json"
TABLES = "tables.md"
CARD = Path(__file__).parent / "MODEL_CARD.md"
SECTIONS = (
    "bars",
    "classes",
    "functionalities",
    "checks",
    "heads",
    "baselines",
    "groups",
    "stages",
    "benign",
    "cutoffs",
    "fairness",
    "fairness_groups",
    "templates",
    "migration",
)
"""The tables that are measured here, in the card's order."""
BENIGN = "tweeteval_emotion"

Sections = dict[str, list[dict[str, Any]]]


def evaluate(
    weights: Path,
    data: Path,
    shared: Path | None,
    cuts: Cutoffs,
    *,
    rows: int,
    seed: int,
    workers: int,
    policy: bool = True,
) -> tuple[dict[str, Any], Sections]:
    """What was evaluated, and the records of every section. Raises `InvalidModel` or `InvalidRecipe`."""
    answerer = Answerer(weights, workers)
    classes = functionalities.load()
    dev = development.load(data, rows, seed)
    answers = answerer.ask("dev rows", dev.texts, dev.contexts)
    judged = functionalities.judge(dev, answers, cuts, _policy(weights, dev, cuts) if policy else None)
    heads = scorecard.by_head(dev, answers, cuts)
    sections: Sections = {
        "bars": bars.of_heads(heads),
        "classes": functionalities.by_class(dev, judged, classes, np.random.default_rng(seed)),
        "functionalities": functionalities.by_functionality(dev, judged, classes),
        "heads": heads,
        "baselines": scorecard.baselines(dev, answers, cuts, keyword_hits(dev.texts)),
        "groups": scorecard.by_group(dev, answers),
        "stages": scorecard.by_stage(dev, answers, cuts),
        "benign": [
            scorecard.false_alarms(pool, answers.take(at), cuts)
            for pool, at in scorecard.benign_rows(dev)
            if len(at)
        ],
        "cutoffs": scorecard.by_cutoff(dev, answers, cuts),
        "migration": [],
        "checks": [],
    }
    if policy:
        sections["checks"] = unseen.by_class(weights, np.random.default_rng(seed))
    if shared is not None:
        sections["bars"].extend(bars.hatexplain(answerer, shared, rows))
        sections["benign"].append(_tweets(answerer, shared, cuts, rows))
        sections["migration"] = migration.correlations(answerer, shared, rows)
    sections |= fairness.measure(answerer, dev, shared, cuts, rows, seed)
    sections["bars"].extend([*bars.of_others(sections), bars.weight(weights)])
    about = {
        "weights": answerer.version,
        "classifier": answerer.whole.version,
        "rows_per_source": rows,
        "seed": seed,
        "dev_rows": len(dev),
        "own_sentences": int(dev.own.sum()),
        "functionalities": len(sections["functionalities"]),
        "under_80_percent": sum(bool(record["low"]) for record in sections["functionalities"]),
        "cutoffs": cuts,
        "intervals": "95 %: Wilson's for shares; a Bayesian bootstrap for the others, over whole patterns for classes",
    }
    return about, sections


def _policy(weights: Path, dev: Development, cuts: Cutoffs) -> Any:
    """Of every dev row whether the shipped policy acts on it; only own sentences are asked about."""
    own = np.flatnonzero(dev.own)
    some = dev.take(own)
    acted = np.zeros(len(dev), np.bool_)
    acted[own] = decisions.acted_on(weights, some.texts, some.contexts, cuts.policy_acts_from)
    return acted


def _tweets(answerer: Answerer, shared: Path, cuts: Cutoffs, rows: int) -> dict[str, Any]:
    records = fairness.read_records(BENIGN, shared, "dev.csv")[:rows]
    answers: Answers = answerer.ask(BENIGN, [clean(record["text"]) for record in records])
    return scorecard.false_alarms(f"{BENIGN} (emotional tweets, not judged)", answers, cuts)


def write(about: dict[str, Any], sections: Sections, out: Path, card: Path | None) -> None:
    """Write `evaluation.json` and `tables.md` into `out`, and the tables into the card. Raises `InvalidRecipe`."""
    out.mkdir(parents=True, exist_ok=True)
    found = msgspec.json.encode({"about": about, "sections": sections})
    (out / RESULT).write_bytes(msgspec.json.format(found, indent=1) + b"\n")
    tables = measured_tables(json.loads(found))
    text = "\n".join(f"<!-- table: {name} -->\n{table}<!-- end -->\n" for name, table in tables.items())
    (out / TABLES).write_text(text, encoding="utf-8")
    if card is not None:
        card.write_text(put(card.read_text(encoding="utf-8"), tables), encoding="utf-8")


def measured_tables(evaluation: dict[str, Any]) -> dict[str, str]:
    """The Markdown of every section of an `evaluation.json`, and `about`, a line that says what was measured."""
    about, sections = evaluation["about"], evaluation["sections"]
    line = (
        f"Weights `{about['weights']}`; {about['dev_rows']:,} dev rows, of them {about['own_sentences']:,} own sentences; "
        f"at most {about['rows_per_source']:,} rows a source, seed {about['seed']}; "
        f"{about['under_80_percent']} of {about['functionalities']} functionalities under 80 %.\n"
    )
    return {"about": line} | {name: markdown(name, sections.get(name, [])) for name in SECTIONS}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="models.evaluate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="folder that models.export wrote")
    parser.add_argument("--data", type=Path, required=True, help="Parquet of models.build")
    parser.add_argument("--out", type=Path, required=True, help="where evaluation.json and tables.md go")
    parser.add_argument(
        "--shared", type=Path, default=os.environ.get("HOLDFAST_SHARED"), help="the corpora's folder"
    )
    parser.add_argument("--cutoffs", type=Path, default=cutoffs.FILE, help="cut-offs of the heads (YAML)")
    parser.add_argument("--rows", type=int, default=6000, help="rows of a source at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="threads that ask the classifier")
    parser.add_argument("--no-policy", action="store_true", help="leave the shipped policy's decisions out")
    parser.add_argument(
        "--card", type=Path, nargs="?", const=CARD, help="also rewrite the tables of this model card"
    )
    options = parser.parse_args(argv)
    try:
        about, sections = evaluate(
            options.weights,
            options.data,
            Path(options.shared) if options.shared else None,
            cutoffs.load(options.cutoffs),
            rows=options.rows,
            seed=options.seed,
            workers=options.workers,
            policy=not options.no_policy,
        )
        write(about, sections, options.out, options.card)
    except HoldfastError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{about['dev_rows']:,} dev rows evaluated; figures in {options.out / RESULT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
