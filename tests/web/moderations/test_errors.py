"""What a client is told when something is wrong, word for word: one case a file, `errors/NAME.json`.

After a change that is meant, write them anew and look at the difference:

    HOLDFAST_UPDATE_SNAPSHOTS=1 make test   (or pytest tests/web/moderations/test_errors.py)
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.media.pictures import drawn, moving, promising, saved
from tests.web.conftest import Served, make_key
from tests.web.moderations.servers import PATIENCE_S, asked, at, image, text

from holdfast.content import TEXT_LIMIT
from holdfast.media.picture import BYTES
from holdfast.web.moderations.errors import refusal_of
from holdfast.web.moderations.wire import IMAGE_LIMIT, PART_LIMIT, PATH, STRING_LIMIT
from holdfast.web.problems import KINDS, FieldError, Problem

FOLDER = Path(__file__).parent / "errors"
SECRET = "bristolina"
"""Stands wherever a client could have put what somebody wrote; no answer may hold it."""

BODIES: dict[str, bytes] = {
    "no_json": b'{"input": "bristolina',
    "no_utf8": b'{"input": "bristolina\xff"}',
    "half_a_pair": b'{"input": "bristolina \\ud83d"}',
    "deep": b'{"input": ' + b"[" * 100_000,
    "nothing": b"",
}
INPUTS: dict[str, Any] = {
    "input_a_number": 3,
    "input_null": None,
    "input_an_object": {SECRET: SECRET},
    "input_empty": [],
    "input_of_numbers": [1, 2, 3],
    "input_of_lists": [[1, 2], [3]],
    "input_mixed": [SECRET, text(SECRET)],
    "input_mixed_otherwise": [text(SECRET), SECRET],
    "input_too_many": [SECRET] * (STRING_LIMIT + 1),
    "input_too_many_parts": [text(SECRET)] * (PART_LIMIT + 1),
    "text_too_long": "x" * (TEXT_LIMIT + 1),
    "text_of_list_too_long": ["x", "x" * (TEXT_LIMIT + 1)],
    "texts_of_message_too_long": [text("x" * (TEXT_LIMIT // 2 + 1))] * 2,
    "part_of_unknown_type": [{"type": SECRET, "text": "x"}],
    "part_without_type": [{"text": SECRET}],
    "part_without_text": [{"type": "text"}],
    "part_with_a_number": [{"type": "text", "text": 3}],
    "part_with_more": [{"type": "text", "text": SECRET, SECRET: 1}],
    "image_a_string": [{"type": "image_url", "image_url": SECRET}],
    "image_without_url": [{"type": "image_url", "image_url": {}}],
    "image_with_more": [{"type": "image_url", "image_url": {"url": SECRET, "detail": SECRET}}],
    "image_too_many": [at(f"https://{SECRET}/")] * (IMAGE_LIMIT + 1),
    "image_no_url": [at(SECRET)],
    "image_not_allowed": [at(f"https://{SECRET}.example/{SECRET}.png")],
    "image_no_base64": [at(f"data:image/png,{SECRET}")],
    "image_bad_base64": [at(f"data:image/png;base64,{SECRET}=!")],
    "image_beyond_ascii": [at("data:image/png;base64,ﬀﬀ")],
    "image_svg": [image(f"<svg>{SECRET}</svg>".encode(), "svg+xml")],
    "image_svg_in_disguise": [image(f"<svg>{SECRET}</svg>".encode())],
    "image_html": [at("data:text/html;base64," + base64.b64encode(SECRET.encode()).decode())],
    "image_mislabelled": [image(saved(drawn(), "jpeg"), "png")],
    "image_empty": [image(b"")],
    "image_animated": [image(moving("gif"), "gif")],
    "image_cut_off": [image(saved(drawn())[:3_000])],
    "image_bomb": [image(promising(30_000, 30_000))],
    "image_too_large": [at("data:image/png;base64," + "A" * (4 * (BYTES // 3) + 8))],
    "second_image_cut_off": [text(SECRET), image(saved(drawn("x"))), image(saved(drawn())[:3_000])],
}
REQUESTS: dict[str, Any] = {
    "body_a_list": [SECRET],
    "body_a_string": SECRET,
    "input_missing": {"model": "x"},
    "parameter_unknown": {"input": SECRET, SECRET: SECRET},
    "model_a_number": {"input": SECRET, "model": 3},
    "model_a_sentence": {"input": SECRET, "model": f"{SECRET} is a model"},
}


def on_record(name: str, response: httpx.Response) -> None:
    """`response` is the one in the file `name`, in the format's envelope, and gives nothing away."""
    assert response.headers["content-type"] == "application/json"
    assert SECRET not in response.text.lower()
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    told = {
        "status": response.status_code,
        "headers": {
            h: response.headers[h]
            for h in ("retry-after", "www-authenticate", "allow")
            if h in response.headers
        },
        "body": body,
    }
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    path = FOLDER / f"{name}.json"
    if os.environ.get("HOLDFAST_UPDATE_SNAPSHOTS") == "1":
        path.write_text(text, "utf-8")
    assert path.exists(), "no error on record; see the top of this file"
    assert text == path.read_text("utf-8")


def post(served: Served, content: bytes, **headers: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", **headers}
    return httpx.post(f"{served.url}{PATH}", content=content, headers=headers, timeout=PATIENCE_S)


@pytest.mark.parametrize("name", BODIES)
def test_bodies(served: Served, name: str) -> None:
    on_record(name, post(served, BODIES[name]))


@pytest.mark.parametrize("name", REQUESTS)
def test_requests(served: Served, name: str) -> None:
    on_record(name, post(served, json.dumps(REQUESTS[name]).encode()))


@pytest.mark.parametrize("name", INPUTS)
def test_inputs(served: Served, name: str) -> None:
    before = httpx.get(f"{served.url}/v1/decisions?limit=1").json()
    # Large pictures do not fit into a body by the default; the bound of their own is what is tested here.
    on_record(name, post(served, json.dumps({"input": INPUTS[name]}).encode()))
    assert httpx.get(f"{served.url}/v1/decisions?limit=1").json() == before, "something was decided"


def test_what_is_around_the_body(served: Served) -> None:
    body = json.dumps({"input": SECRET}).encode()
    on_record("media_type", post(served, body, **{"Content-Type": "text/plain"}))
    on_record("media_type_missing", httpx.post(f"{served.url}{PATH}", content=body))
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        on_record("method", httpx.request(method, f"{served.url}{PATH}"))
    on_record("foreign_origin", post(served, body, Origin="https://elsewhere.example"))


def test_keys(tmp_path: Path) -> None:
    reader = make_key(tmp_path, "read")
    with asked(tmp_path) as client:
        for name, key in [("key_wrong", f"hf_{SECRET}"), ("key_without_scope", reader)]:
            response = client.post(PATH, json={"input": SECRET}, headers={"Authorization": f"Bearer {key}"})
            on_record(name, response)
        on_record(
            "key_of_another_kind", client.post(PATH, json={}, headers={"Authorization": f"Basic {SECRET}"})
        )
        del client.headers["Authorization"]
        on_record("key_missing", client.post(PATH, json={"input": SECRET}))


def test_limits(tmp_path: Path) -> None:
    with asked(tmp_path, {"rate_limit": 1, "body_limit": 10_000}) as client:
        on_record("body_too_large", client.post(PATH, json={"input": "x" * 10_000}))
        assert client.post(PATH, json={"input": [SECRET] * 9}).status_code == 200
        on_record("rate_limited", client.post(PATH, json={"input": [SECRET] * 5}))


def test_every_problem_there_is(tmp_path: Path) -> None:
    """However deep it arises, it is told in this format."""
    told = {}
    for code in KINDS:
        refusal = refusal_of(Problem(code, errors=[FieldError(where="a place", expected="something")]))
        detail = json.loads(refusal.body())["error"]
        assert detail["type"] in ("invalid_request_error", "rate_limit_error", "server_error")
        # Their clients try again after these; what is wrong with a request must not be among them.
        retried = refusal.status in (408, 409, 429) or refusal.status >= 500
        assert retried == (detail["type"] != "invalid_request_error" or refusal.status in (408, 409)), code
        told[code] = {"status": refusal.status, **detail}
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    path = FOLDER.with_name("problems.json")
    if os.environ.get("HOLDFAST_UPDATE_SNAPSHOTS") == "1":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_no_file_is_left_over() -> None:
    named = {
        *BODIES, *INPUTS, *REQUESTS,
        "media_type", "media_type_missing", "method", "foreign_origin",
        "key_wrong", "key_without_scope", "key_of_another_kind", "key_missing", "body_too_large", "rate_limited",
    }  # fmt: skip
    assert {path.stem for path in FOLDER.glob("*.json")} == named
