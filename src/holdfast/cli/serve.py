"""`holdfast serve`: the HTTP server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from holdfast.settings import DEFAULT_DATA, load_settings


def serve(
    *,
    data: Annotated[Path, Parameter(env_var="HOLDFAST_DATA")] = DEFAULT_DATA,
    host: str | None = None,
    port: int | None = None,
    policy: Path | None = None,
) -> None:
    """Decide over HTTP, with a console for people.

    Stop it with Ctrl-C or SIGTERM: requests in flight are answered first. A second signal quits at once.

    Parameters
    ----------
    data
        Folder that holds all state; made on first use.
    host
        Address to listen on. Other than loopback needs an API key: `holdfast key create`.
    port
        Port to listen on; 0 picks a free one.
    policy
        Policy file that decides instead of the published one.
    """
    # Imported here so that `holdfast --help` does not wait for the engine.
    from holdfast.engine import Engine
    from holdfast.policy.policy import Policy
    from holdfast.web import logs
    from holdfast.web.access import binds_loopback
    from holdfast.web.app import create_app
    from holdfast.web.server import listen, url_of
    from holdfast.web.server import serve as run

    settings = load_settings(data)
    host = settings.serve.host if host is None else host
    port = settings.serve.port if port is None else port
    logs.configure()
    chosen = None if policy is None else Policy.load(policy.read_text("utf-8"), Engine().schema, str(policy))
    listener = listen(host, port)
    url = url_of(listener)
    app = create_app(data, settings, policy=chosen, bound_to_loopback=binds_loopback(host))

    def say_where() -> None:
        print(f"Holdfast serves {url}   (data: {data})", flush=True)  # noqa: T201
        if app.state.service.access.is_open:
            print(_FIRST_STEPS.format(url=url, data=data), file=sys.stderr, flush=True)  # noqa: T201

    run(app, listener, drain_s=settings.serve.drain_s, on_start=say_where)


_FIRST_STEPS = """\
Open {url}/ in a browser, or try:
  curl {url}/v1/decide -H 'Content-Type: application/json' -d '{{"id": "1", "text": "What a lovely song!"}}'
Warning: there is no API key yet, so every program on this machine may use this server. The first key ends that:
  holdfast key create --scope decide --label NAME --data {data}"""
