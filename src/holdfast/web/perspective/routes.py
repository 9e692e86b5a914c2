"""The routes of Perspective's format."""

from __future__ import annotations

from litestar.handlers.asgi_handlers import ASGIRouteHandler

from holdfast.web.perspective import discovery
from holdfast.web.perspective.analyze import Analyzer
from holdfast.web.perspective.door import Door
from holdfast.web.perspective.suggest import Suggester
from holdfast.web.service import Service


def perspective_routes(service: Service) -> list[ASGIRouteHandler]:
    """The handlers of all of them. They ask for the key themselves, as `/v1/decide` does."""
    door = Door(service)
    return [
        door.get(discovery.PATH, discovery.discovery),
        door.post(f"/{discovery.ANALYZE}", Analyzer(service).answer, service.settings.compatible.queue_s),
        door.post(f"/{discovery.SUGGEST}", Suggester(service).answer),
    ]
