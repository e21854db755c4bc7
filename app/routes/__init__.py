"""The language of `app/routing.py`: topics, patterns and groups as data, checked as a whole at boot."""

from app.routes.routes import Routes
from app.routes.strategies import Dispatch, Retry, Skip, Stop
from app.routes.table import Backoff, DeadLetter, Group, Keyed, RoutingTable, Subscription

__all__ = [
    "Backoff",
    "DeadLetter",
    "Dispatch",
    "Group",
    "Keyed",
    "Retry",
    "Routes",
    "RoutingTable",
    "Skip",
    "Stop",
    "Subscription",
]
