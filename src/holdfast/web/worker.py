"""One worker process of `holdfast serve --workers N`; `supervisor.py` starts it.

It reads its task from standard input, reports on standard output whether it answers, and stops when standard
input ends: a worker never outlives its supervisor.
"""

from __future__ import annotations

import os
import socket
import sys

from holdfast.errors import HoldfastError
from holdfast.web import logs
from holdfast.web.workplace import Report, Task, decode_task, encode


def main() -> None:
    told = sys.stdin.buffer.readline()
    if not told:
        return  # nobody is there any more
    task = decode_task(told)
    # Whatever prints must not be taken for a report.
    reports = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for inherited in (task.listener, task.lock):
        os.set_inheritable(inherited, False)
    logs.configure(worker=task.place.number)
    try:
        _serve(task, reports)
    except HoldfastError as error:
        os.write(reports, encode(_refusal(error)))
        raise SystemExit(2) from None


def _serve(task: Task, reports: int) -> None:
    from sqlalchemy.exc import DBAPIError

    from holdfast.store.errors import explained
    from holdfast.web.app import create_app
    from holdfast.web.server import serve

    def ready() -> None:
        os.write(reports, encode(Report(ready=True, open=app.state.service.access.is_open)))

    app = create_app(
        task.data,
        task.settings,
        policy=task.policy,
        bound_to_loopback=task.bound_to_loopback,
        place=task.place,
    )
    listener = socket.socket(fileno=task.listener)
    try:
        serve(
            app,
            listener,
            drain_s=task.settings.serve.drain_s,
            on_start=ready,
            lifeline=sys.stdin.fileno(),
        )
    except DBAPIError as error:
        raise explained(error, "the ledger") from None


def _refusal(error: HoldfastError) -> Report:
    return Report(
        ready=False,
        code=error.code,
        what=error.what,
        where=error.where,
        value=error.value,
        expected=error.expected,
        next_step=error.next_step,
    )


if __name__ == "__main__":
    main()
