"""Write the reference pages from the code, or (`--check`) say which of them lag behind it.

A command, setting, field, rule function, event or route that exists is on a page here by
construction; CI runs `--check`, so none can go undocumented.
"""

from __future__ import annotations

import inspect
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import msgspec

from holdfast.content import ITEM_FIELDS
from holdfast.schema import Field
from holdfast.settings import Settings, environment_variable
from holdfast.signals import default_signals

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py (make docs); change the code, not this page. -->\n\n"


def cli_page() -> str:
    from holdfast.cli import app

    return app.generate_docs()


def settings_page() -> str:
    parts = [
        "# Settings\n",
        "`holdfast.toml` in the data folder; each setting can also be given as an environment variable, "
        "which wins over the file. Everything has a default: the file is optional.\n",
    ]
    for section in msgspec.structs.fields(Settings):
        parts.append(f"\n## [{section.name}]\n\n{inspect.getdoc(section.type)}\n")
        rows = []
        for setting in msgspec.structs.fields(section.type):
            meta = msgspec.inspect.type_info(setting.type)
            rows.append(
                (
                    f"`{setting.name}`",
                    f"`{environment_variable(section.name, setting.name)}`",
                    f"`{setting.default!r}`",
                    _description(meta),
                )
            )
        parts.append(table(("setting", "environment variable", "default", "meaning"), rows))
    return "\n".join(parts)


def _description(meta: object) -> str:
    while meta is not None:
        schema = getattr(meta, "extra_json_schema", None) or {}
        if "description" in schema:
            return str(schema["description"])
        meta = getattr(meta, "type", None)
    raise SystemExit("a setting has no description: add one with msgspec.Meta(description=…)")


def fields_page() -> str:
    parts = [
        "# Fields\n",
        "What a rule's `when:` may read. A field that can be unknown is SQL's NULL when it is.\n",
        "\n## Of the item and its accounts\n",
        _field_table(ITEM_FIELDS),
    ]
    for signal in default_signals():
        parts.append(f"\n## Signal `{signal.name}`\n\n{inspect.getdoc(type(signal))}\n")
        parts.append(_field_table(signal.fields))
    return "\n".join(parts)


def _field_table(fields: Iterable[Field]) -> str:
    return table(
        ("field", "type", "unknown?", "range", "meaning"),
        [(f"`{f.name}`", f.type, "can be" if f.nullable else "never", _range(f), f.doc) for f in fields],
    )


def _range(field: Field) -> str:
    if field.low is None and field.high is None:
        return ""
    return (
        f"{'' if field.low is None else f'{field.low:g}'} … {'' if field.high is None else f'{field.high:g}'}"
    )


def events_page() -> str:
    from holdfast.ledger import events

    parts = ["# Events\n", f"{inspect.getdoc(events)}\n"]
    for event in get_args(events.Event):
        parts.append(f"\n## {event.__name__}\n\n{inspect.getdoc(event)}\n")
        parts.append(
            table(
                ("field", "type"),
                [(f"`{f.encode_name}`", f"`{_type_name(f.type)}`") for f in msgspec.structs.fields(event)],
            )
        )
    return "\n".join(parts)


def _type_name(kind: object) -> str:
    return getattr(kind, "__name__", None) if isinstance(kind, type) else str(kind).replace("typing.", "")


def functions_page() -> str:
    from holdfast.policy.functions import FUNCTIONS

    rows = [(f"`{f.signature}`", f.result, f.doc) for f in FUNCTIONS]
    return "\n".join(
        [
            "# Rule functions\n",
            "What a rule may call. A function with an unknown (NULL) argument is unknown, unless it says otherwise.\n",
            table(("call", "gives", "meaning"), rows),
        ]
    )


def http_page() -> str:
    from holdfast.settings import Settings
    from holdfast.web.app import create_app
    from holdfast.web.openapi import complete

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Path(folder), Settings(), bound_to_loopback=True)
        document = complete(app.openapi_schema.to_schema())
    parts = ["# The HTTP API\n", f"{document['info']['description'].strip()}\n"]
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            parts.append(f"\n## {method.upper()} {path}\n")
            parts.append(f"{(operation.get('description') or operation.get('summary') or '').strip()}\n")
            parameters = [
                (f"`{p['name']}`", p["in"], _one_line(p.get("description", "")))
                for p in operation.get("parameters", [])
            ]
            if parameters:
                parts.append(table(("parameter", "in", "meaning"), parameters))
            parts.extend(_examples("A request", operation.get("requestBody", {})))
            answers = [
                (code, _one_line(r["description"])) for code, r in sorted(operation["responses"].items())
            ]
            parts.append(table(("status", "meaning"), answers))
            if "requestBody" in operation:
                parts.extend(_examples("An answer", operation["responses"]["200"]))
    return "\n".join(parts)


def _examples(what: str, described: dict[str, Any]) -> list[str]:
    return [
        f"{what}, {name}:\n\n```json\n{json.dumps(example['value'], indent=2, ensure_ascii=False)}\n```\n"
        for content in described.get("content", {}).values()
        for name, example in content.get("examples", {}).items()
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return (
        "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "settings.md": settings_page,
    "fields.md": fields_page,
    "functions.md": functions_page,
    "http.md": http_page,
    "events.md": events_page,
}


def main() -> int:
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, NOTE + page().strip() + "\n"
        if "--check" in sys.argv[1:]:
            if not path.is_file() or path.read_text("utf-8") != text:
                stale.append(name)
        else:
            REFERENCE.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    if stale:
        sys.stderr.write(f"docs/reference lags behind the code: {', '.join(stale)}; run `make docs`\n")
    return bool(stale)


if __name__ == "__main__":
    raise SystemExit(main())
