"""Checks of what is here: settings, table, files, limits, the port."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

import orjson

from app.api.cross_site import is_loopback
from app.api.keys import read_keys
from app.api.payload_schemas import load_schemas
from app.dashboard.shell import STATIC
from app.doctoring.examination import Answer, Check, ok, warn
from app.errors import RoutesInvalid
from app.http_client import HttpClient
from app.routes.table import RoutingTable
from app.settings import Settings, misspelled

FEW_FILES = 4096
"""Every connection, of clients and to brokers, is a file; 500 connections and a large cluster stay below."""
ANSWER_TIMEOUT_S = 2.0


def own_checks(
    settings: Settings, table: RoutingTable | RoutesInvalid, environment: Mapping[str, str] = os.environ
) -> list[Check]:
    """All of them. `table`: or why there is none."""
    own = Own(settings, table, environment)
    return [
        Check("settings", own.settings, "Correct the settings that are named"),
        Check("routing table", own.table, "Correct what ROUTES names, app/routing.py by default"),
        Check("API keys", own.keys, "Correct the file that HTTP_API_KEYS_FILE names"),
        Check("payload schemas", own.schemas, "Correct the files in HTTP_SCHEMAS_DIR"),
        Check("open files", own.files, "Raise the limit, for example with ulimit -n 65536"),
        Check("port", own.port, "Stop what listens there, or set HTTP_PORT to another port"),
        Check("web page", own.web_page, "make ui builds it; the container image has it"),
    ]


class Own:
    """Looks at this machine only."""

    def __init__(self, settings: Settings, table: RoutingTable | RoutesInvalid, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._table = table
        self._environment = environment

    async def settings(self) -> Answer:
        if names := misspelled(self._environment):
            listed = ", ".join(f"{name} (did you mean {meant}?)" for name, meant in names)
            return warn(f"not settings: {listed}", "Correct the names of these variables")
        fields = Settings.model_fields
        changed = sum(getattr(self._settings, name) != field.default for name, field in fields.items())
        return ok(f"{changed} of {len(fields)} differ from their defaults")

    async def table(self) -> Answer:
        if isinstance(self._table, RoutesInvalid):
            raise self._table
        lines = self._table.subscriptions
        if not lines:
            return warn(
                f"{self._settings.routes} draws no line: nothing is consumed", "Name topics and consumers there"
            )
        return ok(f"{len(lines)} lines in {len(self._table.groups)} groups")

    async def keys(self) -> Answer:
        return await asyncio.to_thread(self._keys)

    def _keys(self) -> Answer:
        if self._settings.http_api_keys_file is None:
            if is_loopback(self._settings.http_host):
                return ok("none; only this machine can reach the service")
            detail = f"none, and the service listens on {self._settings.http_host}: anybody there can produce"
            return warn(detail, "Set HTTP_API_KEYS_FILE; demijohn keys new makes a key")
        path = Path(self._settings.http_api_keys_file)
        keys = read_keys(path.read_text("utf-8"))
        if path.stat().st_mode & 0o004:
            return warn(f"{path} can be read by everybody on this machine", f"chmod o-r {path}")
        return ok(f"{len(keys)} in {path}")

    async def schemas(self) -> Answer:
        return await asyncio.to_thread(self._schemas)

    def _schemas(self) -> Answer:
        directory = self._settings.http_schemas_dir
        if directory is None:
            return ok("none: payloads are not checked")
        load_schemas(directory)
        return ok(f"{len(list(Path(directory).glob('*.json')))} in {directory}")

    async def files(self) -> Answer:
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most < FEW_FILES:
            return warn(f"{most} may be open at once", "Raise the limit, for example with ulimit -n 65536")
        return ok(f"{most} may be open at once")

    async def port(self) -> Answer:
        host, port = self._settings.http_host, self._settings.http_port
        if await asyncio.to_thread(_is_free, host, port):
            return ok(f"{host}:{port} is free")
        scheme = "https" if self._settings.http_tls_cert else "http"
        asked = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        url = f"{scheme}://{asked}:{port}{self._settings.http_root_path}"
        client = HttpClient(url, _believing_all())
        try:
            answer = orjson.loads((await client.get("/health/ready", ANSWER_TIMEOUT_S)).body)
            status = answer.get("status", "it does not say how it is")
        except (OSError, ValueError, AttributeError):
            return warn(
                f"{host}:{port} is taken by something that is no Demijohn, or that hangs",
                "Stop it, or set HTTP_PORT to another port",
            )
        finally:
            await client.close()
        return ok(f"a service runs at {host}:{port}: {status}")

    async def web_page(self) -> Answer:
        if (STATIC / "index.html").exists():
            return ok("it is built")
        return warn("it is not built: the dashboard is JSON and a plain page", "make ui builds it")


def _believing_all() -> ssl.SSLContext:
    """For a look at this machine's own service, whose certificate has another name than the address asked."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return False
    return True
