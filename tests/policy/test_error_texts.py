"""What a policy's author reads when something is wrong, word for word.

One failure a file: `errors/NAME.yaml` and the text that it must give, `errors/NAME.txt`. After a
change that is meant, write the texts anew and look at the difference:

    HOLDFAST_UPDATE_SNAPSHOTS=1 make test   (or pytest tests/policy/test_error_texts.py)
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.policy.samples import SCHEMA

from holdfast.policy.diagnostics import PolicyError, render
from holdfast.policy.policy import Policy

FOLDER = Path(__file__).parent / "errors"
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def findings(name: str) -> str:
    source = (FOLDER / f"{name}.yaml").read_text("utf-8")
    try:
        policy = Policy.load(source, SCHEMA, f"{name}.yaml")
    except PolicyError as error:
        assert not name.startswith("warning_"), str(error)
        return f"{error}\n"
    assert name.startswith("warning_"), "this policy was expected to be refused"
    return f"{render(policy.warnings)}\n"


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_the_one_on_record(name: str) -> None:
    recorded = FOLDER / f"{name}.txt"
    text = findings(name)
    if os.environ.get("HOLDFAST_UPDATE_SNAPSHOTS") == "1":
        recorded.write_text(text, "utf-8")
    assert recorded.exists(), "no text on record; see the top of this file"
    assert text == recorded.read_text("utf-8")


def test_no_text_is_left_over() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == CASES
