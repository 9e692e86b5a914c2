"""`holdfast calibrate` as its users run it: what it says, what it leaves, and that the engine takes it up."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from tests.cli.conftest import Shell
from tests.measure.calibration_samples import HEAD, TRUE, former, probabilities, sample, texts, weights
from tests.models.tiny import write

N = 400


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with labelled rows, and a data folder whose settings name the tiny network."""
    monkeypatch.setenv("COLUMNS", "140")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "holdfast.toml").write_text(f'[classifier]\nweights = "{weights()}"\n')
    lines = [f"{text},{label},{'bad' if label else 'fine'},{score}" for text, label, score in sample(N)]
    (tmp_path / "in.csv").write_text("\n".join(["text,label,word,api", *lines]) + "\n")
    return tmp_path


@pytest.fixture
def run(shell: Shell, folder: Path) -> Shell:
    return partial(shell, "calibrate")


def decided(shell: Shell, text: str) -> dict[str, object]:
    code, out, told = shell(
        "decide", "-", "--no-record", "--quiet", stdin=json.dumps({"text": text}).encode()
    )
    assert code == 0, told
    found: dict[str, object] = json.loads(out)
    return found


def test_the_first_command_of_a_newcomer_and_what_the_engine_makes_of_it(
    run: Shell, shell: Shell, folder: Path
) -> None:
    text = sample(N)[0][0]
    before = decided(shell, str(text))
    code, out, told = run("in.csv", "--label", "label", "--head", HEAD)
    assert (code, told) == (0, "")
    for said in (
        "in.csv: 400 rows",
        f"{HEAD}: the probabilities are better: log loss",
        "400 labelled rows,",
        "act: precision at least 90 %",
        "review: recall at least 90 %, promised",
        "calibration.json",
        "The engine applies it from its next start.",
        f"put the cut-offs into your policy: {HEAD} >= ",
    ):
        assert said in out, said
    assert str(text) not in out
    document = json.loads((folder / "data" / "calibration.json").read_text())
    line = document["heads"][HEAD]
    assert line["slope"] == pytest.approx(TRUE.slope, abs=0.4)
    after = decided(shell, str(text))
    assert after["versions"]["classifier"] == f"{before['versions']['classifier']}+c{document['version']}"  # type: ignore[index]
    p, q = probabilities(N)[0], after["signals"][HEAD]  # type: ignore[index]
    assert before["signals"][HEAD] == p != q  # type: ignore[index]
    assert q == pytest.approx(
        1 / (1 + ((1 - p) / p) ** line["slope"] * 2.718281828 ** -line["offset"]), abs=1e-4
    )


def test_it_is_always_fitted_to_the_classifier_itself(run: Shell, folder: Path) -> None:
    """Calibrating twice is calibrating once: the first is not bent again."""
    path = folder / "data" / "calibration.json"
    assert run("in.csv", "--label", "label", "--head", HEAD, "-q")[0] == 0
    first = json.loads(path.read_text())
    code, _, told = run("in.csv", "--label", "label", "--head", HEAD)
    assert code == 2
    assert "exists already" in told and "--force" in told
    code, out, _ = run("in.csv", "--label", "label", "--head", HEAD, "--force")
    assert code == 0
    assert "the former one: " in out
    assert json.loads(path.read_text())["version"] == first["version"]
    assert json.loads((folder / "data" / "calibration.json.1").read_text()) == first


def test_several_heads_words_for_labels_and_shares(run: Shell, folder: Path) -> None:
    words = ("--positive", "bad", "--negative", "fine")
    labels = ("--label", f"{HEAD}=word", "counterspeech=word", "--prevalence", f"{HEAD}=0.02")
    code, out, told = run("in.csv", *labels, *words, "--out", "c.json", "--report", "r.html")
    assert (code, told) == (0, "")
    assert "for 2.0 % positive rows" in out
    assert "The engine applies it" not in out
    heads = json.loads((folder / "c.json").read_text())["heads"]
    assert set(heads) == {HEAD, "counterspeech"}
    assert (heads[HEAD]["prevalence"], heads["counterspeech"]["prevalence"]) == (0.02, None)
    assert HEAD in (folder / "r.html").read_text()
    assert not (folder / "data" / "calibration.json").exists()


def test_former_scores_without_labels_leave_nothing(run: Shell, folder: Path) -> None:
    before = {*folder.iterdir(), *(folder / "data").iterdir()}
    arguments = ("in.csv", "--score", "api", "--head", HEAD, "--threshold", "0.3", "0.8")
    code, out, told = run(*arguments)
    assert (code, told) == (0, "")
    assert "Equal here" in out
    assert [line.split()[0] for line in out.splitlines() if line.startswith("0.")] == ["0.3", "0.8"]
    assert {*folder.iterdir(), *(folder / "data").iterdir()} == before
    assert run(*arguments, "--label", "label", "-q")[0] == 0
    bent = run(*arguments)[1]  # what is told now is what is in force now
    assert bent != out
    assert run(*arguments, "--out", "m.json")[0] == 0
    assert json.loads((folder / "m.json").read_text())["heads"] == {}


OLD = {"toxicity": 2, "SEVERE_TOXICITY.summaryScore.value": 3, "flirtation": 4}
"""Columns of a former API's scores, and seeds for them."""


def old_scores(folder: Path) -> Path:
    """Texts with scores of Perspective, as somebody may have kept them; the file's path."""
    rows = zip(texts(N), *(former(N, seed) for seed in OLD.values()), strict=True)
    path = folder / "old_scores.csv"
    path.write_text(
        "\n".join([",".join(["comment_text", *OLD]), *(",".join(map(str, row)) for row in rows)]) + "\n"
    )
    return path


def test_a_newcomer_from_perspective(run: Shell, folder: Path) -> None:
    old_scores(folder)
    before = {*folder.iterdir(), *(folder / "data").iterdir()}
    code, out, told = run(
        "--from-perspective", "old_scores.csv", "--threshold", "0.3", "TOXICITY=0.2", "toxicity=0.4"
    )
    assert (code, told) == (0, "")
    for said in (
        "old_scores.csv: 400 rows",
        "Holdfast has no score for FLIRTATION",
        "TOXICITY, on 400 rows: rank correlation",
        "SEVERE_TOXICITY, on 400 rows: rank correlation",
        "Unchanged",
        "Equal here",
        "Next steps",
        "TOXICITY: 0.2 → ",
        "SEVERE_TOXICITY: 0.3 → ",
    ):
        assert said in out, said
    assert [line.split()[0] for line in out.splitlines() if line.startswith("0.")] == ["0.2", "0.4", "0.3"]
    assert not [text for text in texts(N) if len(text) > 14 and text in out]
    assert {*folder.iterdir(), *(folder / "data").iterdir()} == before  # nothing is written without labels
    assert run("--from-perspective", "old_scores.csv", "--report", "r.html", "-q") == (0, "", "")
    assert "Perspective’s TOXICITY" in (folder / "r.html").read_text()


def test_a_threshold_that_no_row_reached_is_told(run: Shell, folder: Path) -> None:
    old_scores(folder)
    code, out, told = run("--from-perspective", "old_scores.csv", "--threshold", "1", "TOXICITY=0.2")
    assert (code, told) == (0, "")
    assert "No row reached SEVERE_TOXICITY 1, so there is nothing to map" in " ".join(out.split())
    assert "TOXICITY: 0.2 → " in out
    out = run("--from-perspective", "old_scores.csv", "--threshold", "1")[1]
    assert "No row reached " in out
    assert "Put the new thresholds" not in out


def test_stored_answers_say_what_a_table_says(run: Shell, folder: Path) -> None:
    old_scores(folder)
    arguments = ("--from-perspective", "--threshold", "0.3", "-o", "m.json", "--force", "-q")
    assert run("old_scores.csv", *arguments)[0] == 0
    table = json.loads((folder / "m.json").read_text())["attributes"]
    with (folder / "old.jsonl").open("w") as file:
        for text, one, other in zip(texts(N), former(N, 2), former(N, 3), strict=True):
            scores = {"TOXICITY": float(one), "SEVERE_TOXICITY": float(other)}
            answer = {
                name: {"summaryScore": {"value": score, "type": "PROBABILITY"}}
                for name, score in scores.items()
            }
            file.write(json.dumps({"text": text, "attributeScores": answer}) + "\n")
    assert run("-", *arguments, stdin=(folder / "old.jsonl").read_bytes())[0] == 0
    answers = json.loads((folder / "m.json").read_text())["attributes"]
    for attribute, found in table.items():
        assert answers[attribute]["migration"]["thresholds"] == found["migration"]["thresholds"]
    assert list(answers) == ["TOXICITY", "SEVERE_TOXICITY"]


def test_attributes_are_compared_as_the_calibration_in_force_has_them(run: Shell, folder: Path) -> None:
    old_scores(folder)
    arguments = ("--from-perspective", "old_scores.csv", "--threshold", "0.3", "--score", "INSULT=flirtation")
    plain = run(*arguments)[1]
    assert "column:flirtation beside the highest probability of harassment and hate" in plain
    assert "calibrate (--label" in plain
    assert run("in.csv", "--label", "label", "--head", HEAD, "-q")[0] == 0
    kept = (folder / "data" / "calibration.json").read_bytes()
    bent = run(*arguments)[1]
    assert f"calibrated ({json.loads(kept)['version']})" in bent
    assert "calibrate (--label" not in bent and "whenever you calibrate again" in bent
    assert (folder / "data" / "calibration.json").read_bytes() == kept


def test_rows_that_cannot_be_read_are_told_by_the_exit_code(run: Shell, folder: Path) -> None:
    rows = [json.dumps({"text": text, "label": label}) for text, label, _ in sample(N)]
    (folder / "in.jsonl").write_text("\n".join([*rows, '{"text": 1}']) + "\n")
    code, out, _ = run("in.jsonl", "--label", "label", "--head", HEAD)
    assert code == 1
    assert "1 row could not be read" in out


def test_standard_input(run: Shell, folder: Path) -> None:
    code, out, _ = run("-", "--label", "label", "--head", HEAD, stdin=(folder / "in.csv").read_bytes())
    assert code == 0
    assert "standard input: 400 rows" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in.csv"], ["nothing to calibrate by", "--label COLUMN"]),
        (["in.csv", "--label", "no_such"], ["has no column 'no_such'", "--label"]),
        (["in.csv", "--label", "label", "--head", "harasment"], ["not a head", "did you mean harassment?"]),
        (["in.csv", "--label", "harasment=label"], ["--label harasment", "did you mean harassment?"]),
        (["in.csv", "--label", "label", "word"], ["names hate twice", "--label hate="]),
        (["in.csv", "--label", "word", "--head", HEAD], ["no label that is understood", "--positive"]),
        (["in.csv", "--label", "label", "--positive", "0", "--head", HEAD], ["low, or by chance"]),
        (["in.csv", "--label", "label", "--act", "f1=0.9"], ["--act: is not a target", "recall=0.9"]),
        (["in.csv", "--label", "label", "--review", "recall=90"], ["--review: is not a target"]),
        (["in.csv", "--label", "label", "--coverage", "1"], ["--coverage: is not a share"]),
        (["in.csv", "--label", "label", "--prevalence", "2"], ["is not a share"]),
        (["in.csv", "--label", "label", "--prevalence", "spam=0.1"], ["needs labels of spam"]),
        (["in.csv", "--score", "api", "--prevalence", "0.1"], ["needs labels of hate"]),
        (["in.csv", "--label", "label", "--threshold", "0.1"], ["needs a score"]),
        (["in.csv", "--score", "word"], ["column:word, row 1: is not a number"]),
        (["in.csv", "--score", "api", "--threshold", "high"], ["--threshold: is not a threshold", "NAME=0.8"]),
        (["in.csv", "--score", "api", "--threshold", "nan"], ["is not a threshold"]),
        (["in.csv", "--score", "api", "--threshold", "spam=0.1"], ["needs a score to compare spam with"]),
        (["in.csv", "--score", "api", "--threshold", "spm=0.1"], ["not a head", "did you mean spam?"]),
        (["in.csv", "--from-perspective"], ["no column with scores of Perspective", "--score TOXICITY=COLUMN"]),
        (["in.csv", "--from-perspective", "--score", "api"], ["--score api: does not say which attribute"]),
        (["in.csv", "--from-perspective", "--score", "TOXIC=api"], ["is not an attribute", "did you mean TOXICITY?"]),
        (["in.csv", "--from-perspective", "--score", "OBSCENE=api"], ["Holdfast does not score"]),
        (["in.csv", "--from-perspective", "--score", "SPAM=api", "spam=word"], ["names SPAM twice"]),
        (["in.csv", "--from-perspective", "--score", "SPAM=none"], ["has no column 'none'", "--score"]),
        (["in.csv", "--from-perspective", "--score", "SPAM=word"], ["row 1: is not a number"]),
        (["in.csv", "--from-perspective", "--score", "SPAM=api", "--threshold", "70"], ["is not a threshold", "from 0 to 1"]),
        (["in.csv", "--from-perspective", "--score", "SPAM=api", "--threshold", "THREAT=0.5"], ["has no column with scores of THREAT"]),
        (["in.csv", "--label", "text"], ["holds the text of items"]),
        (["none.csv", "--label", "label"], ["none.csv"]),
        (["in.csv", "--label", "label", "-o", "in.csv", "--force"], ["is the input as well"]),
        (["in.csv", "--label", "label", "-o", "x.json", "--report", "x.json"], ["is --out as well"]),
        (["in.csv", "--label", "label", "-o", "no/c.json"], ["does not exist"]),
        (["in.csv", "--label", "label", "-o", "data/holdfast.toml", "--force"], ["Holdfast's own state"]),
        (["in.csv", "--label", "label", "--report", "data/calibration.json"], ["Holdfast's own state"]),
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_why(
    run: Shell, folder: Path, arguments: list[str], said: list[str]
) -> None:
    code, out, told = run(*arguments)
    assert (code, out) == (2, "")
    assert told.startswith("holdfast: ")
    for one in said:
        assert one in told, told
    assert "Traceback" not in told
    assert not (folder / "data" / "calibration.json").exists()


def test_a_calibration_for_other_weights_stops_the_engine_with_the_way_out(
    run: Shell, shell: Shell, folder: Path
) -> None:
    assert run("in.csv", "--label", "label", "--head", HEAD, "-q")[0] == 0
    decide = ("decide", "in.csv", "--no-record", "--quiet")
    path = folder / "data" / "calibration.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "version": "0" * 12}))
    code, _, told = shell(*decide)
    assert code == 2
    assert "calibration.json: was changed since it was made" in told
    assert "holdfast calibrate FILE --label COLUMN" in told
    path.write_text(json.dumps(document))
    assert shell(*decide)[0] == 0
    write(folder / "other", canonical=False)
    (folder / "data" / "holdfast.toml").write_text(f'[classifier]\nweights = "{folder / "other"}"\n')
    code, _, told = shell(*decide)
    assert code == 2
    assert "calibration.json: was made for another classifier than the one in use" in told
    assert run("in.csv", "--label", "label", "--head", HEAD, "--force", "-q")[0] == 0  # the way out
    assert shell(*decide)[0] == 0
