"""`holdfast ledger` as its users run it: through `main`, by what it prints and how it exits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from tests.cli.conftest import Shell
from tests.ledger.samples import NOW, an_item, record, record_allowed

from holdfast.ledger import Ledger
from holdfast.ledger.suggestions import Suggested, newest, suggest


@pytest.fixture
def run(shell: Shell) -> Shell:
    return partial(shell, "ledger")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    with Ledger.open(data=tmp_path / "data") as ledger:
        record(ledger, [an_item(n, f"unmistakable {n}") for n in range(5)])
        record_allowed(ledger, [an_item(10), an_item(0, "unmistakable again")])
    return tmp_path / "data"


def test_a_sound_ledger_verifies(run, filled: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("verify")
    head = json.loads(run("head")[1])
    assert code == 0
    assert out == f"6 events verified, root {head['root']}\n"
    assert head["size"] == 6


def test_an_altered_ledger_does_not_and_says_where(run, filled: Path) -> None:  # type: ignore[no-untyped-def]
    with Ledger.open(data=filled) as ledger, ledger.database.writing() as connection:
        connection.exec_driver_sql("UPDATE decisions SET action = 'allow' WHERE seq = 2")
    code, out, error = run("verify")
    assert code == 1
    assert out == "decisions: seq 2, slot -1: action altered: the event says otherwise\n"
    assert "1 faults in the ledger" in error
    assert run("rebuild")[0] == 0
    assert run("verify")[0] == 0


def test_an_earlier_head_is_held_against_it(run, filled: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "head.json").write_text(run("head")[1])
    run("prove", "1", "--out", "proof.json")
    run("export", "all.jsonl")
    with Ledger.open(data=filled) as ledger:
        record(ledger, [an_item(90)])
    noted = ["--checkpoint", "head.json", "--checkpoint", "proof.json", "--checkpoint", "all.jsonl"]
    assert run("verify", *noted)[0] == 0
    (tmp_path / "head.json").write_text(json.dumps({"size": 6, "root": "00" * 32}))
    code, out, _ = run("verify", *noted)
    assert code == 1
    assert "rewritten" in out
    (tmp_path / "head.json").write_text("{}")
    assert run("verify", *noted)[0] == 2


def test_a_proof_is_made_and_checked_elsewhere(run, filled: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("prove", "5.1", "--with-texts", "--out", "proof.json")[0] == 0
    (filled / "holdfast.db").rename(tmp_path / "away.db")
    root = json.loads((tmp_path / "proof.json").read_text())["root"]
    code, out, error = run("prove", "--check", "proof.json")
    assert (code, out) == (0, f"event 5 is under the root {root} over 6 events\n")
    assert "--root" in error
    assert run("prove", "--check", "proof.json", "--root", root)[0] == 0
    assert run("prove", "--check", "proof.json", "--root", "00" * 32)[0] == 1
    altered = (tmp_path / "proof.json").read_text().replace("unmistakable again", "never said")
    (tmp_path / "proof.json").write_text(altered)
    code, out, _ = run("prove", "--check", "proof.json")
    assert code == 1
    assert "commitment" in out


def test_an_export_is_made_and_checked_elsewhere(run, filled: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("export")
    assert run("export", "all.jsonl")[0] == 0
    assert (tmp_path / "all.jsonl").read_text() == out
    (filled / "holdfast.db").rename(tmp_path / "away.db")
    code, out, _ = run("export", "--check", "all.jsonl")
    assert code == 0
    assert out.startswith("6 events lead to the root ")
    assert run("export", "--check", "all.jsonl", "--root", "00")[0] == 1
    (tmp_path / "all.jsonl").write_text((tmp_path / "all.jsonl").read_text().replace("u1", "u2"))
    assert run("export", "--check", "all.jsonl")[0] == 1


def test_words_are_erased_by_reference_and_by_item(run, filled: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("erase", "3", "--why", "asked for by its author", "--by", "ada")
    assert (code, out) == (0, "1 text erased, 0 were erased before\n")
    code, out, _ = run("erase", "--item", "c0", "--why", "asked for by its author", "--compact")
    assert (code, out) == (0, "2 texts erased, 0 were erased before\n")
    assert run("erase", "--item", "c0", "--why", "again")[1] == "0 texts erased, 2 were erased before\n"
    left = b"".join(path.read_bytes() for path in filled.iterdir())
    assert [b"unmistakable %s" % word in left for word in (b"0", b"3", b"again", b"4")] == [0, 0, 0, 1]
    assert run("verify")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("prove",),
        ("prove", "99"),
        ("prove", "5.9"),
        ("prove", "x"),
        ("prove", "0", "--size", "99"),
        ("prove", "--check", "nothing.json"),
        ("export", "--check", "nothing.jsonl"),
        ("export", "no/folder/all.jsonl"),
        ("erase", "--why", "x"),
        ("erase", "0", "--item", "c0", "--why", "x"),
        ("erase", "0", "--why", " "),
        ("erase", "--item", "nobody", "--why", "x"),
        ("verify", "--checkpoint", "nothing.json"),
        ("verify", "--data", "elsewhere"),
        ("head", "--database", "sqlite:///elsewhere.db"),
        ("head", "--database", "nonsense"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    run, filled: Path, arguments: tuple[str, ...]
) -> None:  # type: ignore[no-untyped-def]
    code, _, error = run(*arguments)
    assert code == 2
    assert error.startswith("holdfast: ")
    assert not Path("elsewhere").exists() and not Path("elsewhere.db").exists()


def test_erasing_wants_a_reason(run, filled: Path) -> None:  # type: ignore[no-untyped-def]
    code, _, _ = run("erase", "0")
    assert code != 0
    assert run("head")[1].count('"size":6') == 1


def test_no_output_replaces_the_ledger(run, filled: Path) -> None:  # type: ignore[no-untyped-def]
    before = (filled / "holdfast.db").read_bytes()
    for arguments in (("prove", "1", "--out"), ("export",)):
        code, _, told = run(*arguments, str(filled / "holdfast.db"))
        assert (code, "own state" in told) == (2, True)
    assert (filled / "holdfast.db").read_bytes() == before
    assert run("verify")[0] == 0


def test_a_damaged_database_is_said_so_without_a_traceback(run, filled: Path) -> None:  # type: ignore[no-untyped-def]
    with Ledger.open(data=filled) as ledger, ledger.database.writing() as connection:
        root = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_master WHERE name = 'secrets' OR tbl_name = 'events' ORDER BY 1 LIMIT 1"
        ).scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    with Ledger.open(data=filled) as ledger:
        assert ledger.database.scrub()
    database = filled / "holdfast.db"
    content = bytearray(database.read_bytes())
    content[(root - 1) * size : root * size] = b"Z" * size
    database.write_bytes(content)
    for command in (("export",), ("prove", "1"), ("rebuild",)):
        code, _, told = run(*command)
        assert code == 2, command
        assert "malformed" in told
        assert "put a backup in its place" in told
    database.write_bytes(b"Z" * 8192)
    code, _, told = run("verify")
    assert (code, "put a backup in its place" in told) == (2, True)


@pytest.mark.parametrize(("output", "expected"), [("/dev/full", 2), (None, 128 + signal.SIGPIPE)])
def test_an_output_that_takes_no_more_is_no_traceback(
    filled: Path, output: str | None, expected: int
) -> None:
    code = "from holdfast.cli import main; main()"
    if output is None:
        read, write = os.pipe()
        os.close(read)
    else:
        write = os.open(output, os.O_WRONLY)
    done = subprocess.run(
        [sys.executable, "-c", code, "ledger", "export", "--data", str(filled)],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(write)
    assert done.returncode == expected, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def suggest_many(data: Path, texts: int) -> None:
    """Half of them threats by what is said of them, the other half not."""
    with Ledger.open(data=data) as ledger:
        suggest(
            ledger,
            [
                Suggested(
                    an_item(n, f"I know where you live and I will hurt you on day {n}")
                    if n % 2
                    else an_item(n, f"what a lovely soup you made for all of us on day {n}"),
                    {"THREAT": float(n % 2), "TOXICITY": 0.9 if n % 2 else 0.2},
                    "k1",
                )
                for n in range(texts)
            ],
            NOW,
        )


def test_suggestions_become_a_file_that_calibrate_takes(shell: Shell, filled: Path) -> None:
    suggest_many(filled, 44)
    with Ledger.open(data=filled) as ledger:
        ledger.erase(newest(ledger, 1)[0].event.item.text or "", "ada", "asked for", NOW)
    code, out, error = shell("ledger", "suggestions", "--out", "labels.csv")
    assert (code, error) == (0, "")
    assert out.splitlines() == [
        "labels.csv: 43 suggestions",
        "  1 left out: a text of it was erased",
        "  TOXICITY: 43, of them 21 at 0.5 or more",
        "  THREAT: 43, of them 21 at 0.5 or more",
        "Next: holdfast calibrate labels.csv --label threat=THREAT",
    ]
    code, out, _ = shell("calibrate", "labels.csv", "--label", "threat=THREAT")
    assert code == 0, out
    assert "43 labelled rows, 21 positive" in out
    assert (filled / "calibration.json").is_file()


def test_a_few_suggestions_are_written_and_more_are_asked_for(run, filled: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    suggest_many(filled, 2)
    code, out, _ = run("suggestions", "-o", "labels.jsonl")
    assert code == 0
    assert "wait for more. `holdfast calibrate` takes at least 20" in out
    assert len((tmp_path / "labels.jsonl").read_text().splitlines()) == 2


def test_suggestions_are_not_written_over_what_is_there(run, filled: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    suggest_many(filled, 2)
    (tmp_path / "labels.csv").write_text("by hand")
    code, _, error = run("suggestions", "--out", "labels.csv")
    assert (code, "--force" in error) == (2, True)
    assert (tmp_path / "labels.csv").read_text() == "by hand"
    assert run("suggestions", "--out", "labels.csv", "--force")[0] == 0
    assert (tmp_path / "labels.csv").read_text().startswith('"id","text",')
    for harmful in ("data/holdfast.db", "data/holdfast.toml"):
        assert run("suggestions", "--out", harmful, "--force")[0] == 2
    code, _, error = run("suggestions", "--out", "labels.txt")
    assert (code, ".parquet" in error) == (2, True)


def test_the_text_of_a_suggestion_is_erased_by_its_reference(run, filled: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    suggest_many(filled, 2)
    assert run("erase", "7", "--why", "asked for")[1] == "1 text erased, 0 were erased before\n"
    assert run("verify")[0] == 0
    assert run("prove", "7", "--with-texts")[0] == 0
    assert b"where you live" not in b"".join(path.read_bytes() for path in filled.iterdir())
