"""The reading process: what it reads, what it may not, and that it comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from tests.media.pictures import WORDS, drawn, gone, moving, plain, promising, saved
from tests.web.conftest import eventually

from holdfast.media.picture import BYTES, KINDS, PictureRefused
from holdfast.media.process import ReadingProcess, TookTooLong, is_installed

LONG_S = 120.0


@pytest.fixture(scope="module")
def reading() -> Iterator[ReadingProcess]:
    assert is_installed()
    with ReadingProcess() as process:
        yield process


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_read_off_every_kind(reading: ReadingProcess, kind: str) -> None:
    assert plain(reading.read(saved(drawn(), kind), LONG_S)) == plain(WORDS)


def test_words_are_read_off_a_busy_ground(reading: ReadingProcess) -> None:
    assert plain(reading.read(saved(drawn(busy=True)), LONG_S)) == plain(WORDS)


def test_words_that_stand_upside_down_are_read(reading: ReadingProcess) -> None:
    read = reading.read(saved(drawn().transpose(Image.Transpose.ROTATE_180)), LONG_S)
    assert sorted(map(plain, read.splitlines())) == sorted(map(plain, WORDS.splitlines()))


def test_ink_on_nothing_is_read(reading: ReadingProcess) -> None:
    ink = drawn().convert("L").point(lambda value: 255 - value)
    for colour in ("white", "black"):
        picture = Image.new("RGBA", ink.size, colour)
        picture.putalpha(ink)
        assert plain(reading.read(saved(picture), LONG_S)) == plain(WORDS)


def test_where_there_are_no_words_nothing_is_read(reading: ReadingProcess) -> None:
    assert reading.read(saved(Image.new("RGB", (300, 200), "white")), LONG_S) == ""


def test_refusals_come_through_and_the_process_stays(reading: ReadingProcess) -> None:
    reading.read(saved(drawn("x")), LONG_S)
    before = reading.pid
    for data, reason in [
        (b"<svg/>", "not-a-picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(BYTES), "too-large"),
        (promising(30_000, 30_000), "too-large"),
        (moving("gif"), "animated"),
        (saved(drawn())[:2_000], "broken"),
    ]:
        with pytest.raises(PictureRefused) as refused:
            reading.read(data, LONG_S)
        assert refused.value.reason == reason
    assert plain(reading.read(saved(drawn()), LONG_S)) == plain(WORDS)
    assert reading.pid == before


def test_a_flat_picture_of_the_largest_size_is_read_within_bounds(reading: ReadingProcess) -> None:
    assert reading.read(saved(Image.new("1", (8_000, 5_000), 1)), LONG_S) == ""
    status = Path(f"/proc/{reading.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0])
    assert peak < 1_500_000  # KiB


def test_it_can_open_nothing_more(reading: ReadingProcess) -> None:
    reading.read(saved(drawn("x")), LONG_S)
    limits = {
        line[:25].strip(): line[25:].split()[:2]
        for line in Path(f"/proc/{reading.pid}/limits").read_text().splitlines()
    }
    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    environment = Path(f"/proc/{reading.pid}/environ").read_bytes()
    assert {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry} == {
        b"LC_ALL",
        b"OMP_NUM_THREADS",
        b"ORT_DISABLE_TELEMETRY",
    }
    kept = {str(entry.readlink()).partition(":")[0] for entry in Path(f"/proc/{reading.pid}/fd").iterdir()}
    assert kept <= {"pipe", "/dev/null"}


def test_what_takes_too_long_is_broken_off_and_the_next_is_read(reading: ReadingProcess) -> None:
    reading.read(saved(drawn("x")), LONG_S)
    before = reading.pid
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    with pytest.raises(TookTooLong):
        reading.read(saved(drawn()), 0.2)
    assert not Path(f"/proc/{before}").exists()
    assert plain(reading.read(saved(drawn()), LONG_S)) == plain(WORDS)


def test_a_process_that_dies_takes_nothing_with_it(reading: ReadingProcess) -> None:
    reading.read(saved(drawn("x")), LONG_S)
    assert reading.pid is not None
    os.kill(reading.pid, signal.SIGKILL)
    # Whether its death is seen before the picture is sent or after: it is told, and the next one is read.
    try:
        reading.read(saved(drawn()), LONG_S)
    except PictureRefused as refused:
        assert refused.reason == "broken"
    assert plain(reading.read(saved(drawn()), LONG_S)) == plain(WORDS)
    reading.close()
    assert reading.pid is None


HOLDER = """
import sys
from holdfast.media.process import ReadingProcess

reading = ReadingProcess()
reading.read(sys.stdin.buffer.read(), 120)
print(reading.pid, flush=True)
sys.stdin.close()
import time
time.sleep(60)
"""


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        holder.stdin.write(saved(drawn("x")))
        holder.stdin.close()
        pid = int(holder.stdout.readline())
        assert not gone(pid)
        holder.kill()
        holder.wait(30)
        eventually(lambda: gone(pid), within_s=30)
    finally:
        holder.kill()
        holder.wait(30)
        holder.stdout.close()
