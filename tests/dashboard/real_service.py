"""The whole service in this process, on a real Kafka, with a client that speaks to it without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from app.api.application import Application
from app.main import Service, build
from app.routes.loading import draw_table
from app.routes.routes import Routes
from tests.conftest import make_settings
from tests.waiting import until

ORIGIN = "http://127.0.0.1:3000"


class RealService:
    """`http` asks it, `application` is the ASGI application itself."""

    def __init__(self, service: Service, application: Application) -> None:
        self.service = service
        self.application = application
        transport = httpx.ASGITransport(application, raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"accept": "application/json"})

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        """The document at a path. `params` may have an underscore behind what Python keeps for itself."""
        named = {name.removesuffix("_"): value for name, value in params.items()}
        response = await self.http.get(path, params=named)
        assert response.status_code == status, response.text
        return response.json()

    async def act(self, method: str, path: str, body: Any, status: int = 200) -> Any:
        """The answer to an action."""
        response = await self.http.request(method, path, json=body)
        assert response.status_code == status, response.text
        return response.json()

    async def produce(self, topic: str, *payloads: Any, **fields: Any) -> None:
        """Stores messages, one after the other."""
        for payload in payloads:
            response = await self.http.post("/produce", json={"topic": topic, "payload": payload, **fields})
            assert response.status_code == 200, response.text


@asynccontextmanager
async def real_service(
    servers: str, draw: Callable[[Routes], None] = lambda routes: None, **changes: object
) -> AsyncIterator[RealService]:
    """Runs it. `changes` are settings."""
    settings = make_settings(servers, **changes)
    service = Service(settings, draw_table(draw, settings))
    application = build(service)
    await service.start(consumers=False)
    running = RealService(service, application)
    try:
        await until(lambda: service.lifecycle.state == "running", "the service runs")
        yield running
    finally:
        await running.http.aclose()
        await service.stop()
