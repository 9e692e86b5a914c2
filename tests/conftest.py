"""Fixtures for every test: databases of both kinds, PostgreSQL's started for the run on loopback.

A test that takes `database_url` runs twice, over SQLite and over PostgreSQL.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# What a change is judged by must not depend on luck; everyday runs go on looking for new examples.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def _skip(reason: str) -> None:
    if os.environ.get("HOLDFAST_NO_SKIP") == "1":
        pytest.fail(f"{reason}, and HOLDFAST_NO_SKIP=1 allows no skip")
    pytest.skip(reason)


def _unprivileged() -> str | None:
    """The user to run the server as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of random weights: as real as the one that ships, and quick, for tests of what stands around it."""
    from tests.models.tiny import write

    folder = tmp_path_factory.mktemp("tiny") / "weights"
    write(folder)
    return folder


@pytest.fixture(scope="module")
def quick_classifier(tiny_weights: Path) -> Iterator[None]:
    """Commands and servers read texts with `tiny_weights`, in this process and in those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOLDFAST_CLASSIFIER_WEIGHTS", str(tiny_weights))
        yield


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL, without a database's name, of a PostgreSQL server that lives as long as the tests."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("initdb")
    if not versions and on_path is None:
        _skip("PostgreSQL is not installed")
    programs = versions[-1].parent if versions else Path(str(on_path)).parent
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pg-", dir="/tmp"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        data, port = folder / "data", _free_port()

        def run(program: str, *arguments: str) -> None:
            with (folder / "output").open("ab") as output:
                subprocess.run(
                    [programs / program, *arguments],
                    check=True, user=user, cwd=folder, stdout=output, stderr=output, timeout=60,
                )  # fmt: skip

        run("initdb", "-D", str(data), "-U", "holdfast", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg://holdfast@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """The URL of an empty PostgreSQL database."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{_libpq(postgresql_server)}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
    return f"{postgresql_server}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'holdfast.db'}"
    return str(request.getfixturevalue("postgresql_url"))


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")
