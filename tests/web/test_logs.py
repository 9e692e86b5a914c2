"""What people wrote is in no log, whatever happens to it."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from holdfast.errors import InvalidItem
from holdfast.web import logs

from .conftest import running

WORD = "zebrafinch"


class Stream(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), write_through=True)

    def lines(self) -> list[dict[str, Any]]:
        raw: Any = self.buffer
        return [json.loads(line) for line in raw.getvalue().splitlines()]

    def text(self) -> str:
        raw: Any = self.buffer
        return str(raw.getvalue().decode())


@pytest.fixture
def stream() -> Iterator[Stream]:
    """Logs as the server configures them."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = Stream()
    logs.configure(stream)
    try:
        yield stream
    finally:
        logging.captureWarnings(capture=False)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()


def test_a_request_is_logged_by_what_it_was_and_not_by_what_it_said(stream: Stream, tmp_path: Path) -> None:
    with running(tmp_path) as app:
        headers = app.key("decide", "read")
        app.decide({"id": WORD, "text": WORD, "author": {"id": WORD}}, **headers)
        app.client.get(f"/v1/decisions?id={WORD}", headers=headers)
        app.client.get(
            f"/{WORD}/{WORD}?{WORD}={WORD}", headers={"X-Request-Id": WORD + "!", "User-Agent": WORD}
        )
    requests = [line for line in stream.lines() if line["event"] == "request"]
    assert [(r["method"], r["route"], r["status"]) for r in requests] == [
        ("POST", "/v1/decide", 200),
        ("GET", "/v1/decisions", 200),
        ("GET", "unmatched", 404),
    ]
    key_id = headers["Authorization"].split("_")[1]
    assert [r["key"] for r in requests] == [key_id, key_id, None]
    assert len({r["request"] for r in requests}) == 3
    assert all(r["ms"] >= 0 and r["timestamp"].endswith("Z") for r in requests)
    assert WORD not in stream.text()
    assert headers["Authorization"].split("_")[2] not in stream.text()


def test_a_clients_request_id_is_kept_when_it_is_one(stream: Stream, tmp_path: Path) -> None:
    with running(tmp_path) as app:
        response = app.client.get("/v1/signals", headers={"X-Request-Id": "abc-12345"})
        assert response.headers["x-request-id"] == "abc-12345"
        other = app.client.get("/v1/signals", headers={"X-Request-Id": "no id"})
        assert other.headers["x-request-id"] != "no id"
    assert stream.lines()[0]["request"] == "abc-12345"


def test_failures_are_logged_by_type_and_place(
    stream: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        local = WORD  # noqa: F841 - what a traceback with locals would show
        raise ValueError(f"cannot handle {WORD}")

    with running(tmp_path) as app:
        monkeypatch.setattr(app.service.decider.engine, "measure", breaks)
        assert app.decide({"id": WORD, "text": WORD}).status_code == 500
        monkeypatch.undo()
        monkeypatch.setattr(app.service.ledger, "policies", breaks)
        response = app.client.get("/v1/policies")
        assert response.status_code == 500
        monkeypatch.undo()
        with closing(sqlite3.connect(tmp_path / "holdfast.db")) as thief:
            thief.execute("ALTER TABLE texts RENAME TO stolen")
        assert app.decide({"id": WORD, "text": WORD + "x" * 50}).status_code == 503
        with closing(sqlite3.connect(tmp_path / "holdfast.db")) as thief:
            thief.execute("ALTER TABLE stolen RENAME TO texts")
    by_event = {line["event"]: line for line in stream.lines()}
    assert by_event["decision_failed"]["error"] == "ValueError"
    assert any("test_logs.py" in place for place in by_event["decision_failed"]["trace"])
    assert by_event["request_failed"]["error"] == "ValueError"
    assert by_event["request_failed"]["request"] == response.headers["x-request-id"]
    assert "OperationalError" in by_event["batch_failed"]["error"]
    assert WORD not in stream.text()


def test_where_nobody_configured_logs_no_local_value_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: object) -> None:
        raise ValueError(f"cannot handle {WORD}")

    with running(tmp_path) as app:
        monkeypatch.setattr(app.service.decider.engine, "measure", breaks)
        assert app.decide({"id": WORD, "text": WORD}).status_code == 500
    captured = capsys.readouterr()
    assert "decision_failed" in captured.out + captured.err
    assert WORD not in captured.out + captured.err


def test_libraries_warnings_and_the_event_loops_errors_lose_their_values(stream: Stream) -> None:
    logging.getLogger("somebody").warning("could not handle %s", WORD)
    logging.getLogger("somebody").info("nor say %s", WORD)
    try:
        raise RuntimeError(WORD)
    except RuntimeError:
        logging.getLogger("somebody").exception("it broke")

    async def forgets() -> None:
        logs.handle_loop_errors(asyncio.get_running_loop())

        async def fails() -> None:
            raise RuntimeError(WORD)

        task = asyncio.ensure_future(fails())
        await asyncio.sleep(0.01)
        del task
        gc.collect()

    asyncio.run(forgets())
    events = [(line["event"], line["level"]) for line in stream.lines()]
    assert events == [
        ("could not handle %s", "warning"),
        ("it broke", "error"),
        ("event_loop_error", "error"),
    ]
    assert WORD not in stream.text()


def test_holdfasts_own_errors_say_what_they_may() -> None:
    error = InvalidItem("is too long", where=WORD, value=WORD)
    assert logs.describe(error)["what"] == "is too long"
    assert WORD not in str(logs.describe(error))
    try:
        try:
            raise KeyError(WORD)
        except KeyError as cause:
            raise error from cause
    except InvalidItem as caught:
        assert logs.describe(caught)["cause"] == "KeyError"


def test_a_terminal_gets_lines_for_people() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        logs.configure(terminal)
        structlog.get_logger("holdfast.web").info("request", route="/healthz", ms=1.5)
    finally:
        logging.captureWarnings(capture=False)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()
    assert "/healthz" in terminal.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(terminal.getvalue())


def test_warnings_go_to_the_log(stream: Stream) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"old {WORD}", DeprecationWarning, stacklevel=1)
    (line,) = stream.lines()
    assert line["event"].endswith(": DeprecationWarning")
    assert WORD not in stream.text()
