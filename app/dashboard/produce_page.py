"""The page that produces a message: where to, and within which limits. It sends by `POST /produce`."""

from __future__ import annotations

from pathlib import Path

from app.api.services import Services
from app.api.topic_policy import TopicPolicy
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.pages import Page
from app.dashboard.permissions import permission, why_no_produce
from app.dashboard.queries import Query
from app.settings import listed

MOST_TOPICS = 10_000


def produce_page(services: Services) -> Page:
    """The page."""
    settings = services.settings
    own = services.table.dead_letter_topics() | ({settings.http_async_dlq_topic} - {""})
    policy = TopicPolicy(own, listed(settings.http_topics))
    directory = settings.http_schemas_dir
    schemas = sorted(path.stem for path in Path(directory).glob("*.json")) if directory else []
    limits = {
        "max_payload_bytes": settings.producer_max_payload_bytes,
        "timeout_s": settings.http_timeout_s,
        "max_timeout_s": settings.http_max_timeout_s,
    }

    def build(query: Query) -> Document:
        allowed = policy.of(query.key)
        topics = [topic for topic in sorted(services.cluster.topics()) if allowed.refusal(topic) is None]
        return dated(
            {
                "produce": services.snapshot.produce(),
                "topics": topics[:MOST_TOPICS],
                "schemas": schemas,
                "limits": limits,
                "permission": permission(why_no_produce(query.key)),
            }
        )

    return Page("/dashboard/produce", "Produce", build, personal=True)
