"""Servers for real clients, and Node to run those that are written in JavaScript.

The clients are the published packages, unmodified (`pyproject.toml`, `package.json`): what they read of an answer, and
how, is no specification's but theirs. Each script `NAME.mjs` drives one package, is given one JSON document as its
argument, and prints lines of JSON, the last of which is its result (`talk.mjs`).
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.conftest import _skip
from tests.fixtures.serving import Serving, serving
from tests.web.conftest import make_key

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SENTENCE = "What a lovely song, thank you!"
PACKAGES = (
    "openai",
    "googleapis-common",
    "perspective-api-client",
    "@conversationai/perspectiveapi-js-client",
)


class Holdfast(NamedTuple):
    """A server, a key that may decide, and one that may not."""

    serving: Serving
    key: str
    reader: str

    @property
    def url(self) -> str:
        return self.serving.url

    def new_key(self) -> str:
        """One more key that may decide, with a quota of its own."""
        return make_key(self.serving.data, "decide")


# For the whole run, and so not by the environment that `quick_classifier` changes for a module.
@pytest.fixture(scope="session")
def holdfast(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[Holdfast]:
    """A server that asks for keys."""
    with _served(tmp_path_factory.mktemp("clients"), tiny_weights) as started:
        yield started


@pytest.fixture(scope="session")
def miserly(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[Holdfast]:
    """A server that lets each key send one item a second, and ten at once."""
    with _served(tmp_path_factory.mktemp("miserly"), tiny_weights, HOLDFAST_SERVE_RATE_LIMIT="1") as started:
        yield started


@contextmanager
def _served(data: Path, weights: Path, **environment: str) -> Iterator[Holdfast]:
    key, reader = make_key(data, "decide"), make_key(data, "read")
    with serving(data, HOLDFAST_CLASSIFIER_WEIGHTS=str(weights), **environment) as started:
        yield Holdfast(started, key, reader)


@contextmanager
def unavailable(data: Path) -> Iterator[Callable[[], None]]:
    """The store of the server on `data` cannot be written until what is yielded is called, or the `with` is left."""
    away = threading.Event()

    def rename(old: str, new: str) -> None:
        with closing(sqlite3.connect(data / "holdfast.db")) as thief:
            thief.execute(f"ALTER TABLE {old} RENAME TO {new}")

    def restore() -> None:
        if away.is_set():
            away.clear()
            rename("stolen", "events")

    rename("events", "stolen")
    away.set()
    try:
        yield restore
    finally:
        restore()


@pytest.fixture(scope="session")
def node() -> str:
    """The program that runs JavaScript, with the packages installed."""
    program = shutil.which("node")
    if program is None:
        _skip("Node is not installed")
    if not all((ROOT / "node_modules" / package / "package.json").is_file() for package in PACKAGES):
        _skip("npm's packages are not installed (make assets)")
    return str(program)


def run_script(
    node: str,
    name: str,
    given: Mapping[str, Any],
    told: Callable[[Any], None] = lambda message: None,
    **environment: str,
) -> Any:
    """The result of the script `name`. `told` is called with what it tells before, and the script waits for that."""
    process = subprocess.Popen(
        [node, str(HERE / name), json.dumps(given)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        message: Any = None
        for line in process.stdout:
            message = json.loads(line)
            if isinstance(message, dict) and "result" in message:
                break
            told(message)
            process.stdin.write("\n")
            process.stdin.flush()
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        return message["result"]
    finally:
        watch.cancel()
        process.kill()
        process.communicate()


def check_scores(answer: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """`answer` is what `comments:analyze` owes to `request`: every attribute, spans that lie in the text, the token."""
    wanted = request["requestedAttributes"]
    assert answer["attributeScores"].keys() == wanted.keys()
    assert answer.get("clientToken") == request.get("clientToken")
    assert answer["languages"] == request.get("languages", answer["detectedLanguages"])
    units = len(request["comment"]["text"].encode("utf-16-le")) // 2
    for scores in answer["attributeScores"].values():
        ends = [0]
        for span in scores["spanScores"]:
            assert ends[-1] <= span["begin"] < span["end"] <= units
            ends.append(span["end"])
            _check_score(span["score"])
        assert len(ends) > 1
        _check_score(scores["summaryScore"])


def _check_score(score: Mapping[str, Any]) -> None:
    assert score.keys() == {"value", "type"}
    assert score["type"] == "PROBABILITY"
    assert 0 <= score["value"] <= 1
