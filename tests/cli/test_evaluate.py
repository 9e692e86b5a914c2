"""`holdfast evaluate` as its users run it: what it prints, what it leaves, how it exits."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import Shell
from tests.measure.samples import CALM, LINK, PHONE, POLICY

ROWS = [
    ("1", LINK, "1", "cooks;chess", "0.9"),
    ("2", CALM, "0", "cooks", "0.1"),
    ("3", PHONE, "0", "chess", "0.7"),
    ("4", "nobody knows", "?", "chess", "0.5"),
    ("5", "nothing stirs", "1", "", "0.6"),
]
NAMES = ("id", "text", "label", "group", "api")


@pytest.fixture
def run(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.setenv("COLUMNS", "140")
    (tmp_path / "policy.yaml").write_text(POLICY)
    lines = [",".join(NAMES), *(",".join(row) for row in ROWS)]
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n")

    return partial(shell, "evaluate")


def test_the_first_command_of_a_newcomer(run: Shell, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    code, out, told = run(
        "in.csv", "--label", "label", "-p", "policy.yaml", "--report", "r.html", "-o", "r.json"
    )
    assert (code, told) == (0, "")
    for said in (
        "in.csv: 4 labelled rows, 2 positive (50.0 %)",
        "1 row left out, whose label does not say (? 1)",
        "1 of 2 positive rows found, 1 of 2 negative rows wrongly acted on",
        "policy trial",
        "any listed word",
        "always positive",
        "always negative",
        "r.html",
        "r.json",
    ):
        assert said in out, said
    assert "stirs" not in out
    assert "nothing stirs" in (tmp_path / "r.html").read_text()
    assert set(tmp_path.iterdir()) - before == {
        tmp_path / "r.html",
        tmp_path / "r.json",
    }  # nothing is recorded
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["predictors"][0]["confusion"] == {
        "true_positives": 1,
        "false_positives": 1,
        "false_negatives": 1,
        "true_negatives": 1,
    }
    assert "nothing stirs" not in (tmp_path / "r.json").read_text()


def test_the_report_without_texts(run: Shell, tmp_path: Path) -> None:
    code, _, _ = run(
        "in.csv", "--label", "label", "-p", "policy.yaml", "--report", "r.html", "--report-without-text", "-q"
    )
    assert code == 0
    assert "nothing stirs" not in (tmp_path / "r.html").read_text()


def test_slices_and_scores(run: Shell) -> None:
    arguments = (
        "--by",
        "group,item.surface",
        "--by",
        "language",
        "--separator",
        ";",
        "--score",
        "column:api",
        "--threshold",
        "0.6",
    )
    code, out, _ = run("in.csv", "--label", "label", "-p", "policy.yaml", *arguments, "--out", "-")
    assert code == 0
    document = json.loads(out)
    assert document["primary"] == "score"
    by = {one["by"]: {part["name"]: part["n"] for part in one["slices"]} for one in document["by"]}
    assert by["group"] == {"cooks": 2, "chess": 2, "(unknown)": 1}
    assert by["item.surface"] == {"comment": 4}
    assert sum(by["language"].values()) == 4
    assert document["score"]["auc"]["value"] == 0.75
    code, out, _ = run("in.csv", "--label", "label", "-p", "policy.yaml", *arguments)
    assert code == 0
    for said in (
        "By group",
        "By item.surface",
        "few rows",
        "AUC 0.750",
        "Score column:api",
        "column:api ≥ 0.6",
    ):
        assert said in out, said


def test_a_field_as_score(run: Shell) -> None:
    code, out, _ = run("in.csv", "--label", "label", "-p", "policy.yaml", "--score", "text.links")
    assert code == 0
    assert "text.links ≥ 1 (best F1 here)" in out
    assert "Best F1 66.7 % at 1" in out


def test_every_format_gives_the_same_figures(run: Shell, tmp_path: Path) -> None:
    rows = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    typed = [{**row, "label": {"1": 1, "0": 0}.get(row["label"]), "api": float(row["api"])} for row in rows]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, typed)))
    pq.write_table(pa.Table.from_pylist(typed), tmp_path / "in.parquet")
    found = []
    for name, stdin in (
        ("in.csv", b""),
        ("in.jsonl", b""),
        ("in.parquet", b""),
        ("-", (tmp_path / "in.csv").read_bytes()),
    ):
        code, out, told = run(
            name,
            "--label",
            "label",
            "--by",
            "group",
            "--score",
            "column:api",
            "-p",
            "policy.yaml",
            "-o",
            "-",
            stdin=stdin,
        )
        assert code == 0, told
        document = json.loads(out)
        found.append((document["predictors"], document["by"], document["score"]))
    assert found.count(found[0]) == len(found)


def test_columns_that_items_have_can_slice_and_decisions_stay_the_same(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "who.csv").write_text(
        f"text,label,surface,author,target\n{LINK},1,reply,ana,t1\n{CALM},0,comment,,t2\n"
    )
    code, out, _ = run(
        "who.csv", "--label", "label", "--by", "surface,author,target", "-p", "policy.yaml", "-o", "-"
    )
    assert code == 0
    by = {one["by"]: {part["name"] for part in one["slices"]} for one in json.loads(out)["by"]}
    assert by == {"surface": {"reply", "comment"}, "author": {"ana", "(unknown)"}, "target": {"t1", "t2"}}


def test_lists_need_no_separator(run: Shell, tmp_path: Path) -> None:
    rows = [
        {"text": LINK, "label": 1, "group": ["cooks", "chess"]},
        {"text": CALM, "label": 0, "group": ["cooks"]},
        {"text": CALM, "label": 0, "group": []},
        {"text": CALM, "label": 0, "group": None},
    ]
    (tmp_path / "l.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "l.parquet")
    for name in ("l.jsonl", "l.parquet"):
        code, out, told = run(name, "--label", "label", "--by", "group", "-p", "policy.yaml", "-o", "-")
        assert code == 0, told
        (by,) = json.loads(out)["by"]
        assert {part["name"]: part["n"] for part in by["slices"]} == {
            "cooks": 2,
            "chess": 1,
            "(none)": 1,
            "(unknown)": 1,
        }


def test_words_as_labels(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(f"text,verdict\n{LINK},hate\n{CALM},threat\n{CALM},fine\n{CALM},unsure\n")
    code, out, _ = run("w.csv", "--label", "verdict", "--positive", "hate", "threat", "-p", "policy.yaml")
    assert code == 0
    assert "4 labelled rows, 2 positive" in out
    code, out, _ = run(
        "w.csv", "--label", "verdict", "--positive", "hate,threat", "--negative", "fine", "-p", "policy.yaml"
    )
    assert code == 0
    assert "3 labelled rows, 2 positive" in out


def test_bad_rows_give_exit_code_one(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"text,label\na,1\n\xffsecret,0\nb,0\n")
    code, out, told = run("bad.csv", "--label", "label", "-p", "policy.yaml")
    assert code == 1
    assert "1 row could not be read (is not UTF-8 1)" in out
    assert "secret" not in out + told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv", "--label", "label"], "does not exist"),
        (["in.csv", "--label", "lable"], "did you mean 'label'? Then add: --label label"),
        (["in.csv", "--label", "label", "--by", "grup"], "did you mean 'group'? Then add: --by group"),
        (["in.csv", "--label", "label", "--by", "surface"], "has no column 'surface'"),
        (["in.csv", "--label", "label", "--score", "column:apy"], "--score column:NAME"),
        (["in.csv", "--label", "label", "--score", "text.capitols"], "did you mean text.capitals?"),
        (["in.csv", "--label", "label", "--score", "language"], "is text, not a number"),
        (["in.csv", "--label", "label", "--score", "column:group"], "row 1: is not a number"),
        (["in.csv", "--label", "label", "--threshold", "0.5"], "--score FIELD"),
        (["in.csv", "--label", "label", "--score", "text.links", "--threshold", "nan"], "a finite number"),
        (["in.csv", "--label", "text"], "holds the text of items"),
        (["in.csv", "--label", "group"], "--positive"),
        (["in.csv", "--label", "label", "--positive", "yess"], "holds no label yess"),
        (["in.csv", "--label", "label", "--negative", "0"], "needs --positive"),
        (["empty.csv", "--label", "label"], "is empty"),
        (["header.csv", "--label", "label"], "holds no rows"),
        (["broken.csv", "--label", "label"], "has no row that could be read"),
        (["in.csv", "--label", "label", "--report", "none/r.html"], "mkdir -p none"),
        (["in.csv", "--label", "label", "--report", "policy.yaml"], "exists already"),
        (["in.csv", "--label", "label", "-o", "x", "--report", "x"], "is --out as well"),
        (["in.csv", "--label", "label", "-o", "in.csv", "--force"], "is the input as well"),
        (["in.csv", "--label", "label", "--policy", "nothing"], "means no policy"),
    ],
)
def test_mistakes_are_explained(run: Shell, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text("text,label\n")
    (tmp_path / "broken.csv").write_text("text,label\na\nb\n")
    code, out, told = run(*arguments)
    assert code == 2
    assert said in told
    assert out == ""
    assert "Traceback" not in told
    for text in (LINK, PHONE, "nobody knows"):
        assert text not in told


def test_one_class_only(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(f"text,label\n{LINK},0\n{CALM},0\n")
    code, out, _ = run("one.csv", "--label", "label", "-p", "policy.yaml")
    assert code == 0
    assert "none is labelled positive" in out
    assert "Undefined, since no row is positive: recall, misses, balanced accuracy, macro-f1" in out


def test_a_large_file_is_judged_in_chunks_by_workers(run: Shell, tmp_path: Path) -> None:
    rows = 2_300
    filler = "soup " * 200
    (tmp_path / "large.csv").write_text(
        "text,label\n" + "".join(f"{LINK if n % 2 else CALM} {filler},{n % 2}\n" for n in range(rows))
    )
    assert (tmp_path / "large.csv").stat().st_size > 2_000_000
    code, out, told = run("large.csv", "--label", "label", "-p", "policy.yaml")
    assert code == 0, told
    assert f"{rows // 2:,} of {rows // 2:,} positive rows found, 0 of {rows // 2:,} negative" in out
