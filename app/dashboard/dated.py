"""What every document begins with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.observing.group_figures import rfc_3339
from app.observing.snapshot import SCHEMA_VERSION


def dated(members: Mapping[str, Any]) -> dict[str, Any]:
    """`members` as a document: with the version of its shape, and when it was made (RFC 3339, UTC)."""
    return {"schema_version": SCHEMA_VERSION, "generated_at": rfc_3339(datetime.now(UTC)), **members}
