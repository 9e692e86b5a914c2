"""The documentation is executed: every console block and every Python block of README and docs/.

In a ```console block a line that starts with `$ ` is a command (run by bash in a folder that the
page's blocks share), the lines after it are what it prints: `…` stands for anything, within a line
or as a line of its own. A block that needs a running server says so by starting one itself.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"^```(?P<kind>console|python|yaml|json|csv)(?P<info>[^\n]*)\n(?P<body>.*?)^```", re.M | re.S
)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    for match in BLOCK.finditer(page.read_text("utf-8")):
        yield match["kind"], match["info"].strip(), match["body"]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a page's commands run. A server that one of them started (its id in a file `*.pid`) ends with the test."""
    yield tmp_path
    for left in tmp_path.glob("*.pid"):
        with suppress(ProcessLookupError, ValueError):
            os.kill(int(left.read_text()), signal.SIGTERM)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", [p for p in PAGES if "$ " in p.read_text("utf-8")], ids=name)
def test_commands_print_what_the_page_says(page: Path, folder: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOLDFAST_DATA": str(folder / "holdfast-data"),
        "COLUMNS": "100",
        "TERM": "dumb",
        "NO_COLOR": "1",
    }
    ran = 0
    for kind, info, body in blocks(page):
        if info.startswith("title="):  # a file that later commands read
            (folder / info.removeprefix("title=").strip('"')).write_text(body, "utf-8")
        if kind != "console" or "not-run" in info:
            continue
        for command, expected in commands(body):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
            )
            ran += 1
            # Only a failure that the page shows is one that it means.
            shown = expected.strip() not in ("", "…")
            assert done.returncode == 0 or shown, f"{name(page)}: `{command}` failed\n{done.stdout}"
            assert matches(expected, done.stdout), (
                f"{name(page)}: `{command}` printed\n{done.stdout}\nthe page says\n{expected}"
            )
    assert ran


@pytest.mark.parametrize("page", [p for p in PAGES if "```python" in p.read_text("utf-8")], ids=name)
def test_python_snippets_run(page: Path) -> None:
    # Those with a title are files that commands run.
    code = "\n".join(
        body
        for kind, info, body in blocks(page)
        if kind == "python" and "not-run" not in info and not info.startswith("title=")
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"{name(page)}:\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not broken


def commands(body: str) -> Iterator[tuple[str, str]]:
    command, expected = "", []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(expected)
            command, expected = line[2:], []
        elif command.endswith("\\") and not expected:
            command = f"{command[:-1]}{line.strip()}"
        else:
            expected.append(line)
    if command:
        yield command, "\n".join(expected)


def matches(expected: str, printed: str) -> bool:
    if not expected.strip():
        return True
    pattern = ".*?".join(re.escape(part) for part in re.split(r"[ \t]*…[ \t]*", _tidy(expected)))
    return re.fullmatch(pattern, _tidy(printed), re.S) is not None


def _tidy(text: str) -> str:
    return "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in text.strip().splitlines())


def test_nothing_goes_undocumented() -> None:
    """Every command, setting, field, rule function, event and route is on a generated page, as it is now."""
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
