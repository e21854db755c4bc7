from __future__ import annotations

from tests.api.conftest import key_file, make_service, service

__all__ = ["key_file", "make_service", "service"]

ACT = {"content-type": "application/json"}
"""The headers that every action needs."""
