"""Fill the model card's tables: python -m models.cards [--summary summary.json] [--evaluation evaluation.json]

The data come from `models/sources/*.yaml` and the summary that `models.build` wrote, the figures from what
`models.evaluate` wrote. What is not given stays as it stands in the card.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast.errors import HoldfastError
from holdfast.measure.figures import Figure
from models import composed, sources
from models.development import OWN
from models.evaluate import CARD, measured_tables
from models.tables import markdown, put

OWN_LICENCE = "Apache-2.0"
OWN_ATTRIBUTION = "this repository, `models/composed`"
USES = {
    "train": "trains, and measures on rows held out",
    "dev": "measures, unseen in training",
    "evaluation-only": "only measures",
    "no": "unused",
}


def data_records(
    corpora: Sequence[sources.Source], summary: Mapping[str, Mapping[str, int]]
) -> list[dict[str, Any]]:
    """One record a source, the largest part of the training rows first; `summary` is `sources` of `summary.json`."""

    def rows(name: str, split: str) -> int:
        return int(summary.get(f"{name}/{split}", {}).get("rows", 0))

    total = sum(int(count["rows"]) for name, count in summary.items() if name.endswith("/train"))
    own = {"source": f"{OWN} (own sentences)", "licence": OWN_LICENCE, "use": USES["train"], "weight": 1.0}
    found: list[dict[str, Any]] = [own | {"name": OWN, "attribution": OWN_ATTRIBUTION}]
    found.extend(
        {
            "source": source.name,
            "name": source.name,
            "licence": source.licence,
            "use": USES[source.use],
            "weight": source.weight if source.use == "train" else None,
            "attribution": source.attribution,
        }
        for source in corpora
    )
    for record in found:
        name = record.pop("name")
        record["train"], record["dev"] = rows(name, "train"), rows(name, "dev")
        record["share"] = Figure(value=record["train"] / total) if total and record["train"] else None
    return sorted(
        found, key=lambda record: (-record["train"], -record["dev"], record["use"], record["source"])
    )


def own_line(book: composed.Book) -> str:
    """How many own patterns there are, and how many are held out."""
    held = len(composed.dev_patterns(book.patterns))
    kinds = len({pattern.functionality for pattern in book.patterns})
    return f"{len(book.patterns):,} patterns in {kinds} functionalities, {held} of them held out whole for development.\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="models.cards", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--summary", type=Path, help="summary.json of models.build")
    parser.add_argument("--evaluation", type=Path, help="evaluation.json of models.evaluate")
    parser.add_argument("--card", type=Path, default=CARD)
    options = parser.parse_args(argv)
    tables: dict[str, str] = {}
    try:
        if options.summary:
            summary = json.loads(options.summary.read_text(encoding="utf-8"))["sources"]
            tables["data"] = markdown("data", data_records(sources.load(), summary))
            tables["own"] = own_line(composed.load())
        if options.evaluation:
            tables |= measured_tables(json.loads(options.evaluation.read_text(encoding="utf-8")))
        options.card.write_text(put(options.card.read_text(encoding="utf-8"), tables), encoding="utf-8")
    except HoldfastError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{', '.join(tables) or 'nothing'} written to {options.card}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
