"""`holdfast serve --workers N`: several processes that decide, count, limit and measure as one server."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from holdfast.decider import Decider
from holdfast.engine import Engine
from holdfast.errors import HoldfastError
from holdfast.ledger import Ledger
from holdfast.ledger.events import PolicyPublished
from holdfast.policy.policy import Policy
from holdfast.settings import Settings
from holdfast.web import supervisor
from holdfast.web.folder_lock import lock_folder
from holdfast.web.listener import listen
from holdfast.web.shared_metrics import RESERVED

from .conftest import LONG, Served, eventually
from .test_server import Load, post, talking

POLICY = """\
policy: counting
counters:
  seen: count per target over 1 hours
  shouts: count where text.capitals > 0.5 per target over 1 hours
rules:
  - name: long
    when: text.length > 40
    then: hold
    reason: too_long
    tells: Long comments wait.
  - name: busy
    when: seen >= 4
    then: label
    reason: busy
    tells: A lot at once.
  - name: loud
    when: shouts >= 4
    then: limit
    reason: loud
    tells: Loud.
"""
ANOTHER = """\
policy: another
rules:
  - name: any
    when: text.length > 0
    then: remove
    reason: any
    tells: Everything goes.
"""
PATIENCE_S = 60


def publish(url: str | None, data: Path, source: str) -> Policy:
    policy = Policy.load(source, Engine().schema)
    with Ledger.open(url, data=data) as ledger:
        event = PolicyPublished(policy=policy.id, source=policy.source, by="test")
        ledger.append([event], datetime.now(UTC))
    return policy


def sample(server: Served, name: str, **labels: str) -> float:
    return sum(
        one.value
        for family in text_string_to_metric_families(httpx.get(f"{server.url}/metrics", timeout=20).text)
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    )


def all_up(server: Served, workers: int = 2) -> None:
    eventually(lambda: sample(server, "holdfast_workers") == workers, PATIENCE_S)


def pid_of(server: Served, worker: int | str) -> int:
    return int((server.data / "serve.workers" / f"{worker}.pid").read_text())


def ask(server: Served, item: dict[str, Any], **headers: str) -> tuple[str, httpx.Response]:
    """Which worker answered, and what; each time over a new connection."""
    answered = httpx.post(f"{server.url}/v1/decide", json=item, headers=headers, timeout=30)
    assert answered.status_code in (200, 429), answered.text
    return answered.headers["x-request-id"].partition("-")[0], answered


def recorded(url: str | None, data: Path, load: Load) -> None:
    """Every acknowledged decision is in the ledger, under this policy, and the ledger is whole."""
    with Ledger.open(url, data=data) as ledger:
        assert ledger.verify() == []
        for ref, item_id in load.acknowledged:
            found = ledger.decision(ref)
            assert found.item.id == item_id
            assert found.policy.startswith("counting@")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, quick_classifier: None) -> Iterator[Served]:
    """Two workers, that the tests of this module ask in their order; the last stops it."""
    data = tmp_path_factory.mktemp("workers")
    publish(None, data, POLICY)
    served = Served(data, ["--workers", "2"])
    all_up(served)
    yield served
    served.stop(signal.SIGKILL)
    assert "Traceback" not in served.log()


def test_each_worker_counts_what_the_others_decided(server: Served) -> None:
    answered_by = set()
    for number in range(1, 41):
        loud = number % 2 == 0
        worker, answer = ask(
            server,
            {"id": f"c{number}", "text": "HELLO" if loud else "hello", "target": {"id": "t"}},
        )
        answered_by.add(worker)
        rules = {rule["name"]: rule["values"] for rule in answer.json()["rules"]}
        # Exactly: nobody else decides at the same time.
        assert rules.get("busy") == ({"seen": number} if number >= 4 else None)
        assert rules.get("loud") == ({"shouts": number // 2} if number >= 8 else None)
        if number >= 20 and len(answered_by) == 2:
            break
    assert len(answered_by) == 2


def test_any_worker_tells_the_metrics_of_all(server: Served) -> None:
    before = sample(server, "holdfast_items_total")
    answered_by = {ask(server, {"id": f"m{number}", "text": LONG})[0] for number in range(20)}
    assert len(answered_by) == 2
    with httpx.Client(timeout=20) as client:
        told = {
            client.get(f"{server.url}/metrics", headers={"Connection": "close"}).headers["x-request-id"][:12]
            for _ in range(20)
        }
    assert len(told) == 2
    for _ in range(5):
        assert sample(server, "holdfast_items_total") == before + 20
        assert sample(server, "holdfast_batch_items_sum") == before + 20
        assert sample(server, "holdfast_ready") == 1
        for process in ("supervisor", "0", "1"):
            assert sample(server, "process_resident_memory_bytes", worker=process) > 10_000_000
    with Ledger.open(data=server.data) as ledger:
        assert sample(server, "holdfast_ledger_events") == ledger.head().size


def test_what_the_workers_share_has_all_its_room_on_the_disk(server: Served) -> None:
    # A page without room on a full disk would end the process that touches it (SIGBUS).
    folder = server.data / "serve.workers"
    files = [folder / "limits", *(folder / "metrics").iterdir()]
    assert len(files) >= 1 + 2 * len(RESERVED)
    for file in files:
        assert file.stat().st_blocks * 512 >= file.stat().st_size > 0, file.name


def test_a_key_decides_once_whichever_worker_it_comes_to(server: Served) -> None:
    for number in range(4):
        item = {"id": f"k{number}", "text": LONG, "target": {"id": "k"}}
        with ThreadPoolExecutor(12) as pool:
            jobs = [pool.submit(ask, server, item, **{"Idempotency-Key": f"key-{number}"}) for _ in range(12)]
        answers = [job.result()[1] for job in jobs]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        with Ledger.open(data=server.data) as ledger:
            assert len(ledger.decisions_of(f"k{number}")) == 1
    # And counted once: this is the fifth.
    (busy,) = [
        rule["values"]
        for rule in ask(server, {"id": "k", "text": "x", "target": {"id": "k"}})[1].json()["rules"]
        if rule["name"] == "busy"
    ]
    assert busy == {"seen": 5}


def test_a_policy_that_is_published_decides_at_every_worker_soon(server: Served) -> None:
    for source, action in ((ANOTHER, "remove"), (POLICY, "allow")):
        publish(None, server.data, source)
        time.sleep(1)
        decided = [ask(server, {"id": f"p{number}", "text": "x"}) for number in range(20)]
        assert len({worker for worker, _ in decided}) == 2
        assert {answer.json()["action"] for _, answer in decided} == {action}
        # What any worker decided is shown by each, in the API and in the console.
        refs = {answer.json()["ref"] for _, answer in decided}
        shown_by: set[str] = set()
        for _ in range(20):
            entries = httpx.get(f"{server.url}/v1/decisions", params={"limit": 20}, timeout=20)
            assert refs <= {entry["ref"] for entry in entries.json()["decisions"]}
            page = httpx.get(f"{server.url}/", timeout=20)
            assert f"/decisions/{decided[-1][1].json()['ref']}" in page.text
            shown_by |= {answer.headers["x-request-id"].partition("-")[0] for answer in (entries, page)}
        assert len(shown_by) == 2


def test_a_killed_worker_loses_nothing_it_acknowledged_and_comes_again(server: Served) -> None:
    number = random.choice((0, 1))
    killed, holder = pid_of(server, number), pid_of(server, "supervisor")
    counted = sample(server, "holdfast_items_total")
    load = Load(server)
    eventually(lambda: len(load.acknowledged) > 50, PATIENCE_S)
    time.sleep(random.uniform(0, 0.3))
    os.kill(killed, signal.SIGKILL)
    # One worker is enough.
    after = len(load.acknowledged)
    eventually(lambda: len(load.acknowledged) > after + 50, PATIENCE_S)
    load.wait()
    all_up(server)
    assert pid_of(server, number) != killed
    assert server.process.pid == holder
    assert f'"worker":{number},"code":-9' in server.log()
    recorded(None, server.data, load)
    # What the killed worker had counted is not forgotten with it.
    assert sample(server, "holdfast_items_total") >= counted + len({ref for ref, _ in load.acknowledged})


def test_a_worker_that_cannot_be_started_leaves_the_others_alone(server: Served) -> None:
    holder, killed = pid_of(server, "supervisor"), pid_of(server, 1)
    before = resource.prlimit(holder, resource.RLIMIT_NOFILE)
    used = len(list(Path(f"/proc/{holder}/fd").iterdir()))
    # As when memory or processes are short: the pipes of another worker cannot be made.
    resource.prlimit(holder, resource.RLIMIT_NOFILE, (used - 2, before[1]))
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: "a worker cannot be started" in server.log(), PATIENCE_S)
    ask(server, {"id": "meanwhile", "text": "Short."})
    resource.prlimit(holder, resource.RLIMIT_NOFILE, before)
    all_up(server)
    assert pid_of(server, 1) != killed


def test_asked_to_stop_the_workers_answer_what_they_took_and_keep_their_counters_once(server: Served) -> None:
    workers = [pid_of(server, number) for number in (0, 1)]
    load = Load(server)
    eventually(lambda: len(load.acknowledged) > 100, PATIENCE_S)
    assert server.stop() == 0
    load.wait()
    assert load.broken == []
    assert not any(map(is_alive, workers))
    recorded(None, server.data, load)
    assert not (server.data / "serve.workers").exists()
    snapshot = (server.data / "counters.snapshot").read_bytes()
    with Ledger.open(data=server.data) as ledger:
        engine = Engine()
        kept, anew = Decider(engine, ledger), Decider(engine, ledger)
        kept.restore(snapshot)
        now = datetime.now(UTC)
        kept.policy(now), anew.policy(now)
        assert windows(kept) == windows(anew)
        assert sum(len(times) for times in windows(anew).values()) > 0
        assert msgspec.msgpack.decode(snapshot)["size"] <= ledger.head().size
    lock_folder(server.data).close()


def windows(decider: Decider) -> dict[tuple[str, str], list[float]]:
    return {
        (meaning, str(key)): sorted(memoryview(times).cast("d").tolist())
        for state in msgspec.msgpack.decode(decider.snapshot())["counters"].values()
        for meaning, keys in msgspec.msgpack.decode(state)[1]
        for key, _, times, _ in keys
    }


def test_a_key_spends_one_budget_and_a_second_signal_quits_at_once(
    tmp_path: Path, quick_classifier: None
) -> None:
    server = Served(
        tmp_path, ["--workers", "2"], {"HOLDFAST_SERVE_RATE_LIMIT": "30", "HOLDFAST_SERVE_TIMEOUT_S": "30"}
    )
    try:
        eventually(lambda: server.log().count('"event":"worker_ready"') == 2, PATIENCE_S)
        body = {"items": [{"id": f"r{number}", "text": "x"} for number in range(300)]}
        spent_at, answer = ask(server, body)
        assert answer.status_code == 200
        # Ten seconds' worth was spent at one worker; no other has it any more.
        refused_by = set()
        for _ in range(40):
            worker, answer = ask(server, body)
            assert answer.status_code == 429
            refused_by.add(worker)
            if refused_by - {spent_at}:
                break
        assert refused_by - {spent_at}
        with talking(server, post(b"{}")[:-1]):  # a request that never ends
            time.sleep(0.3)
            workers = [pid_of(server, number) for number in (0, 1)]
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert server.process.poll() is None
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(5) == 128 + signal.SIGTERM
        eventually(lambda: not any(map(is_alive, workers)))
    finally:
        server.stop(signal.SIGKILL)


def test_on_postgresql_workers_end_with_their_supervisor(
    tmp_path: Path, quick_classifier: None, postgresql_url: str
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    server = Served(
        tmp_path, ["--workers", "2", "--policy", str(policy)], {"HOLDFAST_LEDGER_DATABASE": postgresql_url}
    )
    try:
        # It decides as it was when the server began, at a worker that is started again too.
        policy.write_text("no policy any more")
        all_up(server)
        load = Load(server)
        eventually(lambda: len(load.acknowledged) > 50, PATIENCE_S)
        os.kill(pid_of(server, 0), signal.SIGKILL)
        after = len(load.acknowledged)
        eventually(lambda: len(load.acknowledged) > after + 50, PATIENCE_S)
        eventually((tmp_path / "serve.workers" / "0.pid").exists)  # it starts again
        workers = [pid_of(server, number) for number in (0, 1)]
        server.process.send_signal(signal.SIGKILL)
        load.wait()
        eventually(lambda: not any(map(is_alive, workers)), PATIENCE_S)
        # The folder is free once the last of them is gone.
        lock_folder(tmp_path).close()
    finally:
        server.stop(signal.SIGKILL)
    recorded(postgresql_url, tmp_path, load)


def test_a_server_whose_workers_do_not_stay_alive_ends_and_says_why(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = Path(shutil.copytree(tiny_weights, tmp_path / "weights"))
    monkeypatch.setenv("HOLDFAST_CLASSIFIER_WEIGHTS", str(weights))
    monkeypatch.setattr(supervisor, "ATTEMPTS", 2)
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.1)

    def break_it(_: bool) -> None:
        shutil.rmtree(weights)
        os.kill(int((tmp_path / "serve.workers" / "0.pid").read_text()), signal.SIGKILL)

    with lock_folder(tmp_path) as lock, listen("127.0.0.1", 0) as listener:
        only = supervisor.Supervisor(
            tmp_path,
            Settings(),
            listener,
            lock,
            workers=1,
            policy=None,
            bound_to_loopback=True,
            on_start=break_it,
        )
        with pytest.raises(HoldfastError) as said:
            only.run()
    assert str(weights) in str(said.value)
    assert not (tmp_path / "serve.workers").exists()


def test_what_keeps_the_first_worker_from_starting_is_said_in_words(tmp_path: Path) -> None:
    for arguments, words in (
        (["--workers", "2", "--host", "0.0.0.0"], "holdfast key create"),
        (["--workers", "0"], "is no number of workers"),
    ):
        failed = Served(tmp_path, arguments)
        assert failed.process.wait(30) == 2
        assert words in failed.log()
        assert "Traceback" not in failed.log()
        failed.stop()
