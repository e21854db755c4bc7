"""The id of the request that is being answered, so that log lines can carry it."""

from __future__ import annotations

from contextvars import ContextVar

CURRENT_REQUEST_ID: ContextVar[str | None] = ContextVar("demijohn_request_id", default=None)
"""Set by the HTTP side for the task that answers a request; None elsewhere."""
