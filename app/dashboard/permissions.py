"""What the caller may do, and why not where he may not."""

from __future__ import annotations

from typing import Any

from app.api.access import ADMIN
from app.api.keys import ApiKey

ALL_WITHOUT_KEYS = ("produce", "read")


def why_no_produce(key: ApiKey | None) -> str | None:
    """Why the caller may not produce; None where he may, as far as that does not depend on the topic."""
    if key is None or key.roles & {ADMIN, "produce"}:
        return None
    return f"The API key {key.name} does not have the role produce"


def roles_of(key: ApiKey | None) -> list[str]:
    """The roles of the caller; without keys everybody may produce and read."""
    return sorted(ALL_WITHOUT_KEYS if key is None else key.roles)


def permission(why_not: str | None) -> dict[str, Any]:
    """As it stands in documents."""
    return {"allowed": why_not is None, "why_not": why_not}
