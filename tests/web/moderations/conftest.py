"""One server for all tests of this format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.conftest import Served
from tests.web.moderations.pictures_host import Host


@pytest.fixture(scope="session")
def pictures_host() -> Iterator[Host]:
    """A web server whose host and port the operator allows."""
    with Host() as host:
        yield host


# For the whole run, and so not by the environment that `quick_classifier` changes for a module.
@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path, pictures_host: Host
) -> Iterator[Served]:
    """A server that answers without a key and records, as it does by default."""
    server = Served(
        tmp_path_factory.mktemp("moderations"),
        environ={
            "HOLDFAST_CLASSIFIER_WEIGHTS": str(tiny_weights),
            # This machine is busy when the whole suite runs.
            "HOLDFAST_SERVE_TIMEOUT_S": "100",
            "HOLDFAST_COMPATIBLE_QUEUE_S": "100",
            "HOLDFAST_COMPATIBLE_IMAGE_HOSTS": f"images.example.org, {pictures_host.place}",
        },
    )
    yield server
    assert server.stop() == 0
    assert '"level":"error"' not in server.log()
