"""What several commands share: where the data is, the ledger in it, and which policy a word means."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from holdfast.errors import HoldfastError
from holdfast.settings import DEFAULT_DATA, load_settings

if TYPE_CHECKING:
    from holdfast.engine import Engine
    from holdfast.ledger.ledger import Ledger
    from holdfast.policy.policy import Policy

__all__ = [
    "DEFAULT_DATA",
    "Data",
    "Unusable",
    "find_policy",
    "keep_from_harm",
    "maybe_ledger",
    "open_ledger",
    "tell",
    "who",
]

Data = Annotated[
    Path,
    Parameter(name="--data", env_var="HOLDFAST_DATA", help="Folder that holds all state; made on first use."),
]

POLICY_LIMIT = 1024 * 1024
"""Bytes of a policy file."""


_STATE = re.compile(
    r"holdfast\.(toml|db(-wal|-shm|-journal)?)|serve\.lock|counters\.\w+|calibration\.json(\.1)?"
)
"""Names in the data folder that a command's output must not replace."""


class Unusable(HoldfastError):
    """Something named on the command line is not there or cannot be read."""

    code = "unusable"


@contextmanager
def open_ledger(data: Path, database: str | None = None, *, must_exist: bool = False) -> Iterator[Ledger]:
    """The ledger of the data folder, made on first use unless it `must_exist`."""
    from holdfast.ledger.ledger import Ledger

    url = database or load_settings(data).ledger.database
    file = data / "holdfast.db" if url is None else _sqlite_file(url)
    if must_exist and file is not None and not file.is_file():
        raise Unusable(
            "there is no ledger here",
            where=str(file),
            next_step="name the folder with --data or HOLDFAST_DATA; `holdfast decide` and `serve` make one",
        )
    with Ledger.open(url, data=data) as ledger:
        yield ledger


@contextmanager
def maybe_ledger(data: Path, database: str | None = None) -> Iterator[Ledger | None]:
    """The ledger if there is one: who only looks makes none."""
    url = database or load_settings(data).ledger.database
    file = data / "holdfast.db" if url is None else _sqlite_file(url)
    if file is not None and not file.is_file():
        yield None
    else:
        with open_ledger(data, database) as ledger:
            yield ledger


def keep_from_harm(
    outputs: Mapping[str, Path | None],
    data: Path,
    reads: Mapping[str, str | Path | None],
    database: str | None = None,
) -> None:
    """Refuse outputs that would replace Holdfast's own state, or a file that the same command reads.

    Both are told by what the command calls them. Files are compared by what they are, so that a link to
    one counts as it.
    """
    url = database or load_settings(data).ledger.database
    elsewhere = None if url is None else _sqlite_file(url)
    for option, path in outputs.items():
        if path is None:
            continue
        resolved, folder = path.resolve(), data.resolve()
        inside = resolved.parent == folder and _STATE.fullmatch(resolved.name)
        if (
            inside
            or folder / "lexicons" in resolved.parents
            or _same(path, elsewhere)
            or _linked(path, folder)
        ):
            raise Unusable(
                "holds Holdfast's own state",
                where=f"{option} {path}",
                expected="a file that may be replaced",
                next_step="name another file",
            )
        for name, read in reads.items():
            if read is not None and _same(path, Path(read)):
                raise Unusable(f"is {name} as well", where=f"{option} {path}", next_step="name another file")


def _same(path: Path, other: Path | None) -> bool:
    try:
        return other is not None and path.samefile(other)
    except OSError:
        return False


def _linked(path: Path, folder: Path) -> bool:
    """Whether `path` is a hard link to a file of state."""
    try:
        if path.stat().st_nlink < 2:
            return False
        return any(_same(path, entry) for entry in folder.iterdir() if _STATE.fullmatch(entry.name))
    except OSError:
        return False


def _sqlite_file(url: str) -> Path | None:
    scheme, _, path = url.partition(":///")
    return Path(path.partition("?")[0]) if scheme.startswith("sqlite") and path else None


def find_policy(named: str, engine: Engine, ledger: Ledger | None = None) -> Policy:
    """The policy that `named` means: a file, a pack that ships with Holdfast, or one in the ledger (by its
    id `name@version`, or by its name where only one version is known)."""
    from holdfast.policy.packs import PACKS, pack_source
    from holdfast.policy.policy import Policy

    path = Path(named)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return Policy.load(_read(path), engine.schema, named)
    if named in PACKS:
        return Policy.load(pack_source(named), engine.schema, named)
    states = {} if ledger is None else ledger.policies()
    known = [state for state in states.values() if named in (state.policy, state.policy.partition("@")[0])]
    if len(known) != 1:
        raise Unusable(
            "means no policy" if not known else "means several policies",
            where=named,
            expected=f"a .yaml file, a pack ({', '.join(PACKS)}), or one of: {', '.join(states) or 'none published yet'}",
            next_step="holdfast policy list",
        )
    return Policy.load(known[0].source, engine.schema, known[0].policy)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(POLICY_LIMIT + 1)
    except OSError as error:
        raise Unusable("cannot be read", where=str(path), value=error.strerror) from None
    if len(content) > POLICY_LIMIT:
        raise Unusable(
            "is too large for a policy", where=str(path), expected=f"at most {POLICY_LIMIT:,} bytes"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable("is not UTF-8", where=str(path), value=f"byte {error.start}") from None


def who() -> str:
    """The user who runs this, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def tell(line: str) -> None:
    """Say something to the person, not to the pipe."""
    print(line, file=sys.stderr)  # noqa: T201
