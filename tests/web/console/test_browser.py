"""The console as people meet it, in a real browser on a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.fixtures.browser import faults_of, require_browser
from tests.fixtures.serving import Serving, serving
from tests.web.console.conftest import HOSTILE, MAIL, PLAIN, Open

require_browser()

PAGES = (
    "/",
    "/decisions",
    "/decisions?action=hold&when=today",
    "/decisions/{mail}",
    "/decisions/{plain-0}",
    "/suggestions",
    "/policy",
    "/keys",
    "/kit",
    "/sign-in",
    "/decisions/999999",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_sound_at_every_width_in_light_and_dark(
    server: Serving, visit: Open, path: str
) -> None:
    for width, scheme in ((390, "light"), (1440, "dark")):
        named = re.sub(r"\{(.+)\}", lambda match: server.ref_of(match[1]), path)
        page = visit(
            server, named, width=width, expected=("404",), color_scheme=scheme, reduced_motion="reduce"
        )
        expect(page.locator("h1")).to_be_visible()
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
        # `/kit` has every part in it, so there both palettes are judged; elsewhere one is enough.
        if width == 390 or path == "/kit":
            assert faults_of(page) == []


def test_pages_hold_at_twice_the_size(server: Serving, visit: Open) -> None:
    # 200 % zoom of a window 780 px wide leaves 390 px for the page, at two device pixels each.
    page = visit(server, "/", width=390, device_scale_factor=2)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_light_and_dark_follow_the_reader(server: Serving, visit: Open) -> None:
    def ground(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert ground(visit(server, "/keys", color_scheme="light")) != ground(
        visit(server, "/keys", color_scheme="dark")
    )


def test_the_empty_console_tells_how_to_begin_and_fills_by_itself(empty_server: Serving, visit: Open) -> None:
    page = visit(empty_server, "/")
    expect(page.get_by_text("No decisions yet")).to_be_visible()
    expect(page.locator("#command-curl")).to_contain_text(f"curl {empty_server.url}/v1/decide")
    assert faults_of(page) == []
    empty_server.decide({"id": "first", "text": PLAIN})
    expect(page.locator(".decisions > li")).to_have_count(1)
    expect(page.get_by_text("No decisions yet")).to_be_hidden()


def test_counts_are_live_and_the_list_waits_for_the_reader(server: Serving, visit: Open) -> None:
    page = visit(server, "/")
    held = page.locator("#counts a.count", has_text="Held").locator(".number")
    expect(page.locator("#live-text")).to_have_text("Live")
    before = int(held.inner_text())
    first = page.locator(".decisions > li").first
    first_before = first.get_attribute("id")
    server.decide({"id": "live", "text": MAIL})
    expect(held).to_have_text(str(before + 1))
    assert first.get_attribute("id") == first_before, "the list moved under the reader"
    page.locator("#recent-new").click()
    expect(first).not_to_have_id(str(first_before))
    expect(first).to_contain_text("Held")


def test_updates_can_be_paused(server: Serving, visit: Open) -> None:
    page = visit(server, "/")
    expect(page.locator("#live-text")).to_have_text("Live")
    held = page.locator("#counts a.count", has_text="Held").locator(".number")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#live-text")).to_have_text("Paused")
    before = held.inner_text()
    server.decide({"id": "paused", "text": MAIL})
    page.wait_for_timeout(2_500)
    assert held.inner_text() == before
    page.get_by_role("button", name="Resume").click()
    expect(held).to_have_text(str(int(before) + 1))


def test_the_page_says_when_it_is_offline_and_comes_back(server: Serving, visit: Open) -> None:
    page = visit(server, "/")
    expect(page.locator("#live-text")).to_have_text("Live")
    page.context.set_offline(True)
    expect(page.locator("#live-text")).to_contain_text("You are offline. Figures from")
    expect(page.locator("#live-reload")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#live-text")).to_have_text("Live")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_text_can_be_tried_with_and_without_scripts(server: Serving, visit: Open, scripts: bool) -> None:
    page = visit(server, "/", java_script_enabled=scripts)
    entries = server.get("/").text.split('data-entries="')[1].split('"')[0]
    page.get_by_label("Text", exact=True).fill(MAIL)
    page.get_by_role("button", name="Judge it").click()
    result = page.locator("#try-result")
    expect(result.locator(".action").first).to_have_text("Held")
    expect(result).to_contain_text("Comments with an e-mail address wait for a person.")
    expect(result.locator("mark")).to_contain_text("jo@example.org")
    expect(result).to_contain_text("contact.email")
    expect(result).to_contain_text("The rule new_account needs author.age_days")
    expect(page.get_by_label("Text", exact=True)).to_have_value(MAIL)
    if scripts:
        assert page.url == server.url + "/", "the page stayed"
        expect(page.locator("#try-said")).to_have_text("Held. Shares someone's private details.")
        assert faults_of(page) == []
    assert f'data-entries="{entries}"' in server.get("/").text, "a try was recorded"


def test_a_try_that_fails_says_so_and_keeps_the_text(server: Serving, visit: Open) -> None:
    page = visit(server, "/", expected=("422", "ERR_INTERNET_DISCONNECTED", "Failed to fetch"))
    text = page.get_by_label("Text", exact=True)
    text.fill("   ")
    page.get_by_role("button", name="Judge it").click()
    expect(page.get_by_role("alert")).to_have_text("Write a text first.")
    text.fill(PLAIN)
    page.context.set_offline(True)
    page.get_by_role("button", name="Judge it").click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    expect(text).to_have_value(PLAIN)
    page.context.set_offline(False)
    page.get_by_role("button", name="Judge it").click()
    expect(page.locator("#try-result .action").first).to_have_text("Allowed")


def test_a_page_whose_server_is_gone_says_how_old_its_figures_are(
    tmp_path: Path, policy_file: Path, visit: Open
) -> None:
    with serving(tmp_path, "--policy", str(policy_file)) as server:
        page = visit(server, "/keys", expected=("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE", "503", "htmx"))
        page.clock.install()
        page.goto(server.url)
        expect(page.locator("#live-text")).to_have_text("Live")
    page.clock.run_for(10_000)
    expect(page.locator("#live-text")).to_have_text(re.compile("Not live: figures from .* UTC"))
    expect(page.get_by_role("link", name="Reload")).to_be_visible()


def test_a_hostile_text_is_only_ever_text(server: Serving, visit: Open) -> None:
    ref = server.ref_of("hostile")
    page = visit(server, f"/decisions/{ref}")
    page.locator("#text > summary").click()
    expect(page.locator("#text .text")).to_contain_text("<script>document.title='taken'</script>")
    assert page.title() == f"Decision {ref} \u00b7 Holdfast"
    page.goto(server.url)
    page.get_by_label("Text", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Judge it").click()
    expect(page.locator("#try-result .text")).to_contain_text("onerror=alert(1)")
    assert page.locator("#try-result img, #try-result script").count() == 0


def test_nothing_hateful_is_met_unasked_and_a_key_reveals_it(server: Serving, visit: Open) -> None:
    page = visit(server, "/decisions?action=hold")
    assert PLAIN not in page.inner_text("main")
    assert MAIL not in page.inner_text("main")
    first = page.locator(".decisions > li").first
    page.keyboard.press("j")
    expect(first.locator("summary")).to_be_focused()
    expect(first.locator(".text")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(first.locator(".text")).to_be_visible()
    page.keyboard.press("r")
    expect(first.locator(".text")).to_be_hidden()
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    expect(first.locator(".text")).to_be_hidden()
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile(r"/decisions/\d+$"))


def test_text_is_revealed_without_scripts(server: Serving, visit: Open) -> None:
    page = visit(server, "/decisions?action=hold", java_script_enabled=False)
    first = page.locator(".decisions > li").first
    first.locator("summary").click()
    expect(first.locator(".text")).to_be_visible()


def test_keys_are_shown_used_and_can_be_switched_off(server: Serving, visit: Open) -> None:
    page = visit(server, "/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    assert faults_of(page) == []
    dialog.get_by_label("Single-key shortcuts are on").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#try-text")).not_to_be_focused()
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    page.locator("[data-keys]").click()
    dialog.get_by_label("Single-key shortcuts are on").check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#try-text")).to_be_focused()
    page.keyboard.type("? g d")
    expect(page.locator("#try-text")).to_have_value("? g d")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page).to_have_url(server.url + "/decisions")


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(server: Serving, visit: Open) -> None:
    page = visit(server, "/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.closest('[id]').id"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert "try-text" in seen
    assert len(set(seen)) > 4


def test_nothing_jumps_while_a_page_loads_and_lives(server: Serving, visit: Open) -> None:
    page = visit(server, "/")
    page.evaluate(
        """() => { window.shift = 0; new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
        }).observe({ type: "layout-shift", buffered: true }) }"""
    )
    expect(page.locator("#live-text")).to_have_text("Live")
    server.decide({"id": "shift", "text": PLAIN})
    page.wait_for_timeout(2_500)
    assert page.evaluate("window.shift") < 0.02


def test_the_commands_can_be_copied(server: Serving, visit: Open) -> None:
    ref = server.ref_of("mail")
    page = visit(server, f"/decisions/{ref}", permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("[data-copy=command-prove]")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"holdfast ledger prove {ref}"
