"""The cases of `checks/cases.yaml`, class by class: sentences by somebody who had not seen what trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from models import checks
from models.decisions import engine_over
from models.functionalities import clustered

WANTED = {"act": "acted on", "leave": "left up"}


def by_class(weights: Path, rng: np.random.Generator) -> list[dict[str, Any]]:
    """For every class, for all that is to be acted on, all that is to be left, and all: how often the shipped policy and
    the heads alone are right, with intervals over cases."""
    book = checks.load()
    found = list(checks.check(book, engine_over(weights)))
    kinds = np.array([one.item.id.split("/")[0] for one in found], np.str_)
    cases = np.array([one.item.id.rpartition("/")[0] for one in found], np.str_)
    right = np.array([one.right for one in found], np.bool_)
    heads = np.array([one.heads_right for one in found], np.bool_)
    expected = np.array([book.classes[kind].expect for kind in kinds.tolist()], np.str_)
    parts = [(name, WANTED[kind.expect], np.equal(kinds, name)) for name, kind in book.classes.items()]
    parts += [(f"all to be {says}", says, np.equal(expected, name)) for name, says in WANTED.items()]
    parts.append(("all", "either", np.ones(len(found), np.bool_)))
    return [
        {
            "class": name,
            "wanted": wanted,
            "n": int(some.sum()),
            "cases": len(set(cases[some].tolist())),
            "policy": clustered(right[some], cases[some], rng),
            "heads": clustered(heads[some], cases[some], rng),
        }
        for name, wanted, some in parts
    ]
