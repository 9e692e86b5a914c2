"""A server with decisions in its ledger, and a browser to look at it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.fixtures.browser import Watch
from tests.fixtures.browser import browser as browser
from tests.fixtures.serving import Serving, serving

Open = Callable[..., Page]

POLICY = """\
policy: console_test
description: A policy to look at.
on_unknown: allow
rules:
  # What is private stays private.
  - name: private_email
    when: contact.email > 0
    then: hold
    reason: personal_information
    tells: Comments with an e-mail address wait for a person.
    examples:
      hold:
        - "write to jo@example.org"
      allow:
        - "what a lovely song"
  - name: new_account
    when: author.age_days < 1
    then: limit
    reason: spam
    tells: Comments of new accounts are not recommended.
"""
PLAIN = "What a lovely song, I had it on all day."
MAIL = "Write to jo@example.org, I have the tickets."
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)> \"'>{{7*7}} jo@example.org"
RTL = "\u05d0\u05d9\u05d6\u05d4 \u05e9\u05d9\u05e8 \u05d9\u05e4\u05d4 jo@example.org"


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(POLICY, "utf-8")
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, policy_file: Path) -> Iterator[Serving]:
    """A server that has decided a few items of each kind."""
    data = tmp_path_factory.mktemp("data")
    with serving(data, "--policy", str(policy_file), HOLDFAST_SERVE_KIT="true") as server:
        fresh = {"id": "u-1", "created_at": "2026-01-01T00:00:00Z", "followers": 12}
        for number in range(12):
            server.decide({"id": f"plain-{number}", "text": PLAIN})
        server.decide(
            {"id": "mail", "text": MAIL, "surface": "reply", "caption": "My song", "author": fresh},
            {"id": "hostile", "text": HOSTILE},
            {"id": "rtl", "text": RTL, "target": {"id": "creator-1"}},
            {
                "id": "new",
                "text": PLAIN,
                "created_at": "2026-01-01T10:00:00Z",
                "author": {"id": "u-2", "created_at": "2026-01-01T09:00:00Z"},
            },
        )
        yield server


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory, policy_file: Path) -> Iterator[Serving]:
    """A server on which nothing was decided yet."""
    with serving(tmp_path_factory.mktemp("empty"), "--policy", str(policy_file)) as server:
        yield server


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Open a path of a server in a window of its own. What the pages complain of fails the test."""
    contexts, watches = [], []

    def visit(
        server: Serving, path: str, *, width: int = 1440, expected: tuple[str, ...] = (), **options: Any
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        watches.append(Watch(context, expected))
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(server.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [complaint for watch in watches for complaint in watch.complaints] == []
