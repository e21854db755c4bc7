from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from tests.api.key_files import KeyFile
from tests.api.service import Service

MakeService = Callable[..., Service]


@pytest.fixture
async def make_service() -> AsyncIterator[MakeService]:
    """Makes services and closes them; keyword arguments are settings."""
    made: list[Service] = []

    def make(**settings: object) -> Service:
        made.append(Service(**settings))  # type: ignore[arg-type]  # settings of any kind
        return made[-1]

    yield make
    for service in made:
        await service.close()


@pytest.fixture
async def service(make_service: MakeService) -> Service:
    return make_service()


@pytest.fixture(params=[True, False], ids=["fast lane", "ordinary route"])
async def either(request: pytest.FixtureRequest, make_service: MakeService) -> Service:
    """A service that answers produce calls in the fast lane, and one that lets FastAPI route them."""
    return make_service(fast_lane=request.param)


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyFile:
    """A file of API keys that is empty at first."""
    return KeyFile(tmp_path / "keys.toml", monkeypatch)


@pytest.fixture(params=[True, False], ids=["fast lane", "ordinary route"])
def make_either(request: pytest.FixtureRequest, make_service: MakeService) -> MakeService:
    """Makes services as `either` is one, with settings of the test's own."""
    return partial(make_service, fast_lane=request.param)
