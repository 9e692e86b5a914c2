"""Settings: `holdfast.toml` in the data folder, each overridable by one environment variable.

`[serve] port = 8080` is the same as `HOLDFAST_SERVE_PORT=8080`. Precedence: environment, then the
file, then the defaults below. The reference page is generated from these docstrings.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from holdfast.errors import InvalidSetting

FILE_NAME = "holdfast.toml"
DEFAULT_DATA = Path("holdfast-data")

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1)]
WORKERS_LIMIT = 256


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of each decision, and where."""

    database: Annotated[
        str | None,
        Meta(description="SQLAlchemy URL of the store. Unset: SQLite in the data folder."),
    ] = None
    allow_sample_rate: Annotated[
        Share,
        Meta(description="Share of `allow` decisions that is kept in full; the others are kept compactly."),
    ] = 0.01
    keep_allowed_text: Annotated[
        bool,
        Meta(
            description="Keep the text of compactly kept items. Off: they can be counted, not decided again."
        ),
    ] = True


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP server."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 picks a free one.")] = 8080
    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=WORKERS_LIMIT,
            description="Processes that decide, each with an engine of its own; as many as there are cores use the machine.",
        ),
    ] = 1
    body_limit: Annotated[Positive, Meta(description="Bytes of a request body.")] = 8 * 1024 * 1024
    timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds after which an unanswered request gets 503.")
    ] = 10.0
    queue_limit: Annotated[
        Positive,
        Meta(
            description="Items that may wait for the engine of each worker; more are answered 503 with Retry-After."
        ),
    ] = 10_000
    queue_s: Annotated[
        float,
        Meta(
            gt=0,
            description="Seconds that a request may have to wait for the engine; where it would be longer, "
            "it is answered 503 with Retry-After.",
        ),
    ] = 2.0
    batch_limit: Annotated[
        Positive, Meta(description="Items that one engine batch gathers from requests.")
    ] = 512
    rate_limit: Annotated[
        Positive, Meta(description="Items per second and API key, with bursts of ten seconds' worth.")
    ] = 50_000
    idempotency_hours: Annotated[
        Positive, Meta(description="Hours for which an Idempotency-Key is remembered.")
    ] = 24
    drain_s: Annotated[
        float, Meta(gt=0, description="Seconds that SIGTERM waits for requests in flight.")
    ] = 20.0
    kit: Annotated[
        bool,
        Meta(description="Show `/kit`, the console's parts in each of their states. For developers."),
    ] = False


class ClassifierSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The classifier's stages: a memory, a student where it is sure that nothing would be found, then the encoder."""

    cache: Annotated[
        int, Meta(ge=0, description="Texts whose answer each process remembers; 0 switches the memory off.")
    ] = 50_000
    student: Annotated[bool, Meta(description="Let the student answer what it is sure of.")] = True
    encoder: Annotated[
        bool,
        Meta(description="Ask the encoder. Off: the student answers everything, much faster and worse."),
    ] = True
    weights: Annotated[
        str | None,
        Meta(description="Folder of other weights, from `make train`. Unset: those that come with Holdfast."),
    ] = None


class CompatibleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wire formats of Perspective and of OpenAI's moderations."""

    record: Annotated[
        bool,
        Meta(
            description="Decide what comes in these formats by the live policy and record it, as `/v1/decide` does "
            "(never where the request says `doNotStore`). Off: it is scored, nothing is kept, and suggested "
            "scores are refused."
        ),
    ] = True
    queue_s: Annotated[
        float,
        Meta(gt=0, description="As `serve.queue_s`, for these: Coral gives up after 0.3 seconds."),
    ] = 0.25
    image_hosts: Annotated[
        str,
        Meta(
            description="Hosts from which images may be fetched, with commas between. Unset: no image is "
            "fetched from anywhere; data URLs are always read."
        ),
    ] = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator can set."""

    ledger: LedgerSettings = LedgerSettings()
    serve: ServeSettings = ServeSettings()
    compatible: CompatibleSettings = CompatibleSettings()
    classifier: ClassifierSettings = ClassifierSettings()


def load_settings(data: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings for the data folder `data`. Raises `InvalidSetting` naming file, key, value and range."""
    environ = os.environ if environ is None else environ
    path = data / FILE_NAME
    tree: dict[str, Any] = {}
    if path.is_file():
        try:
            tree = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidSetting("is not valid TOML", where=str(path), value=str(error)) from None
    for section, name in setting_names():
        variable = environment_variable(section, name)
        if variable in environ and isinstance(tree.setdefault(section, {}), dict):
            tree[section][name] = environ[variable]
    _refuse_unknown(tree, path)
    try:
        # Not strict, so that an environment variable's "8080" is read as a number.
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidSetting(
            str(error),
            where=f"{path} or its environment variable",
            next_step="see the settings reference, docs/reference/settings.md",
        ) from None


def _refuse_unknown(tree: Mapping[str, Any], path: Path) -> None:
    """Raise for a name that is none, with the one that may have been meant."""
    known: dict[str, list[str]] = {}
    for section, name in setting_names():
        known.setdefault(section, []).append(name)
    found = [(f"[{section}]", section, list(known)) for section in tree if section not in known]
    for section, names in known.items():
        given = tree.get(section)
        if isinstance(given, Mapping):
            found += [(f"[{section}] {name}", name, names) for name in given if name not in names]
    for where, name, expected in found:
        close = get_close_matches(name, expected, n=1)
        raise InvalidSetting(
            "there is no such setting",
            where=f"{path}, {where}",
            expected=", ".join(expected),
            next_step=f"did you mean {close[0]}?" if close else "see docs/reference/settings.md",
        )


def setting_names() -> list[tuple[str, str]]:
    """Every `(section, name)`."""
    return [
        (section.name, setting.name)
        for section in msgspec.structs.fields(Settings)
        for setting in msgspec.structs.fields(section.type)
    ]


def environment_variable(section: str, name: str) -> str:
    return f"HOLDFAST_{section}_{name}".upper()
