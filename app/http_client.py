"""Asks an HTTP server, this service's too, as a client outside does: httpx, with the errors that matter told apart."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple

import httpx

NO_HEADERS: Mapping[str, str] = {}


class NotConnected(ConnectionError):
    """There is no connection: nothing was sent."""


class HttpAnswer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class HttpClient:
    """Calls one server on connections that are kept between calls. Proxies of the environment are not used."""

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        """`context`: what to believe of certificates; by default what this machine believes. Raises ValueError."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            parsed = httpx.URL()
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError(f"{url} is no URL of an HTTP server")
        self._authority = parsed.netloc.decode("ascii")
        verify = context or ssl.create_default_context()
        self._http = httpx.AsyncClient(base_url=parsed, verify=verify, trust_env=False)

    async def get(self, path: str, timeout_s: float, headers: Mapping[str, str] = NO_HEADERS) -> HttpAnswer:
        """Raises OSError where no whole answer came: NotConnected where nothing was sent, TimeoutError in the end."""
        return await self._call("GET", path, headers, None, timeout_s)

    async def post(
        self, path: str, body: bytes, timeout_s: float, headers: Mapping[str, str] = NO_HEADERS
    ) -> HttpAnswer:
        """As `get`. What was posted may have been taken although OSError was raised."""
        return await self._call("POST", path, headers, body, timeout_s)

    async def close(self) -> None:
        """Closes what is kept open."""
        await self._http.aclose()

    async def _call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> HttpAnswer:
        try:
            async with asyncio.timeout(timeout_s):  # httpx bounds each step, not the whole
                answer = await self._http.request(method, path, headers=headers, content=body, timeout=timeout_s)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotConnected(f"{self._authority} cannot be connected to: {error}") from error
        except httpx.TimeoutException as error:
            raise TimeoutError(f"no answer within {timeout_s:g} s") from error
        except httpx.HTTPError as error:
            raise ConnectionError(f"no whole answer came: {error}") from error
        return HttpAnswer(answer.status_code, answer.content)
