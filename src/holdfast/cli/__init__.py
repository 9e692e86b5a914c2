"""The command line: one file a group of commands, each a thin shell over the Python API."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

from cyclopts import App

from holdfast import __version__
from holdfast.errors import HoldfastError

app = App(
    name="holdfast",
    help="A safety engine for video and social platforms, from the side of the people who get targeted.",
    version=__version__,
)
# Each command's module is imported when it is called, so that `holdfast --help` is instant.
app.command("holdfast.cli.ledger:app", name="ledger")
app.command("holdfast.cli.decide:decide", name="decide")
app.command("holdfast.cli.explain:explain", name="explain")
app.command("holdfast.cli.evaluate:evaluate", name="evaluate")
app.command("holdfast.cli.calibrate:calibrate", name="calibrate")
app.command("holdfast.cli.serve:serve", name="serve")
app.command("holdfast.cli.key:app", name="key")
app.command("holdfast.cli.policy:app", name="policy")


def main() -> None:
    """Run the command line; an error that Holdfast explains ends with exit code 2 and no traceback."""
    try:
        try:
            app()
        finally:
            # Here, not when the interpreter ends: there a full disk or a closed pipe could only be complained of.
            sys.stdout.flush()
    except HoldfastError as error:
        _refuse(error)
    except BrokenPipeError:
        # Whoever read has seen enough.
        _let_go_of_output()
        raise SystemExit(128 + signal.SIGPIPE) from None
    except OSError as error:
        _let_go_of_output()
        place = "standard output" if error.filename is None else str(error.filename)
        _refuse(HoldfastError("cannot be read or written", where=place, value=error.strerror))
    except Exception as error:
        # Imported already if it is the database's: `holdfast --help` need not wait for it.
        exceptions = sys.modules.get("sqlalchemy.exc")
        if exceptions is None or not isinstance(error, exceptions.DBAPIError):
            raise
        from holdfast.store.errors import explained

        _refuse(explained(error, "the ledger"))


def _let_go_of_output() -> None:
    """Python would complain once more when it closes what could not be written."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(error: HoldfastError) -> NoReturn:
    print(f"holdfast: {error}", file=sys.stderr)  # noqa: T201
    raise SystemExit(2) from None
