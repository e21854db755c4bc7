"""For tests of what you write."""

from __future__ import annotations

from app.events import Monitor
from app.kafka.recording import RecordedMessage, RecordingKafka
from app.producer import Producer
from app.settings import Settings

__all__ = ["RecordedMessage", "RecordingKafka", "recording_producer"]


def recording_producer(*, partitions: int = 1, **settings: object) -> tuple[Producer, RecordingKafka]:
    """A producer that speaks to no Kafka, and what it was given: `recorded.messages`, `recorded.of(topic)`.

    Every topic exists, with so many partitions. `settings` as `producer_max_payload_bytes=100`. Call it where an
    event loop runs; close the producer at the end.
    """
    recorded = RecordingKafka(partitions=partitions)
    base: dict[str, object] = {
        "kafka_bootstrap_servers": "recording:9092",
        "producer_client": "recording",
        "producer_transactional_id_prefix": "recording",
    }
    chosen = Settings.model_validate(base | settings)
    return Producer(chosen, recorded, recorded.open_client, Monitor()), recorded
