"""`holdfast serve`: the HTTP server."""

from __future__ import annotations

import sys

from holdfast.cli.common import DEFAULT_DATA, Data, find_policy, maybe_ledger
from holdfast.settings import load_settings


def serve(
    *,
    data: Data = DEFAULT_DATA,
    host: str | None = None,
    port: int | None = None,
    policy: str | None = None,
) -> None:
    """Decide over HTTP, with a console for people.

    Stop it with Ctrl-C or SIGTERM: requests in flight are answered first. A second signal quits at once.

    Parameters
    ----------
    host
        Address to listen on. Other than loopback needs an API key: `holdfast key create`.
    port
        Port to listen on; 0 picks a free one.
    policy
        What decides instead of the published policy: a file, a pack's name, or one in the ledger.
    """
    # Imported here so that `holdfast --help` does not wait for the engine.
    from holdfast.decider import open_engine
    from holdfast.web import logs
    from holdfast.web.access import binds_loopback
    from holdfast.web.app import create_app
    from holdfast.web.server import listen, url_of
    from holdfast.web.server import serve as run

    settings = load_settings(data)
    host = settings.serve.host if host is None else host
    port = settings.serve.port if port is None else port
    logs.configure()
    listener = listen(host, port)
    url = url_of(listener)
    chosen = None
    if policy is not None:
        with maybe_ledger(data) as ledger:
            chosen = find_policy(policy, open_engine(data), ledger)
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
