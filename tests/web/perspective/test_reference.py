"""The reference page says what is answered: no attribute, error or limit is missing from it, and its example holds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from holdfast.perspective import ATTRIBUTES, EXPERIMENTAL
from holdfast.web.perspective import analyze, door, sentences
from holdfast.web.perspective.discovery import ANALYZE, DOCUMENT, PATH, SUGGEST
from holdfast.web.perspective.errors import STATUS

from .conftest import Perspective
from .test_errors import FOLDER

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "perspective.md").read_text("utf-8")
REQUEST, ANSWER, ERROR = map(json.loads, re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S))
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_attribute_is_there_with_its_heads() -> None:
    said = {code(row[0])[0]: tuple(code(row[1])) for row in ROWS if len(row) == 2 and row[0].startswith("`")}
    plain = {name: heads for name, heads in ATTRIBUTES.items() if not name.endswith(EXPERIMENTAL)}
    assert {name: heads for name, heads in said.items() if name in plain} == plain
    assert list(plain)[:6] == [
        name.removesuffix(EXPERIMENTAL) for name in ATTRIBUTES if name.endswith(EXPERIMENTAL)
    ]


@pytest.mark.parametrize("snapshot", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_error_on_record_is_there(snapshot: Path) -> None:
    error = json.loads(snapshot.read_text("utf-8"))["body"]["error"]
    detail = (error.get("details") or [{}])[0]
    kind = detail.get("errorType") or detail.get("reason") or detail.get("@type", "").rpartition("/")[2]
    rows = [row for row in ROWS if len(row) == 4 and row[1] == f"{error['code']} `{error['status']}`"]
    assert any((code(row[3]) == [kind]) if kind else row[3] == "no details" for row in rows)


def test_what_the_page_quotes_is_what_is_answered() -> None:
    answered = [
        json.loads(path.read_text("utf-8"))["body"]["error"]["message"] for path in FOLDER.glob("*.json")
    ]
    quoted = [row[2].strip("`") for row in ROWS if len(row) == 4 and row[1][:3].isdigit()]
    assert len(quoted) > 15
    for message in quoted:
        start, cut, _ = message.partition("…")
        if "took too long to arrive" not in message:  # needs a client that stops half way
            assert any(text.startswith(start.strip()) if cut else text == message for text in answered), (
                message
            )
    assert {"error": json.loads((FOLDER / "comment_empty.json").read_text("utf-8"))["body"]["error"]} == ERROR
    assert {row[1] for row in ROWS if len(row) == 4 and row[1][:3].isdigit()} == {
        f"{n} `{s}`" for n, s in STATUS.items()
    }


def test_routes_parameters_and_limits_are_there() -> None:
    for route in (f"POST /{ANALYZE}", f"POST /{SUGGEST}", f"GET {PATH}"):
        assert f"`{route}" in PAGE
    for name in DOCUMENT["parameters"]:
        assert name == "key" or f"`{name}`" in PAGE
    for limit in (analyze.TEXT_LIMIT, analyze.CONTEXT_LIMIT, analyze.LANGUAGES_LIMIT, sentences.LIMIT):
        assert re.search(rf"\b{limit:,}(?:th)?\b", PAGE)
    assert door.BODY_LIMIT == 2**20


def test_the_example_is_answered_as_shown(shared: Perspective) -> None:
    answer = shared.analyze(REQUEST)
    assert "x-holdfast-ref" not in answer.headers

    def without_values(value: Any) -> Any:
        if isinstance(value, list):
            return [without_values(entry) for entry in value]
        if isinstance(value, dict):
            return {name: 0 if name == "value" else without_values(entry) for name, entry in value.items()}
        return value

    found = answer.json() | {"detectedLanguages": ["en"]}  # too short to be sure of
    assert without_values(found) == without_values(ANSWER)
