"""Which role a route asks for."""

from __future__ import annotations

from app.api.calls import RouteInfo
from app.api.keys import ApiKey
from app.api.problems import Refusal

ADMIN = "admin"
OPEN_PREFIX = "/health/"
METRICS = "/metrics"
RECEIPTS = "/receipts/"
NOBODY: tuple[str, ...] = ()


def roles_for(route: RouteInfo) -> tuple[str, ...]:
    """The roles that may call a route, besides admin, which may call every one."""
    if route.produces:
        return ("produce",)
    if route.writes:
        return NOBODY
    return ("produce", "read") if route.template.startswith(RECEIPTS) else ("read",)


def is_open(route: RouteInfo, *, open_metrics: bool) -> bool:
    """Whether a route is answered without a key."""
    return route.template.startswith(OPEN_PREFIX) or (open_metrics and route.template == METRICS)


def check_role(key: ApiKey, route: RouteInfo) -> None:
    """Raises Refusal `forbidden` where the key has no role for the route."""
    if ADMIN in key.roles:
        return
    roles = roles_for(route)
    if key.roles.isdisjoint(roles):
        needed = " or ".join((*roles, ADMIN))
        raise Refusal("forbidden", f"The API key {key.name} may not do this: it needs the role {needed}")
