"""Suggested scores on their page: beside Holdfast's own, by page, for who may see them, and in a browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect
from tests.fixtures.browser import faults_of, require_browser
from tests.fixtures.serving import Serving, run, serving
from tests.ledger.samples import NOW, an_item
from tests.web.console.conftest import HOSTILE, Open

from holdfast.ledger import Ledger, NotFound
from holdfast.ledger.suggestions import Suggested, newest, suggest
from holdfast.perspective import ATTRIBUTES, score
from holdfast.web.access import LOCAL
from holdfast.web.console import suggestions
from holdfast.web.console.catalogue import catalogue
from holdfast.web.console.sources import Sources
from holdfast.web.console.suggestions import HEADS, PAGE, SuggestionSource, compare, place_of

SCORES = st.floats(0, 1)
TEXT = "What a lovely evening we all had together at the river."


@given(
    st.dictionaries(st.sampled_from([*ATTRIBUTES, "GONE"]), SCORES, min_size=1),
    st.none() | st.fixed_dictionaries({head: st.none() | SCORES for head in HEADS}),
)
def test_every_suggested_score_stands_beside_what_holdfast_says(
    suggested: dict[str, float], signals: dict[str, float | None] | None
) -> None:
    pairs = compare(suggested, signals)
    assert {pair.attribute: pair.suggested for pair in pairs} == suggested
    for pair in pairs:
        known = signals is not None and pair.attribute in ATTRIBUTES
        assert pair.here == (score(pair.attribute, signals or {}) if known else None)
        assert pair.differs == (pair.here is not None and (pair.here >= 0.5) != (pair.suggested >= 0.5))
    order = [*ATTRIBUTES, "GONE"]
    assert [pair.attribute for pair in pairs] == sorted(suggested, key=order.index)


def test_a_place_is_a_number() -> None:
    assert [place_of(given) for given in (None, "", "0", "17")] == [None, None, 0, 17]
    for wrong in ("x", "-1", "1.5", "9" * 19, "\u0661", " 1"):
        with pytest.raises(NotFound):
            place_of(wrong)


# The source, on databases of both kinds ------------------------------------------------------


class Engine:
    """Says 0.9 of every head, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def measure(self, items: list[Any], heads: object) -> Any:
        assert heads is HEADS
        self.asked.append(len(items))
        return SimpleNamespace(rows=lambda: [dict.fromkeys(HEADS, 0.9) for _ in items])


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with Ledger.open(database_url) as opened:
        yield opened


def source_over(ledger: Ledger) -> tuple[SuggestionSource, Engine]:
    engine = Engine()

    async def on_worker(function: Any) -> Any:
        return function()

    service = SimpleNamespace(
        ledger=ledger,
        decider=SimpleNamespace(engine=engine),
        batcher=SimpleNamespace(on_worker=on_worker),
        access=SimpleNamespace(ring=SimpleNamespace(label=lambda key: {"k1": "Forum"}.get(key, key))),
    )
    return SuggestionSource(Sources(cast(Any, service), catalogue(), clock=lambda: NOW)), engine


def filled(ledger: Ledger, n: int, by: str = "k1") -> None:
    suggest(ledger, [Suggested(an_item(k), {"TOXICITY": k / n}, by) for k in range(n)], NOW)


def test_pages_hold_every_suggestion_once_newest_first(ledger: Ledger) -> None:
    filled(ledger, 2 * PAGE + 3)
    source, engine = source_over(ledger)
    seen: list[int] = []
    before: str | None = None
    while True:
        page = asyncio.run(source.listing(before, may_see=True))
        assert len(page.rows) <= PAGE
        seen += [row.seq for row in page.rows]
        if page.older is None:
            break
        before = str(page.older)
    assert seen == list(reversed(range(2 * PAGE + 3)))
    assert max(engine.asked) <= suggestions.TOGETHER, "decisions get their turn between them"
    assert sum(engine.asked) == len(seen)


def test_a_row_says_who_and_what_and_where_it_differs(ledger: Ledger) -> None:
    suggest(ledger, [Suggested(an_item(0), {"TOXICITY": 0.1, "THREAT": 1.0}, "k1", "forum")], NOW)
    suggest(
        ledger,
        [Suggested(an_item(1), {"SPAM": 0.5}, "gone"), Suggested(an_item(2), {"SPAM": 1.0}, LOCAL.key_id)],
        NOW,
    )
    source, _ = source_over(ledger)
    local, unknown, forum = asyncio.run(source.listing(None, may_see=True)).rows
    assert (forum.who, forum.community, unknown.who, local.who) == ("Forum", "forum", "gone", None)
    assert forum.words.text == "a remark, number 0"
    assert [(pair.attribute, pair.differs) for pair in forum.compared] == [
        ("TOXICITY", True),
        ("THREAT", False),
    ]
    assert (forum.differs, unknown.differs, forum.why) == (1, 0, None)


def test_texts_are_for_who_may_see_them_and_erased_ones_for_nobody(ledger: Ledger) -> None:
    suggest(ledger, [Suggested(an_item(n, caption="under this"), {"SPAM": 1.0}, "k1") for n in range(2)], NOW)
    source, _ = source_over(ledger)
    for row in asyncio.run(source.listing(None, may_see=False)).rows:
        assert (row.words.text, row.words.state) == (None, "not_allowed")
        assert [further.words.text for further in row.around] == [None]
        assert row.compared[0].here == 0.9
    erased = newest(ledger, 1)[0].event.item.text
    ledger.erase(erased or "", "ada", "asked for", NOW)
    gone, kept = asyncio.run(source.listing(None, may_see=True)).rows
    assert (gone.words.text, gone.words.state, gone.why) == (None, "erased_suggestion", "suggestions.erased")
    assert gone.compared[0].here is None
    assert [further.words.text for further in kept.around] == ["under this"]


def test_no_more_is_measured_than_there_is_time_for(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(ledger, 9)
    source, engine = source_over(ledger)
    monkeypatch.setattr(suggestions, "MEASURE_S", -1)
    rows = asyncio.run(source.listing(None, may_see=True)).rows
    assert engine.asked == []
    assert {row.why for row in rows} == {"suggestions.busy"}
    monkeypatch.undo()
    monkeypatch.setattr(suggestions, "PAGES", 0)
    assert {row.why for row in asyncio.run(source.listing(None, may_see=True)).rows} == {"suggestions.busy"}
    monkeypatch.undo()
    assert {row.why for row in asyncio.run(source.listing(None, may_see=True)).rows} == {None}


# The page, on a real server ------------------------------------------------------------------


@pytest.fixture(scope="module")
def suggested(tmp_path_factory: pytest.TempPathFactory, quick_classifier: None) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("suggested")) as server:
        for number in range(PAGE):
            server.suggest(f"{TEXT} No. {number}", {"TOXICITY": number / PAGE})
        server.suggest(HOSTILE, {"INSULT": 1.0}, communityId="forum-7")
        server.suggest(
            TEXT,
            {"TOXICITY": 1.0, "THREAT": 0.0},
            context={"articleAndParentComment": {"article": {"text": "On rivers"}}},
        )
        yield server


def test_the_page_shows_them_newest_first_and_by_page(suggested: Serving) -> None:
    first = suggested.get("/suggestions").text
    places = [int(place) for place in re.findall(r'<li id="s-(\d+)"', first)]
    assert places == sorted(places, reverse=True)
    assert len(places) == PAGE
    assert "in forum-7" in first and "This machine, without a key" in first
    assert "holdfast ledger suggestions --out suggestions.csv" in first
    second = suggested.get(f"/suggestions?before={places[-1]}").text
    assert len(re.findall(r'<li id="s-', second)) == 2
    assert "Nothing older." in suggested.get("/suggestions?before=0").text
    for wrong in ("x", "-1", "9" * 30, "1'--"):
        assert suggested.get(f"/suggestions?before={wrong}").status == 404


def test_hostile_text_is_only_ever_text(suggested: Serving) -> None:
    page = suggested.get("/suggestions").text
    assert "&lt;script&gt;document.title=" in page
    assert "<img" not in page and "<script>document" not in page


def test_who_may_see_no_texts_sees_none(tmp_path: Path, quick_classifier: None) -> None:
    with serving(tmp_path) as server:
        server.suggest(TEXT, {"TOXICITY": 1.0})
        keys = {
            scope: run(
                "key", "create", "--scope", *scope, "--label", "desk", "--data", str(tmp_path)
            ).split()[0]
            for scope in (("read",), ("read", "--scope", "text"), ("decide",))
        }
        found = {
            scope: server.get("/suggestions", Authorization=f"Bearer {key}") for scope, key in keys.items()
        }
        read, text, decide = found.values()
        assert (read.status, text.status, decide.status) == (200, 200, 403)
        assert TEXT not in read.text and TEXT in text.text
        assert "scope “text”" in read.text
        assert server.get("/suggestions").headers["location"].startswith("/sign-in")
        again = server.suggest("Another text.", {"SPAM": 0.0}, Authorization=f"Bearer {keys[('decide',)]}")
        assert again.headers["x-holdfast-ref"]
        page = server.get("/suggestions", Authorization=f"Bearer {keys[('read',)]}").text
        assert "<strong>desk</strong>" in page
        assert "-H &#39;Authorization: Bearer hf_" not in page, "there are some, so none is asked for"


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")]
)
def test_the_page_is_sound_at_every_width_in_light_and_dark(
    suggested: Serving, visit: Open, width: int, scheme: str
) -> None:
    require_browser()
    page = visit(suggested, "/suggestions", width=width, color_scheme=scheme, reduced_motion="reduce")
    expect(page.get_by_role("link", name="Suggestions")).to_have_attribute("aria-current", "page")
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
    cut = page.evaluate(
        "[...document.querySelectorAll('th, td')].filter((c) => c.scrollWidth > c.clientWidth + 1).length"
    )
    assert cut == 0, "a cell spills over"
    assert faults_of(page) == []


def test_no_text_is_met_unasked_and_keys_lead_through(suggested: Serving, visit: Open) -> None:
    require_browser()
    page = visit(suggested, "/")
    page.locator("#live-text").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(suggested.url + "/suggestions")
    assert TEXT not in page.inner_text("main")
    first = page.locator(".suggestions > li").first
    page.keyboard.press("j")
    expect(first.locator("summary").first).to_be_focused()
    page.keyboard.press("r")
    expect(first.locator(".text").first).to_have_text(TEXT)
    page.keyboard.press("Escape")
    expect(first.locator(".text").first).to_be_hidden()
    expect(first.get_by_role("row", name=re.compile("Toxic 100% "))).to_be_visible()
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".suggestions > li")).to_have_count(2)
    page.get_by_role("link", name="Newest").click()
    expect(page.locator(".suggestions > li")).to_have_count(PAGE)


def test_the_page_works_without_scripts_and_at_twice_the_size(suggested: Serving, visit: Open) -> None:
    require_browser()
    page = visit(suggested, "/suggestions", java_script_enabled=False)
    first = page.locator(".suggestions > li").first
    first.locator("summary").first.click()
    expect(first.locator(".text").first).to_have_text(TEXT)
    large = visit(suggested, "/suggestions", width=390, device_scale_factor=2)
    large.evaluate("document.documentElement.style.fontSize = '200%'")
    assert large.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_console_without_suggestions_says_how_to_send_one(empty_server: Serving, visit: Open) -> None:
    require_browser()
    page = visit(empty_server, "/suggestions")
    expect(page.get_by_role("heading", name="No suggestions yet")).to_be_visible()
    expect(page.locator("#command-suggest")).to_contain_text(
        f"{empty_server.url}/v1alpha1/comments:suggestscore"
    )
    assert faults_of(page) == []
