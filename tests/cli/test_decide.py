"""`holdfast decide` as its users run it: what it prints where, what it leaves, how it exits."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from tests.bulk.samples import POLICY
from tests.cli.conftest import Shell

from holdfast.cli.decide import decide
from holdfast.ledger import Ledger

pytestmark = pytest.mark.usefixtures("quick_classifier")


@pytest.fixture
def run(shell: Shell, tmp_path: Path) -> Shell:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "in.csv").write_text(
        "id,text,date\na,good soup,2024-01-01\nb,see https://example.org/unmistakable,2024-01-02\n"
    )
    return partial(shell, "decide")


def test_the_first_command_of_a_newcomer(run: Shell, tmp_path: Path) -> None:
    code, out, told = run("in.csv", "--policy", "policy.yaml", "--out", "out.jsonl", "--report", "r.html")
    assert (code, out) == (0, "")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["id"], row["action"]) for row in rows] == [("a", "allow"), ("b", "limit")]
    for said in (
        "in.csv: 2 rows",
        "allow",
        "limit",
        "links",
        "out.jsonl",
        "r.html",
        "data",
        "--created-at-column date",
    ):
        assert said in told
    assert "s██" in told
    assert "unmistakable" not in told
    assert "unmistakable" in (tmp_path / "r.html").read_text()
    with Ledger.open(data=tmp_path / "data") as ledger:
        assert [ledger.decision(row["ref"]).item.id for row in rows] == ["a", "b"]


def test_a_pipe_gets_json_lines(run: Shell) -> None:
    code, out, _ = run("-", "--no-record", "-q", stdin=b'{"text": "soup"}\n{"text": "more"}\n')
    assert code == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["1", "2"]


def test_nothing_is_left_behind_without_a_record(run: Shell, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    code, _, told = run("in.csv", "--no-record", "--out", "out.csv")
    assert code == 0
    assert set(tmp_path.iterdir()) - before == {tmp_path / "out.csv"}
    assert "Record:" not in told


def test_the_live_policy_decides_even_without_a_record(run: Shell, tmp_path: Path) -> None:
    assert run("in.csv", "--policy", "policy.yaml", "-q", "--out", "1.jsonl")[0] == 0
    with Ledger.open(data=tmp_path / "data") as ledger:
        (policy,) = ledger.policies()
    assert run("in.csv", "--policy", policy, "--no-record", "-q", "--out", "2.jsonl")[0] == 0
    assert json.loads((tmp_path / "2.jsonl").read_text().splitlines()[0])["policy"] == policy


def test_bad_rows_give_exit_code_one(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"id,text\n1,a\n2,\xffsecret\n")
    code, _, told = run("bad.csv", "--out", "out.csv")
    assert code == 1
    assert "Rejected: 1 row (listed in out.csv.rejected.jsonl)" in told
    assert "--encoding" in told
    assert "secret" not in told + (tmp_path / "out.csv.rejected.jsonl").read_text()
    assert run("bad.csv", "--out", "out2.csv", "--strict")[0] == 2
    assert run("bad.csv", "--out", "out3.csv", "--encoding", "latin-1", "--strict")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "does not exist"),
        (["in.cvs"], "did you mean in.csv?"),
        (["empty.csv"], "is empty"),
        (["in.csv", "--text-column", "txt"], "did you mean 'text'?"),
        (["in.csv", "--out", "x.xlsx"], ".parquet"),
        (["in.csv", "--out", "none/x.csv"], "mkdir -p none"),
        (["in.csv", "--policy", "nothing"], "means no policy"),
        (["in.csv", "--report", "policy.yaml"], "exists already"),
        (["in.csv", "--surface", "billboard"], "billboard"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(
    run: Shell, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    code, out, told = run(*arguments)
    assert code in (1, 2)
    assert said in out + told
    assert "Traceback" not in told


def test_help_tells_of_every_option(run: Shell) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for name in decide.__annotations__:
        if name not in ("input", "return"):
            option = f"--{name.replace('_', '-')}"
            told = re.search(rf"{option}\b[^│]*", out)
            assert told is not None, option
            assert len(told[0].split()) > 3, f"{option} has no help"
    assert "Exit code" in out


def test_sigterm_ends_at_a_checkpoint_and_resume_goes_on(run: Shell, tmp_path: Path) -> None:
    rows = 60_000
    (tmp_path / "big.csv").write_text("text\n" + "".join(f"soup {n}\n" for n in range(rows)))
    command = [sys.executable, "-c", "from holdfast.cli import main; main()", "decide", "big.csv"]
    options = ["--no-record", "--out", "big.jsonl"]
    with subprocess.Popen([*command, *options], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "big.jsonl").exists() or not (tmp_path / "big.jsonl").stat().st_size:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert "--resume" in told
    assert run("big.csv", *options, "--resume", "-q")[0] == 0
    ids = [json.loads(line)["id"] for line in (tmp_path / "big.jsonl").read_text().splitlines()]
    assert ids == [str(n) for n in range(1, rows + 1)]
    assert not list(tmp_path.glob("big.jsonl.*"))


def test_a_reader_that_leaves_early_is_no_error(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_text("text\n" + "soup\n" * 5_000)
    read, write = os.pipe()
    command = [
        sys.executable,
        "-c",
        "from holdfast.cli import main; main()",
        "decide",
        "big.csv",
        "--no-record",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, text=True) as process:
        os.close(write)
        assert os.read(read, 10)
        os.close(read)
        _, told = process.communicate()
    assert process.returncode == 128 + signal.SIGPIPE
    assert told == ""


@pytest.mark.parametrize("option", ["--report", "--rejected", "--out"])
@pytest.mark.parametrize("link", ["none", "symbolic", "hard"])
def test_no_output_replaces_the_ledger(run: Shell, tmp_path: Path, option: str, link: str) -> None:
    assert run("in.csv", "--policy", "policy.yaml", "--out", "first.jsonl")[0] == 0
    database = tmp_path / "data" / "holdfast.db"
    before = database.read_bytes()
    named = tmp_path / "data" / "holdfast.db" if link == "none" else tmp_path / "innocent.jsonl"
    if link == "symbolic":
        named.symlink_to(database)
    elif link == "hard":
        named.hardlink_to(database)
    if option == "--out" and link == "none":
        named = (
            tmp_path / "data" / "lexicons" / "new.jsonl"
        )  # a list that every later start would stumble over
    code, _, told = run("in.csv", "--policy", "policy.yaml", option, str(named), "--force")
    assert code == 2
    assert "own state" in told
    assert database.read_bytes() == before
    assert not (tmp_path / "data" / "lexicons").exists()


def test_no_output_replaces_what_is_read(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "hard.csv").hardlink_to(tmp_path / "in.csv")
    before = (tmp_path / "in.csv").read_bytes()
    for option in ("--out", "--rejected", "--report"):
        code, _, told = run("in.csv", "--policy", "policy.yaml", option, "hard.csv", "--force")
        assert (code, "as well" in told) == (2, True), told
    code, _, told = run("in.csv", "--policy", "policy.yaml", "--report", "policy.yaml", "--force")
    assert (code, "is the policy as well" in told) == (2, True)
    assert (tmp_path / "in.csv").read_bytes() == before
    assert (tmp_path / "policy.yaml").read_text() == POLICY


def test_nothing_decided_is_nothing_to_look_at(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "header.csv").write_text("id,text,date\n")
    code, _, told = run("header.csv", "--policy", "policy.yaml", "--out", "out.jsonl")
    assert code == 0
    assert "The input has a header and no rows." in told
    assert "Next:" not in told
    assert "Not read:" not in told


def test_out_may_be_a_hyphen(run: Shell) -> None:
    for words in (("--out", "-"), ("-o", "-"), ("--out=-",)):
        code, out, _ = run("in.csv", "--policy", "policy.yaml", *words)
        assert code == 0
        assert [json.loads(line)["id"] for line in out.splitlines()] == ["a", "b"]
