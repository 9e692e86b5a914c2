"""What is seen of HTML is what Chromium shows of it."""

from __future__ import annotations

from playwright.sync_api import Browser
from tests.fixtures.browser import browser as browser
from tests.fixtures.browser import require_browser

from holdfast.web.perspective.html import visible

from .test_html import sources

require_browser()

READ = """(sources) => sources.map((source) => {
    const page = new DOMParser().parseFromString(`<!DOCTYPE html><body><div>@${source}`, "text/html")
    page.querySelectorAll("script, style").forEach((element) => element.remove())
    return page.body.textContent
})"""


def test_the_same_text_is_seen(browser: Browser) -> None:
    page = browser.new_page()
    given = sources()
    wrong = [
        (source, seen, mine)
        for source, seen in zip(given, page.evaluate(READ, given), strict=True)
        if (mine := "@" + visible(source).text.replace("\n", "")) != seen.replace("\n", "")
    ]
    page.close()
    assert wrong == []
