"""`holdfast policy` as its users run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RULE = "  - {{name: {name}, when: {when}, then: {then}, reason: harassment, tells: Waits.{more}}}\n"


def policy(
    folder: Path, name: str, then: str = "hold", when: str = "lexicon.insult > 0", more: str = ""
) -> str:
    path = folder / f"{name}.yaml"
    path.write_text(
        f"policy: {name}\nrules:\n" + RULE.format(name="insult", when=when, then=then, more=more), "utf-8"
    )
    return str(path)


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, ok: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "holdfast.cli", *words, "--data", str(self.folder / "data")],
            capture_output=True, text=True, timeout=60, cwd=self.folder, env={"COLUMNS": "120", "NO_COLOR": "1"},
        )  # fmt: skip
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_check_says_what_is_wrong_and_ends_with_1(shell: Shell, tmp_path: Path) -> None:
    wrong = policy(tmp_path, "wrong", when="lexicon.insutl > 0")
    said = shell("policy", "check", wrong, ok=False)
    assert "wrong.yaml:3:" in said
    assert "did you mean lexicon.insult" in said
    unlike = policy(tmp_path, "unlike", more=" examples: {hold: [what a lovely soup]}".replace(" ex", ", ex"))
    assert "expected hold, got allow" in shell("policy", "check", unlike, ok=False)
    right = policy(tmp_path, "right", more=", examples: {hold: [what a moron]}")
    assert "1 rule, 0 counters, 1 example holds" in shell("policy", "check", right)
    assert not (tmp_path / "data").exists(), "looking makes nothing"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("nowhere.yaml", "cannot be read"),
        ("no-such-policy", "means no policy"),
        ("latin1.yaml", "is not UTF-8"),
        ("huge.yaml", "too large"),
    ],
)
def test_what_cannot_be_a_policy_is_refused_by_name(
    shell: Shell, tmp_path: Path, named: str, said: str
) -> None:
    (tmp_path / "latin1.yaml").write_bytes(b"policy: caf\xe9\n")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (1 << 20) + b"\n")
    refused = shell("policy", "check", named, ok=False)
    assert said in refused
    assert named in refused
    assert "Traceback" not in refused


def test_a_policy_that_fails_its_examples_is_not_published(shell: Shell, tmp_path: Path) -> None:
    bad = policy(tmp_path, "bad", more=", examples: {hold: [what a lovely soup]}")
    assert "got allow" in shell("policy", "publish", bad, ok=False)


def test_the_whole_life_of_a_policy(shell: Shell, tmp_path: Path) -> None:
    first, second = policy(tmp_path, "first"), policy(tmp_path, "second", then="remove")
    assert "next:" in shell("policy", "list", ok=False)
    shell("policy", "publish", first, "--note", "to begin with")
    assert "lexicon.insult > 0" in shell("policy", "show")
    comments = tmp_path / "comments.csv"
    comments.write_text(
        "id,text,surface\n1,what a moron,reply\n2,soup,comment\n3,moron again,comment\n", "utf-8"
    )
    shell("decide", str(comments), "--out", str(tmp_path / "out.jsonl"), "--quiet")

    changed = tmp_path / "changed.jsonl"
    words = ("policy", "backtest", "--policy", second, "--by", "item.surface", "--out", str(changed))
    for against in ("ledger", str(comments)):
        said = shell(*words, "--against", against)
        assert "3 items: 2 decided otherwise (2 more severely, 0 more mildly)" in said
        lines = [json.loads(line) for line in changed.read_text("utf-8").splitlines()]
        assert [(line["id"], line["before"], line["after"]) for line in lines] == [
            ("1", "hold", "remove"),
            ("3", "hold", "remove"),
        ]
        assert "moron" not in changed.read_text("utf-8")

    shadowed = shell("policy", "shadow", second)
    assert "takes part already" in shell("policy", "shadow", second, ok=False)
    shell("policy", "rollout", second, "--percent", "20")
    assert "rolling out to 20 %" in shell("policy", "list")
    assert "cannot be rolled out" in shell("policy", "rollout", second, "--percent", "100", ok=False)
    shell("policy", "rollback", "--why", "not yet")
    shell("policy", "publish", second)
    said = shell("policy", "rollback", "--why", "too strict")
    assert "first@" in said.splitlines()[-1]
    assert "second@" in shadowed
    assert "nothing to go back to" in shell("policy", "rollback", "--why", "again", ok=False)
    assert "events verified" in shell("ledger", "verify")


def test_rules_are_rendered_for_a_warehouse(shell: Shell, tmp_path: Path) -> None:
    written = policy(tmp_path, "some")
    duckdb, spark = (shell("policy", "render", written, "--dialect", name) for name in ("duckdb", "spark"))
    assert '"lexicon.insult"' in duckdb
    assert "`lexicon.insult`" in spark


def test_a_backtest_replaces_no_file_that_it_reads_and_leaves_no_empty_one(
    shell: Shell, tmp_path: Path
) -> None:
    old, new = policy(tmp_path, "old"), policy(tmp_path, "new", then="remove")
    rows = '{"id": "1", "text": "what an idiot"}\n'
    (tmp_path / "items.jsonl").write_text(rows)
    for out, why in (
        ("items.jsonl", "the items"),
        ("new.yaml", "the policy"),
        ("old.yaml", "the old policy"),
    ):
        said = shell(
            "policy", "backtest", "--policy", new, "--old", old, "--against", "items.jsonl", "--out", out, ok=False
        )  # fmt: skip
        assert f"is {why} as well" in said
    assert (tmp_path / "items.jsonl").read_text() == rows
    (tmp_path / "kept.jsonl").write_text("earlier\n")
    broken = policy(tmp_path, "broken", when="lexicon.nothing > 0")
    shell(
        "policy", "backtest", "--policy", broken, "--against", "items.jsonl", "--out", "kept.jsonl", ok=False
    )
    assert (tmp_path / "kept.jsonl").read_text() == "earlier\n"
    assert not list(tmp_path.glob(".kept*"))
    said = shell(
        "policy", "backtest", "--policy", new, "--old", old, "--against", "items.jsonl", "--out", "kept.jsonl"
    )
    assert "1 item: 1 decided otherwise (1 more severely, 0 more mildly)" in said
    assert "1 changed item in kept.jsonl" in said
    assert json.loads((tmp_path / "kept.jsonl").read_text())["after"] == "remove"
