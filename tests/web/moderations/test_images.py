"""Pictures in messages: their words are looked at, decided and recorded; deciding never waits for them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.media.pictures import WORDS, drawn, gone, plain, saved
from tests.web.conftest import Served, eventually
from tests.web.moderations.pictures_host import Host
from tests.web.moderations.servers import PATIENCE_S, ask, asked, at, image, is_unseen, results, text

from holdfast.media.picture import BYTES, KINDS
from holdfast.web.moderations.categories import CATEGORIES, PICTURED
from holdfast.web.moderations.images import WAITING
from holdfast.web.moderations.wire import IMAGE_LIMIT, PATH

SCORED = {name for name, heads in CATEGORIES.items() if heads}
BLANK = saved(drawn(""))


def applied(result: dict[str, Any]) -> dict[str, list[str]]:
    return {name: kinds for name, kinds in result["category_applied_input_types"].items() if kinds}


@pytest.mark.parametrize("busy", [False, True], ids=["plain", "busy"])
def test_words_in_a_picture_are_looked_at_and_recorded(served: Served, busy: bool) -> None:
    response = ask(served.url, [image(saved(drawn(busy=busy)))])
    (result,) = results(response)
    assert applied(result) == {name: ["image"] if name in PICTURED else ["text"] for name in SCORED}
    name = response.json()["id"].removeprefix("modr-")
    kept = httpx.get(f"{served.url}/v1/decisions/{response.headers['x-holdfast-ref']}").json()
    assert kept["decision"]["id"] == f"moderation-{name}-0-image-0"
    read = kept["texts"]["text"]
    assert plain(read) == plain(WORDS)
    assert set(kept["texts"]) == {"text"}
    # The words score as they do where somebody wrote them.
    assert result["category_scores"] == results(ask(served.url, read))[0]["category_scores"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read(served: Served, kind: str) -> None:
    (result,) = results(ask(served.url, [image(saved(drawn(), kind), kind)]))
    assert set(applied(result)) == SCORED


def test_a_message_of_words_and_pictures_has_one_result(served: Served) -> None:
    words = "hello people, look at this"
    message = [text(words), image(saved(drawn())), image(BLANK)]
    response = ask(served.url, message)
    (result,) = results(response)
    assert applied(result) == {name: ["text", "image"] if name in PICTURED else ["text"] for name in SCORED}
    alone = results(ask(served.url, words))[0]["category_scores"]
    assert all(result["category_scores"][name] >= alone[name] for name in SCORED)
    assert "x-holdfast-ref" not in response.headers
    name = response.json()["id"].removeprefix("modr-")
    (entry,) = httpx.get(f"{served.url}/v1/decisions?id=moderation-{name}-0-image-0").json()["decisions"]
    kept = httpx.get(f"{served.url}/v1/decisions/{entry['ref']}").json()
    assert kept["texts"]["caption"] == words
    assert plain(kept["texts"]["text"]) == plain(WORDS)
    assert len(httpx.get(f"{served.url}/v1/decisions?id=moderation-{name}-0").json()["decisions"]) == 1
    # Where nothing was read there is nothing to decide.
    assert httpx.get(f"{served.url}/v1/decisions?id=moderation-{name}-0-image-1").json()["decisions"] == []


def test_a_picture_without_words_is_unseen(served: Served) -> None:
    before = httpx.get(f"{served.url}/v1/decisions?limit=1").json()
    for message in ([image(BLANK)], [image(BLANK)] * IMAGE_LIMIT):
        assert is_unseen(results(ask(served.url, message))[0])
    assert httpx.get(f"{served.url}/v1/decisions?limit=1").json() == before


def test_a_picture_from_a_host_that_is_allowed_is_read(served: Served, pictures_host: Host) -> None:
    url = pictures_host.gives("/p.webp", saved(drawn(), "webp"))
    (result,) = results(ask(served.url, [at(f"{url}?size=large#top")]))
    assert set(applied(result)) == SCORED
    path, headers = pictures_host.asked[-1]
    assert path == "/p.webp?size=large"
    assert headers == {
        "Host": pictures_host.place,
        "Accept": "image/*",
        "Accept-Encoding": "identity",
        "User-Agent": "Holdfast",
    }


def test_what_a_host_gives_is_no_more_trusted_than_a_data_url(served: Served, pictures_host: Host) -> None:
    for data, status, code in [
        (b"<svg/>", 400, "invalid_image"),
        (saved(drawn())[:3_000], 400, "invalid_image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(BYTES), 400, "invalid_image_url"),
    ]:
        refused = ask(served.url, [at(pictures_host.gives("/bad", data))])
        assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)


def test_without_the_extra_pictures_are_unseen_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures_host: Host
) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)  # what Python itself takes for "cannot be imported"
    url = pictures_host.gives("/unasked.png", saved(drawn()))
    with asked(tmp_path, image_hosts=pictures_host.place) as client:
        for picture in (image(saved(drawn())), at(url)):
            assert is_unseen(results(client.post(PATH, json={"input": [picture]}))[0])
            both = results(client.post(PATH, json={"input": [text("hello people"), picture]}))[0]
            assert applied(both) == {name: ["text"] for name in SCORED}
        refused = client.post(PATH, json={"input": [at("https://elsewhere.example/")]})
        assert refused.json()["error"]["code"] == "invalid_image_url"
        assert client.post(PATH, json={"input": [image(b"<svg/>")]}).status_code == 400
    assert "/unasked.png" not in [path for path, _ in pictures_host.asked]


def test_a_picture_may_have_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    with asked(tmp_path, {"body_limit": 4 * BYTES}) as client:
        for size, told in [
            (BYTES, "it is cut off or damaged"),
            (BYTES + 1, "it has more than 8,388,608 bytes"),
            (2 * BYTES, "it has more than 8,388,608 bytes"),
        ]:
            data = b"\x89PNG\r\n\x1a\n".ljust(size, b"\0")
            refused = client.post(PATH, json={"input": [image(data)]})
            assert refused.status_code == 400
            assert told in refused.json()["error"]["message"]


# A picture that never ends ------------------------------------------------------------------


def reading_process(parent: int) -> int:
    """The id of the process that reads pictures for the process `parent`."""
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"holdfast.media.ocr" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise AssertionError("no process reads pictures")


@contextmanager
def stuck(parent: int) -> Iterator[int]:
    """The process that reads pictures stands still meanwhile."""
    pid = reading_process(parent)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_deciding_does_not_wait_for_pictures_and_what_waits_is_bounded(served: Served) -> None:
    message = [image(saved(drawn()))]
    with ThreadPoolExecutor(WAITING + 4) as clients:
        assert ask(served.url, [image(BLANK)]).status_code == 200
        with stuck(served.process.pid):
            pictures = [clients.submit(ask, served.url, message) for _ in range(WAITING + 4)]
            eventually(lambda: sum(picture.done() for picture in pictures) == 4, within_s=60)
            decided = httpx.post(
                f"{served.url}/v1/decide", json={"id": "c-1", "text": "hello"}, timeout=PATIENCE_S
            )
            assert decided.status_code == 200
            assert results(ask(served.url, "hello people"))
            assert sum(picture.done() for picture in pictures) == 4
        answers = [picture.result() for picture in pictures]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == 4
    for answer in refused:
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1


def test_a_picture_that_takes_too_long_is_broken_off_and_all_ends_with_the_server(tmp_path: Path) -> None:
    message = {"input": [image(BLANK)]}
    with asked(tmp_path, {"timeout_s": 3}) as client:
        # The first may have to wait longer than that for the process to start.
        eventually(lambda: client.post(PATH, json=message).status_code == 200, within_s=60)
        with stuck(os.getpid()) as first:
            answer = client.post(PATH, json={"input": [image(saved(drawn()))]})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "timed_out")
            assert "retry-after" in answer.headers
            eventually(lambda: gone(first), within_s=30)
        eventually(lambda: client.post(PATH, json=message).status_code == 200, within_s=60)
        second = reading_process(os.getpid())
        assert second != first
    assert gone(second)
