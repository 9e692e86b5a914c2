"""`holdfast serve`: the HTTP server."""

from __future__ import annotations

import sys

from holdfast.cli.common import DEFAULT_DATA, Data, Unusable, find_policy, maybe_ledger
from holdfast.settings import WORKERS_LIMIT, load_settings


def serve(
    *,
    data: Data = DEFAULT_DATA,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
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
    workers
        Processes that decide; as many as there are cores use the machine.
    policy
        What decides instead of the published policy: a file, a pack's name, or one in the ledger.
    """
    # Imported here so that `holdfast --help` does not wait for the engine.
    from holdfast.web import logs
    from holdfast.web.access import binds_loopback
    from holdfast.web.listener import listen, url_of

    settings = load_settings(data)
    host = settings.serve.host if host is None else host
    port = settings.serve.port if port is None else port
    workers = settings.serve.workers if workers is None else workers
    if not 1 <= workers <= WORKERS_LIMIT:
        raise Unusable(
            "is no number of workers", where="--workers", value=str(workers), expected=f"1 to {WORKERS_LIMIT}"
        )
    logs.configure()
    listener = listen(host, port)
    url = url_of(listener)
    chosen = None
    if policy is not None:
        from holdfast.decider import open_engine

        with maybe_ledger(data) as ledger:
            chosen = find_policy(policy, open_engine(data), ledger)

    def say_where(is_open: bool) -> None:
        print(f"Holdfast serves {url}   (data: {data})", flush=True)  # noqa: T201
        if is_open:
            print(_FIRST_STEPS.format(url=url, data=data), file=sys.stderr, flush=True)  # noqa: T201

    if workers > 1:
        from holdfast.web.folder_lock import lock_folder
        from holdfast.web.supervisor import Supervisor
        from holdfast.web.workplace import PolicyText

        with lock_folder(data) as lock:
            supervisor = Supervisor(
                data,
                settings,
                listener,
                lock,
                workers=workers,
                policy=None if chosen is None else PolicyText(chosen.source, chosen.path),
                bound_to_loopback=binds_loopback(host),
                on_start=say_where,
            )
            raise SystemExit(supervisor.run())

    from holdfast.web.app import create_app
    from holdfast.web.server import serve as run

    app = create_app(data, settings, policy=chosen, bound_to_loopback=binds_loopback(host))
    run(
        app,
        listener,
        drain_s=settings.serve.drain_s,
        on_start=lambda: say_where(app.state.service.access.is_open),
    )


_FIRST_STEPS = """\
Open {url}/ in a browser, or try:
  curl {url}/v1/decide -H 'Content-Type: application/json' -d '{{"id": "1", "text": "What a lovely song!"}}'
Warning: there is no API key yet, so every program on this machine may use this server. The first key ends that:
  holdfast key create --scope decide --label NAME --data {data}"""
