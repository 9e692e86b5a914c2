"""The report: nothing in it runs, loads or breaks out, whatever was in the file; everything is said."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.bulk.output import CannotWrite
from holdfast.bulk.report import check_path, headline, pieces, plot, render_report, write_report
from holdfast.bulk.rows import Found, Rejected
from holdfast.bulk.run import Job, Outcome
from holdfast.bulk.tally import Example, RuleTally, Tally, Timeline, UnknownTally

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOSTILE = (
    "</blockquote></details><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}\u202e\x00"
)


def outcome(text: str | None = HOSTILE, name: str = "links") -> Outcome:
    example = Example(
        rank=1, row=1, id=text or "i", action="limit", blurred="█", text=text, marks=((2, 9, text or "x"),)
    )
    rule = RuleTally(
        then="limit", reason=name, tells=text or "t", escalate=True, count=1, alone=1, examples=[example]
    )
    tally = Tally(
        keep_texts=text is not None,
        rows=2,
        decided=1,
        actions={"allow": 0, "label": 0, "limit": 1, "hold": 0, "remove": 0},
        rules={name: rule},
        unknown={name: UnknownTally(count=1, missing={name: 1})},
        with_unknown=1,
        languages={text or "en": {"limit": 1}},
    )
    tally.reject([Rejected(row=2, field=text, reason="is bad")])
    found = Found("csv", {"text": text or "text"}, (text or "date",))
    return Outcome(tally, found, "p@0", {"text": "1"}, False, 1.0, 0, Path("o.rejected.jsonl"))


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(page: str) -> Elements:
    elements = Elements()
    elements.feed(page)
    return elements


HARMLESS = {"details", "summary", "blockquote", "mark", "small", "bdi"}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60) | st.just(HOSTILE) | st.from_regex(r"[<>/\"'&=a-z ]{0,40}", fullmatch=True))
def test_what_people_wrote_is_only_text(text: str) -> None:
    page = parsed(render_report(outcome(text), Job(input=f"/x/{HOSTILE}.csv"), NOW))
    expected = parsed(render_report(outcome("calm"), Job(input="/x/calm.csv"), NOW))
    assert page.tags | HARMLESS == expected.tags | HARMLESS
    assert not page.tags & {"script", "img", "iframe", "link", "object", "form"}
    assert {name for name, _ in page.attributes} == {name for name, _ in expected.attributes}
    assert not any(name.startswith("on") for name, _ in page.attributes)


def test_nothing_is_loaded_and_nothing_may_run() -> None:
    page = render_report(outcome(), Job(input="x.csv"), NOW)
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"https?://|url\(|@import|\bsrc=[\"']", page)
    assert "\u202e" not in page
    assert "\x00" not in page
    assert "{{" in page  # as text, not evaluated
    assert "49" not in parsed(page).words


def test_texts_are_covered_and_said_to_be_there() -> None:
    with_text = render_report(outcome("unmistakable"), Job(input="x.csv"), NOW)
    assert "This file holds 1 text that people wrote" in with_text
    assert '<details class="example">' in with_text
    without = render_report(outcome(None), Job(input="x.csv"), NOW)
    assert "No text of anybody is in this file" in without
    assert "<details" not in without.replace('<details class="behind">', "")


def test_what_was_found_is_said_first() -> None:
    words = " ".join(parsed(render_report(outcome(None), Job(input="x.csv"), NOW)).words)
    for sentence in (
        "1 of 1 row (100.0 %) needs action",
        "1 to limit",
        "One rule fired: links",
        "On 1 row a rule could not tell",
        "1 row could not be read",
        "o.rejected.jsonl",
        "--created-at-column",
        "p@0",
    ):
        assert sentence in words, sentence
    assert headline(Tally(rows=3)) == "No row could be decided"
    assert headline(Tally()) == "The file has no rows"
    assert headline(
        Tally(rows=3, decided=3, actions=dict.fromkeys(Tally().actions, 0) | {"allow": 3})
    ).startswith("Nothing")


def test_empty_runs_have_a_page() -> None:
    empty = Outcome(Tally(), Found("csv", {"text": "text"}, ()), "p@0", {}, False, 0.0, 0, None)
    assert "The file has no rows" in render_report(empty, Job(input="-"), NOW)


def test_marks_cut_the_text_and_never_lose_any_of_it() -> None:
    marks = ((3, 5, "b"), (0, 2, "a"), (1, 4, "overlaps"), (9, 20, "beyond"), (6, 6, "empty"))
    example = Example(rank=1, row=1, id="1", action="hold", blurred="", text="0123456789", marks=marks)
    cut = pieces(example)
    assert "".join(piece.text for piece in cut) == "0123456789"
    assert [(piece.text, piece.label) for piece in cut if piece.label] == [
        ("01", "a"),
        ("34", "b"),
        ("9", "beyond"),
    ]


def test_a_plot_stays_within_its_frame() -> None:
    timeline = Timeline()
    for second in (-60_000_000_000, 0, 3_600, 1_700_000_000, 250_000_000_000):
        timeline.add(second, "hold" if second else "allow")
    drawn = plot(timeline)
    assert drawn is not None
    assert all(0 <= c.x <= 600 and 0 < c.all_height <= 120 and c.acted_height <= 120 for c in drawn.columns)
    assert plot(Timeline()) is None


def test_a_report_is_not_put_over_something_else(tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    check_path(page, Job(input="-"), overwrite=False)
    write_report(page, outcome("calm"), Job(input="-"), NOW)
    assert page.read_text().startswith("<!doctype html>")
    with pytest.raises(CannotWrite, match="--force"):
        check_path(page, Job(input="-"), overwrite=False)
    with pytest.raises(CannotWrite, match="another file of this run"):
        check_path(page, Job(input="-", out=page), overwrite=True)
    with pytest.raises(CannotWrite, match="mkdir -p"):
        check_path(tmp_path / "none" / "r.html", Job(input="-"), overwrite=True)
