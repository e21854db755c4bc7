"""Topics that go."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient


async def delete(servers: str, *topics: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.delete_topics(list(topics))
    await admin.close()
