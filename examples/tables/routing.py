"""The table of the example: three topics, one consumer."""

from __future__ import annotations

from app.routes import Routes
from examples.tables.consumer import COUNTS_TOPIC, CountsConsumer, ShowConsumer
from examples.tables.tables import TABLES


def draw(routes: Routes) -> None:
    with routes.group("tables") as group:
        for table in TABLES:
            group.topic(table.topic, CountsConsumer, max_messages=500)
    with routes.group("tables-shown", initial_offset="latest") as group:
        group.topic(COUNTS_TOPIC, ShowConsumer)
